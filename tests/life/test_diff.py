"""What `diff_of` says of two policies, against figures worked out by hand."""

from __future__ import annotations

from fractions import Fraction as F
from typing import Any

import pytest

from rules_engine.life.impact.diff import diff_of, is_looser_anywhere, largest_relative_change, looser
from rules_engine.life.impact.diff_changes import Change
from tests.builders import policy_of

STEPS = """
  steps:
    tiers:
      - {up_to: 1000,      maintenance_rate: 0.01, max_leverage: 50}
      - {up_to: 5000,      maintenance_rate: 0.02, max_leverage: 25}
      - {up_to: unlimited, maintenance_rate: 0.05, max_leverage: 10}
"""
ONE = "{BTCUSDT: {payoff: linear, table: steps}}"
BUFFERED = "{BTCUSDT: {payoff: linear, table: steps, buffers: [wild]}}"


def changes(before: dict[str, str], after: dict[str, str]) -> tuple[Change, ...]:
    """The changes between two policies of one table and one instrument, but for these sections."""
    plain = {"tables": STEPS, "instruments": ONE}
    return diff_of(policy_of(**plain | before), policy_of(**plain | after)).changes


def told(change: Change) -> tuple[Any, ...]:
    """A change without its places."""
    return (change.what, change.direction, change.start, change.stop, change.absolute, change.relative)


def steps(*tiers: str) -> dict[str, str]:
    """The section of one table of these tiers: end, maintenance rate and largest leverage."""
    rows = [dict(zip(("up_to", "maintenance_rate", "max_leverage"), tier.split(), strict=True)) for tier in tiers]
    text = ", ".join("{" + ", ".join(f"{key}: {value}" for key, value in row.items()) + "}" for row in rows)
    return {"tables": f"{{steps: {{tiers: [{text}]}}}}"}


def test_diff__of_a_policy_and_itself_is_empty() -> None:
    diff = diff_of(policy_of(), policy_of())
    assert (diff.changes, largest_relative_change(diff), is_looser_anywhere(diff)) == ((), None, False)


def test_table__a_tightened_tier_counts_for_every_larger_size() -> None:
    """0.02 becomes 0.03 between 1,000 and 5,000: 40 more from 5,000 on, which is 40 of 90 there."""
    found = changes({}, steps("1000 0.01 50", "5000 0.03 25", "unlimited 0.05 10"))
    assert [told(change) for change in found] == [("maintenance margin", "tightened", 1000, None, 40, F(4, 9))]
    rate = found[0].rate
    assert rate is not None
    assert (rate.before, rate.after, rate.start, rate.stop) == (F("0.02"), F("0.03"), 1000, 5000)
    assert found[0].affects == ("BTCUSDT",)


def test_table__a_table_that_is_only_cut_anew_is_no_change() -> None:
    """Tiers split in two and in three, and leverage written as its rate."""
    assert changes({}, steps("400 0.01 50", "1000 0.01 50", "5000 0.02 25", "9000 0.05 10", "unlimited 0.05 10")) == ()
    initial = STEPS.replace("max_leverage: 50", "initial_rate: 0.02").replace("max_leverage: 10", "initial_rate: 0.1")
    assert changes({}, {"tables": initial}) == ()


def test_table__a_moved_floor_loosens_from_the_old_floor_on() -> None:
    """The floor of 0.05 moves from 5,000 to 8,000: 0.03 of what lies between, 90 at most, of 240 at 8,000.

    Maintenance was 10 + 80 at 5,000 and 240 at 8,000; the leverage of 25 reaches to 8,000 as well: 0.06 of 8,000.
    """
    found = changes({}, steps("1000 0.01 50", "8000 0.02 25", "unlimited 0.05 10"))
    assert [told(change) for change in found] == [
        ("maintenance margin", "loosened", 5000, None, -90, F(-90, 240)),
        ("initial margin", "loosened", 5000, 8000, -480, F(-3, 5)),
    ]


def test_table__lines_that_cross_are_told_apart_at_the_crossing() -> None:
    """0.02 from 0 against 0.01 up to 1,000 and 0.05 from there: equal where 0.02 n = 0.05 n - 40, at 4,000 / 3."""
    found = changes(steps("unlimited 0.02 10"), steps("1000 0.01 10", "unlimited 0.05 10"))
    assert [told(change) for change in found] == [
        ("maintenance margin", "loosened", 0, F(4000, 3), -10, F(-1, 2)),
        ("maintenance margin", "tightened", F(4000, 3), None, None, F(3, 2)),
    ]
    assert (found[1].growth, found[0].growth) == (F("0.03"), None)
    assert found[1].rate is not None
    assert (found[1].rate.before, found[1].rate.after) == (F("0.02"), F("0.05"))


def test_table__a_cap_and_a_leverage() -> None:
    """A leverage of 75 has the rate 1/75, exactly; a largest position is looser the larger it is."""
    found = changes(steps("1000 0.005 100"), steps("2000 0.005 75"))
    assert [told(change) for change in found] == [
        ("initial margin", "tightened", 0, None, None, F(1, 3)),
        ("largest position", "loosened", None, None, 1000, 1),
    ]
    (unlimited,) = changes(steps("1000 0.005 100"), steps("unlimited 0.005 100"))
    assert (unlimited.direction, unlimited.before, unlimited.after) == ("loosened", "1000", "unlimited")


def test_table__whole_tables_jump() -> None:
    """Of all 1,000 at once: from there 50 instead of 10, and as much more as 0.04 of what is beyond."""
    whole = "{steps: {form: whole, tiers: [{up_to: 1000, maintenance_rate: 0.01, max_leverage: 10}, %s]}}"
    one = whole % "{up_to: unlimited, maintenance_rate: 0.01, max_leverage: 10}"
    other = whole % "{up_to: unlimited, maintenance_rate: 0.05, max_leverage: 10}"
    (found,) = changes({"tables": one}, {"tables": other})
    assert told(found) == ("maintenance margin", "tightened", 1000, None, None, 4)


def test_table__tiers_by_contracts_do_not_compare_with_tiers_by_notional() -> None:
    (found,) = changes({}, {"tables": STEPS.replace("tiers:", "unit: quantity\n    tiers:")})
    assert (found.what, found.direction) == ("unit", "unclear")


WILD = "{wild: {kind: volatility, measure: v, bands: [%s]}}"


def test_buffer__is_compared_by_reading() -> None:
    """x1 from 0 and x2 from 1; now x2 from 0.5, and x1.5 from 2: the largest rate, an initial one, is 0.1."""
    before = {"instruments": BUFFERED, "buffers": WILD % "{from: 0, multiply: 1}, {from: 1, multiply: 2}"}
    after = "{from: 0, multiply: 1}, {from: 0.5, multiply: 2}, {from: 2, multiply: 1.5}"
    found = changes(before, before | {"buffers": WILD % after})
    rates = "initial and maintenance rates"
    assert [told(change) for change in found] == [
        (rates, "tightened", F(1, 2), 1, F("0.1"), 1),
        (rates, "loosened", 2, None, F("-0.05"), F(-1, 4)),
    ]
    assert {change.unit for change in found} == {"v"}


def test_buffer__that_adds_weighs_most_on_the_least_rate() -> None:
    """0.01 is added: to a maintenance rate of 0.01 that is its double, to an initial rate of 0.02 half of it."""
    before = {"instruments": BUFFERED, "buffers": WILD % "{from: 0, add_rate: 0}"}
    found = changes(before, before | {"buffers": WILD % "{from: 0, add_rate: 0.01}"})
    assert [told(change) for change in found] == [
        ("initial rates", "tightened", 0, None, F("0.01"), F(1, 2)),
        ("maintenance rates", "tightened", 0, None, F("0.01"), 1),
    ]


def test_buffer__a_curve_is_one_function_with_its_cap() -> None:
    """1 + (x / 0.5 - 1) is 2x from 0.5 on and reaches its cap at 1; the other cap, 1.5, holds from 0.75 on."""
    curve = "{wild: {kind: volatility, measure: v, curve: {reference: 0.5, slope: 1, cap: %s}}}"
    given = {"instruments": BUFFERED, "buffers": curve % 2}
    (found,) = changes(given, given | {"buffers": curve % "1.5"})
    assert told(found)[1:] == ("loosened", F(3, 4), None, F("-0.05"), F(-1, 4))
    assert changes(given, given | {"buffers": curve % "2.0"}) == ()


def test_buffer__of_another_measure_is_unclear() -> None:
    before = {"instruments": BUFFERED, "buffers": WILD % "{from: 0, multiply: 1}"}
    (found,) = changes(before, before | {"buffers": before["buffers"].replace("measure: v", "measure: w")})
    assert (found.direction, found.before, found.after) == ("unclear", "volatility of v", "volatility of w")


@pytest.mark.parametrize(
    ("before", "after", "what", "direction", "absolute", "relative"),
    [
        ("{haircut: 0.05, cap: 1000}", "{haircut: 0.08, cap: 1000}", "haircut", "tightened", "0.03", F(3, 5)),
        ("{haircut: 0.05, cap: 1000}", "{haircut: 0.05, cap: 4000}", "cap", "loosened", "3000", F(3)),
        ("{haircut: 0, cap: 1000}", "{haircut: 0.1, cap: 1000}", "haircut", "tightened", "0.1", None),
    ],
)
def test_collateral__haircuts_and_caps(
    before: str, after: str, what: str, direction: str, absolute: str, relative: F | None
) -> None:
    (found,) = changes({"collateral": f"{{BTC: {before}}}"}, {"collateral": f"{{BTC: {after}}}"})
    assert (found.what, found.direction) == (what, direction)
    assert (found.absolute, found.relative) == (F(absolute), relative)
    assert found.affects == ("holders of BTC",)


def test_collateral__assets_come_and_go() -> None:
    found = changes({"collateral": "{BTC: {haircut: 0}}"}, {"collateral": "{ETH: {haircut: 0}}"})
    assert [(each.name, each.kind, each.direction) for each in found] == [
        ("BTC", "removed", "unclear"),
        ("ETH", "added", "loosened"),
    ]
    assert found[0].note == "counts nothing now, and accounts that owe it become undetermined"


def test_mode__that_is_new_is_looser_and_one_that_is_dropped_is_unclear() -> None:
    """Positions in it are not decided any more: nobody is called or liquidated there."""
    both, one = (policy_of(modes=modes) for modes in ("{isolated: {}, cross: {}}", "{isolated: {}}"))
    assert [(each.name, each.direction) for each in diff_of(one, both).changes] == [("cross", "loosened")]
    diff = diff_of(both, one)
    (found,) = diff.changes
    assert (found.name, found.kind, found.direction) == ("cross", "removed", "unclear")
    assert found.note == "no rule any more: positions in it become undetermined"
    assert is_looser_anywhere(diff)


def test_tables_and_buffers__that_are_dropped_are_neutral_and_what_uses_them_says_more() -> None:
    """A buffer's instruments have looser rates without it; a table that nothing uses changes nothing."""
    before = {"instruments": BUFFERED, "buffers": WILD % "{from: 0, multiply: 2}"}
    found = changes(before, {"instruments": ONE})
    assert {(each.section, each.direction) for each in found} == {("buffer", "neutral"), ("instrument", "loosened")}
    spare = "{up_to: unlimited, maintenance_rate: 0.01, max_leverage: 10}"
    (table,) = changes({"tables": f"{STEPS}\n  spare: {{tiers: [{spare}]}}\n"}, {})
    assert (table.name, table.kind, table.direction) == ("spare", "removed", "neutral")


SETTINGS = [
    ("liquidation", "{margin_call: 1.25}", "{margin_call: 1.5, restore_to: 1.25}", "tightened"),
    ("liquidation", "{trigger: at_or_below}", "{trigger: below}", "loosened"),
    ("liquidation", "{closing_fee: {rate: 0.0005}}", "{closing_fee: {rate: 0.0004}}", "loosened"),
    (
        "liquidation",
        "{closing_fee: {rate: 0.001, counts_in: [trigger]}}",
        "{closing_fee: {rate: 0.001, counts_in: [trigger, initial]}}",
        "tightened",
    ),
    ("liquidation", "{close_out: {plan: smallest}}", "{close_out: {plan: full}}", "unclear"),
    ("conventions", "{maintenance_priced_at: mark}", "{maintenance_priced_at: entry}", "unclear"),
    ("conventions", "{liquidation_price: solve}", "{liquidation_price: at_mark}", "neutral"),
    ("orders", "{opening_fee_rate: 0.001}", "{opening_fee_rate: 0.002}", "tightened"),
    (
        "modes",
        "{hybrid: {shared_draw_cap: 0.25}}",
        "{hybrid: {shared_draw_cap: 0.25, group_by: instrument}}",
        "unclear",
    ),
]


@pytest.mark.parametrize(("section", "before", "after", "direction"), SETTINGS)
def test_setting__has_a_direction(section: str, before: str, after: str, direction: str) -> None:
    """And the opposite one the other way round."""
    found = [change for change in changes({section: before}, {section: after}) if change.what != "restore_to"]
    assert [change.direction for change in found] == [direction]
    opposite = {"tightened": "loosened", "loosened": "tightened"}.get(direction, direction)
    back = [change for change in changes({section: after}, {section: before}) if change.what != "restore_to"]
    assert [change.direction for change in back] == [opposite]


LOOSER_ONE_WAY = [
    ("market_data", "{stale_after: 10s}", "{stale_after: 30s}"),
    ("market_data", "{max_divergence: 0.1}", "{}"),
    ("modes", "{isolated: {}}", "{isolated: {split_positions: true}}"),
    ("modes", "{hybrid: {shared_draw_cap: 0.2}}", "{hybrid: {shared_draw_cap: 0.25}}"),
    ("settlement", "{currency: USDT, quantum: 3}", "{currency: USDT, quantum: 2}"),
]


@pytest.mark.parametrize(("section", "before", "after"), LOOSER_ONE_WAY)
def test_setting__that_only_seems_stricter_the_other_way_round_is_unclear(
    section: str, before: str, after: str
) -> None:
    """There it leaves somebody undecided, or frees what somebody else has: `test_diff_unsure` shows whom."""
    (found,), (back,) = changes({section: before}, {section: after}), changes({section: after}, {section: before})
    assert (found.direction, back.direction) == ("loosened", "unclear")


def test_guards__find_the_largest_change_and_whatever_is_looser() -> None:
    """The haircut doubles; the rate of the second tier falls by a quarter. The rest gets stricter."""
    tables = steps("1000 0.01 50", "5000 0.015 25", "unlimited 0.06 10")
    before = {"collateral": "{BTC: {haircut: 0.05}}"}
    plain = {"tables": STEPS, "instruments": ONE}
    diff = diff_of(policy_of(**plain | before), policy_of(**plain | tables | {"collateral": "{BTC: {haircut: 0.1}}"}))
    worst = largest_relative_change(diff)
    assert worst is not None
    assert (worst.relative, worst.change.place) == (1, "collateral BTC: haircut")
    assert (worst.exceeds(F("0.99")), worst.exceeds(F(1))) == (True, False)
    # 0.015 n - 5 and 0.06 n - 230 against 0.02 n - 10 and 0.05 n - 160: lower from 1,000 on, to where 0.01 n is 70
    assert [(each.what, each.start, each.stop) for each in looser(diff)] == [("maintenance margin", 1000, 7000)]


def test_guards__a_rate_from_nothing_exceeds_every_limit() -> None:
    plain = {"tables": STEPS, "instruments": ONE}
    one, other = (policy_of(**plain, orders=f"{{opening_fee_rate: {rate}}}") for rate in ("0", "0.001"))
    worst = largest_relative_change(diff_of(one, other))
    assert worst is not None
    assert (worst.relative, worst.exceeds(F(10**9))) == (None, True)
    back = largest_relative_change(diff_of(other, one))
    assert back is not None
    assert back.relative == 1
