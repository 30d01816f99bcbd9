"""Calls and puts as contracts: worth `contract_size * price`, where the price is the option's premium per unit."""

from __future__ import annotations

from collections.abc import Sequence

from rules_engine.plugin import Number, NumberSystem


class Option:
    """An option whose price is quoted in the settlement currency per unit of the underlying."""

    name: str
    required: Sequence[str] = ("contract_size", "strike")
    value_range: tuple[Number | None, Number | None] = (0, None)

    def value(self, num: NumberSystem, price: Number, contract_size: Number, conversion: Number) -> Number:
        return contract_size * price

    def price(self, num: NumberSystem, value: Number, contract_size: Number, conversion: Number) -> Number:
        return num.quotient(value, contract_size)


class Call(Option):
    """The right to buy at the strike."""

    name = "call"


class Put(Option):
    """The right to sell at the strike."""

    name = "put"
