"""What cases touch of a policy, and what they leave: a summary, every part, or a line for each part untouched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rules_engine.errors import Mark
from rules_engine.life.cases.coverage import Coverage, Covered, untouched
from rules_engine.life.cases.judging import Judgement
from rules_engine.numbers.exact import exactly
from rules_engine.numbers.text import plain
from rules_engine.report.grids import grid

if TYPE_CHECKING:
    from rich.table import Table

NAMED: Final = 3
"""Names that are told of each kind; beyond these people are told a number."""
WORDS: Final = {"tier": "table", "band": "buffer"}
"""What parts are told together: the tiers of a table, the bands of a buffer."""
KINDS: Final = {"tier": "tiers", "band": "bands", "mode": "modes", "instrument": "instruments", "glob": "globs"}
"""What kinds are called in the summary; the others are called as they are."""
UNUSED: Final = "no instrument names it"
NO_INSTRUMENTS: Final = "the policy names no instrument"


def touched_text(coverage: Coverage) -> str:
    """`7 of 12 parts of the policy touched (58.3 %)`."""
    reachable = sum(one.reachable for one in coverage)
    touched = reachable - len(untouched(coverage))
    if not reachable:
        return "the policy has no part that cases could touch"
    per_mille = 1000 * touched // reachable
    percent = f"{per_mille // 10}.{per_mille % 10}".removesuffix(".0")
    return f"{touched} of {reachable} parts of the policy touched ({percent} %)"


def touches_enough(coverage: Coverage, percent: Decimal) -> bool:
    """Whether cases touch so much of what they could."""
    reachable = sum(one.reachable for one in coverage)
    with exactly():
        return 100 * (reachable - len(untouched(coverage))) >= percent * reachable


def too_little_text(coverage: Coverage, percent: Decimal) -> str:
    """What is said of cases that touch less than is asked for."""
    return f"{touched_text(coverage)}, wanted {plain(percent)} %"


def untouched_lines(coverage: Coverage, file: str) -> Iterator[str]:
    """A line for everything that no case touches and one could, at its place in the policy."""
    for one in untouched(coverage):
        yield f"{one.mark or Mark(file, 1, 1)}: no case touches {_thing_text(one)}"


def _thing_text(one: Covered) -> str:
    kind, name, part = one.thing
    if kind in WORDS and part:
        return f"{kind} {part} of {WORDS[kind]} {name} ({one.text})"
    return f"{WORDS.get(kind, kind)} {name}" if kind != "orders" else name


def summary_table(judgement: Judgement, file: str) -> Table:
    """How much of each kind cases touch, and the first of what they do not, with lines in the policy's file."""
    table = _titled(judgement, "kind", "touched", "not touched")
    for kind, rows in groupby(judgement.coverage, lambda one: one.thing.kind):
        parts = list(rows)
        reachable = sum(one.reachable for one in parts)
        rest = untouched(tuple(parts))
        touched = f"{reachable - len(rest)} of {reachable}" if reachable else ""
        _add(table, KINDS.get(kind, kind), touched, _first_of(rest, file) if reachable else _unreachable(kind))
    return table


def _unreachable(kind: str) -> str:
    return UNUSED if kind in WORDS else NO_INSTRUMENTS


def _first_of(rest: Sequence[Covered], file: str) -> str:
    """The first names of what is untouched, each with its parts and the line of the first."""
    names = [list(parts) for _, parts in groupby(rest, lambda one: one.thing.name)]
    told = [_name_and_place(parts, file) for parts in names[:NAMED]]
    return ", ".join([*told, *([f"and {len(names) - NAMED} more"] if len(names) > NAMED else [])])


def _name_and_place(parts: Sequence[Covered], file: str) -> str:
    place = _place(parts[0].mark, file)
    if parts[0].thing.kind == "tier":
        return f"{parts[0].thing.name} {_ranges([one.thing.part for one in parts])}{place}"
    texts = [one.text for one in parts if one.text]
    return " ".join([parts[0].thing.name, *([" and ".join(texts)] if texts else [])]) + place


def _place(mark: Mark | None, file: str) -> str:
    """The line; of what a parent states also the end of its path, which names it and its version."""
    if mark is None:
        return ""
    return f" (line {mark.line})" if mark.file == file else f" ({'/'.join(Path(mark.file).parts[-2:])}:{mark.line})"


def _ranges(numbers: Iterable[int]) -> str:
    """`1-3, 5`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(f"{first}-{last}" if last > first else str(first) for first, last in runs)


def full_table(judgement: Judgement) -> Table:
    """Every table, buffer, mode, instrument and so on: what of it is touched, what is not, and through what."""
    table = _titled(judgement, "what", "name", "touched", "not touched", "by")
    for (kind, name), parts in groupby(judgement.coverage, lambda one: one.thing[:2]):
        _add(table, *_row(kind, name, list(parts)))
    return table


def _row(kind: str, name: str, parts: Sequence[Covered]) -> tuple[str, ...]:
    touched = [one for one in parts if one.touched]
    rest = [one for one in parts if not one.touched]
    by = list(dict.fromkeys(touch.by for one in touched for touch in one.touched))
    more = [f"and {len(by) - NAMED} more"] if len(by) > NAMED else []
    return (
        WORDS.get(kind, kind),
        name,
        ", ".join(_part(one, "yes") for one in touched),
        ", ".join(_part(one, "no") for one in rest) if parts[0].reachable else _unreachable(kind),
        ", ".join([*by[:NAMED], *more]),
    )


def _part(one: Covered, whole: str) -> str:
    """A part of a table or buffer as it stands in a row: a tier's number, a band's beginning."""
    return str(one.thing.part) if one.thing.kind == "tier" else one.text or whole


def _titled(judgement: Judgement, *columns: str) -> Table:
    title = f"what the cases of {judgement.policy.name} {judgement.policy.version} touch"
    table = grid(title, *columns)
    table.min_width = len(title)  # a table narrower than its title would break it
    return table


def _add(table: Any, *cells: str) -> None:
    from rich.text import Text

    table.add_row(*map(Text, cells))
