"""Cases: what is compared, how figures that differ are told, and that the engine itself is asked."""

from __future__ import annotations

import pytest

from rules_engine import Engine
from rules_engine.report.cases import difference_text
from tests.life.case_examples import LONG, compiled, document, judged, only, read, refused


def told(*lines: str) -> list[str]:
    """The figures of the one case that differ, as they are printed."""
    return [difference_text(difference) for difference in only(*lines).differences]


def test_case__holds_where_every_figure_comes_out() -> None:
    """Notional 100000, maintenance 0.005 * 100000 - 50, initial 100000 / 100."""
    result = only("expect: {positions: {p1: {tier: 2, maintenance_margin: 450, initial_margin: 1000}}}")
    assert (result.held, len(result.case.expectations)) == (True, 3)


def test_case__is_answered_by_the_engine_of_production() -> None:
    """The evaluation of a case is that of `Engine.evaluate`, all of it."""
    result = only("expect: {pools: {A/isolated/p1: {status: healthy}}}")
    assert result.evaluation == Engine(compiled()).evaluate(result.case.account, result.case.market)


def test_figure__that_differs_is_told_with_both_values_and_by_how_much() -> None:
    """Numbers are told with their difference, words without one."""
    assert told("expect:", "  positions: {p1: {maintenance_margin: 450.5}}") == [
        "positions.p1.maintenance_margin: expected 450.5, found 450 (0.5 less)"
    ]
    assert told("expect: {pools: {A/isolated/p1: {status: liquidate}}}") == [
        "pools.A/isolated/p1.status: expected liquidate, found healthy"
    ]


def test_figure__that_differs_has_the_place_of_what_was_expected() -> None:
    """The mark is that of the expected value."""
    (difference,) = only("expect:", "  positions:", "    p1: {tier: 3}").differences
    assert (difference.mark.line, difference.mark.column) == (13, 20)


@pytest.mark.parametrize(
    ("expected", "holds"),
    [
        ("positions: {p1: {maintenance_margin: 450.00}}", True),
        ('positions: {p1: {maintenance_margin: "450"}}', True),
        ("positions: {p1: {maintenance_margin: 450.01}}", False),
        ("positions: {p1: {maintenance_margin: null}}", False),
        ("pools: {A/isolated/p1: {margin_ratio: 0.18}}", True),
        ("pools: {A/isolated/p1: {close_out: []}}", True),
        ("pools: {A/isolated/p1: {reasons: [MARK_STALE]}}", False),
        ("positions: {p1: {buffers: [{name: volatility}]}}", True),
        ("positions: {p1: {buffers: [{name: volatility, multiply: 2}]}}", False),
    ],
)
def test_figure__is_compared_by_value(expected: str, holds: bool) -> None:
    """Numbers by value, null with null alone, lists member by member, of maps what is named. Ratio: 450 / 2500."""
    assert only(f"expect: {{{expected}}}").held == holds


def test_figure__that_is_not_known_is_null() -> None:
    """Without a mark nothing is known of the position."""
    market = "market: {instruments: {BTCUSDT: {mark_price: null}}}"
    expect = "expect: {positions: {p1: {notional: null}}, pools: {A/isolated/p1: {reasons: [MARK_MISSING]}}}"
    assert only(market, expect).held


@pytest.mark.parametrize(("tolerance", "holds"), [("0.5", True), ("0.49", False)])
def test_tolerance__is_how_far_a_number_may_be_off(tolerance: str, holds: bool) -> None:
    """450 is expected to be 450.5."""
    assert only(f"tolerance: {tolerance}", "expect: {positions: {p1: {maintenance_margin: 450.5}}}").held == holds


def test_place__that_the_answer_does_not_have_is_told_with_what_may_be_meant() -> None:
    """A position and a pool that are not there are differences, not faults of the document."""
    assert told("expect: {positions: {p2: {tier: 2}}, pools: {A/cros: {status: healthy}}}") == [
        "positions.p2.tier: expected 2, found nothing (there is p1)",
        "pools.A/cros.status: expected healthy, found nothing (did you mean A/cross?)",
    ]


def test_difference__says_what_was_doubtful() -> None:
    """Without a mark the pool's evidence says why nothing is known."""
    market = "market: {instruments: {BTCUSDT: {mark_price: null}}}"
    expect = "expect: {positions: {p1: {tier: 2}}, pools: {A/isolated/p1: {status: healthy}, A/cross: {equity: 1}}}"
    why = "MARK_MISSING BTCUSDT: the market has no mark price"
    assert told(market, expect) == [
        f"positions.p1.tier: expected 2, found null ({why})",
        f"pools.A/isolated/p1.status: expected healthy, found undetermined ({why})",
        "pools.A/cross.equity: expected 1, found 0 (1 less)",
    ]


def test_difference__says_what_is_noted_of_a_position() -> None:
    """The measure is missing, so the most severe band stands in: 450 becomes 900, and nothing is undetermined."""
    market = "market: {instruments: {BTCUSDT: {measures: {realized_24h: null}}}}"
    assert told(market, "expect: {positions: {p1: {maintenance_margin: 450}}}") == [
        "positions.p1.maintenance_margin: expected 450, found 900 (450 more; noted: MEASURE_MISSING)"
    ]


def test_order__is_decided_and_the_figures_are_those_with_it() -> None:
    """0.3 contracts at leverage 10 need 0.3 * 50000 / 10 = 1500 of 1000; 0.2 would be covered."""
    case = """\
        name: it
        account: {account: A, collateral: {USDT: 1000}}
        order: {id: o1, instrument: BTCUSDT, mode: cross, quantity: 0.3, price: 50000, leverage: 10}
        expect:
          order: {accepted: false, reasons: [MARGIN_INSUFFICIENT], required_margin: 1500, available_margin: 1000,
                  largest_quantity: 0.2, pool: A/cross}
          pools: {A/cross: {initial_margin: 1500, free_margin: -500}}
        """
    result = judged(document(case)).cases[0]
    assert list(map(difference_text, result.differences)) == []
    assert len(result.case.expectations) == 8


def test_market__of_a_case_is_merged_over_that_of_the_document() -> None:
    """The measure is the case's, the mark the document's: twice 450 in the second band."""
    market = "market: {instruments: {BTCUSDT: {measures: {realized_24h: 0.8}}}}"
    assert only(market, "expect: {positions: {p1: {notional: 100000, maintenance_margin: 900}}}").held


def test_market__of_a_case_takes_away_what_it_gives_as_null() -> None:
    """Without the measure the most severe band holds, twice 450; without an instrument there is no mark."""
    assert only(
        "market: {instruments: {BTCUSDT: {measures: {realized_24h: null}}}}",
        "expect: {positions: {p1: {maintenance_margin: 900, notes: [MEASURE_MISSING]}}}",
    ).held
    assert only(
        "market: {instruments: {BTCUSDT: null}}",
        "expect: {pools: {A/isolated/p1: {status: undetermined, reasons: [MARK_MISSING]}}}",
    ).held


def test_market__keeps_null_as_the_value_of_a_field() -> None:
    """A contract that never expires is another than one of which the market does not say."""
    text = document(
        "name: it\n"
        + LONG
        + "market: {instruments: {BTCUSDT: {expires_at: null}}}\nexpect: {pools: {A/cross: {equity: 0}}}\n"
    )
    (case,) = read(text).cases
    assert case.market.instruments["BTCUSDT"].expires_at is None


def test_market__keeps_a_null_that_stands_over_nothing() -> None:
    """Where the document states no market the case's own is taken as it is."""
    head = "schema: rules-engine/cases/1\n"
    market = "market: {as_of: 2026-12-02T00:00:00Z, instruments: {BTCUSDT: {mark_price: 1, measures: {x: null}}}}\n"
    case = "name: it\n" + LONG + market + "expect: {positions: {p1: {tier: 1}}}\n"
    assert "TYPE_WRONG found null" in refused(document(case, head=head))[0]


TABLE = """\
name: floors
account:
  account: A
  collateral: {USDT: "${held}"}
  positions: [{id: "p${number}", instrument: BTCUSDT, mode: cross, quantity: "${quantity}", entry_price: 50000}]
expect:
  pools: {A/cross: {status: healthy, maintenance_margin: "${maintenance}", notes: "${notes}"}}
table:
  - {number: 1, held: 10000, quantity: 0.5, maintenance: 100, notes: []}
  - {number: 2, held: 10000, quantity: 2,   maintenance: 451, notes: []}
  - {number: 3, held: 450,   quantity: -2,  maintenance: 450, notes: [], source: "equity on the line"}
"""


def test_table__makes_each_row_a_case_of_its_own() -> None:
    """0.004 * 25000 = 100, 450 (not 451), and a pool that is exactly on its line."""
    results = judged(document(TABLE)).cases
    assert [(result.case.name, result.held) for result in results] == [
        ("floors [1]", True),
        ("floors [2]", False),
        ("floors [3]", False),
    ]
    assert [position.id for result in results for position in result.case.account.positions] == ["p1", "p2", "p3"]


def test_table__tells_what_differs_at_the_rows_own_line() -> None:
    """At the cell where the value stands there, at the row where it stands in the case."""
    second, third = judged(document(TABLE)).cases[1:]
    (cell,), (constant,) = second.differences, third.differences
    assert (cell.mark.line, cell.mark.column, difference_text(cell)) == (
        16,
        62,
        "pools.A/cross.maintenance_margin: expected 451, found 450 (1 less)",
    )
    assert (constant.mark.line, constant.mark.column) == (17, 9)
    assert difference_text(constant) == "pools.A/cross.status: expected healthy, found liquidate"
