"""A grid of moves of the market as a picture. matplotlib loads inside, without a screen."""

from __future__ import annotations

import io
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from rules_engine.engine.what_if import Outcome
from rules_engine.report.what_if import WhatIf, percent

COLOURS: Final = {
    "margin_call": "#d9a400",
    "liquidate": "#d62728",
    "bankrupt": "#7a0c0c",
    "undetermined": "#9467bd",
}
"""The statuses that are drawn: those for which something is to be done."""
MOST_NUMBERS: Final = 400
"""Cells of a heat map beyond which figures in them could not be read."""
STEPS: Final = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))


def picture(answer: WhatIf, form: str) -> bytes:
    """The grid as `png` or `svg`: lines over one axis, a heat map over two. The same grid gives the same bytes.

    Raises ImportError without matplotlib.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.hashsalt": "what-if", "svg.fonttype": "none"}):
        figure = Figure(layout="constrained")
        FigureCanvasAgg(figure)
        (_lines if len(answer.axes) == 1 else _heat_map)(figure, answer)
        figure.suptitle(f"{answer.positions} positions under {answer.policy.name} {answer.policy.version}")
        written = io.BytesIO()
        figure.savefig(written, format=form, metadata={"Date": None} if form == "svg" else None)
    return written.getvalue()


def _lines(figure: Any, answer: WhatIf) -> None:
    """Positions by status over the move, and the notional liquidated below them."""
    (axis,) = answer.axes
    figure.set_size_inches(8, 7)
    counts, notional = figure.subplots(2, 1, sharex=True)
    order = sorted(range(len(axis.moves)), key=lambda place: axis.moves[place])
    moves = [float(axis.moves[place] * 100) for place in order]
    outcomes = [answer.outcomes[place] for place in order]
    for status, colour in COLOURS.items():
        counts.plot(
            moves, [one.statuses[status] for one in outcomes], "o-", color=colour, label=status.replace("_", " ")
        )
    money = {"liquidated": "notional_liquidated", "newly liquidated": "newly_notional"}
    for label, name in money.items():
        notional.plot(moves, [float(getattr(one, name)) for one in outcomes], "o-", label=label)
    counts.set_ylabel("positions")
    notional.set_ylabel(f"notional at the moved mark ({answer.currency})")
    notional.set_xlabel(f"move of {axis.name} (%)")
    counts.yaxis.get_major_locator().set_params(integer=True)
    for one in (counts, notional):
        one.set_ylim(bottom=0)
        one.grid(alpha=0.3)
        one.legend()


def _heat_map(figure: Any, answer: WhatIf) -> None:
    """Notional liquidated as colour, with the count of positions above it in each cell."""
    down, across = answer.axes
    cells = [[float(one.notional_liquidated) for one in row] for row in answer.rows]
    figure.set_size_inches(2.5 + 1.1 * len(across.moves), 2 + 0.55 * len(down.moves))
    axes = figure.subplots()
    image = axes.imshow(cells, cmap="Reds", aspect="auto", vmin=0)
    figure.colorbar(image, label=f"notional liquidated at the moved mark ({answer.currency})")
    axes.set_xticks(range(len(across.moves)), [percent(move) for move in across.moves])
    axes.set_yticks(range(len(down.moves)), [percent(move) for move in down.moves])
    axes.set_xlabel(f"move of {across.name}")
    axes.set_ylabel(f"move of {down.name}")
    axes.set_title("positions liquidated, and their notional", fontsize=10)
    if len(answer.outcomes) <= MOST_NUMBERS:
        _write_numbers(axes, answer.rows)


def _write_numbers(axes: Any, rows: Sequence[Sequence[Outcome]]) -> None:
    """Figures in the cells, light where a cell is dark."""
    largest = max(one.notional_liquidated for row in rows for one in row)
    for y, row in enumerate(rows):
        for x, one in enumerate(row):
            text = f"{one.liquidated}\n{short(one.notional_liquidated)}"
            colour = "white" if one.notional_liquidated * 2 > largest else "black"
            axes.text(x, y, text, ha="center", va="center", color=colour, fontsize=8)


def short(amount: Decimal) -> str:
    """An amount for a small cell, with four digits at most: `61k`, `1.235M`."""
    for size, letter in STEPS:
        if amount >= size:
            return f"{amount / size:.4g}{letter}"
    return f"{amount:.4g}"
