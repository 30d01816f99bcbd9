"""Liquidation prices of the exactness run: the sweep's beside those of the tests' oracle, which tries every place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import isnan
from typing import Any, Final

import msgspec

from rules_engine.engine.book_rows import book_of
from rules_engine.terms.account import Account
from tests.oracle import evaluate
from tests.oracle.prices import liquidation_price
from tests.properties.product import engine_of

CLOSE: Final = Fraction(1, 10**9)
"""What a sweep's price may be off by, as a part of it."""
PRICED: Final = 10
"""One account of so many is swept with prices."""
COMPARED: Final = 400
"""One row of so many is compared with the oracle, which takes some milliseconds for each."""


@dataclass
class Prices:
    """What came of some prices; `exact` of the rows that were `swept` were left to exact numbers."""

    swept: int = 0
    exact: int = 0
    compared: int = 0
    none: int = 0
    wrong: int = 0
    examples: list[str] = field(default_factory=list)


def compare(policy: dict[str, Any], market: dict[str, Any], accounts: Sequence[Account], count: Prices) -> None:
    """Prices some of the accounts on columns, and holds some of their rows against the oracle."""
    chosen = accounts[::PRICED]
    sweep = engine_of(policy).sweep(book_of(chosen), market, prices=True)
    assert sweep.columns.liquidation_price is not None
    prices = sweep.columns.liquidation_price[sweep.book.slots].tolist()
    count.swept += len(prices)
    count.exact += sweep.rows_exact
    rows = [(account, index) for account in chosen for index in range(len(account.positions))]
    for row in range(0, len(rows), max(1, COMPARED // PRICED)):
        account, index = rows[row]
        _compare(policy, market, account, index, prices[row], count)


def _compare(
    policy: dict[str, Any], market: dict[str, Any], account: Account, index: int, found: float, count: Prices
) -> None:
    """Holds one price against the oracle's; NaN is that there is none."""
    document = msgspec.to_builtins(account)
    pool = evaluate(policy, document, market).positions[index].pool
    expected = liquidation_price(policy, document, market, pool, account.positions[index].instrument)
    count.compared += 1
    count.none += expected is None
    if isnan(found) or expected is None:
        right = isnan(found) and expected is None
    else:
        right = abs(Fraction(found) - expected) <= CLOSE * expected
    if not right:
        count.wrong += 1
        wanted = None if expected is None else float(expected)
        count.examples = [*count.examples, f"{account.account} row {index}: {found}, not {wanted}"][:5]
