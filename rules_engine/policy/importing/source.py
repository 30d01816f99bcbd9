"""The JSON text of a venue's tiers, read without loss: every number stays the text that spells it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from rules_engine.errors import DocumentError, Mark, Problem
from rules_engine.policy.importing.symbols import shown

LARGEST_SOURCE: Final = 100_000_000
"""Bytes; Binance's 907 contracts take 2 million."""

_NUMBER: Final = re.compile(r"-?([0-9]+)(?:\.([0-9]+))?(?:[eE][+-]?0*([0-9]{1,3}))?")
_MOST_DIGITS: Final = 40
_LARGEST: Final = Decimal("1e30")
_SMALLEST: Final = Decimal("1e-30")
_UNREAD: Final = Decimal("NaN")
_DEEPEST: Final = 16


class _Members(dict[str, Any]):
    """An object of the text, with the keys that it gives more than once."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        counts = Counter(name for name, _ in pairs) if len(self) < len(pairs) else {}
        self.repeated = [name for name, count in counts.items() if count > 1]


def read_source(data: bytes, file: str) -> dict[str, Any]:
    """What the text says by symbol; numbers as text. Raises DocumentError where the whole file cannot be used."""
    value = _parsed(_decoded(data, file), file)
    if not isinstance(value, dict) or not value:
        found = "no market" if value == {} else "no object of markets"
        raise _fault("TYPE_WRONG", f"{found} in the file", "wanted symbol -> tiers, as fetch_leverage_tiers gives")
    problems = list(_form_problems(value, "", 0))
    if problems:
        raise DocumentError(problems)
    if not any(_looks_like_tiers(symbol, tiers) for symbol, tiers in value.items()):
        message = "this is no file of leverage tiers: nothing in it is a symbol with a list of tiers"
        hint = 'wanted what ccxt\'s fetch_leverage_tiers gives, such as {"BTC/USDT:USDT": [{"tier": 1, ...}, ...]}'
        raise _fault("TIERS_NONE", message, hint, Mark(file, 1, 1))
    return value


def _looks_like_tiers(symbol: str, tiers: object) -> bool:
    """Whether a member of the file is a market at all: by its name, or by what it holds."""
    rows = tiers if isinstance(tiers, list) else []
    return "/" in symbol or any(isinstance(row, dict) and "maintenanceMarginRate" in row for row in rows)


def _decoded(data: bytes, file: str) -> str:
    if len(data) > LARGEST_SOURCE:
        raise _fault("JSON_SIZE", f"{len(data)} bytes", f"at most {LARGEST_SOURCE} are read", Mark(file, 1, 1))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        mark = Mark(file, before.count(b"\n") + 1, error.start - before.rfind(b"\n"))
        raise _fault("JSON_ENCODING", "not UTF-8 text", "save the file as UTF-8, not compressed", mark) from None


def _parsed(text: str, file: str) -> object:
    try:
        return json.loads(text, parse_float=str, parse_int=str, parse_constant=str, object_pairs_hook=_Members)
    except json.JSONDecodeError as error:
        raise _fault("JSON_SYNTAX", error.msg, "", Mark(file, error.lineno, error.colno)) from None
    except RecursionError:
        raise _fault("JSON_DEPTH", "nested too deeply", "", Mark(file, 1, 1)) from None


def _form_problems(value: object, path: str, depth: int) -> Iterator[Problem]:
    """Keys given twice and nesting without end, wherever they stand."""
    if depth > _DEEPEST:
        yield Problem(code="JSON_DEPTH", message=f"nested more than {_DEEPEST} deep", path=path[:80])
    elif isinstance(value, _Members):
        for name in value.repeated:
            message = f"`{shown(name)}` is given more than once"
            yield Problem(code="KEY_DUPLICATE", message=message, path=_inside(path, name))
        for name, item in value.items():
            yield from _form_problems(item, _inside(path, name), depth + 1)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _form_problems(item, f"{path}[{index}]", depth + 1)


def _inside(path: str, name: str) -> str:
    return f"{path}.{shown(name)}" if path else shown(name)


def _fault(code: str, message: str, hint: str, mark: Mark | None = None) -> DocumentError:
    return DocumentError([Problem(code=code, message=message, hint=hint, mark=mark)])


class Fields:
    """Reads named fields of one object; what is missing or wrong becomes a problem.

    A number that cannot be read is NaN, which raises wherever it is ordered, so that no law is judged on it.
    """

    def __init__(self, members: object, path: str, problems: list[Problem]) -> None:
        self.path = path
        self._problems = problems
        self._members: dict[str, Any] = members if isinstance(members, dict) else {}
        if not isinstance(members, dict):
            self.refuse("TYPE_WRONG", f"found {_found(members)}, wanted an object")

    def __contains__(self, name: str) -> bool:
        return self._members.get(name) is not None

    def refuse(self, code: str, message: str, hint: str = "", field: str = "") -> None:
        """Adds a problem about this object or one of its fields."""
        path = f"{self.path}.{field}" if field else self.path
        self._problems.append(Problem(code=code, message=message, hint=hint, path=path))

    def value(self, name: str) -> Any:
        """The field as it stands; missing and null are one problem."""
        if name not in self:
            self.refuse("KEY_MISSING", f"`{name}` is missing", field=name)
            return None
        return self._members[name]

    def number(self, name: str) -> Decimal:
        """The field as the decimal it spells."""
        value = self.value(name)
        if value is None:
            return _UNREAD
        match = _NUMBER.fullmatch(value) if isinstance(value, str) and len(value) <= 2 * _MOST_DIGITS else None
        if match is None:
            self.refuse("NUMBER_INVALID", f"found {_found(value)}, wanted a finite number", field=name)
            return _UNREAD
        number = Decimal(match[0])
        digits = len(match[1] + (match[2] or ""))
        if digits > _MOST_DIGITS or (number and not _SMALLEST <= abs(number) <= _LARGEST):
            self.refuse("NUMBER_RANGE", f"{_found(value)} is out of range", "40 digits, 10^-30 to 10^30", field=name)
            return _UNREAD
        return number


def _found(value: object) -> str:
    if isinstance(value, str):
        return f"`{shown(value[:40])}`"
    names = {dict: "an object", list: "a list", bool: "true or false", type(None): "nothing"}
    return names.get(type(value)) or names[dict]
