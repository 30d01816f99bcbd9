"""How tests look into an explanation: a part by its title, a line by its figure."""

from __future__ import annotations

from typing import Any

from rules_engine import Engine
from rules_engine.terms.explanation import Explanation, Line, Part
from tests.builders import account, market


def part(explanation: Explanation, title: str) -> Part:
    """The part whose title begins so."""
    return next(one for one in (*explanation.positions, *explanation.pools) if one.title.startswith(title))


def line(explanation: Explanation, title: str, figure: str) -> Line:
    """A line of a part by its figure."""
    return next(one for one in part(explanation, title).lines if one.figure == figure)


def explained(
    engine: Engine, *positions: dict[str, Any], at: dict[str, Any] | None = None, **fields: Any
) -> Explanation:
    """The explanation of an account at a mark of 100."""
    return engine.explain(account(*positions, **fields), at or market())
