"""The components that plugins supply by name. A component is stateless; its parameters come from the policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Protocol, TypeAlias

import msgspec

from rules_engine.numbers.system import Number, NumberSystem
from rules_engine.terms.exposure import Adjustment, Exposure, PoolExposure, PoolRequirement, Requirement
from rules_engine.terms.market import InstrumentMarket
from rules_engine.terms.pool import PoolLabel, PositionLabels

Parameters: TypeAlias = Mapping[str, Any]
"""A component's parameters as the policy gives them: exact decimals, text, lists and mappings, normalised."""

ParameterSchema: TypeAlias = Mapping[str, Any]
"""A Cerberus schema of the parameters: field name -> rules."""


class Mode(Protocol):
    """A margin mode: who shares collateral, and what a position requires.

    It has `requirement`, or `pool_requirement` (see `PoolMode`) where what a pool requires is no sum over positions.
    It may also state any attribute of `ModeTraits`, and have `prepare(num, market, as_of, parameters)`, which is called
    once for every instrument of a market and whose answer every exposure in that instrument carries as `prepared`.
    """

    @property
    def name(self) -> str:
        """The name by which policies use it."""

    @property
    def parameters(self) -> ParameterSchema:
        """The schema of its parameters."""

    def pool(self, position: PositionLabels, parameters: Parameters) -> PoolLabel:
        """The pool to which a position belongs."""

    def requirement(self, num: NumberSystem, exposure: Exposure, parameters: Parameters) -> Requirement:
        """What one position requires, seen alone."""


class PoolMode(Protocol):
    """A margin mode whose requirement is that of a whole pool, such as portfolio margin."""

    @property
    def name(self) -> str:
        """The name by which policies use it."""

    @property
    def parameters(self) -> ParameterSchema:
        """The schema of its parameters."""

    def pool(self, position: PositionLabels, parameters: Parameters) -> PoolLabel:
        """The pool to which a position belongs."""

    def pool_requirement(self, num: NumberSystem, pool: PoolExposure, parameters: Parameters) -> PoolRequirement:
        """What a pool requires, and how much of it each position accounts for, which adds up exactly."""


MIRROR: Final = "mirror"
SIZE: Final = "size"
COLLATERAL: Final = "collateral"


class ModeTraits(msgspec.Struct, frozen=True, kw_only=True):
    """What a mode may state about itself, each an attribute of the mode; what it does not state is as it stands here.

    `reserves_orders`: `requirement` looks at the position's orders and says itself, in `Requirement.orders`, what they
    reserve. It is then asked about positions of 0 contracts on which orders rest, too.

    `keeps`: the laws of the conformance kit that hold for it beside those that hold for every mode: `mirror` (a long
    requires what a short of the same size does), `size` (a position alone never requires less when it grows) and
    `collateral` (more collateral never worsens a status).

    `tolerance`: by what fraction of itself a requirement may be off, for modes that need roots or normal
    distributions. A pool that close to a line is undetermined (`WITHIN_TOLERANCE`).

    `budget`: seconds that one call may take; a slower one is reported (`SlowPluginWarning`) and changes no answer.
    Buffers and close-out plans may state one too.

    `measures`: the measures that it reads, each with its unit (such as `currency` or `1`), for the kit and for readers.
    """

    reserves_orders: bool = False
    keeps: frozenset[str] = frozenset({MIRROR, SIZE, COLLATERAL})
    tolerance: Decimal = Decimal(0)
    budget: Decimal | None = None
    measures: Mapping[str, str] = {}


class Payoff(Protocol):
    """How a price becomes the value of one contract, and back."""

    @property
    def name(self) -> str:
        """The name by which policies use it."""

    @property
    def required(self) -> Sequence[str]:
        """What must be stated: of `contract_size` and `conversion`, and terms of the contract such as `strike`."""

    @property
    def value_range(self) -> tuple[Number | None, Number | None]:
        """Between which bounds (exclusive; None for none) values lie as the price runs from 0 to infinity."""

    def value(self, num: NumberSystem, price: Number, contract_size: Number, conversion: Number) -> Number:
        """Value of one contract in the settlement currency; rises with the price."""

    def price(self, num: NumberSystem, value: Number, contract_size: Number, conversion: Number) -> Number:
        """The price at which a contract has this value, which lies within `value_range`."""


class BufferKind(Protocol):
    """A kind of buffer: reads something off the market and adjusts rates by it."""

    @property
    def name(self) -> str:
        """The name by which policies use it."""

    @property
    def parameters(self) -> ParameterSchema:
        """The schema of its parameters."""

    def reading(self, market: InstrumentMarket, as_of: datetime, parameters: Parameters) -> Number | None:
        """What the buffer acts on; None where it is missing."""

    def adjustment(self, num: NumberSystem, reading: Number, parameters: Parameters) -> Adjustment | None:
        """The adjustment at a reading; None where the reading makes no sense."""

    def extremes(self, parameters: Parameters) -> tuple[Adjustment, ...]:
        """Every adjustment that the buffer can reach, or the ends of its range where it is continuous."""
