"""Numbers that cannot be looked at: whoever branches on one, or divides it with `/`, is found and told what he did."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from types import FrameType
from typing import Any, Final, NoReturn

from rules_engine.engine.places import place_of
from rules_engine.numbers.system import Direction, Line, Number

_ORDERED: Final = "num.maximum, num.minimum or num.step"
INSTEAD: Final = {
    "bool (if, and, or, not)": "num.step, or multiply by exposure.side",
    "==": "num.step",
    "!=": "num.step",
    "<": _ORDERED,
    "<=": _ORDERED,
    ">": _ORDERED,
    ">=": _ORDERED,
    "hash() (a key of a dict or set)": "the position's id or instrument as the key",
    "float()": "the number itself; for functions of math num.square_root, num.exponential, num.logarithm, num.normal",
    "int()": "num.rounded",
    "round()": "num.rounded",
    "abs()": "num.absolute",
    "unary +": "the number itself",
    "/": "num.quotient",
    "//": "num.rounded of num.quotient",
    "%": "the number less num.rounded of it",
    "divmod()": "num.rounded of num.quotient",
    "**": "* or num.square_root",
}
"""What to write instead of what formulas may not do."""


class Forbidden(TypeError):
    """A formula did to a number what only some number systems know."""


class Opaque:
    """A number of which nothing is known. It has `+`, `-` and `*`; all else is noted in its ledger, and raises."""

    __slots__ = ("_ledger",)

    def __init__(self, ledger: list[str]) -> None:
        self._ledger = ledger

    def _same(self, *_: object) -> Opaque:
        return self

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __neg__ = _same


def _refusal(operation: str) -> Callable[..., NoReturn]:
    def refuse(self: Opaque, *_: object) -> NoReturn:
        raise _forbidden(self._ledger, f"a number is used with {operation}", f"write {INSTEAD[operation]}")

    return refuse


def _forbidden(ledger: list[str], what: str, instead: str) -> Forbidden:
    """What was done, the line of the formula that did it, and what to do instead; noted in the ledger."""
    ledger.append(f"{what}{_place()}; {instead}")
    return Forbidden(ledger[-1])


def _place() -> str:
    """In parentheses, the line at work: the innermost that is neither ours nor Python's."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if place := place_of(frame, frame.f_lineno):
            return f" ({place})"
        frame = frame.f_back
    return ""


_FORBIDDEN: Final = {
    "bool (if, and, or, not)": ("__bool__",),
    "==": ("__eq__",),
    "!=": ("__ne__",),
    "<": ("__lt__",),
    "<=": ("__le__",),
    ">": ("__gt__",),
    ">=": ("__ge__",),
    "hash() (a key of a dict or set)": ("__hash__",),
    "float()": ("__float__",),
    "int()": ("__int__", "__index__", "__trunc__"),
    "round()": ("__round__", "__floor__", "__ceil__"),
    "abs()": ("__abs__",),
    "unary +": ("__pos__",),
    "/": ("__truediv__", "__rtruediv__"),
    "//": ("__floordiv__", "__rfloordiv__"),
    "%": ("__mod__", "__rmod__"),
    "divmod()": ("__divmod__", "__rdivmod__"),
    "**": ("__pow__", "__rpow__"),
}
for _operation, _methods in _FORBIDDEN.items():
    for _method in _methods:
        setattr(Opaque, _method, _refusal(_operation))


class OpaqueNumbers:
    """The number system of opaque numbers. `ledger` keeps what was done to them that formulas may not do."""

    def __init__(self) -> None:
        self.ledger: list[str] = []

    @property
    def divided(self) -> bool:
        """Whether something was divided with an operator, for which exact numbers have no bounds."""
        return any(
            text.startswith(f"a number is used with {sign}")
            for text in self.ledger
            for sign in ("/", "%", "divmod", "**")
        )

    def number(self, *_: object) -> Opaque:
        """Some number."""
        return Opaque(self.ledger)

    constant = absolute = minimum = maximum = quotient = number

    def total(self, xs: Iterable[Number]) -> Number:
        """Some number, once the terms have been made."""
        for _ in xs:
            pass
        return self.number()

    def envelope(self, x: Number, floors: Sequence[Number], lines: Sequence[Line]) -> Number:
        """Some number."""
        return self.number()

    def step(self, x: Number, floors: Sequence[Number], values: Sequence[Number]) -> Any:
        """Some number; where values are several numbers each, as many."""
        first = values[0]
        return tuple(self.number() for _ in first) if isinstance(first, tuple) else self.number()

    def rounded(self, x: Number, unit: Number, direction: Direction) -> Number:
        """Some number; what it is rounded to must be exact in every number system."""
        if isinstance(unit, Opaque):
            what, instead = "a number is rounded to a unit that is not exact", "give an exact one, without num.constant"
            raise _forbidden(self.ledger, what, instead)
        return self.number()

    square_root = rounded

    def exponential(self, x: Number) -> Number:
        """Some number."""
        return self.number()

    logarithm = normal = exponential

    def named(self, name: str, x: Number, note: str = "") -> Number:
        """The same number."""
        return x
