"""Buffers explained: what was read, where from, the band or curve that it fell in, and that band's line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest
import rules_engine_standard_modes

from rules_engine import Engine
from rules_engine.extension.registry import build_registry
from rules_engine.plugin import (
    Adjustment,
    BufferKind,
    InstrumentMarket,
    Number,
    NumberSystem,
    Parameters,
    ParameterSchema,
    hookimpl,
)
from rules_engine.policy.check import check_policy
from rules_engine.policy.load import policy_finder
from rules_engine.terms.explanation import Explanation, Line
from tests.builders import AS_OF, FLAT, SECTIONS, engine_of, market, position
from tests.engine.explaining import explained, line, part

BUFFERS = """
  one:
    kind: volatility
    measure: realized
    bands:
      - {from: 0, multiply: 1}
      - {from: 1, multiply: 2}
  two:
    kind: depth
    measure: depth
    bands:
      - {from: 0, add_rate: 0.01}
      - {from: 5, add_rate: 0}
  three:
    kind: expiry
    bands:
      - {from: 0d, multiply: 1.5, add_rate: 0.02}
      - {from: 1d, multiply: 1, add_rate: 0}
  smooth:
    kind: volatility
    measure: realized
    curve: {reference: 0.5, slope: 0.5, cap: 2}
  mixed:
    kind: depth
    measure: depth
    bands:
      - {from: 0, multiply: 2, add_rate: 0}
      - {from: 5, multiply: 1, add_rate: 0.01}
"""


def with_buffers(names: str, expires_at: str = "", **more: str) -> Engine:
    """A flat engine whose one instrument has these buffers."""
    rule = f"{{payoff: linear, table: flat, buffers: [{names}], price_tick: 0.1{expires_at}}}"
    return engine_of(tables=FLAT, instruments=f"{{BTCUSDT: {rule}}}", buffers=BUFFERS, **more)


def at(**data: Any) -> dict[str, Any]:
    """A market with a mark of 100 and these data."""
    return market(BTCUSDT={"mark_price": "100", **data})


def buffers_of(explanation: Explanation) -> list[Line]:
    """The lines between that of the tier and the rates."""
    figures = [one.figure for one in part(explanation, "p1").lines]
    return list(part(explanation, "p1").lines[1 : figures.index("maintenance_rate")])


def source_ends(one: Line, text: str) -> bool:
    """Whether the line's source is the line of the buffers section on which this text stands."""
    file, _, number = one.source.rpartition(":")
    written = POLICY_LINES[int(number) - 1]
    return file == "example.yaml" and text in written


def policy_lines() -> list[str]:
    """The lines of the policy as `engine_of` puts it together."""
    sections = {**SECTIONS, "tables": FLAT, "instruments": "{}", "buffers": BUFFERS}
    return "".join(f"{name}: {section}\n" for name, section in sections.items()).splitlines()


POLICY_LINES = policy_lines()


def test_buffers__say_reading_band_and_its_line() -> None:
    """2 * 1 % + 1 %, with the most severe band where a measure is missing; a buffer that changes nothing stays out."""
    data = at(measures={"realized": "1"}, expires_at=None)
    explanation = explained(with_buffers("one, two, three"), position("1", margin="90"), at=data)
    rate = line(explanation, "p1", "maintenance_rate")
    assert (rate.value, rate.how) == ("0.03", "table_rate 0.01 * one 2 + two 0.01")
    one, two, three = buffers_of(explanation)
    assert (one.value, one.how) == ("multiply 2", "realized 1 (market): band from 1 on")
    assert (two.value, two.how) == ("add_rate 0.01", "depth is missing: the most severe band stands in")
    assert (three.value, three.how) == (
        "multiply 1, add_rate 0",
        "no expiry (expires_at of the market): band from 1d on",
    )
    assert source_ends(one, "{from: 1, multiply: 2}")
    assert source_ends(two, "{from: 0, add_rate: 0.01}")
    assert source_ends(three, "{from: 1d, multiply: 1, add_rate: 0}")


@pytest.mark.parametrize(
    ("expires_at", "said"),
    [
        ("2026-12-02T20:00:00Z", "20h to expiry (expires_at of the market): band from 0s to 1d"),
        ("2026-12-02T00:01:00.5Z", "1m 0.5s to expiry (expires_at of the market): band from 0s to 1d"),
        ("2026-12-04T02:00:00Z", "2d 2h to expiry (expires_at of the market): band from 1d on"),
    ],
)
def test_expiry__is_said_as_time_that_is_left(expires_at: str, said: str) -> None:
    """Days, hours, minutes and seconds from as_of to expires_at, those that are 0 left out."""
    explanation = explained(with_buffers("three"), position("1", margin="90"), at=at(expires_at=expires_at))
    assert [one.how for one in buffers_of(explanation)] == [said]


def test_expiry__of_the_policy_is_no_reading_of_the_market() -> None:
    """Where the policy states expires_at and the market does not, it is named; where none does, that is missing."""
    stated = with_buffers("three", ", expires_at: 2026-12-02T01:00:00Z")
    (one,) = buffers_of(explained(stated, position("1", margin="90"), at=at()))
    assert one.how == "1h to expiry (expires_at of the policy): band from 0s to 1d"
    (one,) = buffers_of(explained(with_buffers("three"), position("1", margin="90"), at=at()))
    assert one.how == "expires_at is missing: the most severe band stands in"


def test_measure__that_is_not_usable_is_told_from_one_that_is_missing() -> None:
    """A measure of the day before is too old, and one below every band makes no sense."""
    engine = with_buffers("two", market_data="{stale_after: 10s}")
    old = at(time=AS_OF, measures={"depth": {"value": "7", "time": "2026-12-01T00:00:00Z"}})
    (one,) = buffers_of(explained(engine, position("1", margin="90"), at=old))
    assert one.how == "depth is too old or of the future: the most severe band stands in"
    (one,) = buffers_of(explained(with_buffers("two"), position("1", margin="90"), at=at(measures={"depth": "-1"})))
    assert one.how == "depth -1 (market) makes no sense: the most severe band stands in"


def test_most_severe_band__of_two_points_at_all_bands() -> None:
    """The greatest factor and the greatest addition are of two bands, so the line is where the list begins."""
    (one,) = buffers_of(explained(with_buffers("mixed"), position("1", margin="90"), at=at()))
    assert one.value == "multiply 2, add_rate 0.01"
    assert source_ends(one, "{from: 0, multiply: 2, add_rate: 0}")


@pytest.mark.parametrize(
    ("reading", "value", "how"),
    [
        ("0.6", "multiply 1.1", "1 + 0.5 * (realized 0.6 / 0.5 - 1)"),
        ("0.4", "multiply 1", "largest of (1; 1 + 0.5 * (realized 0.4 / 0.5 - 1))"),
        ("5", "multiply 2", "smallest of (1 + 0.5 * (realized 5 / 0.5 - 1); 2)"),
    ],
)
def test_curve__is_replayed_on_the_reading(reading: str, value: str, how: str) -> None:
    """1 + 0.5 * (reading / 0.5 - 1), between 1 and 2."""
    data = at(measures={"realized": reading})
    (one,) = buffers_of(explained(with_buffers("smooth"), position("1", margin="90"), at=data))
    assert (one.value, one.how) == (value, f"realized {reading} (market): {how}")
    assert source_ends(one, "curve: {reference: 0.5")


def test_buffers__show_only_in_the_requirement_on_which_they_act() -> None:
    """A buffer on initial margin doubles its rate and stays out of the maintenance rate."""
    engine = engine_of(
        tables=FLAT,
        instruments="{BTCUSDT: {payoff: linear, table: flat, buffers: [one], price_tick: 0.1}}",
        buffers="{one: {kind: volatility, measure: m, bands: [{from: 0, multiply: 2}], requirements: [initial]}}",
    )
    explanation = explained(engine, position("1", margin="90"), at=at(measures={"m": "1"}))
    assert line(explanation, "p1", "maintenance_rate").how == "table_rate 0.01"
    assert line(explanation, "p1", "initial_rate").how == "table_rate 0.1 * one 2"


class Weekend:
    """A stranger's buffer: doubles rates on the days it names, by the market's clock; reads no measure."""

    name = "weekend"
    parameters: ParameterSchema = {
        "days": {"type": "list", "schema": {"type": "number"}},
        "bands": {"type": "list", "required": False},
        "curve": {"type": "string", "required": False},
        "measure": {"type": "string", "required": False},
    }

    def reading(self, data: InstrumentMarket, as_of: datetime, parameters: Parameters) -> Number | None:
        """The day of the week, Monday 0; nothing where no day is named."""
        return as_of.weekday() if parameters.get("days") else None

    def adjustment(self, num: NumberSystem, reading: Number, parameters: Parameters) -> Adjustment | None:
        """Double on those days."""
        return Adjustment(multiply=num.constant(2 if reading in parameters["days"] else 1))

    def extremes(self, parameters: Parameters) -> tuple[Adjustment, ...]:
        """Once or twice."""
        return (Adjustment(multiply=1), Adjustment(multiply=2))


class Strangers:
    """The plugin that supplies it."""

    @hookimpl
    def rules_engine_buffers(self) -> Sequence[BufferKind]:
        """The only one."""
        return (Weekend(),)


def weekend_engine(parameters: str) -> Engine:
    """A flat engine with the stranger's buffer."""
    sections = {
        **SECTIONS,
        "tables": FLAT,
        "instruments": "{BTCUSDT: {payoff: linear, table: flat, buffers: [rest]}}",
        "buffers": f"{{rest: {{kind: weekend, {parameters}}}}}",
    }
    text = "".join(f"{name}: {section}\n" for name, section in sections.items())
    registry = build_registry([rules_engine_standard_modes, Strangers()])
    policy, problems = check_policy(text.encode(), "strange.yaml", registry, policy_finder(None))
    assert policy is not None, "\n".join(str(problem) for problem in problems)
    return Engine(policy)


@pytest.mark.parametrize(
    ("parameters", "value", "how"),
    # 2 December 2026 is a Wednesday.
    [
        ("days: [2]", "multiply 2", "reading 2"),
        ("days: [5, 6]", "multiply 1", "reading 2"),
        ("days: []", "multiply 2", "its reading is missing: the most severe band stands in"),
        ("days: [2], curve: steep", "multiply 2", "reading 2"),
        ("days: [2], bands: [{from: 0, multiply: 7}]", "multiply 2", "reading 2"),
        ("days: [2], measure: day", "multiply 2", "day 2"),
    ],
)
def test_stranger__is_said_no_further_than_it_is_known(parameters: str, value: str, how: str) -> None:
    """A kind whose parameters mean something else, though named like ours, keeps its reading and loses no truth."""
    explanation = explained(weekend_engine(parameters), position("1", margin="90"), at=at())
    (one,) = buffers_of(explanation)
    assert (one.value, one.how) == (value, how)
    assert one.source.startswith("strange.yaml:")
