"""Exact arithmetic written in case files: what a case derives from its inputs, and what it reads off an evaluation."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any, Final

WORDS: Final = {"long": Fraction(1), "short": Fraction(-1)}
"""How sources name sides."""

_DIGITS: Final = Context(prec=28)
_OPERATORS: Final[dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_ROUNDINGS: Final[dict[str, Callable[[Fraction], int]]] = {
    "truncated": int,
    "half_up": lambda x: int(abs(x) + Fraction(1, 2)) * (1 if x > 0 else -1),
    "floor": lambda x: x.numerator // x.denominator,
    "ceiling": lambda x: -(-x.numerator // x.denominator),
}


def number(text: str) -> Fraction:
    """The exact number that a text spells, or that a word such as `short` stands for."""
    return WORDS[text] if text in WORDS else Fraction(Decimal(text))


def evaluated(expression: str, names: Mapping[str, Any]) -> Fraction | None:
    """The value of an expression in `+ - * /` and `abs` over names and their members.

    An expression that is a name alone may stand for what has no value: None.
    """
    value: Fraction | None = _value(ast.parse(expression, mode="eval").body, names)
    return value


def _value(node: ast.expr, names: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant():
            return Fraction(str(node.value))
        case ast.Name():
            return _number_or_record(names[node.id])
        case ast.Attribute():
            return _number_or_record(_value(node.value, names)[node.attr])
        case ast.BinOp():
            return _OPERATORS[type(node.op)](_value(node.left, names), _value(node.right, names))
        case ast.UnaryOp(op=ast.USub()):
            return -_value(node.operand, names)
        case ast.Call(func=ast.Name(id="abs"), args=[argument]):
            return abs(_value(argument, names))
    raise ValueError(f"not arithmetic: {ast.unparse(node)}")


def _number_or_record(found: Any) -> Any:
    return number(found) if isinstance(found, str) else found


def decimal_text(x: Fraction) -> str:
    """A number as documents write it: exactly, or its first 28 digits where it never ends."""
    return f"{_DIGITS.divide(Decimal(x.numerator), Decimal(x.denominator)):f}"


def as_printed(x: Fraction, how: str) -> Fraction:
    """A figure as a venue prints it; `how` is a direction and a unit, such as `truncated 0.00000001`."""
    direction, unit = how.split()
    return _ROUNDINGS[direction](x / Fraction(unit)) * Fraction(unit)


def agrees(found: Fraction | None, published: str, tolerance: str) -> bool:
    """Whether a figure is the published one; a tolerance is absolute, or `rel:` a fraction of the published figure."""
    if found is None or published == "null":
        return found is None and published == "null"
    if tolerance.startswith("rel:"):
        return abs(found - number(published)) <= abs(number(published)) * Fraction(tolerance[4:])
    return abs(found - number(published)) <= Fraction(tolerance)
