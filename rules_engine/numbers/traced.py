"""Exact numbers that remember how they were made: explaining a figure is running its formula once more on these."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Context, Decimal, localcontext
from typing import Final, TypeAlias

from rules_engine.numbers.exact import EXACT, ZERO, Exact, Ratio, divide
from rules_engine.numbers.system import Direction, Line, Number
from rules_engine.numbers.text import plain

_READABLE: Final = Context(prec=12)
_ATOM, _PRODUCT, _SUM, _PHRASE = 3, 2, 1, 0
_ROUNDED: Final[dict[Direction, str]] = {
    "up": "rounded up to",
    "down": "rounded down to",
    "half_up": "rounded half up to",
}
_TERMS_SHOWN: Final = 12


def readable(x: Exact) -> str:
    """An exact number for people: whole where it is short, otherwise its first 12 digits and an ellipsis."""
    if isinstance(x, Ratio):
        with localcontext(_READABLE):
            quotient = x.n / x.d
        return plain(quotient) if divide(quotient, Decimal(1)) == x else plain(quotient) + "…"
    x = Decimal(x)
    if len(x.normalize().as_tuple().digits) <= 20:
        return plain(x)
    with localcontext(_READABLE):
        return plain(+x) + "…"


class Step(tuple[str, Exact, str]):
    """One named figure: `(name, value, how it was made)`."""

    __slots__ = ()


class Traced:
    """An exact number with the expression that made it."""

    __slots__ = ("binding", "text", "value")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: Exact, text: str, binding: int = _ATOM) -> None:
        self.value = value
        self.text = text
        self.binding = binding

    def inside(self, binding: int) -> str:
        """The expression as a part of one that binds this strongly."""
        return self.text if self.binding >= binding else f"({self.text})"

    def __add__(self, other: Operand) -> Traced:
        return _sum(self, _traced(other))

    def __radd__(self, other: Operand) -> Traced:
        return _sum(_traced(other), self)

    def __neg__(self) -> Traced:
        return Traced(-self.value, f"-{self.inside(_ATOM)}", _PRODUCT)

    def __sub__(self, other: Operand) -> Traced:
        taken = _traced(other)
        if taken.text == "0":
            return self
        return Traced(self.value - taken.value, f"{self.inside(_SUM)} - {taken.inside(_PRODUCT)}", _SUM)

    def __rsub__(self, other: Operand) -> Traced:
        return _traced(other) - self

    def __mul__(self, other: Operand) -> Traced:
        return _product(self, _traced(other))

    def __rmul__(self, other: Operand) -> Traced:
        return _product(_traced(other), self)


Operand: TypeAlias = Traced | Exact


def _traced(x: Operand) -> Traced:
    return x if isinstance(x, Traced) else Traced(x, readable(x))


def _sum(a: Traced, b: Traced) -> Traced:
    if a.text == "0" or b.text == "0":
        return b if a.text == "0" else a
    return Traced(a.value + b.value, f"{a.inside(_SUM)} + {b.inside(_SUM)}", _SUM)


def _product(a: Traced, b: Traced) -> Traced:
    if a.text == "0" or b.text == "0":
        return Traced(ZERO, "0")
    if a.text == "1" or b.text == "1":
        return b if a.text == "1" else a
    return Traced(a.value * b.value, f"{a.inside(_PRODUCT)} * {b.inside(_PRODUCT)}", _PRODUCT)


class TracedNumbers:
    """The number system that keeps an account of every named figure, in `steps`."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def given(self, name: str, value: Number) -> Traced:
        """An input under its name."""
        return Traced(value, f"{name} {readable(value)}")

    def constant(self, value: Number) -> Number:
        return _traced(value)

    def absolute(self, x: Number) -> Number:
        x = _traced(x)
        return Traced(abs(x.value), f"|{x.text}|")

    def minimum(self, *xs: Number) -> Number:
        return _chosen("smallest of", xs, EXACT.minimum)

    def maximum(self, *xs: Number) -> Number:
        return _chosen("largest of", xs, EXACT.maximum)

    def total(self, xs: Iterable[Number]) -> Number:
        """The sum of what is not 0; after twelve terms the others as one, with their number and their sum."""
        terms = [term for term in map(_traced, xs) if term.value != 0]
        value = EXACT.total([term.value for term in terms])
        shown, others = terms[:_TERMS_SHOWN], terms[_TERMS_SHOWN:]
        if len(terms) == 1:
            return terms[0]
        texts = [term.inside(_SUM) for term in shown]
        if others:
            texts.append(f"{len(others)} more: {readable(EXACT.total([term.value for term in others]))}")
        return Traced(value, " + ".join(texts) or "0", _SUM if texts else _ATOM)

    def quotient(self, x: Number, by: Number) -> Number:
        x, by = _traced(x), _traced(by)
        return Traced(divide(x.value, by.value), f"{x.inside(_PRODUCT)} / {by.inside(_ATOM)}", _PRODUCT)

    def envelope(self, x: Number, floors: Sequence[Number], lines: Sequence[Line]) -> Number:
        rate, deduction = self.step(x, floors, lines)
        return rate * _traced(x) - deduction

    def step(self, x: Number, floors: Sequence[Number], values: Sequence[Number]) -> Number:
        return EXACT.step(_traced(x).value, [_traced(floor).value for floor in floors], values)

    def rounded(self, x: Number, unit: Number, direction: Direction) -> Number:
        x = _traced(x)
        text = f"{x.inside(_ATOM)} {_ROUNDED[direction]} {readable(unit)}"
        return Traced(EXACT.rounded(x.value, unit, direction), text, _PHRASE)

    def square_root(self, x: Number, unit: Number, direction: Direction) -> Number:
        x = _traced(x)
        text = f"root of ({x.text}) {_ROUNDED[direction]} {readable(unit)}"
        return Traced(EXACT.square_root(x.value, unit, direction), text, _PHRASE)

    def exponential(self, x: Number) -> Number:
        x = _traced(x)
        return Traced(EXACT.exponential(x.value), f"exp({x.text})")

    def logarithm(self, x: Number) -> Number:
        x = _traced(x)
        return Traced(EXACT.logarithm(x.value), f"ln({x.text})")

    def normal(self, x: Number) -> Number:
        x = _traced(x)
        return Traced(EXACT.normal(x.value), f"N({x.text})")

    def named(self, name: str, x: Number, note: str = "") -> Number:
        x = _traced(x)
        text = f"{x.text}  {note}" if note else x.text
        label = f"{name} {readable(x.value)}"
        step = Step((name, x.value, text))
        if step not in self.steps and x.text != label:
            self.steps.append(step)
        return Traced(x.value, label)


def _chosen(words: str, xs: Sequence[Number], choose: Callable[..., Exact]) -> Traced:
    """The chosen one with all that it was chosen from; a bare constant or a 0 that lost is not worth saying."""
    traced = [_traced(x) for x in xs]
    value = choose(*[x.value for x in traced])
    said = [x for x in traced if x.value == value or (x.text != readable(x.value) and x.value != 0)]
    texts = list(dict.fromkeys(text for x in said for text in _alternatives(words, x.text)))
    return next(x for x in said) if len(texts) == 1 else Traced(value, f"{words} ({'; '.join(texts)})")


def _alternatives(words: str, text: str) -> list[str]:
    """What a nested choice of the same kind chose from, so that choices lie flat."""
    return text[len(words) + 2 : -1].split("; ") if text.startswith(f"{words} (") else [text]
