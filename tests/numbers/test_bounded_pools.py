"""Sums by pool and decisions on columns with a proven error, held against fractions."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from random import Random

import numpy as np
import pytest

from rules_engine.engine.sweep_pools import Reach, pool_index, summed
from rules_engine.engine.sweep_rows import STATUSES, decided
from rules_engine.formulas.close_out import Full
from rules_engine.numbers.bounded import Bounded, BoundedNumbers, Scratch
from rules_engine.numbers.exact import ZERO
from rules_engine.terms.exposure import ClosingFee
from rules_engine.terms.policy import CloseOut, Liquidation

NUM = BoundedNumbers(Scratch(1))


def rules(margin_call: str) -> Liquidation:
    """Lines at the maintenance margin and at a multiple of it."""
    return Liquidation(
        trigger="at_or_below",
        margin_call=Decimal(margin_call),
        restore_to=Decimal(2),
        closing_fee=ClosingFee(),
        close_out=CloseOut(plan=Full(), parameters={}),
    )


@pytest.mark.parametrize("largest", [1, 2, 1000])
@pytest.mark.parametrize("off", [0.0, 2.0**-40, 1.0])
def test_sums__of_many_terms_are_within_their_error(largest: int, off: float) -> None:
    """Terms of all sizes and signs, each as far off as it may be; every pool's sum holds what is claimed of all."""
    random = Random(largest)
    pools = np.array([random.randrange(3) for _ in range(3 * largest)])
    rows = np.array([random.choice([1e15, -1e15, 0.1, -1 / 3, 1e-300, 7.0]) * random.random() for _ in pools])
    truths = [Fraction(row) + random.choice([-1, 1]) * Fraction(off) for row in rows.tolist()]
    totals = summed(pool_index(pools, 4), rows, Reach(off, float(np.abs(rows).max())))
    found = totals.part(BoundedNumbers(Scratch(4)), slice(None))
    for pool, value in enumerate(found.values.tolist()):
        true = sum((x for x, at in zip(truths, pools.tolist(), strict=True) if at == pool), Fraction(0))
        assert found.low <= value <= found.high
        assert abs(Fraction(value) - true) <= Fraction(found.error)


def equities(values: list[float], error: float) -> Bounded:
    """A column of equities."""
    return BoundedNumbers(Scratch(len(values))).column(np.array(values), min(values), max(values), error)


def test_decision__counts_the_lines_that_a_row_has_passed() -> None:
    """With a maintenance margin of 100 and a call at 125; rows at a line, or within the error of it, are in doubt."""
    maintenance = Bounded(100.0, 100.0, 100.0, 0.0)
    rows = {200.0: 0, 126.0: 0, 124.0: 1, 101.0: 1, 99.0: 2, 1.0: 2, -1.0: 3}
    status = np.zeros(len(rows), np.uint8)
    assert decided(NUM, equities(list(rows), 0.5), maintenance, ZERO, rules("1.25"), status) is None
    assert status.tolist() == list(rows.values())
    assert [STATUSES[code] for code in (0, 1, 2, 3)] == ["healthy", "margin_call", "liquidate", "bankrupt"]
    close = [125.0, 125.5, 124.5, 100.4, 99.6, 0.0, -0.25]
    doubtful = decided(NUM, equities(close, 0.5), maintenance, ZERO, rules("1.25"), status)
    assert doubtful is not None
    assert doubtful.all()


@pytest.mark.parametrize("odd", [math.inf, -math.inf, math.nan])
def test_decision__of_rows_that_are_not_finite_is_never_certain(odd: float) -> None:
    """One row that is infinite or no number puts all rows of its chunk in doubt: nothing is claimed of any."""
    status = np.zeros(3, np.uint8)
    equity = BoundedNumbers(Scratch(3)).column(np.array([500.0, odd, -5.0]), odd, odd, 0.0)
    doubtful = decided(NUM, equity, Bounded(100.0, 100.0, 100.0, 0.0), ZERO, rules("1.25"), status)
    assert doubtful is not None
    assert doubtful.all()
