"""What a buffer read, where from, and which band or curve of the policy followed from it.

Buffer kinds are components, strangers' too: what is said rests on their parameters and on what their `reading` does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec

from rules_engine.engine.buffering import AppliedBuffer
from rules_engine.engine.explain_lines import where
from rules_engine.formulas.buffers import FOREVER, band_adjustment, band_at, curve_multiplier
from rules_engine.numbers.system import Number
from rules_engine.numbers.traced import TracedNumbers, readable
from rules_engine.terms.explanation import Line
from rules_engine.terms.market import InstrumentMarket, Market
from rules_engine.terms.policy import Buffer, InstrumentRule, Policy

_UNITS: Final = (("d", 86400), ("h", 3600), ("m", 60))


class _Reading(NamedTuple):
    """What a buffer reads: its name, its value, both in words, and whether it is a time that is left, in seconds."""

    name: str
    text: str
    is_duration: bool


def buffer_line(policy: Policy, market: Market, rule: InstrumentRule, instrument: str, applied: AppliedBuffer) -> Line:
    """A buffer: its effect, its reading, and the band's own place in the policy."""
    buffer = applied.buffer
    reading = _reading(rule, market, instrument, applied)
    index, place = _place(applied, reading)
    path: tuple[str | int, ...] = ("buffers", buffer.name)
    below = [(*path, "bands", index), (*path, "bands")] if index is not None else [(*path, "bands"), (*path, "curve")]
    mark = next((policy.marks[one] for one in below if one in policy.marks), buffer.mark)
    return Line(buffer.name, _effects(applied), f"{reading.text}{place}", where(mark))


def _effects(applied: AppliedBuffer) -> str:
    adjustment = applied.severe
    effects = [] if adjustment.multiply is None else [f"multiply {readable(adjustment.multiply)}"]
    effects += [] if adjustment.add_rate is None else [f"add_rate {readable(adjustment.add_rate)}"]
    return ", ".join(effects)


def _reading(rule: InstrumentRule, market: Market, instrument: str, applied: AppliedBuffer) -> _Reading:
    """What was read, in words, and where from."""
    buffer, value = applied.buffer, applied.reading
    data = market.instruments.get(instrument, InstrumentMarket())
    measure = buffer.parameters.get("measure")
    if isinstance(measure, str):
        return _Reading(measure, _measure_text(measure, data, value), False)
    if not _reads_expiry(buffer, rule, data, market):
        text = "its reading is missing" if value is None else f"reading {readable(value)}"
        return _Reading("reading", text, False)
    if value is None:
        return _Reading("expires_at", "expires_at is missing", True)
    says = "market" if data.expires_at is not msgspec.UNSET else "policy"
    left = "no expiry" if value == FOREVER else f"{duration(value)} to expiry"
    return _Reading("expires_at", f"{left} (expires_at of the {says})", True)


def _measure_text(measure: str, data: InstrumentMarket, value: Number) -> str:
    stated = data.measures.get(measure)
    if value is None:
        return f"{measure} is missing" if stated is None else f"{measure} is too old or of the future"
    source = " (market)" if stated is not None and stated.value == value else ""
    return f"{measure} {readable(value)}{source}"


def _reads_expiry(buffer: Buffer, rule: InstrumentRule, data: InstrumentMarket, market: Market) -> bool:
    """Whether the kind reads something when it is told of an expiry, and nothing when it is not."""
    told = msgspec.structs.replace(data, expires_at=market.as_of)
    silent = msgspec.structs.replace(data, expires_at=msgspec.UNSET)
    read = [buffer.kind.reading(one, market.as_of, buffer.parameters) for one in (told, silent)]
    return read[0] is not None and read[1] is None


def _place(applied: AppliedBuffer, reading: _Reading) -> tuple[int | None, str]:
    """The index of the band that holds, where one does, and the words for the band, the curve, or what stands in."""
    parameters = applied.buffer.parameters
    bands = parameters.get("bands")
    known: Sequence[Mapping[str, Number]] = bands if bands is not None and _are_bands(bands) else ()
    if not applied.usable:
        below = "" if applied.reading is None else " makes no sense"
        index = next((i for i, band in enumerate(known) if band_adjustment(band) == applied.severe), None)
        return index, f"{below}: the most severe band stands in"
    if "curve" in parameters:
        return None, _curve_text(applied, reading)
    index = band_at(applied.reading, known)
    if index is None or band_adjustment(known[index]) != applied.severe:
        return None, ""
    return index, f": band {_band_text(known, index, reading.is_duration)}"


def _are_bands(bands: Any) -> bool:
    """Whether a parameter named `bands` is what we call bands; a stranger's may be something else."""
    return isinstance(bands, Sequence) and all(
        isinstance(band, Mapping) and isinstance(band.get("from"), Decimal) for band in bands
    )


def _band_text(bands: Sequence[Mapping[str, Number]], index: int, is_duration: bool) -> str:
    shown = duration if is_duration else readable
    start = f"from {shown(bands[index]['from'])}"
    return f"{start} to {shown(bands[index + 1]['from'])}" if index + 1 < len(bands) else f"{start} on"


def _curve_text(applied: AppliedBuffer, reading: _Reading) -> str:
    """The curve replayed on the reading; nothing where a stranger means something else by the word."""
    num = TracedNumbers()
    try:
        curve = applied.buffer.parameters["curve"]
        multiplier = curve_multiplier(num, num.given(reading.name, applied.reading), curve)
    except (KeyError, TypeError):
        return ""
    same = multiplier.value == applied.severe.multiply
    return f": {multiplier.text}" if same else ""


def duration(seconds: Number) -> str:
    """Seconds as days, hours, minutes and seconds: `1d 20h`."""
    texts = []
    for unit, size in _UNITS:
        count, seconds = divmod(seconds, size)
        texts += [f"{readable(count)}{unit}"] if count else []
    texts += [f"{readable(seconds)}s"] if seconds or not texts else []
    return " ".join(texts)
