"""What a component needs to be exercised: a policy that allows it, accounts and markets; and parameters to try."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec

Source: TypeAlias = Mapping[str, Any] | bytes | str
"""A document: JSON text, or what it spells."""


class Examples(msgspec.Struct, frozen=True, kw_only=True):
    """Documents in which a component is at work. What is left out is built in.

    `policy` is the text of a policy or the path of one, and allows the mode under test, with its parameters. Accounts
    hold positions in that mode, and markets what it reads: every account is tried in every market, then variants.
    """

    policy: str | Path | None = None
    accounts: Sequence[Source] = ()
    markets: Sequence[Source] = ()

    def __post_init__(self) -> None:
        if self.policy is not None and not (self.accounts and self.markets):
            raise TypeError("examples with a policy of their own need accounts and markets that go with it")


STANDARD: Final = Examples()
"""The built-in ones."""

_OF_TYPE: Final[Mapping[str, Any]] = {
    "string": "example",
    "boolean": False,
    "duration": "1d",
    "time": "2026-01-01T00:00:00Z",
    "dict": {},
    "list": [],
}
_BANDS: Final = ({"multiply": Decimal(1)}, {"multiply": Decimal(2)})


def guessed_parameters(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters that a schema of Cerberus should accept: each that it requires, with a value in its range."""
    guessed: dict[str, Any] = {}
    for name, rules in schema.items():
        excluded = rules.get("excludes", ())
        excludes = {excluded} if isinstance(excluded, str) else set(excluded)
        if rules.get("required") and "default" not in rules and not excludes & set(guessed):
            guessed[name] = _bands(rules) if name == "bands" else _guess(rules)
    return guessed


def _bands(rules: Mapping[str, Any]) -> Any:
    """Two bands, the first from 0, as policies have them."""
    start = rules.get("schema", {}).get("schema", {}).get("from", {})
    floors = ("0d", "1d") if start.get("coerce") == "duration" else (Decimal(0), Decimal(1))
    return [{"from": floor, **band} for floor, band in zip(floors, _BANDS, strict=True)]


def _guess(rules: Mapping[str, Any]) -> Any:
    if rules.get("allowed"):
        return next(iter(rules["allowed"]))
    stated: Any = rules["coerce"] if isinstance(rules.get("coerce"), str) else rules.get("type", "number")
    kind = stated if isinstance(stated, str) else stated[0]
    inner = rules.get("schema")
    if kind == "dict" and "valuesrules" in rules:
        return {str(_guess(rules.get("keysrules", {"type": "string"}))): _guess(rules["valuesrules"])}
    if kind == "dict" and inner:
        return guessed_parameters(inner)
    if kind == "list" and inner:
        return [_guess(inner)] * max(1, rules.get("minlength", 1))
    return _number(rules, kind) if kind in ("number", "integer") else _OF_TYPE.get(kind, "example")


def _number(rules: Mapping[str, Any], kind: str) -> Decimal:
    """Midway between its bounds, or 1 beyond the only one."""
    low, high = rules.get("min", rules.get("above")), rules.get("max", rules.get("below"))
    if low is not None and high is not None:
        middle = (Decimal(str(low)) + Decimal(str(high))) / 2
        return middle.to_integral_value() if kind == "integer" else middle
    if high is not None:
        return min(Decimal(str(high)) - 1, Decimal(1))
    return Decimal(1) if low is None else max(Decimal(str(low)) + 1, Decimal(1))
