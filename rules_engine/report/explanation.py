"""An explanation as text: a block for the decision, each position and each pool, a line for each step."""

from __future__ import annotations

from collections.abc import Iterator

from rules_engine.terms.explanation import Explanation, Part


def explanation_text(explanation: Explanation) -> str:
    """The whole explanation as plain text."""
    decision = [] if explanation.order is None else [explanation.order]
    parts = (*decision, *explanation.positions, *explanation.pools)
    return "\n\n".join([explanation.title, *("\n".join(_block(part)) for part in parts)]) + "\n"


def _block(part: Part) -> Iterator[str]:
    yield part.title
    names = max((len(line.figure) for line in part.lines), default=0)
    values = max((len(line.value) for line in part.lines), default=0)
    for line in part.lines:
        source = f"  [{line.source}]" if line.source else ""
        yield f"  {line.figure:<{names}}  {line.value:>{values}}  {line.how}{source}".rstrip()
