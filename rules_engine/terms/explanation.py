"""How figures came about: named steps, each with its value, its formula and its place in the policy."""

from __future__ import annotations

from typing import Any

import msgspec


class Line(msgspec.Struct, frozen=True):
    """One step: the figure's name, its value as text, how it was made, and where the policy says so (`file:line`).

    The value of what is not known is `?`, of what does not exist `-`.
    """

    figure: str
    value: str
    how: str
    source: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The step in plain values; an empty source where no line of the policy stands behind it."""
        return {"figure": self.figure, "value": self.value, "how": self.how, "source": self.source}


class Part(msgspec.Struct, frozen=True):
    """The steps behind one position, one pool or one decision."""

    title: str
    lines: tuple[Line, ...]

    def to_dict(self) -> dict[str, Any]:
        """The part in plain values."""
        return {"title": self.title, "lines": [line.to_dict() for line in self.lines]}


class Explanation(msgspec.Struct, frozen=True):
    """The steps behind an evaluation: positions first, then pools; for an order, `order` is the decision on it."""

    title: str
    positions: tuple[Part, ...]
    pools: tuple[Part, ...]
    order: Part | None = None

    def to_dict(self) -> dict[str, Any]:
        """The explanation in plain values; `order` only where it explains one."""
        return {
            "title": self.title,
            **({} if self.order is None else {"order": self.order.to_dict()}),
            "positions": [part.to_dict() for part in self.positions],
            "pools": [part.to_dict() for part in self.pools],
        }
