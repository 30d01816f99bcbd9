"""What is set once for a whole policy, compared: settlement, modes, collateral, liquidation, conventions, limits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

import msgspec

from rules_engine.engine.calls import PluginFault, label_of
from rules_engine.life.impact.diff_changes import (
    Change,
    Direction,
    Tightens,
    Two,
    by_steps,
    keys_of,
    number_change,
    unsure,
)
from rules_engine.life.impact.diff_instruments import PRINTED, written
from rules_engine.terms.policy import AllowedMode, CollateralRule, Policy
from rules_engine.terms.pool import PositionLabels

EVERY: Final = ("every instrument",)
SECONDS: Final = timedelta(seconds=1)
REPORTS: Final = ("liquidation_price", "liquidation_price_rounding")
"""Conventions of what is reported; the others decide."""
UNDRAWN: Final = "what groups do not draw stays free in the shared pool"
QUANTUM: Final = "amounts are rounded to it, against the account, and close-outs where no step is stated"


def setting_changes(two: Two) -> Iterator[Change]:
    """Every change outside of tables, buffers, instruments and what a version says of itself."""
    yield from _identity(two)
    yield from _modes(two)
    yield from _collateral(two)
    yield from _liquidation(two)
    for name in two.before.conventions.__struct_fields__:
        direction: Direction = "neutral" if name in REPORTS else "unclear"
        values = [getattr(policy.conventions, name) for policy in two.both]
        for change in _text(two, ("conventions", name), "convention", values, direction):
            yield msgspec.structs.replace(change, note=PRINTED if name in REPORTS else "")
    yield from limit_changes(two)
    fees = [policy.opening_fee_rate for policy in two.both]
    yield from _number(two, ("orders", "opening_fee_rate"), "orders", fees, "more", rate=True)


def _identity(two: Two) -> Iterator[Change]:
    currencies = [policy.settlement_currency for policy in two.both]
    yield from _text(two, ("settlement", "currency"), "settlement", currencies, "unclear")
    quanta = [policy.quantum for policy in two.both]
    for change in _number(two, ("settlement", "quantum"), "settlement", quanta, "more"):
        yield by_steps(msgspec.structs.replace(change, note=QUANTUM), *quanta)


def _modes(two: Two) -> Iterator[Change]:
    before, after = two.before.modes, two.after.modes
    for name in keys_of(before, after):
        marks = two.marks("modes", name)
        change = Change(section="mode", name=name, what="mode", affects=(f"positions in {name}",), **marks)
        if name not in after:
            note = "no rule any more: positions in it become undetermined"
            yield msgspec.structs.replace(change, kind="removed", direction="unclear", before=name, note=note)
        elif name not in before:
            yield msgspec.structs.replace(
                change, kind="added", direction="loosened", after=name, note="positions in it are allowed now"
            )
        else:
            yield from _mode(change, before[name], after[name])


def _mode(change: Change, before: AllowedMode, after: AllowedMode) -> Iterator[Change]:
    one, other = before.parameters, after.parameters
    caps = [_draw_cap(each) for each in (before, after)]
    for key in keys_of(one, other):
        values = [each.get(key) for each in (one, other)]
        if values[0] == values[1]:
            continue
        told = msgspec.structs.replace(change, what=key, before=written(values[0]), after=written(values[1]))
        if None not in caps and values == caps:  # what a group may draw backs it
            yield from (unsure(each, UNDRAWN) for each in number_change(told, caps[0], caps[1], "less", rate=True))
        else:
            yield msgspec.structs.replace(told, direction="unclear")
    split = before.split_positions, after.split_positions
    if split[0] != split[1]:
        texts = [str(each).lower() for each in split]
        told = msgspec.structs.replace(change, what="split_positions", before=texts[0], after=texts[1])
        told = msgspec.structs.replace(told, direction="loosened" if split[1] else "tightened")
        yield unsure(told, "accounts that hold an instrument twice become undetermined")


def _draw_cap(allowed: AllowedMode) -> Decimal | None:
    """What a mode lets a pool draw on the shared one, as it says itself."""
    try:
        return label_of(allowed, PositionLabels(id="a", instrument="A", underlying="A")).draw_cap
    except PluginFault:
        return None


def _collateral(two: Two) -> Iterator[Change]:
    before, after = two.before.collateral, two.after.collateral
    for asset in keys_of(before, after):
        marks = two.marks("collateral", asset)
        change = Change(section="collateral", name=asset, what="asset", affects=(f"holders of {asset}",), **marks)
        if asset not in after:
            note = "counts nothing now, and accounts that owe it become undetermined"
            yield msgspec.structs.replace(
                change, kind="removed", direction="unclear", before=_counts(before[asset]), note=note
            )
        elif asset not in before:
            yield msgspec.structs.replace(
                change, kind="added", direction="loosened", after=_counts(after[asset]), note="counted nothing before"
            )
        else:
            for name, tightens in (("haircut", "more"), ("cap", "less")):
                values = [getattr(each[asset], name) for each in (before, after)]
                way: Tightens = "more" if tightens == "more" else "less"
                told = msgspec.structs.replace(change, what=name, **_texts(values, "no cap"))
                yield from number_change(told, values[0], values[1], way, rate=name == "haircut")


def _counts(rule: CollateralRule) -> str:
    return f"haircut {written(rule.haircut)}" + ("" if rule.cap is None else f", cap {written(rule.cap)}")


def _liquidation(two: Two) -> Iterator[Change]:
    one, other = (policy.liquidation for policy in two.both)
    if one.trigger != other.trigger:
        direction: Direction = "tightened" if other.trigger == "at_or_below" else "loosened"
        yield from _text(two, ("liquidation", "trigger"), "liquidation", [one.trigger, other.trigger], direction)
    for name in ("margin_call", "restore_to"):
        values = [getattr(each, name) for each in (one, other)]
        yield from _number(two, ("liquidation", name), "liquidation", values, "more")
    fees = [each.closing_fee for each in (one, other)]
    path = ("liquidation", "closing_fee")
    yield from _number(two, (*path, "rate"), "liquidation", [fee.rate for fee in fees], "more", rate=True)
    places = [fee.counts_in for fee in fees]
    ordered = {True: "tightened", False: "loosened"}
    nested = places[0] <= places[1] or places[1] <= places[0]
    told: Any = ordered[places[0] <= places[1]] if nested else "unclear"
    yield from _text(two, (*path, "counts_in"), "liquidation", [", ".join(sorted(each)) for each in places], told)
    yield from _text(two, (*path, "valued_at"), "liquidation", [fee.valued_at for fee in fees], "unclear")
    plans = [(each.close_out.plan.name, each.close_out.parameters) for each in (one, other)]
    path = ("liquidation", "close_out")
    yield from _text(two, (*path, "plan"), "liquidation", [name for name, _ in plans], "unclear")
    if plans[0][0] == plans[1][0]:
        yield from _text(two, (*path, "parameters"), "liquidation", [each for _, each in plans], "unclear")


def limit_changes(two: Two) -> Iterator[Change]:
    """What makes a mark doubtful."""

    def limit(policy: Policy, name: str) -> Decimal | None:
        value = getattr(policy.market_limits, name)
        return Decimal(value // SECONDS) if isinstance(value, timedelta) else value

    for name in two.before.market_limits.__struct_fields__:
        values = [limit(policy, name) for policy in two.both]
        unit = "seconds" if name == "stale_after" else ""
        path = ("market_data", name)
        for change in _number(two, path, "market data", values, "less", unit=unit, none="no limit"):
            yield unsure(change, "positions whose market is beyond it become undetermined")


def _number(
    two: Two,
    path: tuple[str, ...],
    section: str,
    values: list[Any],
    tightens: Tightens,
    *,
    rate: bool = False,
    unit: str = "",
    none: str = "not stated",
) -> Iterator[Change]:
    what = ".".join(path[1:]) or path[0]
    change = Change(section=section, name="", what=what, unit=unit, affects=EVERY, **two.marks(*path))
    told = msgspec.structs.replace(change, **_texts(values, none))
    yield from number_change(told, values[0], values[1], tightens, rate=rate)


def _text(two: Two, path: tuple[str, ...], section: str, values: list[Any], direction: Direction) -> Iterator[Change]:
    if values[0] != values[1]:
        change = Change(section=section, name="", what=".".join(path[1:]) or path[0], affects=EVERY)
        told = {**_texts(values, "not stated"), **two.marks(*path)}
        yield msgspec.structs.replace(change, direction=direction, **told)


def _texts(values: list[Any], none: str) -> dict[str, Any]:
    before, after = (none if value is None else written(value) for value in values)
    return {"before": before, "after": after}
