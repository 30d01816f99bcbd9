"""The impact as one HTML page that holds all it needs: it opens without a network, prints, and runs no script."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from html import escape
from string import Template
from typing import Any, Final

from rules_engine.engine.sweep_rows import STATUSES
from rules_engine.life.impact.impact_counts import Impact
from rules_engine.life.impact.impact_pools import PRICE_BINS, RATIO_BINS
from rules_engine.report.impact import (
    ACCOUNT_COLUMNS,
    HEADINGS,
    NOTE,
    SHOWN,
    account_rows,
    change_text,
    largest_instruments,
    largest_tiers,
    money,
    share_text,
    tier_name,
)
from rules_engine.report.impact_plots import bars, changes
from rules_engine.terms.rendering import instant

PAGE: Final = Template("""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
body { font: 15px/1.45 system-ui, sans-serif; color: #1c2430; background: #fff; max-width: 68rem; margin: 2rem auto;
       padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: .2rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p.small, td.small { color: #5a6675; font-size: .82rem; overflow-wrap: anywhere; }
dl { display: flex; flex-wrap: wrap; gap: .6rem; margin: 1rem 0; }
dl div { border: 1px solid #d5dbe3; border-radius: 6px; padding: .5rem .8rem; min-width: 9rem; }
dt { color: #5a6675; font-size: .82rem; } dd { margin: 0; font-size: 1.25rem; font-variant-numeric: tabular-nums; }
dd span { display: block; font-size: .82rem; color: #5a6675; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100%; }
th, td { text-align: right; padding: .25rem .5rem; border-bottom: 1px solid #e6eaef; vertical-align: top; }
th:first-child, td:first-child { text-align: left; }
td.worse { background: #fbe3df; } td.better { background: #e0f1e4; } td.same { color: #5a6675; }
div.wide { overflow-x: auto; } svg { width: 100%; height: auto; } svg text { font: 11px system-ui, sans-serif; }
@media print { body { margin: 0; max-width: none; } h2 { break-after: avoid; } svg, tr { break-inside: avoid; } }
</style></head><body>
<h1>$title</h1>
<p>$book</p>
<p class="small">$identities</p>
<dl>$heads</dl>
$sections
<p class="small">$note</p>
</body></html>
""")
"""Light, and the same on paper; the policy of its content lets nothing be loaded from anywhere."""


def impact_page(impact: Impact) -> str:
    """The page. Everything that a book or a policy names is escaped."""
    one, other = impact.before, impact.after
    title = f"Impact of {other.name} {other.version} on {one.name} {one.version}"
    book = f"{impact.positions:,} positions of {impact.accounts:,} accounts, at {instant(impact.as_of)}"
    identities = [f"{each.name} {each.version} {each.digest}" for each in (one, other)]
    return PAGE.substitute(
        title=escape(title),
        book=escape(f"{book}; notional and margins in {impact.currency}"),
        identities="<br>".join(map(escape, identities)),
        heads="".join(_heads(impact)),
        sections="\n".join(_sections(impact)),
        note=escape(NOTE),
    )


def _heads(impact: Impact) -> Iterable[str]:
    yield _head("of the notional newly to be liquidated", share_text(impact.newly_liquidatable_share), "")
    for name in HEADINGS:
        found = getattr(impact, name)
        yield _head(name.replace("_", " "), f"{found.positions:,}", f"notional {money(found.notional)}")


def _head(name: str, figure: str, below: str) -> str:
    return f"<div><dt>{escape(name)}</dt><dd>{escape(figure)}<span>{escape(below)}</span></dd></div>"


def _sections(impact: Impact) -> Iterable[str]:
    rows = impact.moved
    amounts = [money(rows.notional.get(at, Fraction())) or "-" for at in range(len(rows.positions))]
    yield _matrix("Positions by status: before (down) and after", list(map(str, rows.positions)))
    yield _matrix("Accounts by the status of their worst pool", list(map(str, impact.accounts_moved)))
    yield _matrix(f"Notional ({impact.currency})", amounts)
    each = [(RATIO_BINS, "Distance: pools by maintenance margin as a part of equity", impact.ratios)]
    if impact.distances is not None:
        each.append((PRICE_BINS, "Distance: positions by the move of the mark to liquidation", impact.distances))
    for bins, title, found in each:
        yield _section(title, bars(bins, found.before, found.after))
    instruments = [(name, rows.margins) for name, rows in largest_instruments(impact)]
    yield _section(
        "Change of maintenance margin by instrument",
        changes([(name, m.maintenance_after - m.maintenance_before) for name, m in instruments[:SHOWN]]),
    )
    yield _margins("Instruments", "instrument", instruments)
    yield _margins("Modes", "mode", [(name, rows.margins) for name, rows in impact.by_mode().items()])
    yield _margins("Tiers", "tier", [(tier_name(tier), sums) for tier, sums in largest_tiers(impact)])
    words = [name.replace("_", " ") for name in ACCOUNT_COLUMNS]
    yield _section("Largest accounts", _table(words, account_rows(impact)))


def _section(title: str, body: str) -> str:
    return f"<h2>{escape(title)}</h2>\n{body}"


def _matrix(title: str, cells: Sequence[str]) -> str:
    """Moves from status to status; what gets worse and what gets better stands out where there is any."""
    words = [status.replace("_", " ") for status in STATUSES]

    def style(row: int, column: int, cell: str) -> str:
        if row == column or cell in ("0", "-"):
            return "same"
        return "worse" if column > row else "better"

    rows = [[word, *cells[at * len(words) : (at + 1) * len(words)]] for at, word in enumerate(words)]
    return _section(title, _table(["before", *words], rows, lambda row, at, cell: style(row, at - 1, cell)))


def _margins(title: str, noun: str, rows: Sequence[tuple[str, Any]]) -> str:
    columns = (noun, "positions", "initial", "change of initial", "maintenance", "change of maintenance")
    told = [
        (
            name or "?",
            m.positions,
            money(m.initial_before),
            change_text(m.initial_before, m.initial_after),
            money(m.maintenance_before),
            change_text(m.maintenance_before, m.maintenance_after),
        )
        for name, m in rows[:SHOWN]
    ]
    more = f'<p class="small">and {len(rows) - SHOWN} more, which change less</p>' if len(rows) > SHOWN else ""
    return _section(title, _table(columns, told) + more)


def _table(
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    style: Callable[[int, int, str], str] = lambda row, at, cell: "",
) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    lines = []
    for number, row in enumerate(rows):
        cells = ["-" if cell is None else str(cell) for cell in row]
        classes = [style(number, at, cell) if at else "" for at, cell in enumerate(cells)]
        tags = [f' class="{name}"' if name else "" for name in classes]
        lines.append("".join(f"<td{tag}>{escape(cell)}</td>" for tag, cell in zip(tags, cells, strict=True)))
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
