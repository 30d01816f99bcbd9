"""Hypothesis strategies for plain-dict documents that stand on boundaries: notionals on floors, equity on lines."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any

from hypothesis import strategies as st

from tests.oracle import decimal_text, number
from tests.oracle.market import value_at
from tests.oracle.policy import read_instrument, read_policy

Document = dict[str, Any]

AS_OF = "2026-12-02T00:00:00Z"
OLDEST = "2026-12-01T23:59:50Z"
TOO_OLD = "2026-12-01T23:59:49Z"
PAYOFFS = {"BTCUSDT": "linear", "ETHUSDT": "linear", "SOLUSDT": "linear", "XRPUSDT": "linear",
           "XBTUSD": "inverse", "QUANTO": "quanto"}  # fmt: skip
UNDERLYINGS = ("BTC", "ETH", "SOL")
# Marks and sizes whose reciprocals are finite decimals, so that a notional can stand exactly on a floor; and others.
CLEAN = ("0.5", "1", "4", "20", "25", "100", "250", "1000", "20000")
ROUGH = ("0.3", "7", "137.7", "1456.84", "61000", "32481.98")
NOTIONAL_FLOORS = ("100", "1000", "5000", "10000", "50000", "100000", "250000", "1000000")
QUANTITY_FLOORS = ("1", "2", "5", "10", "50", "100", "1000", "5000")
MAINTENANCE_RATES = ("0.002", "0.004", "0.005", "0.01", "0.02", "0.025", "0.05", "0.075", "0.1")
LEVERAGES = ("125", "100", "75", "50", "30", "25", "20", "10", "5", "4", "3", "2", "1")
FEE_RATES = ("0", "0.0002", "0.0005", "0.001")
GREATEST_FEE = Fraction("0.002")  # of notional: twice the greatest rate, for a short at 1x valued at bankruptcy
QUANTUM = Fraction(1, 10**8)
BUFFERS: dict[str, Document] = {
    "volatility": {"kind": "volatility", "measure": "realized", "bands": [
        {"from": "0", "multiply": "1"}, {"from": "0.8", "multiply": "1.25"}, {"from": "1.5", "multiply": "2"}]},
    "thin_book": {"kind": "depth", "measure": "depth", "bands": [
        {"from": "0", "add_rate": "0.01"}, {"from": "500000", "add_rate": "0"}]},
    "expiry": {"kind": "expiry", "bands": [
        {"from": "0d", "multiply": "1.5"}, {"from": "1d", "multiply": "1.2"}, {"from": "7d", "multiply": "1"}]},
    "smooth": {"kind": "volatility", "measure": "realized",
               "curve": {"reference": "0.6", "slope": "0.5", "cap": "2"}},
}  # fmt: skip
MEASURES = {"realized": ("0", "0.6", "0.79", "0.8", "1.5", "3"), "depth": ("0", "499999", "500000")}
EXPIRIES = (None, "2026-12-02T12:00:00Z", "2026-12-03T00:00:00Z", "2026-12-09T00:00:00Z", "2027-03-01T00:00:00Z")


@dataclass(frozen=True)
class Documents:
    """A policy, and an account and a market that fit it."""

    policy: Document
    account: Document
    market: Document


def solving(drawn: Documents) -> Documents:
    """The same with prices where the decision changes, not with maintenance frozen at the mark."""
    conventions = drawn.policy["conventions"] | {"liquidation_price": "solve"}
    return Documents(drawn.policy | {"conventions": conventions}, drawn.account, drawn.market)


def extremes(buffer: Document) -> list[tuple[Fraction, Fraction]]:
    """Every (multiply, add_rate) a buffer can come to, a curve's least and most."""
    if "curve" in buffer:
        return [(Fraction(1), Fraction(0)), (number(buffer["curve"]["cap"]), Fraction(0))]
    return [(number(band.get("multiply", "1")), number(band.get("add_rate", "0"))) for band in buffer["bands"]]


def adjusted(rate: Fraction, requirement: str, buffers: list[Document], bands: tuple[Any, ...]) -> Fraction:
    """The rate with one band of each buffer."""
    multiply, added = Fraction(1), Fraction(0)
    for buffer, (by, add_rate) in zip(buffers, bands, strict=True):
        if requirement in buffer.get("requirements", (requirement,)):
            multiply, added = multiply * by, added + add_rate
    return min(Fraction(1), rate * multiply + added)


def initial_stays_above(leverage: str, maintenance: str, uses: list[list[Document]]) -> bool:
    """Whether the initial rate exceeds maintenance and fee in every band of every instrument's buffers."""
    return all(
        adjusted(1 / number(leverage), "initial", buffers, bands)
        > adjusted(number(maintenance), "maintenance", buffers, bands) + GREATEST_FEE
        for buffers in uses
        for bands in product(*(extremes(buffer) for buffer in buffers))
    )


def rate_of(leverage: str, as_rate: bool) -> Document:
    """A tier's leverage, or the initial rate that is its reciprocal where that is finite."""
    rate = decimal_text(1 / number(leverage))
    return {"initial_rate": rate} if as_rate and number(rate) * number(leverage) == 1 else {"max_leverage": leverage}


@st.composite
def tables(draw: st.DrawFn, uses: list[list[Document]], max_tiers: int) -> Document:
    """A table of 1 to `max_tiers` tiers with rising rates, valid under those lists of buffers."""
    unit = draw(st.sampled_from(("notional", "notional", "quantity")))
    floors = QUANTITY_FLOORS if unit == "quantity" else NOTIONAL_FLOORS
    count = draw(st.integers(1, max_tiers))
    edges = sorted(draw(st.lists(st.sampled_from(floors), min_size=count, max_size=count, unique=True)), key=number)
    if draw(st.integers(0, 3)):
        edges[-1] = "unlimited"
    rates = draw(st.lists(st.sampled_from(MAINTENANCE_RATES), min_size=count, max_size=count, unique=True))
    leverages = list(LEVERAGES)
    tiers = []
    for edge, rate in zip(edges, sorted(rates, key=number), strict=True):
        leverages = [each for each in leverages if initial_stays_above(each, rate, uses)]
        leverage = draw(st.sampled_from(leverages[:3]))
        leverages = leverages[leverages.index(leverage) :]
        tiers.append({"up_to": edge, "maintenance_rate": rate} | rate_of(leverage, draw(st.booleans())))
    return {"unit": unit, "form": draw(st.sampled_from(("marginal", "marginal", "whole"))), "tiers": tiers}


@st.composite
def instruments(draw: st.DrawFn, max_instruments: int, buffers: dict[str, Document]) -> Document:
    """Instruments by exact name or by a glob of their own, with complete reference data."""
    names = draw(st.lists(st.sampled_from(sorted(PAYOFFS)), min_size=1, max_size=max_instruments, unique=True))
    result = {}
    for name in names:
        payoff = PAYOFFS[name]
        document: Document = {
            "payoff": payoff, "table": draw(st.sampled_from(("first", "second"))),
            "buffers": draw(st.lists(st.sampled_from(sorted(buffers)), max_size=2, unique=True)) if buffers else [],
            "underlying": draw(st.sampled_from(UNDERLYINGS)), "price_tick": "0.1", "quantity_step": "0.001",
        }  # fmt: skip
        if payoff != "linear" or draw(st.booleans()):
            document["contract_size"] = draw(st.sampled_from(("1", "0.01", "10", "100")))
        if payoff == "quanto":
            document["conversion"] = draw(st.sampled_from(("1", "0.5", "0.003")))
        result[draw(st.sampled_from((name, name, name + "*")))] = document
    return result


@st.composite
def liquidations(draw: st.DrawFn) -> Document:
    """Trigger, lines and closing fee."""
    margin_call = draw(st.sampled_from(("1", "1.1", "1.25")))
    counts_in = st.lists(st.sampled_from(("initial", "maintenance", "trigger")), max_size=3, unique=True)
    result = {
        "trigger": draw(st.sampled_from(("at_or_below", "below"))),
        "margin_call": margin_call,
        "closing_fee": {
            "rate": draw(st.sampled_from(FEE_RATES)), "counts_in": draw(counts_in),
            "valued_at": draw(st.sampled_from(("mark", "mark", "bankruptcy"))),
        },
        "close_out": {"plan": "smallest"},
        "restore_to": draw(st.sampled_from(("1.25", "1.5", "2"))),
    }  # fmt: skip
    return result


@st.composite
def conventions(draw: st.DrawFn) -> Document:
    """Mostly the defaults."""
    mostly_mark = st.sampled_from(("mark", "mark", "mark", "entry"))
    return {
        "maintenance_priced_at": draw(mostly_mark),
        "initial_priced_at": draw(mostly_mark),
        "liquidation_price": draw(st.sampled_from(("solve", "solve", "solve", "at_mark"))),
    }


@st.composite
def policies(draw: st.DrawFn, max_tiers: int = 8, max_instruments: int = 6) -> Document:
    """A valid policy that allows all three modes."""
    names = draw(st.lists(st.sampled_from(sorted(BUFFERS)), max_size=3, unique=True))
    buffers = {name: dict(BUFFERS[name]) for name in names}
    for buffer in buffers.values():
        acts_on = draw(st.sampled_from((None, None, None, ["initial"], ["maintenance"])))
        if acts_on is not None:
            buffer["requirements"] = acts_on
    listed = draw(instruments(max_instruments, buffers))
    uses = {
        table: [[buffers[name] for name in each["buffers"]] for each in listed.values() if each["table"] == table]
        for table in ("first", "second")
    }
    result = {
        "schema": "rules-engine/policy/1", "policy": "generated", "version": "1.0.0",
        "effective_from": "2026-01-01T00:00:00Z", "applies_to": "all_positions",
        "settlement": {"currency": "USDT", "quantum": "0.00000001"},
        "tables": {name: draw(tables(uses[name], max_tiers)) for name in uses if uses[name]},
        "buffers": buffers,
        "modes": {"isolated": {}, "cross": {}, "hybrid": {
            "group_by": "underlying", "shared_draw_cap": draw(st.sampled_from(("0", "0.25", "0.5", "1")))}},
        "collateral": {"USDT": {"haircut": "0"}, "BTC": {"haircut": "0.05", "cap": "1000"}, "ETH": {"haircut": "0.1"}},
        "instruments": listed,
        "liquidation": draw(liquidations()),
        "conventions": draw(conventions()),
        "market_data": {"stale_after": "10s", "max_divergence": "0.1"},
        "orders": {"opening_fee_rate": draw(st.sampled_from(FEE_RATES))},
    }  # fmt: skip
    return result


def names_in(policy: Document) -> list[str]:
    """The instruments a generated policy is meant for."""
    return [key.removesuffix("*") for key in policy["instruments"]]


@st.composite
def markets(draw: st.DrawFn, policy: Document, doubts: bool = False) -> Document:
    """A market for the policy; with `doubts`, now and then a mark, a measure or a price is missing or too old."""

    def one_in(chances: int) -> bool:
        return doubts and draw(st.integers(1, chances)) == 1

    rows = {}
    for name in names_in(policy):
        mark = draw(st.sampled_from(CLEAN + ROUGH))
        index = draw(st.sampled_from((number(mark), number(mark) / Fraction("1.1"))))
        row: Document = {
            "mark_price": mark,
            "index_price": decimal_text(index, 20) if number(decimal_text(index, 20)) == index else mark,
            "time": TOO_OLD if one_in(12) else draw(st.sampled_from((AS_OF, OLDEST))),
            "measures": {key: draw(st.sampled_from(levels)) for key, levels in MEASURES.items() if not one_in(8)},
            "expires_at": draw(st.sampled_from(EXPIRIES)),
        }
        if one_in(12):
            row["expires_at"] = draw(st.sampled_from((AS_OF, "2026-12-01T00:00:00Z")))
        if one_in(12):
            del row["expires_at"]
        if not one_in(12):
            rows[name] = row
    prices = {name: {"price": draw(st.sampled_from(CLEAN + ROUGH)), "time": AS_OF} for name in ("BTC", "ETH")}
    return {"as_of": AS_OF, "instruments": rows, "prices": {} if one_in(10) else prices}


def exact(value: Fraction) -> str:
    """The number as text, rounded where its decimal does not end."""
    return decimal_text(value, 16)


def boundary_quantities(policy: Document, market: Document, name: str) -> list[Fraction]:
    """Quantities whose notional at the mark stands on a floor, where they are finite decimals; and a few others."""
    read = read_policy(policy)
    instrument = read_instrument(read, market, name)
    price = number(market["instruments"].get(name, {}).get("mark_price", "100"))
    value = abs(value_at(instrument, price)) if instrument.table.unit == "notional" else Fraction(1)
    on_floors = [tier.floor / value for tier in instrument.table.tiers[1:]]
    caps = [tier.up_to / value for tier in instrument.table.tiers[-1:] if tier.up_to is not None]
    finite = [each for each in on_floors + caps if number(exact(each)) == each]
    return [*finite, *(each + Fraction(1, 1000) for each in finite), Fraction(1, 10), Fraction(3), Fraction(10)]
