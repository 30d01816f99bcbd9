"""Coverage: what the answers to cases had at work, and what nothing touched."""

from __future__ import annotations

from rules_engine.life.cases.coverage import Coverage, untouched
from rules_engine.life.cases.judging import Judgement
from rules_engine.report.cases import coverage_tables, summary_text, untouched_lines
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
        summary_text(judgement) == "small 1.0.0: 3 cases with 3 figures, 0 laws, 0 of 13 parts of the policy untouched"
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


def table_of(judgement: Judgement) -> list[list[str]]:
    """The rows of the coverage table, each as its words."""
    return [line.split() for line in printed(coverage_tables(judgement), width=200).splitlines() if line.strip()]


def test_table__says_what_was_touched_what_was_not_and_by_what() -> None:
    rows = table_of(judged(document(CASE)))
    assert ["table", "majors", "2", "1", "BTCUSDT"] in rows
    assert ["table", "spare", "no", "instrument", "names", "it"] in rows
    assert ["buffer", "volatility", "from", "0", "from", "0.8", "BTCUSDT"] in rows
    assert ["mode", "cross", "no"] in rows


def test_table__tells_a_number_where_too_much_is_untouched() -> None:
    """Of twelve instruments that no case touches ten are shown."""
    many = "".join(f"  C{number}USD: {{payoff: linear, table: spare}}\n" for number in range(12))
    text = POLICY.replace("instruments:\n", f"instruments:\n{many}")
    output = printed(coverage_tables(judged(document(CASE), compiled(text))), width=200)
    assert output.count("instrument   C") == 10
    assert "and 2 more that no case touches: instrument; --json lists all" in output
