"""Sweeps of what columns cannot hold, strangers' modes above all: decided exactly, as `evaluate` does, and counted."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, getcontext
from typing import Any

import pytest

from rules_engine import Engine
from rules_engine.book import STATUSES, book_of
from rules_engine.engine.documents import decode_account
from rules_engine.engine.sweep import Sweep
from rules_engine.plugin import Backing, PoolLabel, PoolRequirement, Requirement, notional, tiered_requirement
from tests.builders import account, engine_of, market, order, position
from tests.engine.strangers import Strange, StrangePool, Supplies, engine_with, fail

TENTH = Decimal("0.1")


def agreeing(
    engine: Engine, *accounts: dict[str, Any], marks: dict[str, Any] | None = None, priced: bool = False
) -> Sweep:
    """The sweep of some accounts, each row of which has the status that evaluating its account gives it."""
    marks = market() if marks is None else marks
    sweep = engine.sweep(book_of([decode_account(one) for one in accounts]), marks, prices=priced)
    expected = []
    for one in accounts:
        evaluation = engine.evaluate(one, marks)
        statuses = {pool.pool: pool.status for pool in evaluation.pools}
        expected += [statuses.get(row.pool or "", "undetermined") for row in evaluation.positions]
    assert [STATUSES[sweep.columns.status[slot]] for slot in sweep.book.slots] == expected
    return sweep


def rounding(num: Any, exposure: Any) -> Requirement:
    """A tenth of notional, up to a whole."""
    required = num.rounded(notional(num, exposure) * TENTH, Decimal(1), "up")
    return Requirement(required, required)


def only_exact(answer: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """By the table on exact numbers; on others as told."""

    def requirement(num: Any, exposure: Any) -> Any:
        if isinstance(exposure.quantity, Decimal):
            return tiered_requirement(num, exposure)
        return answer(num, exposure)

    return requirement


def meddling(num: Any, exposure: Any) -> Requirement:
    """By the table, with decimal arithmetic changed."""
    getcontext().prec = 7
    return tiered_requirement(num, exposure)


ANSWERS: dict[str, Callable[[Any, Any], Any]] = {
    "a formula rounds": rounding,
    "strange of Supplies: only decimals": only_exact(lambda num, exposure: fail(TypeError("only decimals"))),
    "strange of Supplies changed the precision of decimal arithmetic": only_exact(meddling),
    "strange of Supplies says more than margins": only_exact(lambda num, exposure: (num, exposure)),
}

HELD = [
    account(position("1", mode="strange", margin=margin), account=f"A{margin}", collateral={"USDT": margin})
    for margin in ("0.5", "1", "1.2", "30")
]


@pytest.mark.parametrize("backing", [Backing.POSITION, Backing.ACCOUNT])
@pytest.mark.parametrize("why", ANSWERS)
def test_mode__that_columns_cannot_follow_is_decided_exactly(why: str, backing: Backing) -> None:
    """The reason is counted with the rows."""
    sweep = agreeing(engine_with(Supplies(Strange(ANSWERS[why], backing))), *HELD)
    assert sweep.exactly[why] == 4


@pytest.mark.parametrize("required", [Decimal(-1), Decimal(0)])
def test_mode__that_requires_nothing_or_less_is_left_to_exact_numbers(required: Decimal) -> None:
    """Less than nothing is a fault there, and its pools are undetermined; nothing is lawful."""
    mode = Strange(lambda num, exposure: Requirement(num.constant(required), num.constant(required)))
    agreeing(engine_with(Supplies(mode)), *HELD)


def whole(num: Any, pool: Any) -> PoolRequirement:
    """By the table, of all positions together."""
    each = {one.id: tiered_requirement(num, one) for one in pool.positions}
    initial = num.total([one.initial for one in each.values()])
    return PoolRequirement(initial, num.total([one.maintenance for one in each.values()]), each)


def booked(num: Any, exposure: Any) -> Requirement:
    """By the table; orders reserve a tenth of what they are worth."""
    required = tiered_requirement(num, exposure)
    return Requirement(required.initial, required.maintenance, num.constant(Decimal(3)))


class Drawing(Strange):
    """By the table, in a pool a position, each of which draws on the account's."""

    def pool(self, labels: Any, parameters: Any) -> PoolLabel:
        """With half of what is free there."""
        return PoolLabel(key=labels.id, backing=Backing.POSITION, draw_cap=Decimal("0.5"))


KEPT_OFF: dict[str, tuple[Any, list[dict[str, Any]]]] = {
    "mode of whole pools": (StrangePool(whole), []),
    "mode with a tolerance": (Strange(tiered_requirement, tolerance=Decimal("0.01")), []),
    "mode that reserves for orders": (Strange(booked, reserves_orders=True), [order("1", mode="strange", price="90")]),
    "mode that the policy does not have": (Strange(tiered_requirement, name="other"), []),
    "pool of one position that draws": (Drawing(tiered_requirement), []),
}


@pytest.mark.parametrize("priced", [False, True])
@pytest.mark.parametrize("why", KEPT_OFF)
def test_mode__that_is_no_matter_for_columns_is_decided_exactly(why: str, priced: bool) -> None:
    """All of its rows are, with their accounts; the reason is counted."""
    mode, orders = KEPT_OFF[why]
    accounts = [{**one, "orders": orders} for one in HELD]
    sweep = agreeing(engine_with(Supplies(mode)), *accounts, priced=priced)
    assert sweep.exactly == {why: 4, "accounts decided whole": 4}


LOOKS: dict[str, Callable[[str], object]] = {
    "is it": lambda id: id == "p1",
    "is it not": lambda id: id != "p1",
    "has it": lambda id: id in {"p1"},
    "what is it": lambda id: f"{id}",
    "its words": lambda id: id.upper(),
    "its length": lambda id: len(id),
    "its start": lambda id: id[0],
    "longer": lambda id: id + "x",
}
"""What a mode may ask of an id; each row's has an answer of its own."""


@pytest.mark.parametrize("look", LOOKS)
def test_mode__that_looks_at_ids_is_decided_exactly(look: str) -> None:
    """Where it tells pools apart, and where it says what they require."""

    def looking(num: Any, exposure: Any) -> Requirement:
        LOOKS[look](exposure.id)
        return tiered_requirement(num, exposure)

    def told(labels: Any) -> PoolLabel:
        LOOKS[look](labels.id)
        return of_group("G")

    assert agreeing(engine_with(Supplies(Strange(looking))), *HELD).exactly["a mode looks at the id of a position"] == 4
    sweep = agreeing(engine_with(Supplies(Pooled(told))), *HELD)
    assert sweep.exactly == {"pool that cannot be told": 4, "accounts decided whole": 4}


def test_mode__may_pass_ids_on_and_ask_whether_there_are_any() -> None:
    """That every row has one is known of all."""

    def told(labels: Any) -> PoolLabel:
        assert labels.id != ""
        return PoolLabel(key=labels.id, backing=Backing.POSITION)

    assert agreeing(engine_with(Supplies(Pooled(told))), *HELD).exactly == {"too close to a line": 1}


class Pooled(Strange):
    """By the table, in pools as told."""

    def __init__(self, label: Callable[[Any], Any], name: str = "strange") -> None:
        super().__init__(tiered_requirement, name=name)
        self.label = label

    def pool(self, labels: Any, parameters: Any) -> Any:
        """As told."""
        return self.label(labels)


def of_group(key: str, cap: str | None = None) -> PoolLabel:
    """The pool of a group."""
    return PoolLabel(key=key, backing=Backing.GROUP, draw_cap=None if cap is None else Decimal(cap))


@pytest.mark.parametrize(
    "label",
    [lambda labels: fail(ValueError("no")), lambda labels: of_group(labels.id), lambda labels: of_group("G", "0.5")],
)
def test_mode__whose_pools_cannot_be_told_by_instrument_is_decided_exactly(label: Callable[[Any], Any]) -> None:
    """One fails, one tells pools by ids, and one puts all into one group, which columns can do."""
    documents = [{**one, "group_margins": {"p1": "0.5", "G": "0.7"}} for one in HELD]
    agreeing(engine_with(Supplies(Pooled(label))), *documents)


def test_groups__of_two_modes_with_caps_of_their_own_are_decided_exactly() -> None:
    """Each draws on the account's pool by its own cap; where both hold the same group's rows, neither is decided."""
    other = Pooled(lambda labels: of_group(labels.underlying, "0.5"))
    engine = engine_with(Supplies(other), modes="{cross: {}, hybrid: {shared_draw_cap: 0.25}, strange: {}}")
    rows = [
        position("1", mode="hybrid", id="h"),
        position("1", mode="strange", id="s", instrument="ETHUSDT"),
        position("1", mode="cross", id="c", instrument="SOLUSDT"),
    ]
    same = [position("1", mode="hybrid", id="h"), position("1", mode="strange", id="s")]
    margins = {"BTC": "0.5", "ETH": "0.5"}
    agreeing(
        engine,
        account(*rows, collateral={"USDT": "20"}, group_margins=margins),
        account(*rows, account="B", collateral={"USDT": "10"}, group_margins=margins),
        account(*same, account="C", collateral={"USDT": "20"}, group_margins=margins),
    )


def test_rows__of_account_pools_may_stand_apart_in_the_book() -> None:
    """Groups stand by mode, so rows with margins of their own lie between those of two modes that accounts back."""
    strange = Strange(tiered_requirement)
    engine = engine_with(Supplies(strange), modes="{cross: {}, isolated: {}, strange: {}}")
    accounts = [
        account(position("1", mode=mode, margin="1.1"), account=f"{mode} {cash}", collateral={"USDT": cash})
        for mode in ("cross", "isolated", "strange")
        for cash in ("0.9", "1.1", "30")
    ]
    assert agreeing(engine, *accounts).exactly == {}


def test_rows__too_large_for_doubles_put_no_other_in_doubt() -> None:
    """A notional of 1e22 is known to about a million; the account that holds it is decided exactly, others are not."""
    fine = [account(position("1", mode="cross"), account=f"F{cash}", collateral={"USDT": cash}) for cash in ("2", "30")]
    huge = account(position("1e20", mode="cross", instrument="ETHUSDT"), account="H", collateral={"USDT": "1000"})
    sweep = agreeing(engine_of(), *fine, huge)
    assert sweep.exactly == {"figures too large for doubles": 1, "accounts decided whole": 1}


class Shifted:
    """A payoff worth the price less a hundred, which may be of either sign; `only` refuses other numbers."""

    name = "shifted"
    value_range = (None, None)
    required: tuple[str, ...] = ()

    def __init__(self, only: bool) -> None:
        self.only = only

    def value(self, num: Any, price: Any, contract_size: Any, conversion: Any) -> Any:
        """The price less a hundred."""
        if self.only and not isinstance(price, Decimal):
            raise TypeError("only decimals")
        return price - 100

    def price(self, num: Any, value: Any, contract_size: Any, conversion: Any) -> Any:
        """A hundred more."""
        return value + 100


@pytest.mark.parametrize("only", [True, False])
def test_payoff__that_columns_cannot_follow_is_decided_exactly(only: bool) -> None:
    """It refuses columns, or may be worth less than nothing."""
    instruments = "{BTCUSDT: {payoff: shifted, table: flat}}"
    engine = engine_with(Supplies(payoffs=[Shifted(only)]), instruments=instruments)
    rows = [
        account(position("1", entry, margin="30"), account=f"A{entry}") for entry in ("90", "100", "120")
    ]  # a value of nothing at 100
    assert sum(agreeing(engine, *rows, marks=market("110")).exactly.values()) == 3


def test_sweep__into_an_earlier_one_uses_its_arrays() -> None:
    """Of the same size; they are overwritten."""
    engine = engine_of()
    book = book_of([decode_account(account(position("1", margin="30")))])
    first = engine.sweep(book, market())
    again = engine.sweep(book, market("75"), first)
    assert again.columns.equity is first.columns.equity
    assert again.columns.equity.tolist() == [5.0]
