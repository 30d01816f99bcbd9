"""What a mode is shown, what it is not, and that it can change none of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import msgspec
import pytest

from rules_engine import Engine
from rules_engine.numbers.exact import EXACT
from rules_engine.plugin import Exposure, Requirement, tiered_requirement
from tests.builders import FLAT, account, market, one_pool, one_position, order, position
from tests.engine.strangers import SUPPLIER, Strange, Supplies, engine_with

PARAMETERS = {
    "levels": {"type": "list", "schema": {"type": "number"}},
    "curve": {"type": "dict", "schema": {"from": {"type": "number"}}},
    "words": {"type": "string"},
}
MODES = "{isolated: {}, cross: {}, strange: {levels: [1, 2], curve: {from: 3}, words: w}}"
INSTRUMENTS = """
  BTCUSDT: {payoff: linear, table: flat, underlying: BTC, price_tick: 0.1, quantity_step: 0.001, terms: {strike: 280}}
  ETHUSDT: {payoff: linear, table: flat, underlying: ETH, price_tick: 0.3, quantity_step: 0.007}
"""


def reachable(root: Any) -> Iterator[Any]:
    """Everything that can be come to from an argument: structs, mappings and sequences, each once."""
    seen: set[int] = set()
    left = [root]
    while left:
        one = left.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        if isinstance(one, msgspec.Struct):
            left.extend(getattr(one, name) for name in one.__struct_fields__)
        elif isinstance(one, Mapping):
            left.extend([*one.keys(), *one.values()])
        elif isinstance(one, (list, tuple, set, frozenset)):
            left.extend(one)


class Recorder(Strange):
    """A mode of positions, each its own pool, that keeps every argument that it was shown."""

    def __init__(self) -> None:
        from rules_engine.plugin import Backing

        super().__init__(lambda num, exposure: tiered_requirement(num, exposure), Backing.POSITION)
        self.parameters = PARAMETERS
        self.shown: list[tuple[Any, Exposure, Any]] = []
        self.labelled: list[tuple[Any, Any]] = []
        self.markets: list[tuple[Any, Any, Any, Any]] = []

    def pool(self, labels: Any, parameters: Any) -> Any:
        """Keeps its arguments."""
        self.labelled.append((labels, parameters))
        return super().pool(labels, parameters)

    def requirement(self, num: Any, exposure: Any, parameters: Any) -> Any:
        """Keeps its arguments."""
        self.shown.append((num, exposure, parameters))
        return super().requirement(num, exposure, parameters)

    def prepare(self, num: Any, view: Any, as_of: Any, parameters: Any) -> Any:
        """Keeps its arguments, and prepares a text that names the instrument."""
        self.markets.append((num, view, as_of, parameters))
        return f"prepared {view.name}"


OWN = position("1.1", "101", mode="strange", id="own", margin="51", leverage="4", accrued="0.7")
OTHERS = [
    position("-2.2", "102", mode="strange", id="other", margin="52", instrument="ETHUSDT", leverage="5"),
    position("3.3", "103", mode="cross", id="shared", instrument="ETHUSDT", group="G"),
]
ORDERS = [
    order("4.4", mode="strange", id="buy", price="104", position="own", leverage="6"),
    order("5.6", mode="strange", id="foreign", price="105", instrument="ETHUSDT", position="other"),
    order("6.6", id="crossed", price="106", instrument="ETHUSDT"),
]
FUNDS = {"collateral": {"USDT": "1007", "BTC": "0.008"}, "group_margins": {"G": "109"}}
MARKET = {
    **market(BTCUSDT={"mark_price": "100", "index_price": "99", "measures": {"volatility": {"value": "0.5"}}}),
    "prices": {"BTC": {"price": "111"}},
}


@pytest.fixture(scope="module")
def recorder() -> Recorder:
    """A mode that has seen one evaluation of an account with others in it."""
    mode = Recorder()
    engine = engine_with(Supplies(mode), modes=MODES, instruments=INSTRUMENTS)
    evaluation = engine.evaluate(account(OWN, *OTHERS, orders=ORDERS, **FUNDS), MARKET)
    assert one_pool(evaluation, "A/strange/own").status == "healthy"
    return mode


def test_requirement__sees_one_position_and_its_own_market(recorder: Recorder) -> None:
    """Of all calls about a position, nothing that they can reach is of another position, order, pool or account."""
    foreign_texts = {"other", "shared", "ETHUSDT", "ETH", "foreign", "crossed", "G", "A", "cross", "prepared ETHUSDT"}
    rows = ["-2.2", "102", "52", "5", "3.3", "103", "5.6", "105", "6.6", "106"]
    elsewhere = ["1007", "0.008", "109", "111", "0.3", "0.007"]  # funds, prices, the other instrument's tick and step
    foreign_numbers = {Decimal(number) for number in (*rows, *elsewhere)}
    calls = [call for call in recorder.shown if call[1].id == "own"]
    assert calls
    for _, exposure, parameters in calls:
        for one in (*reachable(exposure), *reachable(parameters)):
            assert not (isinstance(one, str) and one in foreign_texts)
            assert not (isinstance(one, Decimal) and one in foreign_numbers)


def test_requirement__sees_what_it_needs(recorder: Recorder) -> None:
    """The position, its orders, its ring-fenced collateral with what accrued, its instrument and the instant."""
    exposure = next(one for num, one, _ in recorder.shown if num is EXACT and one.id == "own" and one.orders)
    assert (exposure.quantity, exposure.value, exposure.entry_value) == (Decimal("1.1"), 100, 101)
    assert (exposure.collateral, exposure.leverage) == (Decimal("51.7"), 4)
    assert [(one.id, one.quantity, one.value, one.leverage) for one in exposure.orders] == [
        ("buy", Decimal("4.4"), 104, 6)
    ]
    view = exposure.market
    assert (view.name, view.payoff, view.underlying, view.index_price) == ("BTCUSDT", "linear", "BTC", 99)
    assert (view.measure("volatility"), view.term("strike"), view.index()) == (Decimal("0.5"), 280, 99)
    assert exposure.as_of == datetime(2026, 12, 2, tzinfo=UTC)
    assert exposure.prepared == "prepared BTCUSDT"


def test_arguments__cannot_be_changed(recorder: Recorder) -> None:
    """No struct takes an attribute, no mapping an item, and no list can be reached at all."""
    arguments = [one for call in (*recorder.shown, *recorder.labelled, *recorder.markets) for one in call]
    found = [one for argument in arguments for one in reachable(argument)]
    assert any(isinstance(one, Mapping) and one for one in found)
    for one in found:
        assert not isinstance(one, (list, set, bytearray)), one
        if isinstance(one, msgspec.Struct):
            for name in one.__struct_fields__:
                with pytest.raises(AttributeError):
                    setattr(one, name, None)
        elif isinstance(one, Mapping):
            with pytest.raises(TypeError):
                one["new"] = 1  # type: ignore[index]


def test_parameters__are_what_the_policy_says(recorder: Recorder) -> None:
    """Mappings and sequences that only read, the same for every call."""
    parameters = recorder.shown[0][2]
    assert parameters == {"levels": (1, 2), "curve": {"from": 3}, "words": "w"}
    assert isinstance(parameters, MappingProxyType)
    assert all(call[2] is parameters for call in recorder.shown)


def test_labels__are_all_that_the_pool_is_told_by(recorder: Recorder) -> None:
    """Id, instrument, underlying and group: no amounts."""
    labels = next(each for each, *_ in recorder.labelled if each.instrument == "BTCUSDT")  # `check` asks too
    assert msgspec.structs.asdict(labels) == {"id": "own", "instrument": "BTCUSDT", "underlying": "BTC", "group": None}


def test_prepare__is_called_once_an_instrument_however_many_positions_and_accounts() -> None:
    """The market's engine keeps what a mode has prepared; another market prepares anew."""
    mode = Recorder()
    engine = engine_with(Supplies(mode), modes=MODES, instruments=INSTRUMENTS)
    here = engine.at(MARKET)
    here.evaluate_all([account(OWN, *OTHERS, orders=ORDERS, **FUNDS), account(OWN)])
    here.check_order(account(OWN, **FUNDS), ORDERS[0])
    assert [view.name for _, view, _, _ in mode.markets] == ["BTCUSDT", "ETHUSDT"]
    num, view, as_of, parameters = mode.markets[0]
    assert (num, as_of, parameters) == (EXACT, datetime(2026, 12, 2, tzinfo=UTC), mode.shown[0][2])
    assert view == next(one.market for _, one, _ in mode.shown if one.id == "own")
    engine.evaluate(account(OWN), MARKET)
    assert len(mode.markets) == 3


def test_prepare__at_fault_costs_the_pools_of_its_mode_in_that_instrument() -> None:
    """The instrument is named; the mode's other pools, and other modes' of that instrument, go on."""

    class Half(Recorder):
        def prepare(self, num: Any, view: Any, as_of: Any, parameters: Any) -> Any:
            return 1 // 0 if view.name == "ETHUSDT" else None

    evaluation = engine_with(Supplies(Half()), modes=MODES).evaluate(account(OWN, *OTHERS, **FUNDS), MARKET)
    pool = one_pool(evaluation, "A/strange/other")
    assert (pool.status, pool.reasons) == ("undetermined", ("PLUGIN_FAULT",))
    assert pool.evidence[0].message.startswith(f"ETHUSDT: strange of {SUPPLIER} raised ZeroDivisionError")
    assert [one_pool(evaluation, name).status for name in ("A/strange/own", "A/cross")] == ["healthy", "healthy"]


LACKS = {
    "MEASURE_MISSING": lambda view, as_of: view.measure("depth"),
    "REFERENCE_MISSING": lambda view, as_of: view.term("multiplier"),
    "INDEX_MISSING": lambda view, as_of: view.index(),
    "EXPIRY_MISSING": lambda view, as_of: view.seconds_to_expiry(as_of),
}


def lacking(code: str, **sections: str) -> Engine:
    """The engine of a mode that needs what this code is about."""

    def asks(num: Any, exposure: Exposure) -> Requirement:
        LACKS[code](exposure.market, exposure.as_of)
        return tiered_requirement(num, exposure)

    return engine_with(Supplies(Strange(asks)), **sections)


HELD = position("1", mode="strange")
CASH = {"collateral": {"USDT": "100"}}


@pytest.mark.parametrize("code", LACKS)
def test_input__that_is_missing_is_no_fault_and_named(code: str) -> None:
    """The pool is undetermined with the code of what is missing; the sentence names position and mode."""
    evaluation = lacking(code).evaluate(account(HELD, position("1", id="sound", margin="50"), **CASH), market())
    pool = one_pool(evaluation, "A/strange")
    assert (pool.status, pool.reasons) == ("undetermined", (code,))
    assert pool.evidence[0].message.startswith(f"p1: strange of {SUPPLIER} lacks an input: ")
    assert (pool.evidence[0].position, pool.evidence[0].instrument) == ("p1", "BTCUSDT")
    assert one_pool(evaluation, "A/isolated/sound").status == "healthy"


STATED = {
    "MEASURE_MISSING": {"measures": {"depth": {"value": "1"}}},
    "REFERENCE_MISSING": {"terms": {"multiplier": "2"}},
    "INDEX_MISSING": {"index_price": "100"},
    "EXPIRY_MISSING": {"expires_at": "2027-01-01T00:00:00Z"},
}


@pytest.mark.parametrize("code", LACKS)
def test_input__that_is_there_decides(code: str) -> None:
    """The market's own word is enough."""
    here = market(BTCUSDT={"mark_price": "100", **STATED[code]})
    assert one_pool(lacking(code).evaluate(account(HELD, **CASH), here), "A/strange").status == "healthy"


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ("MEASURE_MISSING", {"measures": {"depth": {"value": "1", "time": "2026-12-01T23:59:49Z"}}}),
        ("MEASURE_MISSING", {"measures": {"depth": {"value": "1", "time": "2026-12-02T00:00:01Z"}}}),
        ("INDEX_MISSING", {"index_price": "0"}),
        ("EXPIRY_MISSING", {"expires_at": None}),
    ],
)
def test_input__that_is_stale_or_no_such_thing_counts_as_missing(code: str, data: Any) -> None:
    """A measure of 11 s ago where 10 are allowed, one of the future, no price, no expiry."""
    here = market(BTCUSDT={"mark_price": "100", "time": "2026-12-02T00:00:00Z", **data})
    engine = lacking(code, market_data="{stale_after: 10s}", tables=FLAT)
    assert one_pool(engine.evaluate(account(HELD, **CASH), here), "A/strange").reasons == (code,)


def test_figures__stand_in_documents_of_positions() -> None:
    """Decimals as they are, quotients in their first 28 digits, whole numbers; none where the mode says none."""

    def telling(num: Any, exposure: Exposure) -> Requirement:
        third = num.quotient(num.constant(Decimal(1)), num.constant(Decimal(3)))
        found = tiered_requirement(num, exposure)
        return Requirement(
            found.initial, found.maintenance, figures={"third": third, "level": 7, "rate": Decimal("0.10")}
        )

    evaluation = engine_with(Supplies(Strange(telling))).evaluate(account(HELD, **CASH), market())
    assert one_position(evaluation).to_dict()["figures"] == {"third": "0." + 28 * "3", "level": "7", "rate": "0.1"}
    assert "figures" not in one_pool(evaluation, "A/strange").to_dict()
