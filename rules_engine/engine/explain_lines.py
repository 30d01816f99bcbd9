"""What the parts of an explanation have in common: how steps, doubts and places become lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from rules_engine.errors import Doubt, Mark
from rules_engine.numbers.system import Number
from rules_engine.numbers.text import plain
from rules_engine.numbers.traced import Step, TracedNumbers, readable
from rules_engine.terms.explanation import Line

UNKNOWN: Final = "?"
"""The value of what is not known."""
NONE: Final = "-"
"""The value of what does not exist."""


def where(mark: Mark | None) -> str:
    """`file:line`; empty where the place is not known."""
    return "" if mark is None else f"{mark.file}:{mark.line}"


def step_line(step: Step, figures: object, source: str = "") -> Line:
    """A step; where the printed figure differs from the exact one, what it was rounded from."""
    name, value, how = step
    printed = getattr(figures, name, None)
    if isinstance(printed, Decimal) and printed != value:
        return Line(name, plain(printed), f"{how} = {readable(value)}, rounded", source)
    return Line(name, readable(value), how, source)


def doubt_lines(doubts: Iterable[Doubt]) -> list[Line]:
    """Why something is not known, a line each."""
    return [Line(doubt.code, UNKNOWN, doubt.message) for doubt in doubts]


def unless_zero(num: TracedNumbers, name: str, value: Number) -> Number:
    """An input under its name; a 0 that is not worth naming as a bare 0."""
    return num.given(name, value) if value != 0 else num.constant(value)


def named_parameters(num: TracedNumbers, value: Any, name: str = "") -> Any:
    """Parameters whose numbers go by their names in the policy."""
    if isinstance(value, Mapping):
        return {key: named_parameters(num, member, str(key)) for key, member in value.items()}
    if isinstance(value, tuple):
        return tuple([named_parameters(num, member, name) for member in value])
    return num.given(name, value) if isinstance(value, Decimal) else value
