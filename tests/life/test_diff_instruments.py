"""Instruments compared by what their names resolve to."""

from __future__ import annotations

from rules_engine.life.impact.diff import diff_of, is_looser_anywhere
from rules_engine.life.impact.diff_changes import Change
from tests.builders import policy_of

TABLES = """
  one: {tiers: [{up_to: unlimited, maintenance_rate: 0.01, max_leverage: 50}]}
  two: {tiers: [{up_to: unlimited, maintenance_rate: 0.02, max_leverage: 25}]}
"""
BUFFERS = """
  wild: {kind: volatility, measure: v, bands: [{from: 0, multiply: 1}, {from: 1, multiply: 2}]}
  same: {kind: volatility, measure: v, bands: [{from: 0, multiply: 1}, {from: 1, multiply: 2}]}
"""


def changes(before: str, after: str) -> tuple[Change, ...]:
    """The changes between two policies that differ in their instruments alone."""
    sections = {"tables": TABLES, "buffers": BUFFERS}
    return diff_of(*(policy_of(**sections, instruments=each) for each in (before, after))).changes


def rule(table: str = "one", buffers: str = "", **others: str) -> str:
    """A linear instrument."""
    more = "".join(f", {key}: {value}" for key, value in others.items())
    return f"{{payoff: linear, table: {table}, buffers: [{buffers}]{more}}}"


def named(found: tuple[Change, ...]) -> list[tuple[str, str, str, str]]:
    return [(each.name, each.what, each.kind, each.direction) for each in found]


def test_instrument__that_changes_from_a_glob_to_its_own_name_alike_is_neutral() -> None:
    (found,) = changes(f"{{'*USDT': {rule()}}}", f"{{'*USDT': {rule()}, BTCUSDT: {rule()}}}")
    assert (found.name, found.what, found.direction) == ("BTCUSDT", "rule", "neutral")
    assert (found.before, found.after) == ("*USDT", "BTCUSDT")


def test_instrument__of_another_table_is_compared_by_both_functions() -> None:
    """From 0.01 to 0.02 and from 50 to 25: both margins double at every size, and no table changed."""
    found = changes(f"{{'*USDT': {rule()}}}", f"{{'*USDT': {rule()}, BTCUSDT: {rule('two')}}}")
    assert named(found) == [
        ("BTCUSDT", "rule", "changed", "neutral"),
        ("BTCUSDT", "table", "changed", "neutral"),
        ("BTCUSDT", "maintenance margin", "changed", "tightened"),
        ("BTCUSDT", "initial margin", "changed", "tightened"),
    ]
    assert [each.relative for each in found[2:]] == [1, 1]


def test_instrument__that_no_rule_covers_any_more_is_removed() -> None:
    found = changes(f"{{BTCUSDT: {rule()}, ETHUSDT: {rule()}}}", f"{{ETHUSDT: {rule()}, XRPUSDT: {rule()}}}")
    assert named(found) == [
        ("BTCUSDT", "instrument", "removed", "unclear"),
        ("XRPUSDT", "instrument", "added", "neutral"),
    ]
    assert found[0].note.startswith("no rule any more: positions in names")


def test_instrument__whose_name_a_glob_takes_over_is_not_removed() -> None:
    found = changes(f"{{BTCUSDT: {rule()}, '*USDT': {rule()}}}", f"{{'*USDT': {rule()}}}")
    assert named(found) == [("BTCUSDT", "rule", "changed", "neutral")]


def test_glob__that_is_narrowed_leaves_names_behind() -> None:
    """`BTC*` stands for the same as before where `B*` did; what else `B*` stood for is gone."""
    found = changes(f"{{'B*': {rule()}}}", f"{{'BTC*': {rule('two')}}}")
    assert ("B*", "instrument", "removed", "unclear") in named(found)
    assert ("B* and BTC*", "maintenance margin", "changed", "tightened") in named(found)
    widened = named(changes(f"{{'BTC*': {rule()}}}", f"{{'B*': {rule()}}}"))
    assert ("B*", "instrument", "added", "neutral") in widened
    assert not any(kind == "removed" for _, _, kind, _ in widened)


def test_buffers__that_come_and_go_act_on_the_instrument() -> None:
    """x2 from 1 on; under another name it is the same buffer still."""
    found = changes(f"{{BTCUSDT: {rule()}}}", f"{{BTCUSDT: {rule(buffers='wild')}}}")
    assert named(found) == [("BTCUSDT", "initial and maintenance rates", "added", "tightened")]
    assert (found[0].relative, found[0].start, found[0].unit) == (1, 1, "v")
    gone = changes(f"{{BTCUSDT: {rule(buffers='wild')}}}", f"{{BTCUSDT: {rule()}}}")
    assert [(each.kind, each.direction) for each in gone] == [("removed", "loosened")]
    assert changes(f"{{BTCUSDT: {rule(buffers='wild')}}}", f"{{BTCUSDT: {rule(buffers='same')}}}") == ()


def test_instrument__reference_data_is_unclear_where_it_decides() -> None:
    one = f"{{BTCUSDT: {rule(contract_size='1', price_tick='0.1')}}}"
    other = f"{{BTCUSDT: {rule(contract_size='10', price_tick='0.5')}}}"
    assert named(changes(one, other)) == [
        ("BTCUSDT", "contract_size", "changed", "unclear"),
        ("BTCUSDT", "price_tick", "changed", "neutral"),
    ]


def test_guards__a_new_instrument_alone_loosens_nothing() -> None:
    """Nobody held it before."""
    sections = {"tables": TABLES, "buffers": BUFFERS}
    one, other = f"{{ETHUSDT: {rule()}}}", f"{{ETHUSDT: {rule()}, XRPUSDT: {rule('two')}}}"
    assert not is_looser_anywhere(diff_of(*(policy_of(**sections, instruments=each) for each in (one, other))))
