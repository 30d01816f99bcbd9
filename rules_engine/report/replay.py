"""What a replay found, for programs and for people. rich loads inside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rules_engine.life.decisions.decision_replay import Replay


def replay_document(found: Replay) -> dict[str, Any]:
    """The replay's counts for programs; its problems are told beside them."""
    sequence, hashed = found.head
    return {
        "records": found.records,
        "decisions": dict(found.decisions),
        "equal": found.equal,
        "different": found.different,
        "inputs_not_kept": found.unkept,
        "dropped": found.dropped,
        "head": {"sequence": sequence, "hash": hashed},
    }


def replay_tables(found: Replay) -> Iterator[Any]:
    """The replay's counts for people: rich renderables."""
    from rich.text import Text

    from rules_engine.report.grids import grid

    counts = grid("decisions", "decisions", "count", right=("count",))
    for kind, count in found.decisions.items():
        counts.add_row(Text(kind), str(count))
    for name, count in (
        ("same answer", found.equal),
        ("different, or not to be judged", found.different),
        ("inputs not kept", found.unkept),
        ("dropped", found.dropped),
    ):
        counts.add_row(Text(name), str(count))
    yield counts
    sequence, hashed = found.head
    yield Text(f"{found.records} records; the last is {sequence}, {hashed}")
