"""The program's margin calculation once more, in its own whole numbers: slow, obvious, and shared with nothing.

Amounts are in quote units (1e-6), base amounts in 1e-9, ratios and weights in 1e-4, imf factors and prices in 1e-6,
as in `programs/drift/src/math/margin.rs`. Python's `//` is the program's division where nothing is below 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt


def premium(size: int, imf: int, weight: int) -> int:
    """`calculate_size_premium_liability_weight`."""
    return max(weight, weight - weight // 5 + isqrt(10 * size + 1) * imf // 10_000_000) if imf else weight


def discount(size: int, imf: int, weight: int) -> int:
    """`calculate_size_discount_asset_weight`."""
    if not imf:
        return weight
    return min(weight, 1_100_000 * 10_000 // (1_000_000 + isqrt(10 * size + 1) * imf // 100_000))


def towards_zero(x: int, by: int) -> int:
    """The program's division of signed numbers."""
    return x // by if x >= 0 else -(-x // by)


@dataclass(frozen=True)
class Perp:
    """A perp position with its market."""

    base: int
    quote: int
    price: int
    ratios: tuple[int, int]
    imf: int
    pnl_weights: tuple[int, int]
    pnl_imf: int

    def sums(self, initial: bool) -> tuple[int, int, int]:
        """What it adds to total collateral, margin requirement, and the requirement with a buffer of 2 %."""
        kind = 0 if initial else 1
        value = abs(self.base) * self.price // 1_000_000_000
        requirement = value * premium(abs(self.base), self.imf, self.ratios[kind]) // 10_000
        pnl = towards_zero(self.base * self.price, 1_000_000_000) + self.quote
        if pnl > 0:
            weight = self.pnl_weights[kind]
            weight = discount(pnl * 1000, self.pnl_imf, weight) if initial and weight else weight
            pnl = pnl * weight // 10_000
        pnl = min(pnl, 100_000_000) if initial else pnl
        return pnl, requirement, requirement + value * 200 // 10_000


@dataclass(frozen=True)
class Spot:
    """A deposit or a debt (negative) in a market of 9 decimals; the quote asset has weights of 1 and no factor."""

    amount: int
    price: int
    asset_weights: tuple[int, int] = (10_000, 10_000)
    liability_weights: tuple[int, int] = (10_000, 10_000)
    imf: int = 0

    def sums(self, initial: bool) -> tuple[int, int, int]:
        """As `Perp.sums`; a debt's value is rounded away from zero (`get_token_value` divides towards the floor)."""
        kind = 0 if initial else 1
        if self.amount >= 0:
            value = self.amount * self.price // 1_000_000_000
            return value * discount(self.amount, self.imf, self.asset_weights[kind]) // 10_000, 0, 0
        value = -(self.amount * self.price // 1_000_000_000)
        requirement = value * premium(-self.amount, self.imf, self.liability_weights[kind]) // 10_000
        return 0, requirement, requirement + value * 200 // 10_000


def totals(items: list[Perp | Spot], *, initial: bool) -> tuple[int, int, int]:
    """Total collateral, margin requirement, and the requirement with the buffer."""
    sums = [item.sums(initial) for item in items]
    return sum(a for a, _, _ in sums), sum(b for _, b, _ in sums), sum(c for _, _, c in sums)
