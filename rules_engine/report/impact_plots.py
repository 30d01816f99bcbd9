"""Plots for a page, drawn as SVG from numbers alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from math import log10
from typing import Final

from rules_engine.report.impact import money

WIDTH: Final = 960
HEIGHT: Final = 230
"""Of a plot, in its own units; the page fits it to its own width."""
BEFORE: Final = "#9aa7b8"
AFTER: Final = "#2563a8"
WORSE: Final = "#c2452d"
BETTER: Final = "#2f8a4c"
GRID: Final = "#d5dbe3"
AXIS: Final = 70
"""What counts take at the left of bars, and their names below them, which are turned."""
ROW: Final = 20
"""The height of a horizontal bar with its gap."""
NAMES: Final = 170
"""What names take at the left of horizontal bars."""
FIGURES: Final = 120
"""What a figure takes at the end of its bar."""
LETTERS: Final = 24
"""Of a name that are shown."""


def bars(bins: Sequence[str], before: Sequence[int], after: Sequence[int]) -> str:
    """Two bars for each bin, before and after. Heights are logarithms: bins of one and of a million are both seen."""
    top = max(log10(1 + max((*before, *after), default=0)), 1)
    room = HEIGHT - 70
    wide = (WIDTH - AXIS) / max(len(bins), 1)
    parts = [_legend(), *_powers(room, top)]
    for at, (name, one, other) in enumerate(zip(bins, before, after, strict=True)):
        left = AXIS + at * wide
        for place, (count, colour) in enumerate(((one, BEFORE), (other, AFTER))):
            height = room * log10(1 + count) / top
            x, width = left + wide * (0.1 + 0.4 * place), wide * 0.38
            told = f"{name}: {count} {'after' if place else 'before'}"
            parts.append(_bar(x, 20 + room - height, width, height, colour, told))
        parts.append(_text(left + wide / 2, HEIGHT - 44, name, turned=True))
    return _drawing(HEIGHT + 30, "counts before and after by bin, on a logarithmic scale", parts)


def _powers(room: float, top: float) -> Iterator[str]:
    """A line and its count for each power of ten that is reached."""
    for power in range(int(top) + 1):
        y = 20 + room - room * log10(1 + 10**power) / top
        if y >= 20:
            yield f'<rect x="{AXIS}" y="{y:.1f}" width="{WIDTH - AXIS}" height="0.5" fill="{GRID}"/>'
            yield _text(AXIS - 5, y + 4, f"{10**power:,}", anchor="end")


def changes(rows: Sequence[tuple[str, float]]) -> str:
    """A horizontal bar for each named change, to the right where it rises."""
    if not any(change for _, change in rows):
        return "<p>none</p>"
    largest = max(abs(change) for _, change in rows)
    both = any(change < 0 for _, change in rows)
    middle = NAMES + (WIDTH - NAMES) / 2 if both else NAMES
    scale = (WIDTH - NAMES) / (2 if both else 1) - FIGURES
    parts = []
    for at, (name, change) in enumerate(rows):
        y, length = at * ROW, scale * abs(change) / largest
        x = middle if change > 0 else middle - length
        told = f"{name}: {money(change)}"
        parts.append(_text(0, y + 14, name if len(name) <= LETTERS else f"{name[: LETTERS - 1]}…", anchor="start"))
        parts.append(_bar(x, y + 3, length, ROW - 6, WORSE if change > 0 else BETTER, told))
        end = x + length + 4 if change > 0 else x - 4
        parts.append(_text(end, y + 14, money(change) or "-", anchor="start" if change > 0 else "end"))
    return _drawing(len(rows) * ROW, "change of maintenance margin", parts)


def _drawing(height: float, name: str, parts: Sequence[str]) -> str:
    view = f"0 0 {WIDTH} {height:g}"
    return f'<svg viewBox="{view}" role="img" aria-label="{escape(name)}">{"".join(parts)}</svg>'


def _legend() -> str:
    return "".join(_entries())


def _entries() -> Iterator[str]:
    for x, colour, word in ((0, BEFORE, "before"), (80, AFTER, "after")):
        yield f'<rect x="{x}" y="0" width="10" height="10" fill="{colour}"/>'
        yield _text(x + 15, 9, word, anchor="start")
    yield _text(WIDTH, 9, "heights are logarithms of counts", anchor="end")


def _bar(x: float, y: float, width: float, height: float, colour: str, told: str) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {place} fill="{colour}"><title>{escape(told)}</title></rect>'


def _text(x: float, y: float, text: str, *, anchor: str = "middle", turned: bool = False) -> str:
    turn = f' transform="rotate(-40 {x:.1f} {y:.1f})"' if turned else ""
    end = "end" if turned else anchor
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{end}" fill="#1c2430"{turn}>{escape(text)}</text>'
