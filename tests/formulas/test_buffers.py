"""Buffers: bands and curves at their edges, measures and time to expiry."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from rules_engine.formulas.buffers import FOREVER, ExpiryBuffer, MeasureBuffer
from rules_engine.numbers.exact import EXACT, Ratio
from rules_engine.terms.exposure import Adjustment
from rules_engine.terms.market import InstrumentMarket, Measure

AS_OF = datetime(2026, 12, 2, tzinfo=UTC)
VOLATILITY = MeasureBuffer("volatility")
BANDS = {
    "measure": "realized",
    "bands": [
        {"from": Decimal(0), "multiply": Decimal(1)},
        {"from": Decimal("0.8"), "multiply": Decimal("1.25")},
        {"from": Decimal("1.5"), "multiply": Decimal(2), "add_rate": Decimal("0.01")},
    ],
}
CURVE = {"measure": "realized", "curve": {"reference": Decimal("0.6"), "slope": Decimal("0.5"), "cap": Decimal(2)}}


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        ("0", Adjustment(multiply=Decimal(1))),
        ("0.79999", Adjustment(multiply=Decimal(1))),
        ("0.8", Adjustment(multiply=Decimal("1.25"))),
        ("1.5", Adjustment(multiply=Decimal(2), add_rate=Decimal("0.01"))),
        ("900", Adjustment(multiply=Decimal(2), add_rate=Decimal("0.01"))),
        ("-0.00001", None),
    ],
)
def test_bands__begin_at_their_floor_and_the_last_is_the_cap(reading: str, expected: Adjustment | None) -> None:
    """A reading exactly on a floor is in the band above it; below the lowest floor there is no adjustment."""
    assert VOLATILITY.adjustment(EXACT, Decimal(reading), BANDS) == expected


@pytest.mark.parametrize(
    ("reading", "multiply"),
    # 1 + 0.5 * (x / 0.6 - 1): below the reference 1; at 0.9 1.25; at 1.8 exactly 2, the cap; above it 2.
    [("0", "1"), ("0.6", "1"), ("0.9", "1.25"), ("1.8", "2"), ("1.81", "2")],
)
def test_curve__rises_from_one_to_its_cap(reading: str, multiply: str) -> None:
    """A curve stays at 1 up to its reference and at its cap beyond."""
    assert VOLATILITY.adjustment(EXACT, Decimal(reading), CURVE) == Adjustment(multiply=Decimal(multiply))


def test_curve__is_exact_between_its_ends() -> None:
    """At 0.7: 1 + 0.5 * (7/6 - 1) = 13/12."""
    adjustment = VOLATILITY.adjustment(EXACT, Decimal("0.7"), CURVE)
    assert adjustment is not None
    assert adjustment.multiply == Ratio(Decimal(13), Decimal(12))


def test_curve__has_no_answer_below_zero() -> None:
    """A negative volatility makes no sense."""
    assert VOLATILITY.adjustment(EXACT, Decimal("-0.1"), CURVE) is None


def test_extremes__are_all_bands_or_both_ends_of_a_curve() -> None:
    """What stands in for a missing measure is found among these."""
    assert [one.multiply for one in VOLATILITY.extremes(BANDS)] == [1, Decimal("1.25"), 2]
    assert VOLATILITY.extremes(CURVE) == (Adjustment(multiply=Decimal(1)), Adjustment(multiply=Decimal(2)))


def test_measure__is_read_by_name() -> None:
    """The measure that the parameters name, None where the market has none of that name."""
    market = InstrumentMarket(measures={"realized": Measure(value=Decimal("0.7"))})
    assert VOLATILITY.reading(market, AS_OF, BANDS) == Decimal("0.7")
    assert VOLATILITY.reading(market, AS_OF, {"measure": "depth"}) is None


@pytest.mark.parametrize(
    ("expires_at", "reading"),
    [
        (msgspec.UNSET, None),
        (None, FOREVER),
        (AS_OF + timedelta(days=1, seconds=2, microseconds=5), Decimal("86402.000005")),
        (AS_OF, Decimal(0)),
    ],
)
def test_expiry__reads_the_seconds_left(expires_at: Any, reading: Decimal | None) -> None:
    """Not stated is missing; no expiry is forever; otherwise seconds, to the microsecond."""
    assert ExpiryBuffer().reading(InstrumentMarket(expires_at=expires_at), AS_OF, {}) == reading


def test_expiry__bands_are_in_seconds() -> None:
    """A day is 86400 seconds: exactly a day left is in the band from 1d, a microsecond less is not."""
    bands = {"bands": [
        {"from": Decimal(0), "multiply": Decimal("1.5")}, {"from": Decimal(86400), "multiply": Decimal("1.2")},
    ]}  # fmt: skip
    assert ExpiryBuffer().adjustment(EXACT, Decimal(86400), bands) == Adjustment(multiply=Decimal("1.2"))
    assert ExpiryBuffer().adjustment(EXACT, Decimal("86399.999999"), bands) == Adjustment(multiply=Decimal("1.5"))
    assert [one.multiply for one in ExpiryBuffer().extremes(bands)] == [Decimal("1.5"), Decimal("1.2")]
    assert set(ExpiryBuffer().parameters) == {"bands"}
