"""Tables show a person every figure, mark the status, and take no name for markup."""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from rules_engine.errors import Doubt
from rules_engine.report.tables import STATUS_STYLES, evaluation_tables, order_tables
from rules_engine.terms.evaluation import (
    BufferFigure,
    Closing,
    Evaluation,
    OrderDecision,
    PolicyIdentity,
    PoolFigures,
    PositionFigures,
    Status,
)

POSITION = PositionFigures(
    id="p1",
    instrument="BTCUSDT",
    mode="isolated",
    pool="A-17/isolated/p1",
    notional=Decimal("30500.00"),
    unrealized_pnl=Decimal(500),
    tier=1,
    maintenance_rate=Decimal("0.0150"),
    buffers=(
        BufferFigure(name="volatility", multiply=Decimal("1.250")),
        BufferFigure(name="thin_book", add_rate=Decimal("0.01")),
    ),
    initial_margin=Decimal(3050),
    maintenance_margin=Decimal(122),
    liquidation_price=Decimal("54219.4"),
    notes=("NO_PRICE",),
)
POOL = PoolFigures(
    pool="A-17/isolated/p1",
    mode="isolated",
    status="liquidate",
    equity=Decimal("3498.75"),
    margin_ratio=Decimal("0.0348696"),
    close_out=(Closing(position="p1", quantity=Decimal("0.25"), reason="restores"),),
)


def evaluation_of(*pools: PoolFigures, positions: tuple[PositionFigures, ...] = (POSITION,), **more: Any) -> Evaluation:
    policy = PolicyIdentity(name="usdt-perpetuals", version="1.2.0", digest="sha256:00")
    as_of = datetime(2026, 12, 2, tzinfo=UTC)
    return Evaluation(policy=policy, as_of=as_of, account="A-17", positions=positions, pools=pools, **more)


def printed(renderables: Iterable[Any], *, colour: bool = False, width: int = 250) -> str:
    from rich.console import Console

    stream = io.StringIO()
    console = Console(file=stream, width=width, force_terminal=colour, color_system="standard" if colour else None)
    for renderable in renderables:
        console.print(renderable)
    return stream.getvalue()


def rows_of(text: str, title: str) -> list[list[str]]:
    """The rows of the table of that title, split at spaces; the head is left out."""
    lines = text.splitlines()
    start = next(index for index, line in enumerate(lines) if line.rstrip() == title) + 3
    rows = [line.split() for line in lines[start:]]
    width = len(lines[start - 1])
    return rows[: next((index for index, line in enumerate(lines[start:]) if len(line) != width), None)]


def test_evaluation__names_account_time_and_policy() -> None:
    assert printed(evaluation_tables(evaluation_of())).startswith(
        "A-17 at 2026-12-02T00:00:00Z under usdt-perpetuals 1.2.0\n"
    )


def test_positions__show_each_figure_and_a_dash_for_the_unknown() -> None:
    output = printed(evaluation_tables(evaluation_of(POOL)))
    assert rows_of(output, "positions") == [["p1", "BTCUSDT", "isolated", "30500", "500", "3050", "122"]]
    rates = "p1 54219.4 - 1 0.015 volatility x1.25, thin_book +0.01 NO_PRICE"
    assert rows_of(output, "prices and rates") == [rates.split()]


def test_positions__without_figures_are_dashes() -> None:
    bare = PositionFigures(id="p9", instrument="X", mode="cross", pool=None)
    output = printed(evaluation_tables(evaluation_of(positions=(bare,))))
    assert rows_of(output, "positions") == [["p9", "X", "cross", "-", "-", "-", "-"]]
    assert rows_of(output, "prices and rates") == [["p9", "-", "-", "-", "-", "-", "-"]]


def test_positions__none_give_no_table() -> None:
    assert "positions" not in printed(evaluation_tables(evaluation_of(positions=())))


def test_pools__show_figures_and_draw() -> None:
    pool = PoolFigures(
        pool="A/hybrid/SOL", mode="hybrid", status="healthy", draw=Decimal(5), draw_limit=Decimal("12.50")
    )
    output = printed(evaluation_tables(evaluation_of(POOL, pool)))
    assert rows_of(output, "pools") == [
        ["A-17/isolated/p1", "liquidate", "3498.75", "-", "0.03486960", "-", "-"],
        ["A/hybrid/SOL", "healthy", "-", "-", "-", "-", "-"],
    ]
    assert rows_of(output, "free margin") == [
        ["A-17/isolated/p1", "-", "-", "-", "-"],
        ["A/hybrid/SOL", "-", "-", "-", "5", "of", "12.5"],
    ]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_figures__are_never_folded(width: int) -> None:
    output = printed(evaluation_tables(evaluation_of(POOL)), width=width)
    assert {"0.03486960", "3498.75", "54219.4", "30500"} <= set(output.split())


def test_pools__status_has_its_colour() -> None:
    pools = [PoolFigures(pool="A/cross", mode="cross", status=status) for status in STATUS_STYLES]
    plain, coloured = (printed(evaluation_tables(evaluation_of(*pools)), colour=colour) for colour in (False, True))
    assert "\x1b" not in plain
    assert "\x1b[31mliquidate" in coloured
    assert "\x1b[32mhealthy" in coloured


@pytest.mark.parametrize("status", Status.__args__)
def test_pools__every_status_can_be_shown(status: Status) -> None:
    assert status in printed(evaluation_tables(evaluation_of(PoolFigures(pool="A", mode="cross", status=status))))


def test_close_outs__list_each_step() -> None:
    output = printed(evaluation_tables(evaluation_of(POOL)))
    assert rows_of(output, "close-outs") == [["A-17/isolated/p1", "p1", "0.25", "restores"]]


def test_close_outs__none_give_no_table() -> None:
    healthy = PoolFigures(pool="A/cross", mode="cross", status="healthy")
    assert "close-outs" not in printed(evaluation_tables(evaluation_of(healthy)))


def test_evidence__is_a_sentence_with_its_pool() -> None:
    doubt = Doubt(code="MARK_STALE", message="the mark of BTCUSDT is 11 s old")
    pool = PoolFigures(pool="A/cross", mode="cross", status="undetermined", reasons=("MARK_STALE",), evidence=(doubt,))
    account_wide = Doubt(code="GROUP_WRONG", message="p3 names another group")
    lines = printed(evaluation_tables(evaluation_of(pool, evidence=(account_wide,)))).splitlines()
    assert "A/cross: MARK_STALE the mark of BTCUSDT is 11 s old" in lines
    assert "GROUP_WRONG p3 names another group" in lines


def test_names__with_brackets_are_no_markup() -> None:
    odd = PositionFigures(id="[red]p1[/red]", instrument="X", mode="cross", pool=None)
    assert "[red]p1[/red]" in printed(evaluation_tables(evaluation_of(positions=(odd,))))


@pytest.mark.parametrize(
    ("accepted", "verdict"), [(True, "order o1 accepted"), (False, "order o1 refused MARGIN_SHORT")]
)
def test_order__says_the_verdict_margins_and_the_evaluation_after(accepted: bool, verdict: str) -> None:
    decision = OrderDecision(
        order="o1",
        accepted=accepted,
        reasons=() if accepted else ("MARGIN_SHORT",),
        pool="A-17/cross",
        required_margin=Decimal("590.0"),
        available_margin=Decimal(12000),
        largest_quantity=None,
        evaluation=evaluation_of(POOL),
        evidence=(Doubt(code="MEASURE_MISSING", message="realized_24h is missing"),),
    )
    output = printed(order_tables(decision))
    assert output.splitlines()[0] == verdict
    assert rows_of(output, "order") == [["A-17/cross", "590", "12000", "-"]]
    assert "MEASURE_MISSING realized_24h is missing\n" in output
    assert "54219.4" in output
