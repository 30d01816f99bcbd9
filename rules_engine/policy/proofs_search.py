"""Whether a law holds in every state of an instrument's buffers: whole boxes of states at once, halved where needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol, TypeVar

import msgspec

from rules_engine.policy.proofs_states import Acting, Box, Pair, Source, at_start, is_one_state, parts_of, together

MOST_BOXES: Final = 2_000
"""Boxes that may be looked at in a whole policy; nearly all tables need one."""

Fault = TypeVar("Fault", covariant=True)


class Law(Protocol[Fault]):
    """Something that must hold at every size under every state of buffers."""

    def holds(self, acting: Sequence[Acting]) -> bool:
        """Whether it surely does, whatever each buffer does between its least and its greatest."""

    def fault(self, pair: Pair) -> Fault | None:
        """Where it does not under these adjustments; None where it does at every size."""


class Unfinished(Exception):
    """More boxes than may be looked at."""


class Budget:
    """How many boxes may still be looked at."""

    def __init__(self, boxes: int = MOST_BOXES) -> None:
        self._left = boxes

    def spend(self) -> None:
        """Takes one. Raises `Unfinished` where none is left."""
        if self._left == 0:
            raise Unfinished
        self._left -= 1


class Failure(msgspec.Struct, frozen=True):
    """A fault, and the state in which it shows."""

    fault: object
    state: Box


class Search:
    """A search through all states for one that breaks a law.

    `between` names the sources of strangers that had to be taken at their word: the law holds at the adjustments that
    they name, and was not proven between those.
    """

    def __init__(self, sources: Sequence[Source], budget: Budget) -> None:
        self.sources = sources
        self.budget = budget
        self.between: dict[str, None] = {}

    def failure(self, law: Law[object]) -> Failure | None:
        """A state in which the law is broken; None where it holds in all. Raises `Unfinished`."""
        waiting: list[Box] = [tuple([source.cells for source in self.sources])]
        left_open = False
        while waiting:
            box = waiting.pop()
            if law.holds(together(self.sources, box)):
                continue
            self.budget.spend()
            parts = parts_of(self.sources, box)
            if all(len(cells) == 1 for cells in box) and (fault := law.fault(at_start(self.sources, box))) is not None:
                return Failure(fault, box)
            self._note_strangers(box)
            left_open = left_open or not (parts or is_one_state(box))
            waiting += reversed(parts)
        if left_open:
            raise Unfinished
        return None

    def _note_strangers(self, box: Box) -> None:
        for source, cells in zip(self.sources, box, strict=True):
            if source.sort == "buffer" and len(cells) > 1:
                self.between[source.name] = None
