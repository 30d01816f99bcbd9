"""Isolated, cross and hybrid margin: who shares collateral. What a position requires follows from its table."""

from __future__ import annotations

from collections.abc import Sequence

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


class Isolated:
    """A pool for every position, backed by its own margin: a failure costs that margin and no more."""

    name = "isolated"
    parameters: ParameterSchema = {}

    def pool(self, position: PositionLabels, parameters: Parameters) -> PoolLabel:
        return PoolLabel(key=position.id, backing=Backing.POSITION)

    def requirement(self, num: NumberSystem, exposure: Exposure, parameters: Parameters) -> Requirement:
        return tiered_requirement(num, exposure)


class Cross:
    """One pool for all positions, backed by the account's shared collateral."""

    name = "cross"
    parameters: ParameterSchema = {}

    def pool(self, position: PositionLabels, parameters: Parameters) -> PoolLabel:
        return PoolLabel(key="", backing=Backing.ACCOUNT)

    def requirement(self, num: NumberSystem, exposure: Exposure, parameters: Parameters) -> Requirement:
        return tiered_requirement(num, exposure)


class Hybrid:
    """A pool for every group, backed by the group's margin, which may draw on what is free in the shared pool."""

    name = "hybrid"
    parameters: ParameterSchema = {
        "group_by": {"type": "string", "allowed": ["underlying", "instrument"], "default": "underlying"},
        "shared_draw_cap": {"type": "number", "min": 0, "max": 1, "required": True},
    }

    def pool(self, position: PositionLabels, parameters: Parameters) -> PoolLabel:
        group = position.underlying if parameters["group_by"] == "underlying" else position.instrument
        return PoolLabel(key=group, backing=Backing.GROUP, draw_cap=parameters["shared_draw_cap"])

    def requirement(self, num: NumberSystem, exposure: Exposure, parameters: Parameters) -> Requirement:
        return tiered_requirement(num, exposure)


@hookimpl
def rules_engine_margin_modes() -> Sequence[Mode]:
    return (Isolated(), Cross(), Hybrid())
