"""Every value of a resolved policy beside the place it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

from rules_engine.errors import Mark
from rules_engine.numbers.exact import Ratio
from rules_engine.numbers.text import plain
from rules_engine.policy.document import Path
from rules_engine.policy.findings import path_text
from rules_engine.terms.policy import Policy

DEFAULT: Final = "default"
"""The source of a value that no text states."""


class Value(msgspec.Struct, frozen=True):
    """One value: its path in the document, how it is written, and `file:line` or `default`."""

    path: str
    text: str
    source: str


def stated_values(policy: Policy, *start: str) -> list[Value]:
    """The values under a path of the resolved document, in its order; of a list of maps, one value an element."""
    leaves = _leaves(_at(policy.document, start), start)
    return [Value(path_text(path), written(leaf), source_of(policy, path)) for path, leaf in leaves]


def default_values(policy: Policy) -> list[Value]:
    """What the text leaves out and the engine therefore takes at its default."""
    return [
        Value(path_text(path), written(value), DEFAULT)
        for path, value in _effective(policy).items()
        if not _stated(policy.document, path)
    ]


def source_of(policy: Policy, path: Path) -> str:
    """`file:line` of a value, or of the nearest thing around it."""
    while path and path not in policy.marks:
        path = path[:-1]
    return line_of(policy.marks.get(path))


def line_of(mark: Mark | None) -> str:
    """`file:line`; empty where the place is not known."""
    return f"{mark.file}:{mark.line}" if mark else ""


def sources_below(policy: Policy, *start: str) -> str:
    """`file:line` of a value, and of the first value inside it that each other file supplies."""
    own = source_of(policy, start)
    others: dict[str, str] = {}
    for path, _ in _leaves(_at(policy.document, start), start):
        source = source_of(policy, path)
        others.setdefault(source.rpartition(":")[0], source)
    others.pop(own.rpartition(":")[0], None)
    return ", ".join([own, *others.values()])


def written(value: Any) -> str:
    """A value as it would stand in the policy, on one line."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {written(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(written(inner) for inner in value) + "]"
    return str(value)


def figure(number: Decimal | Ratio) -> str:
    """A number exactly, in plain digits; a quotient that is not finite as a fraction, `1/75`."""
    return f"{plain(number.n)}/{plain(number.d)}" if isinstance(number, Ratio) else plain(number)


def plain_values(value: Any) -> Any:
    """The value with every number as its decimal text."""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, Mapping):
        return {key: plain_values(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_values(inner) for inner in value]
    return value


def _leaves(node: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(node, Mapping) and node:
        for key, inner in node.items():
            yield from _leaves(inner, (*path, key))
    elif isinstance(node, (list, tuple)) and any(isinstance(inner, Mapping) for inner in node):
        yield from (((*path, index), inner) for index, inner in enumerate(node))
    else:
        yield path, node


def _at(node: Any, path: Path) -> Any:
    for key in path:
        node = node[key]
    return node


def _stated(document: Any, path: Path) -> bool:
    for key in path:
        if not isinstance(document, Mapping) or key not in document:
            return False
        document = document[key]
    return True


def _effective(policy: Policy) -> dict[Path, Any]:
    """The values at work, for every key that the text may leave out."""
    liquidation, fee, limits = policy.liquidation, policy.liquidation.closing_fee, policy.market_limits
    conventions = policy.conventions
    return {
        ("applies_to",): policy.applies_to,
        ("liquidation", "trigger"): liquidation.trigger,
        ("liquidation", "margin_call"): liquidation.margin_call,
        ("liquidation", "restore_to"): liquidation.restore_to,
        ("liquidation", "closing_fee", "rate"): fee.rate,
        ("liquidation", "closing_fee", "counts_in"): sorted(fee.counts_in),
        ("liquidation", "closing_fee", "valued_at"): fee.valued_at,
        ("liquidation", "close_out", "plan"): liquidation.close_out.plan.name,
        ("conventions", "maintenance_priced_at"): conventions.maintenance_priced_at,
        ("conventions", "initial_priced_at"): conventions.initial_priced_at,
        ("conventions", "liquidation_price"): conventions.liquidation_price,
        ("conventions", "liquidation_price_rounding"): conventions.liquidation_price_rounding,
        ("orders", "opening_fee_rate"): policy.opening_fee_rate,
        ("market_data", "stale_after"): limits.stale_after or "no limit",
        ("market_data", "max_divergence"): "no limit" if limits.max_divergence is None else limits.max_divergence,
        ("market_data", "max_confidence"): "no limit" if limits.max_confidence is None else limits.max_confidence,
    }
