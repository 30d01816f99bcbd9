"""The components that plugins supply by name. A component is stateless; its parameters come from the policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeAlias

from rules_engine.numbers.system import Number, NumberSystem
from rules_engine.terms.exposure import Adjustment, Exposure, Requirement
from rules_engine.terms.market import InstrumentMarket
from rules_engine.terms.pool import PoolLabel, PositionLabels

Parameters: TypeAlias = Mapping[str, Any]
"""A component's parameters as the policy gives them: exact decimals, text, lists and mappings, normalised."""

ParameterSchema: TypeAlias = Mapping[str, Any]
"""A Cerberus schema of the parameters: field name -> rules."""


class Mode(Protocol):
    """A margin mode: who shares collateral, and what a position requires."""

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


class Payoff(Protocol):
    """How a price becomes the value of one contract, and back."""

    @property
    def name(self) -> str:
        """The name by which policies use it."""

    @property
    def required(self) -> Sequence[str]:
        """Reference data that must be stated: of `contract_size`, `conversion`."""

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
