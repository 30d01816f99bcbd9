"""Margin modes of venues whose requirement is no table alone, as a stranger's plugin supplies them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from rules_engine.plugin import (
    Backing,
    Exposure,
    Mode,
    NumberSystem,
    Parameters,
    ParameterSchema,
    PoolLabel,
    PositionLabels,
    Requirement,
    hookimpl,
    tiered_requirement,
)

NO_PARAMETERS: Final[ParameterSchema] = {}
A_SHARE: Final[ParameterSchema] = {"share": {"type": "number", "min": 0, "max": 1, "required": True}}


class LeveragedAccount:
    """One pool whose two requirements are the table's divided by leverage (nautilus_trader, `LeveragedMarginModel`)."""

    name = "leveraged-account"
    parameters = NO_PARAMETERS

    def pool(self, position: PositionLabels, parameters: Parameters) -> PoolLabel:
        return PoolLabel(key="", backing=Backing.ACCOUNT)

    def requirement(self, num: NumberSystem, exposure: Exposure, parameters: Parameters) -> Requirement:
        by_table = tiered_requirement(num, msgspec.structs.replace(exposure, leverage=None))
        return Requirement(
            num.quotient(by_table.initial, exposure.leverage), num.quotient(by_table.maintenance, exposure.leverage)
        )


class EarlyIsolated:
    """Isolated margin that gives up early: at `share` of the way back from liquidation to entry (freqtrade).

    A price that far from liquidation is one where that share of the surplus at entry is left, so the share is required.
    """

    name = "early-isolated"
    parameters = A_SHARE

    def pool(self, position: PositionLabels, parameters: Parameters) -> PoolLabel:
        return PoolLabel(key=position.id, backing=Backing.POSITION)

    def requirement(self, num: NumberSystem, exposure: Exposure, parameters: Parameters) -> Requirement:
        entry = exposure.entry_value
        at_entry = msgspec.structs.replace(exposure, value=entry, maintenance_value=entry)
        spare = exposure.collateral - tiered_requirement(num, at_entry).maintenance
        now = tiered_requirement(num, exposure)
        maintenance = now.maintenance + parameters["share"] * num.maximum(spare, num.constant(0))
        return Requirement(num.maximum(now.initial, maintenance), maintenance)


class CommissionIsolated:
    """Isolated margin that contains the closing commission, at the far side of its cost for both sides (KuCoin).

    commission = rate * (cost + margin without commission), whichever side; the fee's rate is that of the policy.
    """

    name = "commission-isolated"
    parameters = NO_PARAMETERS

    def pool(self, position: PositionLabels, parameters: Parameters) -> PoolLabel:
        return PoolLabel(key=position.id, backing=Backing.POSITION)

    def requirement(self, num: NumberSystem, exposure: Exposure, parameters: Parameters) -> Requirement:
        cost = num.absolute(exposure.quantity * exposure.entry_value)
        rate = exposure.closing_fee.rate
        commission = num.quotient(rate * (cost + exposure.collateral), 1 + rate)
        by_table = tiered_requirement(num, exposure)
        return Requirement(by_table.initial + commission, by_table.maintenance + commission)


@hookimpl
def rules_engine_margin_modes() -> Sequence[Mode]:
    return (LeveragedAccount(), EarlyIsolated(), CommissionIsolated())
