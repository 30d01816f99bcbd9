"""Schedules of an engine: each worked out once, and kept from market to market."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from rules_engine import Engine
from rules_engine.engine import schedules
from rules_engine.engine.documents import decode_market
from rules_engine.engine.quote import Quotes
from rules_engine.engine.schedules import Schedules
from rules_engine.numbers.bounded import Constants
from rules_engine.numbers.exact import Ratio, exactly
from rules_engine.numbers.system import Number
from rules_engine.terms.exposure import Adjustment
from rules_engine.terms.policy import InstrumentRule
from tests.builders import account, market, one_position, position
from tests.engine.sweep_books import BUFFERED, fine_engine

ENGINE = fine_engine(**BUFFERED)
RULE = ENGINE.policy.instruments["BTCUSDT"]
SWINGS = ENGINE.policy.buffers["swings"]


def under(kept: Schedules, multiply: Number, add_rate: Number = None, rule: InstrumentRule = RULE) -> Any:
    """The table of an instrument with its rates multiplied and added to."""
    with exactly():
        return kept.under(rule, [(SWINGS, Adjustment(multiply=multiply, add_rate=add_rate))])


def test_schedule__under_no_buffer_is_the_table_s_own() -> None:
    """Nothing is kept of it."""
    assert Schedules().under(RULE, []) is RULE.table.schedule


def test_schedule__is_worked_out_once() -> None:
    """The rates 1 %, 2 % and 5 %, times one and a half."""
    kept = Schedules()
    first = under(kept, Decimal("1.5"))
    assert [rate for rate, _ in first.lines] == [Decimal("0.015"), Decimal("0.03"), Decimal("0.075")]
    assert under(kept, Decimal("1.5")) is first
    assert under(Schedules(), Decimal("1.5")) is not first


DIFFERENT: dict[str, tuple[tuple[Number, Number], tuple[Number, Number]]] = {
    "number": ((Decimal("1.5"), None), (Decimal(2), None)),
    "digits": ((Decimal("1.5"), None), (Decimal("1.50"), None)),
    "an integer": ((Decimal(2), None), (2, None)),
    "fraction": ((Ratio(Decimal(4), Decimal(3)), None), (Ratio(Decimal(5), Decimal(3)), None)),
    "digits of a fraction": ((Ratio(Decimal(4), Decimal(3)), None), (Ratio(Decimal("4.0"), Decimal(3)), None)),
    "what is said": ((Decimal("0.5"), None), (None, Decimal("0.5"))),
}


@pytest.mark.parametrize("what", DIFFERENT)
def test_schedule__of_an_adjustment_that_is_written_otherwise_is_another(what: str) -> None:
    """Equal numbers too: figures keep the digits that they come from."""
    kept, (one, other) = Schedules(), DIFFERENT[what]
    first, second = under(kept, *one), under(kept, *other)
    assert first is not second
    assert (under(kept, *one), under(kept, *other)) == (first, second)
    assert under(kept, *one) is first
    assert repr(second) == repr(under(Schedules(), *other))


def test_schedule__of_another_rule_is_another() -> None:
    """Even of one that is equal, made when the first was forgotten by all others: what is kept holds its rule."""
    kept = Schedules()
    for factor in range(20):
        table = msgspec.structs.replace(RULE.table, schedule=_steeper(factor))
        rule = msgspec.structs.replace(RULE, table=table)
        assert [rate for rate, _ in under(kept, Decimal(1), Decimal("0.01"), rule).lines] == [
            Decimal(factor + 1) / 100 + Decimal("0.01")
        ] * 3
        del rule, table


def _steeper(factor: int) -> Any:
    """A schedule with one rate in all tiers."""
    rate = Decimal(factor + 1) / 100
    return msgspec.structs.replace(RULE.table.schedule, lines=tuple((rate, Decimal(0)) for _ in range(3)))


def test_schedules__are_forgotten_before_they_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three are kept here; a fourth makes room, and what is asked for again is worked out again, the same."""
    monkeypatch.setattr(schedules, "MOST", 3)
    kept = Schedules()
    one, two, three = (under(kept, Decimal(factor)) for factor in (1, 2, 3))
    assert under(kept, Decimal(1)) is one
    four = under(kept, Decimal(4))
    again = under(kept, Decimal(2))
    assert again == two
    assert again is not two
    assert under(kept, Decimal(4)) is four
    assert three.floors == four.floors


def test_schedule__in_columns_is_the_same_in_their_numbers() -> None:
    """Floors and rates as doubles, made ready once."""
    kept, schedule = Schedules(), RULE.table.schedule
    made = kept.in_columns(schedule)
    assert kept.in_columns(schedule) is made
    assert isinstance(made.floors, Constants)
    assert made.floors.array.tolist() == [0.0, 1000.0, 5000.0]
    assert made.lines.doubles == [(0.01, 0.0), (0.02, 10.0), (0.05, 160.0)]  # type: ignore[attr-defined]
    assert made.initial_rates.array.tolist() == [0.02, 0.04, 0.1]  # type: ignore[attr-defined]


def quoted(engine: Engine, kept: Schedules, realized: str, mark: str = "100") -> Any:
    """The schedule of BTCUSDT in a market of this volatility."""
    at = decode_market(market(BTCUSDT={"mark_price": mark, "measures": {"realized": realized}}))
    with exactly():
        return Quotes(engine.policy, at, kept)("BTCUSDT").severe


def test_schedules__serve_markets_of_other_prices_and_readings_that_say_the_same() -> None:
    """The band from 0.5 to 1 is one adjustment, whatever is read in it; another band is another."""
    kept = Schedules()
    first = quoted(ENGINE, kept, "0.7")
    assert quoted(ENGINE, kept, "0.7", "90") is first
    assert quoted(ENGINE, kept, "0.8") is first
    assert quoted(ENGINE, kept, "1.1") is not first


def test_engine__keeps_schedules_from_market_to_market() -> None:
    """Evaluations in one market leave those in the next as they would be alone."""
    for readings in (("0.4", "0.7", "1.2"), ("1.2", "0.4", "0.7")):
        engine = fine_engine(**BUFFERED)
        for realized in readings:
            marks = market(BTCUSDT={"mark_price": "100", "measures": {"realized": realized}})
            held = account(position("1", margin="30"))
            found = one_position(engine.evaluate(held, marks)).maintenance_margin
            assert found == {"0.4": 1, "0.7": Decimal("1.5"), "1.2": 2}[realized]
