"""The states that an instrument's buffers can be in: which adjustments can hold together, and at which readings.

Buffers that read the same measure stand in the bands of the same reading, and miss it together. What buffers read is
therefore cut into cells: in a cell every band holds throughout, and a curve runs from one end to the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, Final, Literal, TypeAlias

import msgspec

from rules_engine.errors import PluginError
from rules_engine.formulas.buffers import FOREVER, ExpiryBuffer, MeasureBuffer
from rules_engine.formulas.tiers import NEUTRAL, combined, greatest, least
from rules_engine.numbers.exact import EXACT, ONE, ZERO, Ratio, divide, rounded
from rules_engine.terms.exposure import Adjustment
from rules_engine.terms.policy import Buffer, InstrumentRule

Pair: TypeAlias = tuple[Adjustment, Adjustment]
"""What buffers together do to initial and to maintenance rates."""

Box: TypeAlias = tuple[tuple["Cell", ...], ...]
"""Some cells of every source: the states in which each source is in one of its own."""

Sort: TypeAlias = Literal["measure", "expiry", "buffer"]

GREATEST: Final = Decimal("1e30")
"""No measure is larger: the greatest number that a document can hold."""
HALF: Final = Decimal("0.5")
EXPIRY: Final = "time to expiry"
FINE: Final = Decimal("1e-12")
"""Cells narrower than this part of their readings are not halved again."""


class Cell(msgspec.Struct, frozen=True):
    """Readings from `start` to just below `end`, and what each buffer does there at least and at most.

    `end` is None where they do the same throughout. `start` is None where nothing is read, or nothing that is known.
    """

    start: Decimal | None
    end: Decimal | None
    least: tuple[Adjustment, ...]
    greatest: tuple[Adjustment, ...]


class Source(msgspec.Struct, frozen=True):
    """What some buffers read together: a measure, or the time to expiry in seconds.

    A stranger's buffer is a source of its own, and what it reads is not known: only what it says it can reach.
    """

    sort: Sort
    name: str
    buffers: tuple[Buffer, ...]
    cells: tuple[Cell, ...] = ()

    def cell(self, start: Decimal, end: Decimal | None) -> Cell:
        """The cell between two readings; curves rise, so they do least at one and most at the other."""
        low = tuple([_at(buffer, start) for buffer in self.buffers])
        high = low if end is None else tuple([_up_to(buffer, start, end) for buffer in self.buffers])
        return Cell(start, None if low == high else end, low, high)


class Acting(msgspec.Struct, frozen=True):
    """A buffer, by the requirements on which it acts and what it does at least and at most, each figure by itself."""

    on: frozenset[str]
    least: Adjustment
    greatest: Adjustment


def sources_of(rule: InstrumentRule, acting: Iterable[Buffer]) -> tuple[Source, ...]:
    """What these buffers of an instrument read, each source with its cells. Raises what a stranger's kind raises."""
    groups: dict[tuple[Sort, str], list[Buffer]] = {}
    for buffer in acting:
        groups.setdefault(_source_name(buffer), []).append(buffer)
    return tuple([_source(sort, name, tuple(buffers), rule) for (sort, name), buffers in groups.items()])


def with_mildest(sources: Sequence[Source], rule: InstrumentRule) -> tuple[Source, ...]:
    """The same, and where a reading is missing also what buffers do least: a status must hold under that too."""
    return tuple([_with_mildest(source, rule) for source in sources])


def _with_mildest(source: Source, rule: InstrumentRule) -> Source:
    if source.sort == "expiry" and rule.expires_at is not msgspec.UNSET:
        return source
    mild = tuple([_said(least(_reached(buffer))) for buffer in source.buffers])
    return msgspec.structs.replace(source, cells=_distinct([*source.cells, Cell(None, None, mild, mild)]))


def checked(buffer: Buffer) -> Buffer:
    """The buffer, after a look at what it says it can reach. Raises whatever is wrong with that."""
    for one in (greatest(_reached(buffer)), least(_reached(buffer))):
        if one.multiply is not None and one.multiply < 0:
            raise PluginError(f"it multiplies rates by {one.multiply}")
    return buffer


def together(sources: Sequence[Source], box: Box) -> list[Acting]:
    """What each buffer does in some states at least and at most."""
    found = []
    for source, cells in zip(sources, box, strict=True):
        for index, buffer in enumerate(source.buffers):
            low = least([cell.least[index] for cell in cells])
            high = greatest([cell.greatest[index] for cell in cells])
            found.append(Acting(frozenset(buffer.requirements), low, high))
    return found


def pair_of(acting: Iterable[Acting], choose: Callable[[Acting, str], Adjustment]) -> Pair:
    """What buffers do together, where `choose` says what each does to one of the requirements."""
    every = list(acting)
    initial, maintenance = (
        combined([choose(one, requirement) for one in every if requirement in one.on])
        for requirement in ("initial", "maintenance")
    )
    return initial, maintenance


def at_start(sources: Sequence[Source], box: Box) -> Pair:
    """What buffers do together at the first reading of each source's first cell."""
    return pair_of(together(sources, tuple([cells[:1] for cells in box])), lambda one, _: one.least)


def is_one_state(box: Box) -> bool:
    """Whether nothing varies in a box any more."""
    return all(len(cells) == 1 and cells[0].end is None for cells in box)


def neutral_state(sources: Sequence[Source]) -> Box | None:
    """A state in which no buffer changes anything, if there is one."""
    chosen = [next((cell for cell in source.cells if _is_neutral(cell)), None) for source in sources]
    box = tuple([(cell,) for cell in chosen if cell is not None])
    return box if len(box) == len(sources) else None


def parts_of(sources: Sequence[Source], box: Box) -> list[Box]:
    """The box in two: by cells where a source has several left, else a cell halfway, its end first, for curves rise.

    Empty where the box is one state, or too narrow to be halved again.
    """
    widest = max(range(len(box)), key=lambda index: len(box[index]), default=None)
    if widest is None:
        return []
    cells = box[widest]
    if len(cells) > 1:
        middle = len(cells) // 2
        return [_with(box, widest, cells[:middle]), _with(box, widest, cells[middle:])]
    for index, (cell,) in enumerate(box):
        if cell.start is not None and cell.end is not None and cell.end - cell.start > cell.end * FINE:
            middle_reading = _between(cell.start, cell.end)
            halves = (middle_reading, cell.end), (cell.start, middle_reading)
            return [_with(box, index, (sources[index].cell(*half),)) for half in halves]
    return []


def _between(start: Decimal, end: Decimal) -> Decimal:
    """A number of few digits about halfway between two."""
    unit = ONE.scaleb((end - start).adjusted() - 1)
    return rounded((start + end) * HALF, unit, "half_up")


def _with(box: Box, index: int, cells: tuple[Cell, ...]) -> Box:
    return (*box[:index], cells, *box[index + 1 :])


def _is_neutral(cell: Cell) -> bool:
    return cell.end is None and all(adjustment == NEUTRAL for adjustment in cell.least)


def _source_name(buffer: Buffer) -> tuple[Sort, str]:
    if isinstance(buffer.kind, MeasureBuffer):
        return "measure", buffer.parameters["measure"]
    return ("expiry", EXPIRY) if isinstance(buffer.kind, ExpiryBuffer) else ("buffer", buffer.name)


def _source(sort: Sort, name: str, buffers: tuple[Buffer, ...], rule: InstrumentRule) -> Source:
    bare = Source(sort, name, buffers)
    cells: Iterable[Cell]
    if sort == "buffer":
        cells = _named(buffers[0])
    elif sort == "expiry":
        cells = _until_expiry(bare, rule)
    else:
        cells = [*_cells(bare), _missing(buffers)]
    return msgspec.structs.replace(bare, cells=_distinct(cells))


def _cells(source: Source) -> Iterator[Cell]:
    """The cells of all readings from 0 on."""
    starts = sorted({ZERO, *(start for buffer in source.buffers for start in _starts(buffer.parameters))})
    for start, end in zip(starts, [*starts[1:], None], strict=True):
        yield source.cell(start, end)


def _starts(parameters: Any) -> Iterator[Decimal]:
    """The readings at which a buffer turns: where its bands begin, or where its curve leaves 1 and meets its cap."""
    if "curve" not in parameters:
        for band in parameters["bands"]:
            yield band["from"]
        return
    curve = parameters["curve"]
    if curve["slope"] > 0 and curve["cap"] > 1:
        top = curve["reference"] * (ONE + divide(curve["cap"] - ONE, curve["slope"]))
        yield curve["reference"]
        yield min(rounded(top, FINE, "up") if isinstance(top, Ratio) else top, GREATEST)


def _until_expiry(source: Source, rule: InstrumentRule) -> Iterator[Cell]:
    """A policy that says that an instrument never expires leaves its last band, one that says when, no doubt."""
    if rule.expires_at is None:
        yield source.cell(FOREVER, None)
        return
    cells = list(_cells(source))
    for cell, above in zip(cells, [*cells[1:], None], strict=True):
        half = ONE if above is None or above.start is None else above.start * HALF
        yield cell if cell.start else msgspec.structs.replace(cell, start=half)  # at 0 it has expired
    if rule.expires_at is msgspec.UNSET:
        yield _missing(source.buffers)


def _missing(buffers: Sequence[Buffer]) -> Cell:
    """A reading that is missing: initial margin and orders take the most severe band of every buffer."""
    severe = tuple([_said(greatest(_reached(buffer))) for buffer in buffers])
    return Cell(None, None, severe, severe)


def _named(buffer: Buffer) -> Iterator[Cell]:
    """A stranger's adjustments, and the most severe one, which stands in for a reading that is missing."""
    reached = _reached(buffer)
    for one in (*reached, greatest(reached)):
        yield Cell(None, None, (_said(one),), (_said(one),))


def _distinct(cells: Iterable[Cell]) -> tuple[Cell, ...]:
    """One cell of those in which the same holds throughout."""
    found: list[Cell] = []
    for cell in cells:
        if cell.end is not None or not any(one.end is None and one.least == cell.least for one in found):
            found.append(cell)
    return tuple(found)


def _reached(buffer: Buffer) -> tuple[Adjustment, ...]:
    return buffer.kind.extremes(buffer.parameters)


def _at(buffer: Buffer, reading: Decimal) -> Adjustment:
    adjustment = buffer.kind.adjustment(EXACT, reading, buffer.parameters)
    assert adjustment is not None  # readings from 0 on have a band
    return _said(adjustment)


def _up_to(buffer: Buffer, start: Decimal, end: Decimal) -> Adjustment:
    return _at(buffer, end if "curve" in buffer.parameters else start)


def _said(adjustment: Adjustment) -> Adjustment:
    """An adjustment that is silent on neither figure."""
    return combined([adjustment])
