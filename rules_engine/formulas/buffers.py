"""Buffers: how a measure of the market (volatility, depth, time to expiry) adjusts a table's rates."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from rules_engine.numbers.exact import ONE
from rules_engine.numbers.system import Number, NumberSystem
from rules_engine.terms.components import Parameters, ParameterSchema
from rules_engine.terms.exposure import Adjustment
from rules_engine.terms.market import InstrumentMarket

FOREVER: Final = Decimal("1e30")
"""Seconds to the expiry of an instrument that never expires: in the last band."""


def _bands_schema(start: Mapping[str, Any]) -> ParameterSchema:
    return {
        "type": "list",
        "minlength": 1,
        "meta": {"bands": "rising from 0"},
        "schema": {
            "type": "dict",
            "schema": {
                "from": {**start, "required": True},
                "multiply": {"type": "number", "min": 0},
                "add_rate": {"type": "number", "min": -1, "max": 1},
            },
        },
    }


_CURVE: Final[ParameterSchema] = {
    "type": "dict",
    "schema": {
        "reference": {"type": "number", "required": True, "above": 0},
        "slope": {"type": "number", "required": True, "min": 0},
        "cap": {"type": "number", "required": True, "min": 1},
    },
}


def band_adjustment(band: Mapping[str, Number]) -> Adjustment:
    """What one band says."""
    return Adjustment(multiply=band.get("multiply"), add_rate=band.get("add_rate"))


def band_at(reading: Number, bands: Sequence[Mapping[str, Number]]) -> int | None:
    """The index of the band that holds a reading; None below the lowest."""
    index = bisect_right([band["from"] for band in bands], reading) - 1
    return index if index >= 0 else None


def curve_multiplier(num: NumberSystem, reading: Number, curve: Mapping[str, Number]) -> Number:
    """`1 + slope * (reading / reference - 1)`, kept between 1 and the cap."""
    rise = curve["slope"] * (num.quotient(reading, curve["reference"]) - 1)
    return num.minimum(num.maximum(ONE, ONE + rise), curve["cap"])


def adjustment_at(num: NumberSystem, reading: Number, parameters: Parameters) -> Adjustment | None:
    """The adjustment at a reading, by bands or curve; None below the lowest band."""
    if "curve" in parameters:
        return Adjustment(multiply=curve_multiplier(num, reading, parameters["curve"])) if reading >= 0 else None
    index = band_at(reading, parameters["bands"])
    return None if index is None else band_adjustment(parameters["bands"][index])


def reachable(parameters: Parameters) -> tuple[Adjustment, ...]:
    """Every band's adjustment, or both ends of a curve."""
    if "curve" in parameters:
        return (Adjustment(multiply=ONE), Adjustment(multiply=parameters["curve"]["cap"]))
    return tuple(band_adjustment(band) for band in parameters["bands"])


class MeasureBuffer(msgspec.Struct, frozen=True):
    """A buffer that reads one measure of the market document, such as `volatility` or `depth`."""

    name: str

    @property
    def parameters(self) -> ParameterSchema:
        return {
            "measure": {"type": "string", "required": True, "empty": False},
            "bands": {**_bands_schema({"type": "number"}), "excludes": "curve", "required": True},
            "curve": {**_CURVE, "excludes": "bands", "required": True},
        }

    def reading(self, market: InstrumentMarket, as_of: datetime, parameters: Parameters) -> Number | None:
        measure = market.measures.get(parameters["measure"])
        return None if measure is None else measure.value

    def adjustment(self, num: NumberSystem, reading: Number, parameters: Parameters) -> Adjustment | None:
        return adjustment_at(num, reading, parameters)

    def extremes(self, parameters: Parameters) -> tuple[Adjustment, ...]:
        return reachable(parameters)


class ExpiryBuffer(msgspec.Struct, frozen=True):
    """A buffer that reads the time left to expiry, in seconds; an instrument without expiry is in the last band."""

    name: str = "expiry"

    @property
    def parameters(self) -> ParameterSchema:
        return {"bands": {**_bands_schema({"type": "number", "coerce": "duration"}), "required": True}}

    def reading(self, market: InstrumentMarket, as_of: datetime, parameters: Parameters) -> Number | None:
        if market.expires_at is msgspec.UNSET:
            return None
        if market.expires_at is None:
            return FOREVER
        left = market.expires_at - as_of
        return Decimal(left.days * 86400 + left.seconds) + Decimal(left.microseconds).scaleb(-6)

    def adjustment(self, num: NumberSystem, reading: Number, parameters: Parameters) -> Adjustment | None:
        return adjustment_at(num, reading, parameters)

    def extremes(self, parameters: Parameters) -> tuple[Adjustment, ...]:
        return reachable(parameters)
