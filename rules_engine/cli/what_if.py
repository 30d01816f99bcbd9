"""`rules-engine what-if`: a book under a grid of moves of the market."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from functools import reduce
from importlib import import_module
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import click

from rules_engine.cli import output
from rules_engine.cli.book_options import BookAsked, Faults, book_options, part_rows_option, workers_option
from rules_engine.cli.commands import FOUND
from rules_engine.cli.inputs import all_of, json_option, plugin_option
from rules_engine.cli.versions import PolicyAsked, policy_options

if TYPE_CHECKING:
    from rules_engine.engine.book import Book
    from rules_engine.engine.engine import Engine
    from rules_engine.engine.what_if import Outcome
    from rules_engine.report.what_if import Axis, WhatIf
    from rules_engine.terms.market import Market

EXAMPLES = """\b
Examples:
  rules-engine what-if --policy P.yaml --book book.csv --collateral c.csv --market market.json --price -30%:+30%:7
  rules-engine what-if --policy P.yaml --book book.csv --market market.json --price -10%,-5%,0 --move-asset BTC
  rules-engine what-if --policy P.yaml --book book.csv --market market.json --price -30%:+30%:7 \\
    --measure realized_24h=0%:100%:3 --picture grid.png"""

WANTED: Final = "wanted A:B:N such as -30%:+30%:7, or a list such as -10%,0,10%"
MOST_MOVES: Final = 1_000
"""Moves of one axis: each is a sweep of the whole book."""
FORMS: Final = (".png", ".svg")
Measured: TypeAlias = tuple[str, tuple[Decimal, ...]]
"""A measure by its name, and its moves."""
_COUNT: Final = re.compile("[0-9]{1,9}").fullmatch


class Moving(NamedTuple):
    """What moves along which axes: the globs of instruments and of collateral assets."""

    axes: tuple[Axis, ...]
    instruments: tuple[str, ...]
    assets: tuple[str, ...]


def moves_of(text: str) -> tuple[Decimal, ...]:
    """Moves in percent or as fractions: a range with how many there are, or a list. Raises `click.BadParameter`."""
    from rules_engine.engine.what_if import even_moves

    first, *others = text.split(":")
    if not others:
        return tuple(dict.fromkeys(map(_move, text.split(","))))
    if len(others) != 2 or not (count := _COUNT(others[1])):
        raise click.BadParameter(f"{text!r} is no range; {WANTED}")
    if not 2 <= int(count[0]) <= MOST_MOVES:
        raise click.BadParameter(f"{text!r} has {count[0]} moves; wanted 2 to {MOST_MOVES}")
    return even_moves(_move(first), _move(others[0]), int(count[0]))


def _move(text: str) -> Decimal:
    from rules_engine.numbers.text import NumberError, parse_number

    bare = text.strip()
    try:
        number = parse_number(bare.removeprefix("+").removesuffix("%"))
    except NumberError as error:
        raise click.BadParameter(f"{text!r} is no move: {error.message}; {WANTED}") from None
    move = number.scaleb(-2) if bare.endswith("%") else number
    if move < -1:
        raise click.BadParameter(f"{text!r} leaves less than nothing; a move is at least -100%")
    return move


def _price(context: click.Context, parameter: click.Parameter, text: str | None) -> tuple[Decimal, ...] | None:
    moves = None if text is None else moves_of(text)
    if moves and min(moves) <= -1:
        raise click.BadParameter("a price that falls by 100% is none; a price's move is above -100%")
    return moves


def _measure(context: click.Context, parameter: click.Parameter, text: str | None) -> Measured | None:
    if text is None:
        return None
    name, _, moves = text.partition("=")
    if not name or not moves:
        raise click.BadParameter(f"{text!r} is no NAME=A:B:N such as realized_24h=0%:100%:3")
    return name, moves_of(moves)


@click.command(name="what-if", epilog=EXAMPLES)
@policy_options
@book_options
@click.option("--price", metavar="A:B:N", callback=_price, help="Moves of marks and index prices.")
@click.option(
    "--measure", metavar="NAME=A:B:N", callback=_measure, help="Moves of a measure of the market: a second axis."
)
@click.option(
    "--instrument", "instruments", multiple=True, metavar="GLOB", help="Instruments that move. [default: all]"
)
@click.option(
    "--move-asset",
    "assets",
    multiple=True,
    metavar="GLOB",
    help="Collateral assets whose price moves too; without it none does.",
)
@click.option("--picture", metavar="FILE", type=click.Path(), help="Draw the grid: FILE.png or FILE.svg.")
@part_rows_option
@workers_option
@plugin_option
@json_option
@click.pass_context
def what_if(
    context: click.Context,
    policy: PolicyAsked,
    book: BookAsked,
    price: tuple[Decimal, ...] | None,
    measure: Measured | None,
    instruments: tuple[str, ...],
    assets: tuple[str, ...],
    picture: str | None,
    workers: int,
    as_json: bool,
) -> None:
    """Decide a book under many moves of the market.

    Moves are A:B:N, which is N of them from A to B, or a list; in percent or as fractions: -30%:+30%:7, or
    -0.1,0,0.1. A price becomes its (1 + move)-fold, a measure likewise, and each market is decided as `sweep` decides
    it. Prints positions liquidated (bankrupt ones included) and their notional by scenario. Exits with 0 whatever the
    statuses are, with 1 where rows are at fault, and with 2 where a table, document or option cannot be used.
    """
    _refuse_picture(picture)
    axes = _axes(price, measure)
    engine_at, at = all_of([policy.read, book.market])
    engine = engine_at(at)
    moving = Moving(axes, instruments or ("*",), assets)
    _refuse_unknown(at, moving)
    parts, faults = book.parts(engine.policy.settlement_currency), Faults()
    answer = reduce(add, map(_answered(engine, at, moving, faults, workers), parts))
    for fault in parts.faults:
        faults.add(fault)
    answer = answer.beside(accounts=parts.idle, faults=faults.count)
    if picture is not None:
        _draw(answer, picture)
    _print(answer, as_json)
    faults.tell()
    context.exit(FOUND if faults.count else 0)


def _axes(price: Sequence[Decimal] | None, measure: Measured | None) -> tuple[Axis, ...]:
    from rules_engine.report.what_if import PRICE, Axis

    axes = [*([Axis(PRICE, tuple(price))] if price else []), *([Axis(*measure)] if measure else [])]
    if not axes:
        raise click.UsageError("nothing moves; give --price A:B:N, --measure NAME=A:B:N, or both")
    return tuple(axes)


def _refuse_picture(picture: str | None) -> None:
    """A usage error where no picture could be drawn, before anything is swept."""
    if picture is None:
        return
    if not picture.endswith(FORMS):
        raise click.UsageError(f"--picture {picture} ends in neither {' nor '.join(FORMS)}")
    try:
        import_module("matplotlib")
    except ImportError:
        raise click.UsageError("--picture needs matplotlib: pip install 'rules-engine[plots]'") from None


def _refuse_unknown(market: Market, moving: Moving) -> None:
    """A usage error where something is to move that is not in the market: the grid would show nothing by mistake."""
    from rules_engine.engine.what_if import chosen
    from rules_engine.policy.findings import nearest
    from rules_engine.report.what_if import PRICE

    for option, globs, names in (
        ("--instrument", moving.instruments, [*market.instruments]),
        ("--move-asset", moving.assets, [*market.prices]),
    ):
        for glob in globs:
            if not chosen(names, [glob]):
                raise click.UsageError(f"{option} {glob} matches nothing in the market; {nearest(glob, names)}")
    measures = {
        *(name for one in chosen(market.instruments, moving.instruments) for name in market.instruments[one].measures),
        *(name for one in chosen(market.prices, moving.assets) for name in market.prices[one].measures),
    }
    for axis in moving.axes:
        if axis.name != PRICE and axis.name not in measures:
            raise click.UsageError(f"nothing that moves has a measure {axis.name}; {nearest(axis.name, measures)}")


def _answered(engine: Engine, market: Market, moving: Moving, faults: Faults, workers: int) -> Callable[[Book], WhatIf]:
    """What gives the answer for a part of the book, swept in every market of the grid, and takes down its faults."""
    from rules_engine.engine.what_if import chosen, grid_of
    from rules_engine.numbers.exact import ZERO
    from rules_engine.report.sweep import faults_of
    from rules_engine.report.what_if import PRICE, WhatIf
    from rules_engine.terms.evaluation import PolicyIdentity

    moves = {axis.name: axis.moves for axis in moving.axes}
    scenarios = grid_of(moves.pop(PRICE, (ZERO,)), moves)
    policy, backing = engine.policy, chosen(market.prices, moving.assets)

    def answer(book: Book) -> WhatIf:
        outcomes = engine.what_if(book, market, scenarios, moving.instruments, moving.assets, workers=workers)
        now, *others = watched(outcomes, len(scenarios) + 1)
        for fault in faults_of(book):
            faults.add(fault)
        return WhatIf(
            policy=PolicyIdentity(name=policy.name, version=policy.version, digest=policy.digest),
            currency=policy.settlement_currency,
            as_of=market.as_of,
            positions=len(book),
            accounts=len(book.names),
            instruments=tuple(sorted(chosen(market.instruments, moving.instruments))),
            assets=tuple(sorted(backing)),
            still=tuple(sorted(set(market.prices) - backing)),
            axes=moving.axes,
            now=now,
            outcomes=tuple(others),
        )

    return answer


def watched(outcomes: Iterable[Outcome], count: int) -> Iterator[Outcome]:
    """The outcomes, with how many there are told in one line of stderr where somebody watches."""
    for done, outcome in enumerate(outcomes, 1):
        output.progress(f"{done} of {count} markets" if done < count else "")
        yield outcome


def _draw(answer: WhatIf, file: str) -> None:
    from rules_engine.report.what_if_picture import picture

    Path(file).write_bytes(picture(answer, Path(file).suffix[1:]))
    output.message(f"wrote {file}")


def _print(answer: WhatIf, as_json: bool) -> None:
    from rules_engine.report.what_if import what_if_document, what_if_tables

    if as_json:
        output.document(what_if_document(answer))
    else:
        output.tables(what_if_tables(answer))
