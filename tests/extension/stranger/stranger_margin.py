"""A stranger's whole distribution: one margin mode, in which a hedge between instruments needs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from rules_engine.plugin import (
    Backing,
    Number,
    NumberSystem,
    Parameters,
    ParameterSchema,
    PoolExposure,
    PoolLabel,
    PoolMode,
    PoolRequirement,
    PositionLabels,
    Requirement,
    hookimpl,
)

TWO = Decimal(2)


class Net:
    """Keeps a fraction of the account's net notional, for which its first position accounts."""

    name = "stranger_net"
    parameters: ParameterSchema = {"rate": {"type": "number", "min": 0, "max": 1, "required": True}}

    def pool(self, position: PositionLabels, parameters: Parameters) -> PoolLabel:
        """The whole account."""
        return PoolLabel(key="", backing=Backing.ACCOUNT)

    def pool_requirement(self, num: NumberSystem, pool: PoolExposure, parameters: Parameters) -> PoolRequirement:
        """Twice as much at first as is to be kept."""
        net = num.absolute(num.total([one.quantity * one.value for one in pool.positions]))
        kept: Number = net * parameters["rate"]
        shares = {one.id: Requirement(num.constant(0), num.constant(0)) for one in pool.positions}
        shares.update({one.id: Requirement(kept * TWO, kept) for one in pool.positions[:1]})
        return PoolRequirement(kept * TWO, kept, shares)


@hookimpl
def rules_engine_margin_modes() -> Sequence[PoolMode]:
    return [Net()]
