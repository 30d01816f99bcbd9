"""What an asset counts for as collateral."""

from __future__ import annotations

from rules_engine.numbers.exact import ZERO
from rules_engine.numbers.system import Number, NumberSystem


def collateral_value(
    num: NumberSystem, amount: Number, price: Number, haircut: Number, cap: Number | None = None
) -> Number:
    """Value of an amount after haircut, in the settlement currency; a debt counts for more than it is worth.

    amount > 0 counts `min(amount * price * (1 - haircut), cap)`, amount < 0 counts `amount * price * (1 + haircut)`.
    """
    held = num.maximum(amount, ZERO) * price * (1 - haircut)
    owed = num.minimum(amount, ZERO) * price * (1 + haircut)
    return (held if cap is None else num.minimum(held, cap)) + owed
