"""What a close-out plan sees of a pool and may ask of it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

import msgspec

from rules_engine.numbers.system import Number
from rules_engine.terms.components import Parameters, ParameterSchema
from rules_engine.terms.evaluation import Closing


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    """An open position as a close-out plan sees it: exact, unrounded, in the settlement currency.

    `quantity` counts contracts, long positive; `size` is that without sign. `value` is the value of one contract at
    the mark. `initial` and `maintenance` are its own requirement, or its share of the pool's. `to_floor` is how many to
    close to come just under the floor of its tier (all of them in the first tier), rounded up to `step`, by which
    quantities of the instrument move.
    """

    position: str
    instrument: str
    quantity: Decimal
    size: Decimal
    value: Number
    notional: Number
    initial: Number
    maintenance: Number
    tier: int
    to_floor: Decimal
    step: Decimal


class ClosablePool(Protocol):
    """A pool at some point of its close-out. Closing gives a new one; nothing changes in place."""

    @property
    def legs(self) -> Sequence[Leg]:
        """The positions that are still open, by id."""

    @property
    def equity(self) -> Number:
        """Equity with what the pool may draw, unrounded."""

    @property
    def maintenance(self) -> Number:
        """What the pool must keep, unrounded."""

    @property
    def surplus(self) -> Number:
        """Equity less the line that a close-out aims for, unrounded."""

    @property
    def restored(self) -> bool:
        """Whether the pool stands where a close-out is to bring it."""

    def smallest(self, position: str) -> Decimal | None:
        """The fewest contracts of this position whose closing restores the pool; None if no number does."""

    def close(self, position: str, quantity: Decimal) -> ClosablePool:
        """The pool after closing this many contracts at the mark, the fee paid."""


class CloseOutPlan(Protocol):
    """A rule that says what to close, in which order, when a pool is liquidated."""

    @property
    def name(self) -> str:
        """The name by which policies use it."""

    @property
    def parameters(self) -> ParameterSchema:
        """The schema of its parameters."""

    def closings(self, pool: ClosablePool, parameters: Parameters) -> Sequence[Closing]:
        """The steps of the close-out. What does not restore must close everything."""
