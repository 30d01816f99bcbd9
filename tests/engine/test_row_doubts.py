"""Figures that no position can have leave their own pool undetermined, and every other pool answered."""

from __future__ import annotations

import pytest

from tests.builders import account, flat_engine, market, one_pool, order, position

SOUND = position("1", margin="50", id="sound")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"entry_price": "0"}, "ENTRY_PRICE_INVALID"),
        ({"entry_price": "-1"}, "ENTRY_PRICE_INVALID"),
        ({"leverage": "0"}, "LEVERAGE_INVALID"),
        ({"leverage": "-5"}, "LEVERAGE_INVALID"),
    ],
)
def test_row__with_an_impossible_figure_leaves_only_its_pool_undetermined(fields: dict[str, str], code: str) -> None:
    """The other side of the same instrument, in a pool of its own, is decided."""
    bad = {**position("-1", margin="50", id="bad"), **fields}
    evaluation = flat_engine().evaluate(account(SOUND, bad), market())
    assert (one_pool(evaluation, "A/isolated/bad").status, one_pool(evaluation, "A/isolated/bad").reasons) == (
        "undetermined",
        (code,),
    )
    assert one_pool(evaluation, "A/isolated/sound").status == "healthy"


@pytest.mark.parametrize("mode", ["isolated", "cross"])
def test_order__on_an_impossible_row_leaves_what_it_reserves_unknown(mode: str) -> None:
    """Neither evaluation nor order check takes a figure from the row."""
    bad = position("1", entry="0", margin="50", id="bad", mode=mode)
    more = order("1", mode=mode, id="more", price="100")
    engine = flat_engine()
    pool = one_pool(engine.evaluate(account(bad, orders=[more]), market()), "A/cross")
    assert (pool.initial_margin, pool.free_margin) == (None, None)
    decision = engine.check_order(account(bad), market(), more)
    assert not decision.accepted
    assert "ENTRY_PRICE_INVALID" in decision.reasons


def test_row__of_zero_quantity_needs_no_sound_price() -> None:
    """What is closed is not doubted."""
    closed = position("0", entry="0", id="closed", mode="cross", leverage="-1")
    assert one_pool(flat_engine().evaluate(account(closed), market()), "A/cross").status == "healthy"


def test_row__of_zero_quantity_that_has_no_pool_is_passed_over() -> None:
    """Nothing hangs on the pool of a position that is closed and owes nothing; one that owes is doubted."""
    engine = flat_engine()
    closed = position("0", id="closed", mode="no_such_mode")
    evaluation = engine.evaluate(account(closed, SOUND), market())
    assert (evaluation.positions[0].pool, one_pool(evaluation, "A/isolated/sound").status) == (None, "healthy")
    owing = engine.evaluate(account({**closed, "accrued": "-1"}, SOUND), market())
    assert one_pool(owing, "A/isolated/sound").reasons == ("MODE_NOT_ALLOWED",)


def test_margin__that_is_owed_counts_as_such() -> None:
    """A negative margin is a number like any other: equity below zero is bankrupt."""
    evaluation = flat_engine().evaluate(account(position("1", margin="-1")), market())
    assert (one_pool(evaluation).equity, one_pool(evaluation).status) == (-1, "bankrupt")
