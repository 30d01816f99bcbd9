"""Recipes of formulas, followed in any number system."""

from __future__ import annotations

from collections.abc import Sequence

from rules_engine.numbers.exact import EXACT
from rules_engine.numbers.system import Number, NumberSystem
from tests.numbers.bounded_trials import MADE, Recipe


def followed(num: NumberSystem, recipe: Recipe, inputs: Sequence[Number]) -> Number:
    """What a recipe makes of inputs. Raises `ZeroDivisionError` where exact numbers are divided by zero."""
    kind, *parts = recipe
    if kind == "column":
        return inputs[parts[0]]
    if kind == "constant":
        return num.constant(parts[0])
    if kind in ("envelope", "step"):
        x, table = followed(num, parts[0], inputs), parts[1]
        return (
            num.envelope(x, table.floors, table.lines)
            if kind == "envelope"
            else num.step(x, table.floors, table.values)
        )
    if kind == "scaled":
        return MADE[kind](num, followed(num, parts[0], inputs), parts[1])
    operands = [followed(num, each, inputs) for each in (parts[0] if isinstance(parts[0], list) else parts)]
    if kind == "over" and num is EXACT and operands[1] == 0:
        raise ZeroDivisionError
    return MADE[kind](num, *operands)
