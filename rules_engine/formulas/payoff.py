"""Payoffs: how a price becomes the value of one contract. The rest of the mathematics works in that value.

The value rises with the price for every payoff, so a long gains when the price rises; an inverse contract's value is
negative, which is what makes one formula serve all payoffs.
"""

from __future__ import annotations

from collections.abc import Sequence

from rules_engine.numbers.exact import ZERO
from rules_engine.numbers.system import Number, NumberSystem


class Linear:
    """Worth `contract_size * price`, settled in the quote currency. `contract_size` is 1 where it is not stated."""

    name: str = "linear"
    value_range: tuple[Number | None, Number | None] = (ZERO, None)
    required: Sequence[str] = ()

    def value(self, num: NumberSystem, price: Number, contract_size: Number, conversion: Number) -> Number:
        return contract_size * price

    def price(self, num: NumberSystem, value: Number, contract_size: Number, conversion: Number) -> Number:
        return num.quotient(value, contract_size)


class Inverse:
    """Worth `-contract_size / price`, settled in the base currency; `contract_size` is in the quote currency."""

    name: str = "inverse"
    value_range: tuple[Number | None, Number | None] = (None, ZERO)
    required: Sequence[str] = ("contract_size",)

    def value(self, num: NumberSystem, price: Number, contract_size: Number, conversion: Number) -> Number:
        return num.quotient(-contract_size, price)

    def price(self, num: NumberSystem, value: Number, contract_size: Number, conversion: Number) -> Number:
        return num.quotient(-contract_size, value)


class Quanto:
    """Worth `conversion * contract_size * price`: a price in one currency, settled in another at a fixed rate."""

    name: str = "quanto"
    value_range: tuple[Number | None, Number | None] = (ZERO, None)
    required: Sequence[str] = ("contract_size", "conversion")

    def value(self, num: NumberSystem, price: Number, contract_size: Number, conversion: Number) -> Number:
        return conversion * contract_size * price

    def price(self, num: NumberSystem, value: Number, contract_size: Number, conversion: Number) -> Number:
        return num.quotient(value, conversion * contract_size)
