"""The generated documents are what the properties need them to be."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

from hypothesis import HealthCheck, find, given, settings

from tests.oracle import (
    Doubt,
    evaluate,
    liquidate_decision,
    liquidation_price,
    order_accepted,
)
from tests.properties.accounts import documents, documents_with_order
from tests.properties.documents import Document, Documents

QUICK = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@QUICK
@given(documents())
def test_documents__leave_no_pool_undetermined_where_nothing_is_in_doubt(drawn: Documents) -> None:
    pools = evaluate(drawn.policy, drawn.account, drawn.market).pools
    print({n: (p.status, p.reasons) for n, p in pools.items()})
    assert "undetermined" not in {pool.status for pool in pools.values()}
