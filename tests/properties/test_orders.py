"""Orders are accepted where the oracle accepts them, up to the largest quantity and no further."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given

from tests.oracle import decimal_text, number, order_accepted
from tests.properties.accounts import documents_with_order
from tests.properties.documents import Document, Documents
from tests.properties.laws import examples
from tests.properties.product import engine_of

STEP = Fraction("0.001")


@examples(150)
@given(documents_with_order())
def test_check_order__accepts_what_the_oracle_accepts(drawn: tuple[Documents, Document]) -> None:
    """An order is accepted exactly where the oracle accepts it, and refused with a reason."""
    documents, order = drawn
    decision = engine_of(documents.policy).check_order(documents.account, documents.market, order)
    assert decision.accepted == order_accepted(documents.policy, documents.account, documents.market, order), decision
    assert decision.accepted == (decision.reasons == ())


@examples(80)
@given(documents_with_order(doubts=True))
def test_check_order__accepts_what_the_oracle_accepts_where_data_is_in_doubt(drawn: tuple[Documents, Document]) -> None:
    """So it is where data is missing or old."""
    test_check_order__accepts_what_the_oracle_accepts.hypothesis.inner_test(drawn)  # type: ignore[attr-defined]


@examples(100)
@given(documents_with_order())
def test_check_order__accepts_the_largest_quantity_and_no_step_more(drawn: tuple[Documents, Document]) -> None:
    """An order at `largest_quantity` is accepted and one a step larger is not; without a largest any size is."""
    documents, order = drawn
    engine, side = engine_of(documents.policy), 1 if number(order["quantity"]) > 0 else -1
    largest = engine.check_order(documents.account, documents.market, order).largest_quantity

    def accepted(size: Fraction) -> bool:
        sized = order | {"quantity": decimal_text(side * size, 16)}
        return engine.check_order(documents.account, documents.market, sized).accepted

    if largest is None:
        assert accepted(Fraction(10**12))
    elif not order["reduce_only"]:
        assert largest == 0 or accepted(Fraction(largest))
        assert not accepted(Fraction(largest) + STEP)
