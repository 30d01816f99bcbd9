"""Laws of the sweep: each decision is the one that exact evaluation gives, on and beside every line."""

from __future__ import annotations

import math

from hypothesis import given

from rules_engine.engine.book_rows import book_of
from rules_engine.engine.documents import decode_account
from rules_engine.engine.sweep_rows import STATUSES
from tests.properties.accounts import documents
from tests.properties.documents import Documents
from tests.properties.laws import examples
from tests.properties.product import engine_of


@examples(200)
@given(drawn=documents(doubts=True))
def test_sweep__decides_as_exact_evaluation_does(drawn: Documents) -> None:
    """Every row has its pool's status and equity, and its position's margins, within what doubles can say."""
    engine = engine_of(drawn.policy)
    evaluation = engine.evaluate(drawn.account, drawn.market)
    sweep = engine.sweep(book_of([decode_account(drawn.account)]), drawn.market)
    pools = {pool.pool: pool for pool in evaluation.pools}
    rows = sweep.book.slots.tolist()
    for slot, position in zip(rows, evaluation.positions, strict=True):
        pool = pools.get(position.pool or "")
        status = "undetermined" if pool is None else pool.status
        assert STATUSES[sweep.columns.status[slot]] == status, position.id
        for figure, column in ((None if pool is None else pool.equity, sweep.columns.equity),):
            if figure is not None and status != "undetermined":
                assert math.isclose(float(figure), column[slot], rel_tol=1e-9, abs_tol=0.02), (figure, column[slot])
