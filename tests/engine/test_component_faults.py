"""Payoffs and buffers that break their contracts: named, and only the pools of their instruments are in doubt."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, getcontext
from typing import Any

import pytest

from rules_engine import Engine
from rules_engine.errors import PluginError
from rules_engine.extension.registry import build_registry
from rules_engine.plugin import Adjustment
from tests.builders import account, market, one_pool, one_position, order, position
from tests.engine.placed import unplaced
from tests.engine.strangers import SUPPLIER, Supplies, engine_with, fail

ONE, ZERO = Decimal(1), Decimal(0)


def meddle(answer: Any) -> Any:
    """Changes the precision of decimal arithmetic, and answers."""
    getcontext().prec = 3
    return answer


class Bent:
    """A payoff like the linear one, but for what a test gives."""

    name = "bent"
    required: tuple[str, ...] = ()

    def __init__(self, value: Any = None, price: Any = None, value_range: Any = (ZERO, None)) -> None:
        self._value = value or (lambda price: price)
        self._price = price or (lambda value: value)
        self.value_range = value_range

    def value(self, num: Any, price: Any, contract_size: Any, conversion: Any) -> Any:
        """As the test tells."""
        return self._value(price)

    def price(self, num: Any, value: Any, contract_size: Any, conversion: Any) -> Any:
        """As the test tells."""
        return self._price(value)


class Reading:
    """A kind of buffer: doubles rates, but for what a test gives; its extremes are those once `compiled`."""

    name = "reading"
    parameters: dict[str, Any] = {}

    def __init__(self, reading: Any = None, adjustment: Any = None, extremes: Any = None) -> None:
        self._reading = reading or (lambda: ONE)
        self._adjustment = adjustment or (lambda: Adjustment(multiply=Decimal(2)))
        self._extremes = extremes
        self.compiled = False

    def reading(self, market: Any, as_of: Any, parameters: Any) -> Any:
        """As the test tells."""
        return self._reading()

    def adjustment(self, num: Any, reading: Any, parameters: Any) -> Any:
        """As the test tells."""
        return self._adjustment()

    def extremes(self, parameters: Any) -> Any:
        """As the test tells."""
        if self._extremes is None or not self.compiled:
            return Adjustment(multiply=ONE), Adjustment(multiply=Decimal(3))
        return self._extremes()


INSTRUMENTS = """
  BTCUSDT: {payoff: bent, table: flat, underlying: BTC, price_tick: 0.1, quantity_step: 0.001}
  ETHUSDT: {payoff: linear, table: flat, underlying: ETH, price_tick: 0.1, quantity_step: 0.001}
"""
BUFFERED = """
  BTCUSDT: {payoff: linear, table: flat, buffers: [reads], underlying: BTC, price_tick: 0.1, quantity_step: 0.001}
  ETHUSDT: {payoff: linear, table: flat, underlying: ETH, price_tick: 0.1, quantity_step: 0.001}
"""
BENT = position("1", "90", margin="50", id="bent")
OTHERS = (
    position("1", margin="50", id="sound", instrument="ETHUSDT"),
    position("-3", "90", mode="cross", id="shared", instrument="ETHUSDT"),
)
CASH = {"collateral": {"USDT": "500"}}


def with_payoff(payoff: Bent) -> Engine:
    return engine_with(Supplies(payoffs=[payoff]), instruments=INSTRUMENTS)


def costs_its_own_pool_alone(engine: Engine, what: str, instrument: str | None = None) -> None:
    """The pool of `bent` is undetermined for this fault; all others are what they are without the position."""
    evaluation = engine.evaluate(account(BENT, *OTHERS, **CASH), market())
    pool = one_pool(evaluation, "A/isolated/bent")
    assert (pool.status, pool.reasons) == ("undetermined", ("PLUGIN_FAULT",))
    assert unplaced(pool.evidence[0].message) == (f"{instrument}: {what}" if instrument else what)
    without = engine.evaluate(account(*OTHERS, **CASH), market())
    assert [one for one in evaluation.pools if one != pool] == list(without.pools)


VALUES: dict[str, Callable[[Any], Any]] = {
    "raised ValueError: no": lambda price: fail(ValueError("no")),
    "raised SystemExit: 3": lambda price: fail(SystemExit(3)),
    "raised RecursionError": lambda price: fail(RecursionError()),
    "values a contract at price {} at NaN, wanted an exact finite number": lambda price: Decimal("NaN"),
    "values a contract at price {} at -Infinity, wanted an exact finite number": lambda price: Decimal("-Infinity"),
    "values a contract at price {} at 100.0 (float, not exact), wanted an exact finite number": lambda price: 100.0,
    "values a contract at price {} at None, wanted an exact finite number": lambda price: None,
    "values a contract at price {} at '100', wanted an exact finite number": lambda price: "100",
    "changed the precision of decimal arithmetic": meddle,
    "raised KeyError: 'no'": lambda price: meddle(price) and fail(KeyError("no")),
}


@pytest.mark.parametrize("where", [100, 90])
@pytest.mark.parametrize("what", VALUES)
def test_payoff__at_fault_costs_the_pools_of_its_instruments(what: str, where: int) -> None:
    """At the mark of 100, and at the entry of 90 alone."""
    payoff = Bent(value=lambda price: VALUES[what](price) if price == where else price)
    costs_its_own_pool_alone(with_payoff(payoff), f"bent of {SUPPLIER} {what.format(where)}")


def test_payoff__that_fails_at_an_orders_price_leaves_what_the_order_reserves_unknown() -> None:
    """Position and status stand; the order's reservation is not known, and a new one is refused."""
    engine = with_payoff(Bent(value=lambda price: fail(ValueError("no")) if price == 80 else price))
    proposed = order("1", price="80")
    evaluation = engine.evaluate(account(BENT, *OTHERS, orders=[proposed], **CASH), market())
    assert one_pool(evaluation, "A/isolated/bent").status == "healthy"
    shared = one_pool(evaluation, "A/cross")
    assert (shared.status, shared.initial_margin, shared.notes) == ("healthy", None, ("ORDERS_DOUBTFUL",))
    assert unplaced(shared.evidence[0].message) == f"bent of {SUPPLIER} raised ValueError: no"
    decision = engine.check_order(account(BENT, *OTHERS, **CASH), market(), proposed)
    assert (decision.accepted, decision.reasons) == (False, ("POOL_UNDETERMINED", "PLUGIN_FAULT"))


@pytest.mark.parametrize(
    "payoff",
    [
        Bent(price=lambda value: fail(ValueError("no"))),
        Bent(price=lambda value: Decimal("NaN")),
        Bent(price=lambda value: 50.0),
        Bent(price=meddle),
    ],
)
def test_payoff__that_cannot_price_back_leaves_prices_unknown(payoff: Bent) -> None:
    """The decision does not need it; both prices are null, with a note."""
    evaluation = with_payoff(payoff).evaluate(account(BENT, *OTHERS, **CASH), market())
    figures = one_position(evaluation, "bent")
    assert one_pool(evaluation, "A/isolated/bent").status == "healthy"
    assert (figures.liquidation_price, figures.bankruptcy_price) == (None, None)
    assert figures.notes == ("PRICES_UNKNOWN",)
    assert one_position(evaluation, "shared").liquidation_price is not None


@pytest.mark.parametrize("bounds", [(0.0, None), 7, (ZERO,), [ZERO, None], (Decimal("NaN"), None), (None, True)])
def test_payoff__without_a_range_of_values_is_not_let_in(bounds: Any) -> None:
    """Functions of an unknown value need its bounds, each an exact number or None."""
    with pytest.raises(PluginError, match=r"payoff 'bent': value_range is .*, wanted two bounds"):
        build_registry([Supplies(payoffs=[Bent(value_range=bounds)])])


def test_payoff__whose_term_nobody_states_cannot_value_a_contract() -> None:
    """Neither the policy nor the market has a strike; the market's word is enough."""
    payoff = Bent()
    payoff.required = ("strike",)
    engine = with_payoff(payoff)
    pool = one_pool(engine.evaluate(account(BENT), market()), "A/isolated/bent")
    assert (pool.status, pool.reasons) == ("undetermined", ("REFERENCE_MISSING",))
    stated = market(BTCUSDT={"mark_price": "100", "terms": {"strike": "280"}})
    assert one_pool(engine.evaluate(account(BENT), stated), "A/isolated/bent").status == "healthy"


MULTIPLY = Adjustment(multiply=ONE)
READINGS: dict[str, Reading] = {
    "raised ValueError: no": Reading(reading=lambda: fail(ValueError("no"))),
    "raised SystemExit": Reading(reading=lambda: fail(SystemExit())),
    "reads Decimal('NaN'), wanted an exact number or None": Reading(reading=lambda: Decimal("NaN")),
    "reads 0.5, wanted an exact number or None": Reading(reading=lambda: 0.5),
    "reads '1', wanted an exact number or None": Reading(reading=lambda: "1"),
    "changed the precision of decimal arithmetic": Reading(reading=lambda: meddle(ONE)),
    "raised KeyError: 'band'": Reading(adjustment=lambda: fail(KeyError("band"))),
    "returned tuple, wanted an Adjustment": Reading(adjustment=lambda: (ONE, ONE)),
    "multiplies rates by Decimal('-1')": Reading(adjustment=lambda: Adjustment(multiply=-ONE)),
    "multiplies rates by Decimal('NaN')": Reading(adjustment=lambda: Adjustment(multiply=Decimal("NaN"))),
    "multiplies rates by 1.5": Reading(adjustment=lambda: Adjustment(multiply=1.5)),
    "adds Decimal('Infinity') to rates": Reading(adjustment=lambda: Adjustment(add_rate=Decimal("Infinity"))),
    "raised IndexError: no": Reading(reading=lambda: None, extremes=lambda: fail(IndexError("no"))),
    "gives () as its extremes, wanted adjustments": Reading(reading=lambda: None, extremes=tuple),
    "gives None as its extremes, wanted adjustments": Reading(adjustment=lambda: None, extremes=lambda: None),
    "returned Decimal, wanted an Adjustment": Reading(reading=lambda: None, extremes=lambda: (MULTIPLY, ONE)),
}


@pytest.mark.parametrize("what", READINGS)
def test_buffer__at_fault_costs_the_pools_of_its_instruments(what: str) -> None:
    """Whether it cannot read, adjust, or say what it could come to."""
    plugin = Supplies(buffers=[READINGS[what]])
    engine = engine_with(plugin, instruments=BUFFERED, buffers="{reads: {kind: reading}}")
    READINGS[what].compiled = True
    costs_its_own_pool_alone(engine, f"reading of {SUPPLIER} {what}", "BTCUSDT")
