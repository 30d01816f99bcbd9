"""What a replay found, for programs and for people. rich loads inside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rules_engine.life.decisions.decision_replay import Replay
from rules_engine.life.decisions.shadow_differences import Differences


def replay_document(found: Replay) -> dict[str, Any]:
    """The replay's counts for programs; its problems are told beside them."""
    sequence, hashed = found.head
    return {
        "records": found.records,
        "decisions": dict(found.decisions),
        "equal": found.equal,
        "different": found.different,
        "inputs_not_kept": found.unkept,
        "book_not_given": found.unmatched,
        "dropped": found.dropped,
        "head": {"sequence": sequence, "hash": hashed},
        **({} if found.trial is None else {"candidate": found.trial.to_dict()}),
    }


def replay_tables(found: Replay) -> Iterator[Any]:
    """The replay's counts for people, and a candidate's: rich renderables."""
    from rich.text import Text

    from rules_engine.report.grids import grid

    counts = grid("decisions", "decisions", "count", right=("count",))
    for name, count in (
        *found.decisions.items(),
        ("same answer", found.equal),
        ("different, or not to be judged", found.different),
        ("inputs not kept", found.unkept),
        ("book not given", found.unmatched),
        ("dropped", found.dropped),
    ):
        counts.add_row(Text(name), str(count))
    yield counts
    if found.trial is not None:
        yield from trial_tables(found.trial)
    sequence, hashed = found.head
    yield Text(f"{found.records} records; the last is {sequence}, {hashed}")


def trial_tables(found: Differences) -> Iterator[Any]:
    """What a candidate would change: decisions, differences of each kind, and the first few of them."""
    from rich.text import Text

    from rules_engine.report.grids import grid

    counts = grid("candidate", "decisions", "count", right=("count",))
    for name, count in (
        ("compared", found.compared),
        ("differing", found.differing),
        ("of other policies", found.skipped),
        ("failed", found.failed),
        *((f"failed: {failure}", count) for failure, count in sorted(found.failures.items())),
    ):
        counts.add_row(Text(name), str(count))
    yield counts
    if not found.kinds:
        return
    kinds = grid("differences", "kind", "count", right=("count",))
    for kind, count in sorted(found.kinds.items(), key=_first_what_is_decided):
        kinds.add_row(Text(kind), str(count))
    yield kinds
    examples = grid("examples", "decision", "account", "about", "kind", "before", "after")
    for one in found.examples:
        told = (one.decision, one.account, one.about, one.kind, one.before, one.after)
        examples.add_row(*(Text(each) for each in told))
    yield examples


def _first_what_is_decided(counted: tuple[str, int]) -> tuple[bool, int, str]:
    """Statuses, orders and rows that turn into others, then figures; the most of each first."""
    kind, count = counted
    return "->" not in kind, -count, kind
