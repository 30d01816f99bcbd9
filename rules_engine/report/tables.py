"""Results for people: what an evaluation and an order decision say, as tables and sentences. rich is loaded inside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from rules_engine.errors import Doubt
from rules_engine.numbers.text import plain
from rules_engine.report.grids import grid
from rules_engine.terms.evaluation import Evaluation, OrderDecision, PoolFigures, PositionFigures, Status
from rules_engine.terms.rendering import instant, ratio

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

UNKNOWN: Final = "-"
"""What stands for a figure that is not known, or that does not exist."""

STATUS_STYLES: Final[dict[Status, str]] = {
    "healthy": "green",
    "margin_call": "yellow",
    "liquidate": "red",
    "bankrupt": "bold red",
    "undetermined": "magenta",
}


def evaluation_tables(evaluation: Evaluation) -> Iterator[Any]:
    """Pools, positions, close-outs and what is doubtful, as a risk officer reads them: rich renderables."""
    from rich.text import Text

    policy = evaluation.policy
    yield Text(
        f"{evaluation.account} at {instant(evaluation.as_of)} under {policy.name} {policy.version}", style="bold"
    )
    yield _pools(evaluation.pools)
    yield _free_margins(evaluation.pools)
    if evaluation.positions:
        yield _positions(evaluation.positions)
        yield _prices_and_rates(evaluation.positions)
    if any(pool.close_out for pool in evaluation.pools):
        yield _close_outs(evaluation.pools)
    yield from _sentences(None, evaluation.evidence)
    for pool in evaluation.pools:
        yield from _sentences(pool.pool, pool.evidence)


def order_tables(decision: OrderDecision) -> Iterator[Any]:
    """The decision, its reasons and margins, then the evaluation with the order in it: rich renderables."""
    from rich.text import Text

    verdict, style = ("accepted", "bold green") if decision.accepted else ("refused", "bold red")
    yield Text(" ".join([f"order {decision.order} {verdict}", *decision.reasons]), style=style)
    columns = ("required margin", "available margin", "largest quantity")
    margins = grid("order", "pool", *columns, right=columns)
    figures = (decision.required_margin, decision.available_margin, decision.largest_quantity)
    margins.add_row(_text(decision.pool), *map(_figure, figures))
    yield margins
    yield from _sentences(None, decision.evidence)
    yield from evaluation_tables(decision.evaluation)


def _pools(pools: Iterable[PoolFigures]) -> Table:
    from rich.text import Text

    right = ("equity", "maintenance", "ratio", "top-up")
    table = grid("pools", "pool", "status", *right, "reasons and notes", right=right)
    for pool in pools:
        table.add_row(
            _text(pool.pool),
            Text(pool.status, style=STATUS_STYLES[pool.status]),
            *map(_figure, (pool.equity, pool.maintenance_margin)),
            _text(ratio(pool.margin_ratio)),
            _figure(pool.top_up),
            _text(" ".join((*pool.reasons, *pool.notes)) or None),
        )
    return table


def _free_margins(pools: Iterable[PoolFigures]) -> Table:
    right = ("initial", "free", "withdrawable", "draw")
    table = grid("free margin", "pool", *right, right=right)
    for pool in pools:
        figures = (pool.initial_margin, pool.free_margin, pool.withdrawable)
        table.add_row(_text(pool.pool), *map(_figure, figures), _draw(pool))
    return table


def _draw(pool: PoolFigures) -> Text:
    """What the pool borrows of what it may borrow."""
    return _text(None if pool.draw_limit is None else f"{_figure(pool.draw)} of {plain(pool.draw_limit)}")


def _positions(positions: Iterable[PositionFigures]) -> Table:
    right = ("notional", "unrealized pnl", "initial", "maintenance")
    table = grid("positions", "position", "instrument", "mode", *right, right=right)
    for position in positions:
        figures = (position.notional, position.unrealized_pnl, position.initial_margin, position.maintenance_margin)
        names = (position.id, position.instrument, position.mode)
        table.add_row(*map(_text, names), *map(_figure, figures))
    return table


def _prices_and_rates(positions: Iterable[PositionFigures]) -> Table:
    right = ("liquidation", "bankruptcy", "tier", "rate")
    table = grid("prices and rates", "position", *right, "buffers", "notes", right=right)
    for position in positions:
        table.add_row(
            _text(position.id),
            *map(_figure, (position.liquidation_price, position.bankruptcy_price)),
            _text(None if position.tier is None else str(position.tier)),
            _figure(position.maintenance_rate),
            _buffers(position),
            _text(" ".join(position.notes) or None),
        )
    return table


def _buffers(position: PositionFigures) -> Text:
    """Each buffer with what it does to the rates: `volatility x1.25 +0.01`."""
    said = []
    for buffer in position.buffers:
        multiply = [] if buffer.multiply is None else [f"x{plain(buffer.multiply)}"]
        add_rate = [] if buffer.add_rate is None else [f"+{plain(buffer.add_rate)}"]
        said.append(" ".join([buffer.name, *multiply, *add_rate]))
    return _text(", ".join(said) or None)


def _close_outs(pools: Iterable[PoolFigures]) -> Table:
    table = grid("close-outs", "pool", "position", "quantity", "reason", right=("quantity",))
    for pool in pools:
        for closing in pool.close_out:
            table.add_row(_text(pool.pool), _text(closing.position), _figure(closing.quantity), _text(closing.reason))
    return table


def _sentences(pool: str | None, doubts: Iterable[Doubt]) -> Iterator[Text]:
    """What is doubtful, a sentence each, with the pool that it makes doubtful."""
    for doubt in doubts:
        yield _text(": ".join([*([pool] if pool else []), f"{doubt.code} {doubt.message}"]))


def _figure(value: Decimal | None) -> Text:
    return _text(None if value is None else plain(value))


def _text(value: str | None) -> Text:
    """Text as it is: a plain string would be taken for markup, and names of the outside world may hold brackets."""
    from rich.text import Text

    return Text(UNKNOWN if value is None else value)
