"""How the answers of a candidate differ from those in force, in counts and in examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import msgspec

from rules_engine.terms.evaluation import Evaluation, OrderDecision, PoolFigures, PositionFigures
from rules_engine.terms.rendering import figure

if TYPE_CHECKING:
    from rules_engine.engine.sweep import Sweep
    from rules_engine.engine.sweep_rows import Codes

POSITION_FIGURES: Final = ("initial_margin", "maintenance_margin", "liquidation_price", "bankruptcy_price")
POOL_FIGURES: Final = ("equity", "initial_margin", "maintenance_margin", "free_margin", "top_up")
MOST_FAILURES: Final = 20
"""Failures that are counted by what they say; the rest count as others."""
OTHERS: Final = "others"
ABSENT: Final = "-"
"""Stands for a pool or figure that is not there."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One difference: its `kind`, by which it is counted, what it is about, and both values.

    `times` counts rows alike; `decision` is the id of a logged decision.
    """

    kind: str
    account: str = ""
    about: str = ""
    before: str = ABSENT
    after: str = ABSENT
    times: int = 1
    decision: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The difference in plain values."""
        return {
            **({"decision": self.decision} if self.decision else {}),
            "kind": self.kind,
            "account": self.account,
            "about": self.about,
            "before": self.before,
            "after": self.after,
        }


class Differences(msgspec.Struct, kw_only=True):
    """What was compared and what differed.

    `compared` answers were evaluated by the candidate too, of which `differing` differ; `skipped` ones were not
    sampled, `dropped` ones found no room; in `failed` ones the candidate raised. `kinds` counts differences, such as
    `status healthy -> liquidate` (of pools; `row ...` of the rows of sweeps), `position initial_margin up` and
    `order accepted -> refused`; a figure known to one side alone is `... known` or `... unknown`. `failures` counts
    what was raised.
    """

    compared: int = 0
    differing: int = 0
    skipped: int = 0
    dropped: int = 0
    failed: int = 0
    kinds: Counter[str] = msgspec.field(default_factory=Counter)
    failures: Counter[str] = msgspec.field(default_factory=Counter)
    examples: list[Seen] = msgspec.field(default_factory=list)

    def count(self, seen: tuple[Seen, ...], examples: int) -> None:
        """Takes one comparison down; of each kind the first so many are kept as examples."""
        self.compared += 1
        self.differing += bool(seen)
        for one in seen:
            if self.kinds[one.kind] < examples:
                self.examples.append(one)
            self.kinds[one.kind] += one.times

    def fail(self, failure: str) -> None:
        """Takes a failure of the candidate down."""
        self.failed += 1
        known = failure in self.failures or len(self.failures) < MOST_FAILURES
        self.failures[failure if known else OTHERS] += 1

    def copy(self) -> Differences:
        """The counts as they stand."""
        return msgspec.structs.replace(
            self, kinds=Counter(self.kinds), failures=Counter(self.failures), examples=list(self.examples)
        )

    def to_dict(self) -> dict[str, Any]:
        """The counts in plain values."""
        return {
            "compared": self.compared,
            "differing": self.differing,
            "skipped": self.skipped,
            "dropped": self.dropped,
            "failed": self.failed,
            "kinds": dict(sorted(self.kinds.items())),
            "failures": dict(sorted(self.failures.items())),
            "examples": [example.to_dict() for example in self.examples],
        }


def evaluations_differ(one: Evaluation, other: Evaluation) -> Iterator[Seen]:
    """How an evaluation of the candidate differs."""
    pools, positions = _pools(other), _positions(other)
    for pool in dict.fromkeys([*_pools(one), *pools]):
        yield from _pools_differ(one.account, pool, _pools(one).get(pool), pools.get(pool))
    for position in one.positions:
        about = position.id
        yield from _figures_differ("position", one.account, about, position, positions[about], POSITION_FIGURES)


def orders_differ(one: OrderDecision, other: OrderDecision) -> Iterator[Seen]:
    """How a decision on an order differs, and the evaluation with the order in it."""
    account = one.evaluation.account
    before, after = ("accepted" if each.accepted else "refused" for each in (one, other))
    if before != after:
        yield Seen(kind=f"order {before} -> {after}", account=account, about=one.order, before=before, after=after)
    elif one.reasons != other.reasons:
        yield Seen(
            kind="order reasons",
            account=account,
            about=one.order,
            before=", ".join(one.reasons),
            after=", ".join(other.reasons),
        )
    yield from _figures_differ("order", account, one.order, one, other, ("required_margin", "largest_quantity"))
    yield from evaluations_differ(one.evaluation, other.evaluation)


def sweeps_differ(statuses: Codes, other: Sweep) -> Iterator[Seen]:
    """How many rows have another status, by both; statuses stand in the order of the book's table."""
    import numpy as np

    from rules_engine.engine.sweep_rows import STATUSES
    from rules_engine.life.decisions.decision_books import row_statuses

    width = len(STATUSES)
    pairs = np.bincount(statuses.astype(np.int64) * width + row_statuses(other), minlength=width * width)
    for pair in np.flatnonzero(pairs).tolist():
        before, after = STATUSES[pair // width], STATUSES[pair % width]
        if before != after:
            kind = f"row {before} -> {after}"
            yield Seen(kind=kind, about="sweep", before=before, after=after, times=int(pairs[pair]))


def _pools(evaluation: Evaluation) -> dict[str, PoolFigures]:
    return {pool.pool: pool for pool in evaluation.pools}


def _positions(evaluation: Evaluation) -> dict[str, PositionFigures]:
    return {position.id: position for position in evaluation.positions}


def _pools_differ(account: str, pool: str, one: PoolFigures | None, other: PoolFigures | None) -> Iterator[Seen]:
    if one is None or other is None:
        kind = "pool new" if one is None else "pool gone"
        before, after = (ABSENT if each is None else each.status for each in (one, other))
        yield Seen(kind=kind, account=account, about=pool, before=before, after=after)
        return
    if one.status != other.status:
        kind = f"status {one.status} -> {other.status}"
        yield Seen(kind=kind, account=account, about=pool, before=one.status, after=other.status)
    elif one.reasons != other.reasons:
        before, after = ", ".join(one.reasons), ", ".join(other.reasons)
        yield Seen(kind="reasons", account=account, about=pool, before=before, after=after)
    yield from _figures_differ("pool", account, pool, one, other, POOL_FIGURES)
    if one.close_out != other.close_out:
        before, after = (f"{len(each.close_out)} closed" for each in (one, other))
        yield Seen(kind="pool close_out", account=account, about=pool, before=before, after=after)


def _figures_differ(
    noun: str, account: str, about: str, one: Any, other: Any, names: tuple[str, ...]
) -> Iterator[Seen]:
    for name in names:
        before, after = getattr(one, name), getattr(other, name)
        if before != after:
            kind = f"{noun} {name} {_direction(before, after)}"
            told = (figure(value) or ABSENT for value in (before, after))
            yield Seen(kind=kind, account=account, about=about, before=next(told), after=next(told))


def _direction(before: Decimal | None, after: Decimal | None) -> str:
    if before is None or after is None:
        return "known" if before is None else "unknown"
    return "up" if after > before else "down"
