"""A book under a grid of moves of the market, for programs and for people. rich loads inside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from operator import add
from typing import Any, Final

import msgspec

from rules_engine.engine.sweep_rows import STATUSES
from rules_engine.engine.what_if import Outcome
from rules_engine.numbers.text import plain
from rules_engine.report.grids import grid
from rules_engine.terms.evaluation import PolicyIdentity
from rules_engine.terms.rendering import instant

PRICE: Final = "price"
"""What the axis of price moves is called."""


class Axis(msgspec.Struct, frozen=True):
    """What moves, `price` or a measure by its name, and by how much."""

    name: str
    moves: tuple[Decimal, ...]


class WhatIf(msgspec.Struct, frozen=True, kw_only=True):
    """A book under a grid: `now` as the market stands, and an outcome for each cell, the last axis changing fastest.

    Those of a book's parts add up. `instruments` and `assets` are those that move, `still` the assets with a price that
    does not; `faults` counts rows at fault.
    """

    policy: PolicyIdentity
    currency: str
    as_of: datetime
    positions: int
    accounts: int
    instruments: tuple[str, ...]
    assets: tuple[str, ...]
    still: tuple[str, ...]
    axes: tuple[Axis, ...]
    now: Outcome
    outcomes: tuple[Outcome, ...]
    faults: int = 0

    @property
    def rows(self) -> list[tuple[Outcome, ...]]:
        """The outcomes by move of the first axis."""
        width = len(self.outcomes) // len(self.axes[0].moves)
        return [self.outcomes[start : start + width] for start in range(0, len(self.outcomes), width)]

    def __add__(self, other: WhatIf) -> WhatIf:
        return msgspec.structs.replace(
            self,
            positions=self.positions + other.positions,
            accounts=self.accounts + other.accounts,
            faults=self.faults + other.faults,
            now=self.now + other.now,
            outcomes=tuple(map(add, self.outcomes, other.outcomes)),
        )

    def beside(self, accounts: int, faults: int) -> WhatIf:
        """The same with accounts that hold no position, and with faults."""
        return msgspec.structs.replace(self, accounts=self.accounts + accounts, faults=self.faults + faults)


def percent(move: Decimal) -> str:
    """A move in percent, with its sign: `-10%`, `0%`, `+2.5%`."""
    sign = "+" if move > 0 else ""
    return f"{sign}{plain(move * 100)}%"


def what_if_document(answer: WhatIf) -> dict[str, Any]:
    """The grid for programs."""
    return {
        "policy": answer.policy.to_dict(),
        "as_of": instant(answer.as_of),
        "positions": answer.positions,
        "accounts": answer.accounts,
        "moved": {"instruments": list(answer.instruments), "assets": list(answer.assets)},
        "axes": [{"name": axis.name, "moves": list(map(plain, axis.moves))} for axis in answer.axes],
        "now": _entry(answer.now),
        "scenarios": [
            {
                "price_move": plain(outcome.scenario.price_move),
                "measure_moves": {name: plain(move) for name, move in outcome.scenario.measure_moves.items()},
                **_entry(outcome),
            }
            for outcome in answer.outcomes
        ],
        "rows_at_fault": answer.faults,
    }


def _entry(outcome: Outcome) -> dict[str, Any]:
    return {
        "statuses": dict(outcome.statuses),
        "notional_at_risk": {status: plain(money) for status, money in outcome.notional.items()},
        "liquidated": {"positions": outcome.liquidated, "notional": plain(outcome.notional_liquidated)},
        "newly_liquidated": {"positions": outcome.newly, "notional": plain(outcome.newly_notional)},
        "decided_exactly": dict(outcome.exactly),
    }


def what_if_tables(answer: WhatIf) -> Iterator[Any]:
    """The grid for people: rich renderables. One axis in full, two as a table of each figure."""
    from rich.text import Text

    policy = answer.policy
    yield Text(f"{answer.positions} positions of {answer.accounts} accounts at {instant(answer.as_of)}", style="bold")
    yield Text(f"under {policy.name} {policy.version}; notional in {answer.currency}")
    yield Text(_moving(answer))
    if len(answer.axes) == 1:
        yield _listed(answer)
        return
    yield _crossed(answer, "positions liquidated", lambda one: str(one.liquidated))
    yield _crossed(answer, "of these newly", lambda one: str(one.newly))
    yield _crossed(answer, "notional liquidated", lambda one: plain(one.notional_liquidated))
    if any(one.statuses["undetermined"] for one in answer.outcomes):
        yield _crossed(answer, "positions undetermined", lambda one: str(one.statuses["undetermined"]))


def _moving(answer: WhatIf) -> str:
    """What moves and what does not: collateral that stays at its price is easily overlooked."""
    assets = ", ".join(answer.assets) or "none"
    still = f"; {', '.join(answer.still)} stays at its price" if answer.still else ""
    noun = "instrument" if len(answer.instruments) == 1 else "instruments"
    return f"moved: {len(answer.instruments)} {noun}; collateral assets: {assets}{still}"


def _listed(answer: WhatIf) -> Any:
    """A row for each move, and one for the market as it stands."""
    (axis,) = answer.axes
    words = [status.replace("_", " ") for status in STATUSES]
    columns = (*words, "newly liquidated", "notional liquidated")
    table = grid("what if", axis.name, *columns, right=columns)
    named: Iterable[tuple[str, Outcome]] = zip(map(percent, axis.moves), answer.outcomes, strict=True)
    for name, one in (("now", answer.now), *named):
        table.add_row(name, *map(str, one.statuses.values()), str(one.newly), plain(one.notional_liquidated))
    return table


def _crossed(answer: WhatIf, title: str, cell: Callable[[Outcome], str]) -> Any:
    """Moves of the first axis downwards, of the second to the right."""
    down, across = answer.axes
    columns = [f"{across.name} {percent(move)}" for move in across.moves]
    table = grid(f"{title} (now {cell(answer.now)})", down.name, *columns, right=tuple(columns))
    for move, outcomes in zip(down.moves, answer.rows, strict=True):
        table.add_row(percent(move), *map(cell, outcomes))
    return table
