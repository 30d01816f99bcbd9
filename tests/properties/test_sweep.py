"""Laws of the sweep: each decision is the one that exact evaluation gives, on and beside every line."""

from __future__ import annotations

import math
from decimal import Decimal

from hypothesis import given

from rules_engine import Engine
from rules_engine.engine.book_rows import book_of
from rules_engine.engine.documents import decode_account
from rules_engine.engine.engine import unrounded
from rules_engine.engine.sweep_rows import STATUSES
from tests.properties.accounts import documents
from tests.properties.documents import Documents
from tests.properties.laws import examples
from tests.properties.product import engine_of


def near(figure: Decimal | None, found: float, part: float, least: float) -> bool:
    """Whether a double is this near to a figure; NaN is to None."""
    return math.isnan(found) if figure is None else math.isclose(float(figure), found, rel_tol=part, abs_tol=least)


@examples(200)
@given(drawn=documents(doubts=True))
def test_sweep__decides_as_exact_evaluation_does(drawn: Documents) -> None:
    """Every row has its pool's status and equity, and its position's figures and price, within what doubles can say."""
    engine = engine_of(drawn.policy)
    evaluation = Engine(unrounded(engine.policy)).evaluate(drawn.account, drawn.market)
    sweep = engine.sweep(book_of([decode_account(drawn.account)]), drawn.market, prices=True)
    columns, pools = sweep.columns, {pool.pool: pool for pool in evaluation.pools}
    assert columns.liquidation_price is not None
    for slot, position in zip(sweep.book.slots.tolist(), evaluation.positions, strict=True):
        pool = pools.get(position.pool or "")
        assert STATUSES[columns.status[slot]] == ("undetermined" if pool is None else pool.status), position.id
        money = {
            "equity": (None if pool is None else pool.equity, columns.equity),
            "initial margin": (position.initial_margin, columns.initial_margin),
            "maintenance margin": (position.maintenance_margin, columns.maintenance_margin),
            "unrealized PnL": (position.unrealized_pnl, columns.unrealized_pnl),
        }
        for name, (figure, column) in money.items():
            assert near(figure, column[slot], 1e-12, 0.0101), (name, position.id, figure, column[slot])
        price = columns.liquidation_price[slot]
        assert near(position.liquidation_price, price, 1e-9, 0.0), (position.id, position.liquidation_price, price)
