"""A compiled policy: names resolved, tables derived, parameters checked. Immutable."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

import msgspec

from rules_engine.errors import Mark, Problem
from rules_engine.numbers.system import Number
from rules_engine.terms.closing import CloseOutPlan
from rules_engine.terms.components import BufferKind, Mode, ModeTraits, Parameters, Payoff, PoolMode
from rules_engine.terms.exposure import ClosingFee, Schedule


class Tier(msgspec.Struct, frozen=True, kw_only=True):
    """One tier as written. It holds floor <= size < up_to; `up_to` None is unlimited.

    `initial_rate` is exact: as written, or the reciprocal of `max_leverage`. `deduction` is derived.
    """

    floor: Decimal
    up_to: Decimal | None
    maintenance_rate: Decimal
    initial_rate: Number
    max_leverage: Decimal | None
    deduction: Decimal
    mark: Mark | None = None


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A leverage-tier table; `schedule` is what it requires with no buffer at work."""

    name: str
    unit: Literal["notional", "quantity"]
    form: Literal["marginal", "whole"]
    tiers: tuple[Tier, ...]
    schedule: Schedule
    mark: Mark | None = None


class Buffer(msgspec.Struct, frozen=True, kw_only=True):
    """A named buffer: its kind, bound to its parameters, and the requirements it acts on.

    Here and below, `supplier` is the distribution and version that a component comes from.
    """

    name: str
    kind: BufferKind
    parameters: Parameters
    requirements: frozenset[Literal["initial", "maintenance"]]
    supplier: str = ""
    mark: Mark | None = None


class AllowedMode(msgspec.Struct, frozen=True, kw_only=True):
    """A margin mode that the policy allows, with its parameters. `split_positions` permits several of one side.

    `pooled` says that the mode is a `PoolMode`; `prepares` that it has a `prepare`.
    """

    name: str
    mode: Mode | PoolMode
    parameters: Parameters
    split_positions: bool = False
    traits: ModeTraits = ModeTraits()
    pooled: bool = False
    prepares: bool = False
    supplier: str = ""
    mark: Mark | None = None


class CollateralRule(msgspec.Struct, frozen=True, kw_only=True):
    """What an asset counts for: a haircut (fraction) and a cap in the settlement currency."""

    haircut: Decimal
    cap: Decimal | None = None
    mark: Mark | None = None


class InstrumentRule(msgspec.Struct, frozen=True, kw_only=True):
    """How positions of one instrument (or of all that a glob matches) are margined.

    Reference data may be None here when the market is to state it.
    """

    pattern: str
    payoff: Payoff
    table: Table
    buffers: tuple[Buffer, ...] = ()
    underlying: str | None = None
    contract_size: Decimal | None = None
    conversion: Decimal | None = None
    price_tick: Decimal | None = None
    quantity_step: Decimal | None = None
    expires_at: datetime | msgspec.UnsetType | None = msgspec.UNSET
    terms: Mapping[str, Decimal] = {}
    venue_symbol: str | None = None
    payoff_supplier: str = ""
    mark: Mark | None = None


class CloseOut(msgspec.Struct, frozen=True, kw_only=True):
    """The close-out plan by name, with its parameters."""

    plan: CloseOutPlan
    parameters: Parameters
    supplier: str = ""


class Liquidation(msgspec.Struct, frozen=True, kw_only=True):
    """When a pool is called and liquidated, and how far it is restored; both lines are multiples of maintenance."""

    trigger: Literal["at_or_below", "below"]
    margin_call: Decimal
    restore_to: Decimal
    closing_fee: ClosingFee
    close_out: CloseOut


class Conventions(msgspec.Struct, frozen=True, kw_only=True):
    """Where venues differ."""

    maintenance_priced_at: Literal["mark", "entry"] = "mark"
    initial_priced_at: Literal["mark", "entry"] = "mark"
    liquidation_price: Literal["solve", "at_mark"] = "solve"
    liquidation_price_rounding: Literal["conservative", "half_up", "none"] = "conservative"


class MarketLimits(msgspec.Struct, frozen=True, kw_only=True):
    """When a mark is doubtful: its age, its divergence from the index and its confidence interval (fractions)."""

    stale_after: timedelta | None = None
    max_divergence: Decimal | None = None
    max_confidence: Decimal | None = None


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """A policy, compiled. Its identity is name, version and digest.

    `instruments` holds exact names, `patterns` globs. `opening_fee_rate` is charged on orders that are not
    reduce_only. `document` is
    the resolved document (plain values) and `marks` says where each path of it stands.
    """

    name: str
    version: str
    digest: str
    settlement_currency: str
    quantum: Decimal
    tables: Mapping[str, Table]
    buffers: Mapping[str, Buffer]
    modes: Mapping[str, AllowedMode]
    collateral: Mapping[str, CollateralRule]
    instruments: Mapping[str, InstrumentRule]
    patterns: tuple[InstrumentRule, ...]
    liquidation: Liquidation
    conventions: Conventions
    market_limits: MarketLimits
    opening_fee_rate: Decimal = Decimal(0)
    applies_to: Literal["all_positions", "new_positions"] = "all_positions"
    effective_from: datetime | None = None
    effective_until: datetime | None = None
    warnings: tuple[Problem, ...] = ()
    document: Mapping[str, Any] = {}
    marks: Mapping[tuple[str | int, ...], Mark] = {}

    def __repr__(self) -> str:
        return f"Policy({self.name}@{self.version}, {self.digest})"
