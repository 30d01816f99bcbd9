"""What is doubtful about a mark, an instrument or a measure leaves its pools undetermined, and no others."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from rules_engine import Engine, Market
from rules_engine.terms.evaluation import PoolFigures
from rules_engine.terms.market import InstrumentMarket
from tests.builders import AS_OF, FLAT, account, engine_of, flat_engine, market, one_pool, position

LONG = position("1", margin="50")


def pool_at(engine: Engine, data: dict[str, Any] | None, instrument: str = "BTCUSDT") -> PoolFigures:
    """The pool of one contract of an instrument of which the market says this."""
    document = {"as_of": AS_OF, "instruments": {} if data is None else {instrument: data}}
    return one_pool(engine.evaluate(account({**LONG, "instrument": instrument}), document))


def reasons(engine: Engine, data: dict[str, Any] | None, instrument: str = "BTCUSDT") -> tuple[str, ...]:
    """Why that pool is undetermined; nothing where it is decided."""
    pool = pool_at(engine, data, instrument)
    assert (pool.status == "undetermined") is bool(pool.reasons)
    return pool.reasons


def limits(text: str) -> Engine:
    """The engine of a policy with these limits on market data."""
    return flat_engine(market_data=text)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (None, ("MARK_MISSING",)),
        ({}, ("MARK_MISSING",)),
        ({"mark_price": None}, ("MARK_MISSING",)),
        ({"mark_price": "0"}, ("MARK_NOT_POSITIVE",)),
        ({"mark_price": "-1"}, ("MARK_NOT_POSITIVE",)),
        ({"mark_price": "1e-30"}, ()),
    ],
)
def test_mark__must_be_there_and_above_zero(data: dict[str, Any] | None, expected: tuple[str, ...]) -> None:
    """No mark, or one that is no price, decides nothing; the smallest of all prices does."""
    assert reasons(flat_engine(), data) == expected


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (AS_OF, ()),
        ("2026-12-01T23:59:50Z", ()),  # exactly 10 s old
        ("2026-12-01T23:59:49.999999Z", ("MARK_STALE",)),
        ("2026-12-02T00:00:00.000001Z", ("MARK_IN_FUTURE",)),
        (None, ("MARK_TIME_MISSING",)),
    ],
)
def test_mark__is_stale_only_beyond_its_age(time: str | None, expected: tuple[str, ...]) -> None:
    """A mark exactly `stale_after` old still holds; an older one, a later one and one of no time do not."""
    assert reasons(limits("{stale_after: 10s}"), {"mark_price": "100", "time": time}) == expected


def test_mark__needs_no_time_where_its_age_does_not_matter() -> None:
    """Without `stale_after` only a time later than `as_of` is doubtful."""
    assert reasons(flat_engine(), {"mark_price": "100"}) == ()
    assert reasons(flat_engine(), {"mark_price": "100", "time": "2020-01-01T00:00:00Z"}) == ()
    assert reasons(flat_engine(), {"mark_price": "100", "time": "2026-12-02T00:00:01Z"}) == ("MARK_IN_FUTURE",)


@pytest.mark.parametrize(
    ("mark", "index", "expected"),
    [
        ("110", "100", ()),  # exactly a tenth above
        ("90", "100", ()),  # exactly a tenth below
        ("110.01", "100", ("MARK_DIVERGES",)),
        ("89.99", "100", ("MARK_DIVERGES",)),
        ("100", None, ("INDEX_MISSING",)),
        ("100", "0", ("MARK_DIVERGES",)),
    ],
)
def test_mark__diverges_only_beyond_the_limit(mark: str, index: str | None, expected: tuple[str, ...]) -> None:
    """Divergence is a fraction of the index; exactly the limit is allowed; without an index nothing can be said."""
    assert reasons(limits("{max_divergence: 0.1}"), {"mark_price": mark, "index_price": index}) == expected


@pytest.mark.parametrize(("confidence", "expected"), [(None, ()), ("1", ()), ("1.01", ("MARK_UNCERTAIN",))])
def test_mark__is_uncertain_only_beyond_the_limit(confidence: str | None, expected: tuple[str, ...]) -> None:
    """At 100 a confidence interval of exactly 1 % is allowed; marks without one are not asked for it."""
    assert reasons(limits("{max_confidence: 0.01}"), {"mark_price": "100", "confidence": confidence}) == expected


def test_instrument__that_the_policy_does_not_know() -> None:
    """A row of an unknown instrument leaves its pool undetermined, and its figures unknown."""
    evaluation = flat_engine().evaluate(account({**LONG, "instrument": "DOGE"}), market(DOGE="1"))
    assert one_pool(evaluation).reasons == ("INSTRUMENT_UNKNOWN",)
    assert (evaluation.positions[0].notional, evaluation.positions[0].notes) == (None, ("FIGURES_UNKNOWN",))


def test_doubt__reaches_only_the_pools_that_hold_the_instrument() -> None:
    """BTCUSDT has no mark: its own pool and the cross pool that holds some are undetermined, the pool of p2 is not."""
    document = account(
        LONG,
        position("1", id="p2", instrument="ETHUSDT", margin="50"),
        position("1", id="p3", mode="cross"),
        position("1", id="p4", instrument="ETHUSDT", mode="cross"),
        collateral={"USDT": "1000"},
    )
    evaluation = flat_engine().evaluate(document, market(BTCUSDT={}))
    statuses = {pool.pool: pool.status for pool in evaluation.pools}
    assert statuses == {"A/isolated/p1": "undetermined", "A/isolated/p2": "healthy", "A/cross": "undetermined"}


# Reference data


REFERENCED = """
  BTCUSDT: {payoff: linear, table: flat, price_tick: 0.1, underlying: BTC, expires_at: 2026-12-03T00:00:00Z}
  INVERSE: {payoff: inverse, table: flat}
  QUANTO: {payoff: quanto, table: flat, contract_size: 1}
  OPEN: {payoff: linear, table: flat}
"""


@pytest.mark.parametrize(
    ("instrument", "data", "expected"),
    [
        ("BTCUSDT", {"price_tick": "0.10"}, ()),  # the same number spelled differently
        ("BTCUSDT", {"price_tick": "0.5"}, ("REFERENCE_CONFLICT",)),
        ("BTCUSDT", {"underlying": "BTC", "expires_at": "2026-12-03T01:00:00+01:00"}, ()),
        ("BTCUSDT", {"underlying": "XBT"}, ("REFERENCE_CONFLICT",)),
        ("BTCUSDT", {"expires_at": "2026-12-04T00:00:00Z"}, ("REFERENCE_CONFLICT",)),
        ("BTCUSDT", {"expires_at": None}, ("REFERENCE_CONFLICT",)),
        ("INVERSE", {}, ("REFERENCE_MISSING",)),
        ("INVERSE", {"contract_size": "1"}, ()),
        ("QUANTO", {}, ("REFERENCE_MISSING",)),
        ("QUANTO", {"conversion": "1"}, ()),
        ("OPEN", {}, ()),
    ],
)
def test_reference__of_policy_and_market_must_agree_and_suffice(
    instrument: str, data: dict[str, Any], expected: tuple[str, ...]
) -> None:
    """Where both speak they agree; what a payoff cannot do without is stated by one of them."""
    engine = engine_of(tables=FLAT, instruments=REFERENCED)
    assert reasons(engine, {"mark_price": "1", **data}, instrument) == expected


def test_reference__of_no_size_is_refused_in_records_too() -> None:
    """Records skip the checks of documents, so a contract size of 0 is caught where it is used."""
    zero = InstrumentMarket(mark_price=Decimal(100), contract_size=Decimal(0))
    at = Market(as_of=datetime(2026, 12, 2, tzinfo=UTC), instruments={"OPEN": zero})
    engine = engine_of(tables=FLAT, instruments=REFERENCED)
    pool = one_pool(engine.evaluate(account({**LONG, "instrument": "OPEN"}), at))
    assert pool.reasons == ("REFERENCE_INVALID",)


def test_reference__of_the_market_is_used() -> None:
    """A contract size of 5 from the market: one contract at 100 is a notional of 500."""
    engine = engine_of(tables=FLAT, instruments=REFERENCED)
    document = market(OPEN={"mark_price": "100", "contract_size": "5"})
    assert engine.evaluate(account({**LONG, "instrument": "OPEN"}), document).positions[0].notional == 500


@pytest.mark.parametrize(
    ("expires_at", "expected"), [(AS_OF, ("EXPIRED",)), ("2026-12-02T00:00:00.000001Z", ()), (None, ())]
)
def test_expiry__at_its_instant_an_instrument_has_expired(expires_at: str | None, expected: tuple[str, ...]) -> None:
    """From the instant of expiry on a pool is undetermined until settled; a microsecond before it is not."""
    assert reasons(flat_engine(), {"mark_price": "100", "expires_at": expires_at}) == expected


# Measures


def buffered(buffer: str, **more: str) -> Engine:
    """Maintenance 1 % of notional before this buffer acts."""
    instruments = "{BTCUSDT: {payoff: linear, table: flat, buffers: [one], price_tick: 0.1}}"
    return engine_of(tables=FLAT, instruments=instruments, buffers=f"{{one: {buffer}}}", **more)


BANDS = "bands: [{from: 0, multiply: 1}, {from: 0.8, multiply: 2, add_rate: 0.01}, {from: 1.5, multiply: 3}]"
VOLATILITY = f"{{kind: volatility, measure: realized, {BANDS}, requirements: [maintenance]}}"


def measured(reading: Any) -> dict[str, Any]:
    """BTCUSDT at 100 with this reading."""
    return {"mark_price": "100", "measures": {"realized": reading}}


@pytest.mark.parametrize(
    ("reading", "maintenance"),
    [("0.79", "1"), ("0.8", "3"), ("1.5", "3"), ("9", "3")],  # 1 %; 2 * 1 % + 1 %; 3 * 1 %
)
def test_measure__adjusts_the_rate_from_its_floor_on(reading: str, maintenance: str) -> None:
    """A reading exactly on a band's floor is in that band."""
    assert pool_at(buffered(VOLATILITY), measured(reading)).maintenance_margin == Decimal(maintenance)


@pytest.mark.parametrize(
    ("margin", "status", "known"),
    # Least severe: 1 * 1 % + 0 = 1, lines at 1 and 1.25. Most severe: 3 * 1 % + 1 % = 4, lines at 4 and 5.
    [
        ("5.01", "healthy", True),
        ("5", "undetermined", False),  # a call under the most severe, healthy under the least
        ("4", "undetermined", False),
        ("1.25", "undetermined", False),  # to liquidate, or a call
        ("1", "liquidate", True),
    ],
)
def test_measure__missing_is_decided_only_where_both_extremes_agree(margin: str, status: str, known: bool) -> None:
    """The greatest factor and the greatest addition, each by itself, against the least of each."""
    document = account(position("1", margin=margin))
    evaluation = buffered(VOLATILITY).evaluate(document, market())
    pool = one_pool(evaluation)
    assert (pool.status, pool.reasons) == (status, () if known else ("MEASURE_MISSING",))
    assert pool.maintenance_margin == 4
    assert pool.top_up is None or known
    assert evaluation.positions[0].notes == ("MEASURE_MISSING",)


@pytest.mark.parametrize(
    ("reading", "maintenance"),
    [
        ({"value": "0"}, "1"),  # no time of its own: that of the mark
        ({"value": "0", "time": "2026-12-01T23:59:50Z"}, "1"),
        ({"value": "0", "time": "2026-12-01T23:59:49Z"}, "4"),
        ({"value": "0", "time": "2026-12-02T00:00:01Z"}, "4"),
        ("-1", "4"),  # below the lowest band
    ],
)
def test_measure__that_is_stale_or_makes_no_sense_counts_as_missing(reading: Any, maintenance: str) -> None:
    """A measure exactly `stale_after` old is read; an older, a later or a senseless one is as good as none."""
    engine = buffered(VOLATILITY, market_data="{stale_after: 10s}")
    assert pool_at(engine, {**measured(reading), "time": AS_OF}).maintenance_margin == Decimal(maintenance)


def test_measure__missing_with_a_buffer_that_only_adds() -> None:
    """The most severe band adds 1 %: 2 of a notional of 100; nothing is multiplied."""
    engine = buffered("{kind: depth, measure: depth, bands: [{from: 0, add_rate: 0.01}, {from: 5, add_rate: 0}]}")
    evaluation = engine.evaluate(account(LONG), market())
    figures = evaluation.positions[0]
    assert (figures.maintenance_margin, figures.initial_margin) == (2, 11)
    assert (figures.buffers[0].multiply, figures.buffers[0].add_rate) == (None, Decimal("0.01"))


def test_expiry_buffer__reads_absence_as_missing_and_null_as_never() -> None:
    """Not stated: the most severe band; null: the last one; exactly a day left: the band from 1d."""
    engine = buffered(
        "{kind: expiry, bands: [{from: 0d, multiply: 3}, {from: 1d, multiply: 2}, {from: 7d, multiply: 1}]}"
    )
    found = [
        pool_at(engine, {"mark_price": "100", **more}).maintenance_margin
        for more in ({}, {"expires_at": None}, {"expires_at": "2026-12-03T00:00:00Z"})
    ]
    assert found == [3, 1, 2]


def test_buffer__of_one_requirement_leaves_the_other() -> None:
    """A buffer on initial margin alone doubles 10 and leaves maintenance at 1."""
    engine = buffered(f"{{kind: volatility, measure: realized, {BANDS}, requirements: [initial]}}")
    figures = engine.evaluate(account(LONG), market(BTCUSDT=measured("0.8"))).positions[0]
    assert (figures.initial_margin, figures.maintenance_margin) == (21, 1)  # 2 * 10 % + 1 %


def test_doubt__writes_times_in_utc_with_z() -> None:
    """As everywhere else: nobody reads +00:00 in one place and Z in another."""
    doubt = pool_at(flat_engine(), {"mark_price": "100", "time": "2026-12-03T01:00:00+01:00"}).evidence[0]
    assert "is of 2026-12-03T00:00:00Z, later than 2026-12-02T00:00:00Z" in str(doubt)
