"""The page of results of `benchmarks/sweep.py`, in Markdown: words that stand, and tables of what one run measured."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

ABOUT: Final = """\
# What a sweep costs

Written by `python benchmarks/sweep.py --large --write docs/benchmarks.md`, never by hand: one run on one machine, every
subject on the same book, each in turn in every round. Figures are medians of nine rounds (three where one takes
seconds, five of the peers), of one thread and in processor time; workers are timed by the clock. Read ratios rather
than rates: another machine, or one that does other work meanwhile, changes rates.
"""

SUBJECTS: Final = """\
- **sweep** decides every row with proof, doubt resolved, and writes unrealized PnL, equity, both margins and status, in
  the arrays of an earlier sweep; **in a new market** it does so after reading a document in which every mark is new,
  as a venue must. **With liquidation prices** it writes those too. **What-if** is a move of all prices by up to 30 %.
- **columns** is the same driver with the same formulas on plain columns of doubles: what it is faster by is what
  certification costs.
- **NumPy by hand** knows its mode, payoff and tables, certifies nothing, and takes the same chunks. **copyto** reads
  and writes together as many bytes as the sweep must.
- **nautilus_trader** answers both margins at one flat rate, without tiers and without a decision. **zen-engine** has
  the tiers as a decision table, **rule-engine** a rule per tier, **cel-python** one expression per instrument. What
  each answers is compared with the plain formula before it is timed.
"""

WORKERS: Final = """\
The machine's limit is measured in the same run: two programs, each with a book of its own, do the one-worker work at
the same time, and share nothing but caches and memory. Twice the time alone over the time beside the other is the most
that any two workers can gain on it. Where that is far below 2, it is memory or the host that gives out, and no way to
share the work passes it.
"""

NEXT: Final = """\
A formula is one pass of NumPy over a chunk for each of its operations; what passes between them stays in cache. The
bounds are worked out once a chunk, so their cost is that of Python and falls with the rows of a chunk: {fixed:.0f}
microseconds for a group, by the smallest book above. In a book of many small groups the next factor would take fewer
steps of Python a chunk (a plan of the formulas made once and replayed); in one of large groups, one pass that keeps a
row in registers from its first operation to its status: compiled code made from the formulas, which this package, in
Python and NumPy alone, does not have.
"""

EXACTNESS: Final = """\
`python benchmarks/exactness.py`, against oracles in fractions that share no code with the product: random rows, and
rows on a line (liquidation, margin call, bankruptcy) or beside it by at most one part in 10^12; isolated, cross and
hybrid; linear, inverse and quanto; marginal and whole tables in notional and in contracts; buffers at work; closing
fees in every place; a new policy for every 25,000 rows.
"""


def page(figures: dict[str, Any], picture: str | None = None, exactness: dict[str, Any] | None = None) -> str:
    """What one run has measured; `exactness` is what the exactness run has."""
    sections = [_opening(figures), _isolated(figures), _cross(figures["cross"]), _workers(figures["workers"])]
    sections += [_growth(figures["growth"], picture), _time(figures)]
    if exactness is not None:
        sections.append(_exactness(exactness))
    return "\n".join(line for section in sections for line in section).rstrip() + "\n"


def _opening(figures: dict[str, Any]) -> Iterator[str]:
    yield ABOUT
    about = figures["machine"]
    yield f"{about['processor']}, {about['cores']} cores; Python {about['Python']}, NumPy {about['NumPy']}."
    yield ""


def _isolated(figures: dict[str, Any]) -> Iterator[str]:
    found = figures["isolated"]
    over = found["sweep over"]
    yield f"## An isolated linear book: {found['rows']:,} positions, 300 instruments, 10 tiers\n"
    yield from _table("", "positions a second", "the sweep's rate over it")
    for name, rate in found["positions a second"].items():
        yield f"| {name} | {rate:,} | {_ratio(over[name]) if name in over else ''} |"
    for name, why in found["skipped"].items():
        yield f"| {name} | skipped: {why} | |"
    yield f"\n{SUBJECTS}"
    read, written = found["bytes read and written a position"]
    yield f"- Certification costs {round(found['certified over columns'] - 1, 2) + 0.0:.0%} over plain columns."
    yield f"- Rows decided exactly: {found['share of rows decided exactly']:.1e} of all;"
    yield f"  with liquidation prices {found['share of prices decided exactly']:.1e}."
    alike = found["share of rows decided alike"]
    yield "- Rows decided alike without a proof: " + ", ".join(f"{share:.5%} ({name})" for name, share in alike.items())
    held = found["bytes a position of the book"]
    yield f"- Bytes a position: {read} read, {written} written, {held} in the book's arrays."
    peaks = (f"{size} GiB ({mode})" for mode, size in figures["peak memory, GiB"].items())
    yield f"- Peak memory of a program that draws this book and sweeps it: {', '.join(peaks)}.\n"


def _cross(found: dict[str, Any]) -> Iterator[str]:
    yield f"## A cross book: {found['rows']:,} positions, five in each account\n"
    yield from _table("", "positions a second")
    yield from (f"| {name} | {rate:,} |" for name, rate in found["positions a second"].items())
    yield f"\nRows decided exactly: {found['share of rows decided exactly']:.1e} of all.\n"


def _workers(found: dict[str, Any]) -> Iterator[str]:
    yield f"## Two workers: {found['rows']:,} positions\n"
    yield from _table("", "times one")
    yield from (f"| sweep, {name}, two workers | {gain} |" for name, gain in found["two workers over one"].items())
    yield from (f"| machine's limit: {name} | {gain} |" for name, gain in found["two programs over one"].items())
    yield f"\n{WORKERS}"


def _growth(found: dict[str, dict[str, int]], picture: str | None) -> Iterator[str]:
    yield "## How the cost of a position changes with one size while the others stay\n"
    if picture is not None:
        yield f"![Nanoseconds a position as each size grows]({picture})\n"
    yield from _table("", "", "positions a second", "nanoseconds a position")
    for name, rates in found.items():
        yield from (f"| {name} | {int(size):,} | {rate:,} | {1e9 / rate:,.1f} |" for size, rate in rates.items())
    yield "\nPools of a thousand positions need a thousand instruments, so every book of that row has so many.\n"


def _time(figures: dict[str, Any]) -> Iterator[str]:
    yield "## Where the time goes, and what the next factor would take\n"
    yield from _table("", "isolated", "cross")
    isolated, cross = (figures[name]["where the time goes"] for name in ("isolated", "cross"))
    yield from (f"| {kind} | {share:.0%} | {cross[kind]:.0%} |" for kind, share in isolated.items())
    smallest, rate = next(iter(figures["growth"]["positions"].items()))
    yield "\n" + NEXT.format(fixed=1e6 * int(smallest) / rate / 300)


def _exactness(found: dict[str, Any]) -> Iterator[str]:
    yield "## Wrong decisions\n"
    yield EXACTNESS
    names = ("rows", "wrong decisions", "share decided exactly")
    yield from _table("", *names)
    for kind, figures in found.items():
        yield f"| {kind} | " + " | ".join(f"{figures[name]:,}" for name in names) + " |"
    prices = found["random rows"]
    compared, exact, wrong = (prices[name] for name in ("prices compared", "share priced exactly", "wrong prices"))
    yield f"\nOf the random rows, {compared:,} liquidation prices were compared: {wrong} were off by more than 1e-9 of"
    yield f"themselves. (Of such rows {exact:.0%} are left to exact numbers for their price.)"


def _table(*heads: str) -> Iterator[str]:
    """The head of a table whose columns but the first hold numbers."""
    yield "| " + " | ".join(heads) + " |"
    yield "|---|" + "---:|" * (len(heads) - 1)


def _ratio(ratio: float) -> str:
    return f"{ratio:,.2f}" if ratio < 100 else f"{ratio:,.0f}"
