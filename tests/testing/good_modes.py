"""Margin modes that keep every law: one for each way in which a mode may answer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from rules_engine.plugin import (
    COLLATERAL,
    MIRROR,
    SIZE,
    Backing,
    Exposure,
    InstrumentView,
    Number,
    NumberSystem,
    Parameters,
    ParameterSchema,
    PoolExposure,
    PoolLabel,
    PoolRequirement,
    PositionLabels,
    Requirement,
    tiered_requirement,
)


class Own:
    """A pool for every position."""

    parameters: ParameterSchema = {}

    def pool(self, position: PositionLabels, parameters: Parameters) -> PoolLabel:
        """Its own."""
        return PoolLabel(key=position.id, backing=Backing.POSITION)


class Shared:
    """A pool for the whole account."""

    parameters: ParameterSchema = {}

    def pool(self, position: PositionLabels, parameters: Parameters) -> PoolLabel:
        """The account's."""
        return PoolLabel(key="", backing=Backing.ACCOUNT)


class Tiered(Own):
    """What the table says."""

    name = "tiered"

    def requirement(self, num: NumberSystem, exposure: Exposure, parameters: Parameters) -> Requirement:
        """What the table says."""
        return tiered_requirement(num, exposure)


class Rated(Own):
    """A rate of notional and a fixed amount for a position, in currency."""

    name = "rated"
    parameters: ParameterSchema = {
        "rate": {"type": "number", "min": 0, "max": 1, "required": True},
        "least": {"type": "number", "min": 0, "default": Decimal(5), "meta": {"unit": "currency"}},
    }

    def requirement(self, num: NumberSystem, exposure: Exposure, parameters: Parameters) -> Requirement:
        """The larger of the two."""
        share = parameters["rate"] * num.absolute(exposure.quantity * exposure.value)
        needed = num.maximum(share, parameters["least"])
        return Requirement(needed, needed, figures={"share": share})


class Impact(Own):
    """A square root of size: prepared by instrument, rounded, and not linear."""

    name = "impact"
    parameters: ParameterSchema = {
        "impact": {"type": "number", "min": 0, "required": True, "meta": {"unit": "contract^-1/2"}}
    }

    def prepare(self, num: NumberSystem, market: InstrumentView, as_of: datetime, parameters: Parameters) -> Number:
        """The cost of a contract, from the index."""
        return parameters["impact"] * market.index()

    def requirement(self, num: NumberSystem, exposure: Exposure, parameters: Parameters) -> Requirement:
        """The cost grows with the root of size, times size."""
        size = num.absolute(exposure.quantity)
        root = num.square_root(size, Decimal("1e-9"), "up")
        needed = size * root * exposure.prepared
        return Requirement(needed, needed)


class Volatile(Own):
    """Reads a measure, and looks at orders itself."""

    name = "volatile"
    reserves_orders = True
    measures: Mapping[str, str] = {"volatility": "1"}

    def requirement(self, num: NumberSystem, exposure: Exposure, parameters: Parameters) -> Requirement:
        """Volatility times notional, of the position and of the orders on it."""
        rate = exposure.market.measure("volatility")
        held = rate * num.absolute(exposure.quantity * exposure.value)
        resting = num.total([rate * num.absolute(order.quantity * order.value) for order in exposure.orders])
        return Requirement(held, held, orders=resting)


class Net(Shared):
    """A tenth of what is held net in each underlying, shared out by what each position adds to it."""

    name = "net"

    def pool_requirement(self, num: NumberSystem, pool: PoolExposure, parameters: Parameters) -> PoolRequirement:
        """The sum over underlyings of what is net, long or short."""
        nets: dict[str, Any] = {}
        for one in pool.positions:
            key = one.market.underlying or one.instrument
            nets[key] = nets.get(key, Decimal(0)) + one.quantity * one.value
        rate = Decimal("0.1")
        sides = {key: num.step(net, (num.constant(0), num.constant(0)), (-rate, rate)) for key, net in nets.items()}
        shares = {}
        for one in pool.positions:
            part = sides[one.market.underlying or one.instrument] * (one.quantity * one.value)
            shares[one.id] = Requirement(part, part)
        whole = num.total([share.initial for share in shares.values()])
        return PoolRequirement(whole, whole, shares)


class WholeTiered(Shared):
    """Table by table, as a pool mode: sums over positions are the simplest of all."""

    name = "whole_tiered"
    keeps = frozenset({MIRROR, SIZE, COLLATERAL})

    def pool_requirement(self, num: NumberSystem, pool: PoolExposure, parameters: Parameters) -> PoolRequirement:
        """What each position's table says, added up."""
        shares = {one.id: tiered_requirement(num, replace(one, orders=())) for one in pool.positions}
        initial = num.total([share.initial for share in shares.values()])
        maintenance = num.total([share.maintenance for share in shares.values()])
        return PoolRequirement(initial, maintenance, shares)
