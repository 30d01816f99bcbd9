"""Coverage: what the answers to cases had at work, and what nothing touched."""

from __future__ import annotations

from decimal import Decimal

from rules_engine.life.cases.coverage import Coverage, untouched
from rules_engine.report.case_coverage import full_table, summary_table, touches_enough, untouched_lines
from rules_engine.report.cases import summary_text
from tests.life.case_examples import HEAD, LONG, POLICY, compiled, document, judged
from tests.report.test_tables import printed

CASE = "name: it\n" + LONG + "expect: {positions: {p1: {tier: 2}}}\n"
EVERYTHING = """\
name: everything
account:
  account: A
  collateral: {USDT: 600, BTC: 0.00000000001}
  positions:
    - {id: p1, instrument: BTCUSDT, mode: cross, quantity: 0.5, entry_price: 50000}
    - {id: p2, instrument: ETHUSDT, mode: isolated, quantity: -10, entry_price: 2000, margin: 100}
market: {instruments: {BTCUSDT: {measures: {realized_24h: 0.8}},
                       ETHUSDT: {mark_price: 2000, measures: {realized_24h: 0.6}}},
         prices: {BTC: {price: 50000}}}
order: {id: o1, instrument: BTCUSDT, mode: cross, quantity: 0.001, price: 50000}
expect: {order: {accepted: true}}
"""


def names(coverage: Coverage, *, touched: bool) -> list[str]:
    """Kind, name and part of what was touched, or of what could have been."""
    chosen = [one for one in coverage if one.touched] if touched else untouched(coverage)
    return [
        " ".join([one.thing.kind, one.thing.name, *([str(one.thing.part)] if one.thing.part else [])]) for one in chosen
    ]


def test_coverage__is_what_the_answer_had_at_work() -> None:
    """Two contracts of 50000 are in tier 2; the calm market is in the first band."""
    coverage = judged(document(CASE)).coverage
    assert names(coverage, touched=True) == [
        "tier majors 2",
        "band volatility 1",
        "mode isolated",
        "instrument BTCUSDT",
    ]
    assert names(coverage, touched=False) == [
        "tier majors 1",
        "band volatility 2",
        "band smooth",
        "mode cross",
        "glob *USDT",
        "collateral USDT",
        "collateral BTC",
        "orders an order",
        "close-out smallest",
    ]


def test_coverage__does_not_ask_for_what_no_instrument_names() -> None:
    """The spare table is listed, and is neither touched nor missed."""
    (spare,) = [one for one in judged(document(CASE)).coverage if one.thing.name == "spare"]
    assert (spare.reachable, spare.touched) == (False, ())


def test_coverage__tells_by_which_case_and_instrument() -> None:
    """A glob is touched by the names that it matched, a curve as a whole, an order by its instrument."""
    coverage = judged(document(CASE, EVERYTHING)).coverage
    by = {one.thing: [(touch.by, touch.case) for touch in one.touched] for one in coverage}
    assert by["glob", "*USDT", 0] == [("ETHUSDT", "everything")]
    assert by["band", "smooth", 0] == [("ETHUSDT", "everything")]
    assert by["instrument", "BTCUSDT", 0] == [("BTCUSDT", "it"), ("BTCUSDT", "everything")]
    assert by["collateral", "BTC", 0] == [("A", "everything")]
    assert by["orders", "an order", 0] == [("BTCUSDT", "everything")]


def test_coverage__is_whole_when_everything_was_at_work() -> None:
    """One more case is to be closed out: equity 100 of 450."""
    closed = CASE.replace("margin: 2500", "margin: 100").replace("name: it", "name: closed")
    judgement = judged(document(CASE, EVERYTHING, closed))
    assert names(judgement.coverage, touched=False) == []
    assert (
        summary_text(judgement)
        == "small 1.0.0: 3 cases with 3 figures, 0 laws, 13 of 13 parts of the policy touched (100 %)"
    )


def test_coverage__of_a_position_without_figures_is_its_mode_and_instrument() -> None:
    """Without a mark no tier and no band is at work."""
    coverage = judged(document(CASE.replace("tier: 2", "tier: null"), head=HEAD.replace("50000", "null"))).coverage
    assert names(coverage, touched=True) == ["mode isolated", "instrument BTCUSDT"]


def test_coverage__of_a_missing_measure_is_no_band() -> None:
    """The most severe band stands in for it; no case has looked at what it says."""
    coverage = judged(document(CASE, head=HEAD.replace(", measures: {realized_24h: 0}", ""))).coverage
    assert "band volatility 2" in names(coverage, touched=False)


def test_laws__touch_nothing() -> None:
    """They state no figure."""
    coverage = judged(document(laws="  - {law: maintenance_never_falls_with_size}\n")).coverage
    assert names(coverage, touched=True) == []


def test_untouched__is_told_at_its_place_in_the_policy() -> None:
    lines = list(untouched_lines(judged(document(CASE)).coverage, "small.yaml"))
    assert lines[:3] == [
        "small.yaml:8:9: no case touches tier 1 of table majors (from 0)",
        "small.yaml:12:89: no case touches band 2 of buffer volatility (from 0.8)",
        "small.yaml:13:11: no case touches buffer smooth",
    ]
    assert "small.yaml:1:1: no case touches an order" in lines


def lines_of(table: object) -> list[str]:
    """The lines of a table, each with one blank between its cells."""
    return [" ".join(line.split()) for line in printed([table], width=200).splitlines() if line.strip()]


def test_full_table__says_what_was_touched_what_was_not_and_by_what() -> None:
    lines = lines_of(full_table(judged(document(CASE))))
    assert "table majors 2 1 BTCUSDT" in lines
    assert "table spare no instrument names it" in lines
    assert "buffer volatility from 0 from 0.8 BTCUSDT" in lines
    assert "mode cross no" in lines


def test_full_table__leaves_nothing_out() -> None:
    """Of two hundred instruments that no case touches each has its row."""
    many = "".join(f"  C{number}USD: {{payoff: linear, table: spare}}\n" for number in range(200))
    table = full_table(judged(document(CASE), compiled(POLICY.replace("instruments:\n", f"instruments:\n{many}"))))
    assert sum(line.startswith("instrument C") and line.endswith(" no") for line in lines_of(table)) == 200


def test_summary__counts_each_kind_and_places_what_is_untouched() -> None:
    """What no instrument names is not counted."""
    assert lines_of(summary_table(judged(document(CASE)), "small.yaml"))[3:] == [
        "tiers 1 of 2 majors 1 (line 8)",
        "bands 1 of 3 volatility from 0.8 (line 12), smooth curve (line 13)",
        "modes 1 of 2 cross (line 14)",
        "instruments 1 of 1",
        "globs 0 of 1 *USDT (line 20)",
        "collateral 0 of 2 USDT (line 16), BTC (line 17)",
        "orders 0 of 1 an order",
        "close-out 0 of 1 smallest (line 21)",
    ]


def test_summary__of_a_policy_whose_texts_are_several_names_the_file() -> None:
    """What a parent states has its place there, by folder and file: what a long path ends in."""
    assert "modes 1 of 2 cross (small.yaml:14)" in lines_of(summary_table(judged(document(CASE)), "child.yaml"))
    policy = compiled(file="/srv/policies/small/1.0.0.yaml")
    table = summary_table(judged(document(CASE), policy), "child.yaml")
    assert "modes 1 of 2 cross (small/1.0.0.yaml:14)" in lines_of(table)


def test_summary__names_three_of_a_kind_and_counts_the_rest() -> None:
    """Of twelve instruments that no case touches nine are counted; tiers of one table are told together."""
    many = "".join(f"  C{number}USD: {{payoff: linear, table: spare}}\n" for number in range(12))
    tiers = "".join(f"{{up_to: {up_to}, maintenance_rate: 0.01, max_leverage: 50}}, " for up_to in (10, 20))
    text = POLICY.replace("instruments:\n", f"instruments:\n{many}").replace(
        "spare: {tiers: [", f"spare: {{tiers: [{tiers}"
    )
    lines = lines_of(summary_table(judged(document(CASE), compiled(text)), "small.yaml"))
    assert "tiers 1 of 5 majors 1 (line 8), spare 1-3 (line 10)" in lines
    assert "instruments 1 of 13 C0USD (line 19), C1USD (line 20), C2USD (line 21), and 9 more" in lines


def test_enough__is_by_parts_and_exact() -> None:
    """4 of 13 parts are touched: 30.769... percent."""
    coverage = judged(document(CASE)).coverage
    assert touches_enough(coverage, Decimal("30.7692307692307692307692307692307692307"))
    assert not touches_enough(coverage, Decimal("30.7692307692307692307692307692307692308"))


def test_enough__is_what_touches_nothing_where_nothing_can_be_touched() -> None:
    assert touches_enough((), Decimal(100))
