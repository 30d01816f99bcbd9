"""How figures came about: named steps, each with its value, its formula and its place in the policy."""

from __future__ import annotations

import msgspec


class Line(msgspec.Struct, frozen=True):
    """One step: the figure's name, its value as text, how it was made, and where the policy says so (`file:line`)."""

    figure: str
    value: str
    how: str
    source: str = ""


class Part(msgspec.Struct, frozen=True):
    """The steps behind one position or one pool."""

    title: str
    lines: tuple[Line, ...]


class Explanation(msgspec.Struct, frozen=True):
    """The steps behind an evaluation: positions first, then pools."""

    title: str
    positions: tuple[Part, ...]
    pools: tuple[Part, ...]
