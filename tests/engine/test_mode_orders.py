"""Modes that look at orders themselves (`reserves_orders`): maintenance counts orders, and so does what they reserve.

The mode of these tests requires a tenth of a position's notional at first and keeps a hundredth of that and of the
orders on it; the orders reserve a tenth of theirs.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from rules_engine import Engine
from rules_engine.numbers.exact import EXACT
from rules_engine.plugin import Backing, Exposure, PoolRequirement, Requirement
from tests.builders import account, market, one_pool, one_position, order, position
from tests.engine.strangers import SUPPLIER, Strange, StrangePool, Supplies, engine_with

TENTH, HUNDREDTH = Decimal("0.1"), Decimal("0.01")


def by_book(num: Any, exposure: Exposure) -> Requirement:
    """What rests counts as if it were held, but for its initial margin, which it reserves."""
    held = num.absolute(exposure.quantity * exposure.value)
    rests = num.total([num.absolute(one.quantity * one.value) for one in exposure.orders])
    figures = {"rests": rests} if num is EXACT else {}
    return Requirement(held * TENTH, (held + rests) * HUNDREDTH, rests * TENTH, figures)


def book_engine(
    answer: Any = by_book, backing: Backing = Backing.ACCOUNT, says: bool = True, **sections: str
) -> Engine:
    return engine_with(Supplies(Strange(answer, backing, "book", reserves_orders=says)), **sections)


HELD = position("10", mode="book")
CASH = {"collateral": {"USDT": "200"}}


def rests(quantity: str, price: str | None = "90", **fields: Any) -> dict[str, Any]:
    return order(quantity, mode="book", price=price, **fields)


def test_position__with_orders_keeps_and_reserves_what_the_mode_says() -> None:
    """10 at 100 ask for 100 and keep 10; 5 resting at 90 keep 4.5 more and reserve 45."""
    evaluation = book_engine().evaluate(account(HELD, orders=[rests("5")], **CASH), market())
    pool, figures = one_pool(evaluation, "A/book"), one_position(evaluation)
    assert (pool.maintenance_margin, pool.initial_margin, pool.free_margin) == (Decimal("14.5"), 145, 55)
    assert (figures.maintenance_margin, figures.initial_margin) == (Decimal("14.5"), 100)
    assert figures.to_dict()["figures"] == {"rests": "450"}
    # 200 + 10 * (m - 100) = 0.1 * m + 4.5 at 804.5 / 9.9 = 81.26...: the order keeps what it does wherever the mark is.
    assert figures.liquidation_price == Decimal("81.3")


def test_order__at_the_mark_moves_with_it() -> None:
    """A market order has the mark's value, 500 of it: at 100 it keeps 5."""
    pool = one_pool(book_engine().evaluate(account(HELD, orders=[rests("5", None)], **CASH), market()), "A/book")
    assert (pool.maintenance_margin, pool.initial_margin) == (15, 150)


def test_orders__alone_are_asked_about_with_no_contracts() -> None:
    """Two orders that would open one position are seen together, on an exposure of 0 contracts."""
    seen: list[Exposure] = []

    def watched(num: Any, exposure: Exposure) -> Requirement:
        seen.append(exposure)
        return by_book(num, exposure)

    orders = [rests("5"), rests("-1", "110", id="o2", reduce_only=True, leverage="3")]
    pool = one_pool(book_engine(watched).evaluate(account(orders=orders, **CASH), market()), "A/book")
    assert (pool.status, pool.maintenance_margin, pool.initial_margin) == ("healthy", Decimal("5.6"), 56)
    exposure = next(one for one in seen if one.orders)
    assert (exposure.quantity, exposure.value) == (0, 100)
    assert [(one.id, one.quantity, one.value) for one in exposure.orders] == [("o1", 5, 90), ("o2", -1, 110)]
    assert [(one.leverage, one.reduce_only) for one in exposure.orders] == [(None, False), (3, True)]


@pytest.mark.parametrize(("cash", "status"), [("4.6", "margin_call"), ("4.5", "liquidate"), ("-0.1", "bankrupt")])
def test_orders__alone_can_liquidate(cash: str, status: str) -> None:
    """5 at 90 keep 4.5 with no position; there is nothing to close."""
    document = account(orders=[rests("5")], collateral={"USDT": cash})
    pool = one_pool(book_engine().evaluate(document, market()), "A/book")
    assert (pool.status, pool.close_out) == (status, ())


def test_position__of_no_contracts_shows_what_its_orders_keep() -> None:
    """An empty row on which an order rests is asked about; its figures are the mode's."""
    document = account(position("0", mode="book"), orders=[rests("5", position="p1")], **CASH)
    figures = one_position(book_engine().evaluate(document, market()))
    assert (figures.notional, figures.initial_margin, figures.maintenance_margin) == (0, 0, Decimal("4.5"))
    assert (figures.liquidation_price, figures.figures) == (None, {"rests": 450})


def test_close_out__keeps_what_the_orders_keep() -> None:
    """What is left of 10 and 450 of orders are to keep 1.5 * (14.5 - q): 14 > 21.75 - 1.5 * q past 5.1666...."""
    document = account(HELD, orders=[rests("5", position="p1")], collateral={"USDT": "14"})
    rules = "{restore_to: 1.5}"
    pool = one_pool(book_engine(liquidation=rules).evaluate(document, market()), "A/book")
    assert [(one.quantity, one.reason) for one in pool.close_out] == [(Decimal("5.167"), "restores the pool")]


def test_close_out__of_a_pool_keeps_orders_that_open() -> None:
    """The same where the orders are on another instrument: they stay as they are while positions close."""
    document = account(HELD, orders=[rests("5", instrument="ETHUSDT")], collateral={"USDT": "14"})
    pool = one_pool(book_engine(liquidation="{restore_to: 1.5}").evaluate(document, market()), "A/book")
    assert [one.quantity for one in pool.close_out] == [Decimal("5.167")]


@pytest.mark.parametrize(
    ("wrong", "data", "code"),
    [
        ({"position": "p9"}, {}, "ORDER_POSITION_UNKNOWN"),
        ({"instrument": "ETHUSDT"}, {"ETHUSDT": {}}, "MARK_MISSING"),
        ({"instrument": "DOGEUSDT"}, {}, "INSTRUMENT_UNKNOWN"),
    ],
)
def test_pool__whose_orders_are_doubtful_is_undetermined(wrong: Any, data: Any, code: str) -> None:
    """Maintenance depends on every order; pools of other modes go on."""
    document = account(HELD, position("1", margin="50", id="own"), orders=[rests("5", **wrong)], **CASH)
    evaluation = book_engine().evaluate(document, market(**data))
    pool = one_pool(evaluation, "A/book")
    assert (pool.status, pool.reasons, pool.notes) == ("undetermined", (code,), ("ORDERS_DOUBTFUL",))
    assert one_pool(evaluation, "A/isolated/own").status == "healthy"


@pytest.mark.parametrize(
    ("proposed", "required", "largest"),
    # 200 less 100 are free. Held in an order, a contract at 90 reserves 9; 100 / 9 = 11.111...
    [
        (rests("5"), "45", "11.111"),
        (rests("5", None), "50", "10"),
        (rests("-5", "110"), "55", "10"),  # reduces: it is accepted whatever it reserves, up to what is held
        (rests("5", instrument="ETHUSDT"), "45", "11.111"),
    ],
)
def test_check_order__asks_the_mode(proposed: Any, required: str, largest: str) -> None:
    """What an order adds is what the mode says with it less what it says without."""
    decision = book_engine().check_order(account(HELD, **CASH), market(), proposed)
    assert decision.accepted
    assert (decision.required_margin, decision.available_margin) == (Decimal(required), 100)
    assert decision.largest_quantity == Decimal(largest)


def test_check_order__a_step_beyond_the_largest_is_refused() -> None:
    """11.112 at 90 would reserve 100.008 of 100."""
    decision = book_engine().check_order(account(HELD, **CASH), market(), rests("11.112"))
    assert (decision.accepted, decision.reasons) == (False, ("MARGIN_INSUFFICIENT",))


def test_check_order__of_an_order_in_doubt_requires_what_is_not_known() -> None:
    """Without a mark of ETH the pool is undetermined with the order in it, and the order refused."""
    decision = book_engine().check_order(account(HELD, **CASH), market(ETHUSDT={}), rests("5", instrument="ETHUSDT"))
    assert (decision.accepted, decision.reasons) == (False, ("POOL_UNDETERMINED", "MARK_MISSING"))
    assert (decision.required_margin, decision.available_margin) == (None, 100)


def test_check_order__counts_what_it_moves_of_initial_margin() -> None:
    """A mode that puts its orders into `initial`, reserving nothing beside: required and largest are the same."""

    def in_initial(num: Any, exposure: Exposure) -> Requirement:
        found = by_book(num, exposure)
        return Requirement(found.initial + found.orders, found.maintenance, num.constant(0))

    decision = book_engine(in_initial).check_order(account(HELD, **CASH), market(), rests("5"))
    assert (decision.required_margin, decision.largest_quantity) == (45, Decimal("11.111"))


def test_check_order__of_a_mode_without_lines_is_searched() -> None:
    """Only decimals: the same largest order, by trying."""

    def decimals_only(num: Any, exposure: Exposure) -> Requirement:
        if num is not EXACT:
            raise TypeError("only decimals")
        return by_book(num, exposure)

    decision = book_engine(decimals_only).check_order(account(HELD, **CASH), market(), rests("5"))
    assert (decision.required_margin, decision.largest_quantity) == (45, Decimal("11.111"))


def test_position_backed__opening_orders_reserve_in_the_shared_pool() -> None:
    """The mode's own figure, not the formula for filled orders, whose loss to the mark would be 50."""
    engine = book_engine(backing=Backing.POSITION)
    proposed = rests("5", "110")
    decision = engine.check_order(account(**CASH), market(), proposed)
    assert (decision.pool, decision.required_margin) == ("A/shared", 55)
    assert decision.largest_quantity == Decimal("18.181")  # 200 / 11
    pool = one_pool(engine.evaluate(account(orders=[proposed], **CASH), market()), "A/shared")
    assert (pool.initial_margin, pool.maintenance_margin) == (55, 0)


def test_position_backed__an_order_on_a_position_counts_in_its_pool_and_reserves_in_the_shared_one() -> None:
    """5 more at 90: the position's own pool keeps 4.5 more, and 45 are reserved from the account's collateral."""
    engine = book_engine(backing=Backing.POSITION)
    evaluation = engine.evaluate(account({**HELD, "margin": "150"}, orders=[rests("5")], **CASH), market())
    own, shared = one_pool(evaluation, "A/book/p1"), one_pool(evaluation, "A/shared")
    assert (own.maintenance_margin, own.initial_margin) == (Decimal("14.5"), 100)
    assert shared.initial_margin == 45


def test_position_backed__orders_that_reduce_and_orders_that_open_are_seen_together() -> None:
    """Buys of 450 reserve in the shared pool, sales of 550 in the position's own, which keeps a hundredth of both."""
    engine = book_engine(backing=Backing.POSITION)
    orders = [rests("5"), rests("-5", "110", id="o2")]
    evaluation = engine.evaluate(account({**HELD, "margin": "250"}, orders=orders, **CASH), market())
    own, shared = one_pool(evaluation, "A/book/p1"), one_pool(evaluation, "A/shared")
    assert (own.maintenance_margin, own.initial_margin, shared.initial_margin) == (20, 155, 45)


def says(orders: Any) -> Any:
    return lambda num, exposure: Requirement(Decimal(1), Decimal(1), orders)


@pytest.mark.parametrize(
    ("trait", "orders", "what"),
    [
        (False, Decimal(1), "1, wanted None, for it does not state reserves_orders"),
        (True, None, "None, wanted a finite amount, not below 0"),
        (True, Decimal(-1), "-1, wanted a finite amount, not below 0"),
        (True, Decimal("NaN"), "NaN, wanted a finite amount, not below 0"),
        (True, 1.0, "1.0 (float, not exact), wanted a finite amount, not below 0"),
    ],
)
def test_mode__must_say_what_orders_reserve_if_and_only_if_it_states_so(trait: bool, orders: Any, what: str) -> None:
    """Anything else is a fault of the mode."""
    engine = book_engine(says(orders), says=trait)
    pool = one_pool(engine.evaluate(account(HELD, **CASH), market()), "A/book")
    assert (pool.status, pool.reasons) == ("undetermined", ("PLUGIN_FAULT",))
    assert pool.evidence[0].message == f"p1: book of {SUPPLIER} says that orders reserve {what}"


def test_pool_mode__that_looks_at_orders() -> None:
    """Both at once: the whole pool is seen with all its orders, and an order's margin is what the pool's grows by."""

    def largest(num: Any, pool: Any) -> PoolRequirement:
        own = {one.id: by_book(num, one) for one in pool.positions}
        kept = num.total([one.maintenance for one in own.values()])
        initial = num.total([one.initial for one in own.values()])
        reserved = num.maximum(Decimal(0), *(one.orders for one in own.values()))
        return PoolRequirement(initial, kept, own, reserved)

    engine = engine_with(Supplies(StrangePool(largest, name="book", reserves_orders=True)))
    document = account(HELD, orders=[rests("5")], **CASH)
    pool = one_pool(engine.evaluate(document, market()), "A/book")
    assert (pool.initial_margin, pool.maintenance_margin) == (145, Decimal("14.5"))
    decision = engine.check_order(document, market(), rests("4", id="o2", instrument="ETHUSDT"))
    # Reserved is the largest slot's, 45; another of 36 adds nothing to it.
    assert (decision.required_margin, decision.available_margin) == (0, 55)
    assert one_pool(decision.evaluation, "A/book").initial_margin == 145


def test_check_order__of_a_mode_that_fails_at_other_quantities_still_decides() -> None:
    """The order itself can be told; how large it could be cannot."""

    def up_to_five(num: Any, exposure: Exposure) -> Requirement:
        if num is not EXACT or abs(exposure.quantity) > 5:
            raise ValueError("at most 5")
        worth = abs(exposure.quantity * exposure.value)
        return Requirement(worth * TENTH, worth * HUNDREDTH)

    engine = engine_with(Supplies(Strange(up_to_five, name="book")))
    decision = engine.check_order(account(**CASH), market(), rests("1", None))
    assert (decision.accepted, decision.required_margin, decision.largest_quantity) == (True, 10, None)
    beyond = engine.check_order(account(**CASH), market(), rests("6", None))
    assert (beyond.accepted, beyond.reasons) == (False, ("POOL_UNDETERMINED", "PLUGIN_FAULT"))
