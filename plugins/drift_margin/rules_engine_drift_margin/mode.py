"""The margin mode `drift_cross`: one pool for the whole account, whose deposits and debts require margin too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from rules_engine.plugin import (
    Backing,
    Number,
    NumberSystem,
    Parameters,
    ParameterSchema,
    PoolExposure,
    PoolLabel,
    PoolRequirement,
    PositionLabels,
    Requirement,
)
from rules_engine_drift_margin import parameters as schema
from rules_engine_drift_margin.formulas import buffered
from rules_engine_drift_margin.weighing import (
    NET_USER_PNL,
    TOTAL_DEPOSITS,
    Kind,
    Weighed,
    perp,
    perp_with_orders,
    reserved_by_orders,
    spot,
)


class Cross:
    """Drift's cross margin: weights of assets, size-weighted ratios, weighted unrealized profit.

    `keeps` is empty. `mirror`: profit is weighted and loss is not, so a long and a short at one entry price differ.
    `size`: values are cut to a millionth and weights to a ten-thousandth, so a requirement can fall a little as a
    position grows. `collateral`: a larger deposit may have a smaller weight, and weights move in steps.
    `tolerance` is 0: the program defines its roots and divisions in whole numbers, and these are they.
    """

    name = "drift_cross"
    parameters: ParameterSchema = schema.MODE
    reserves_orders = True
    keeps: frozenset[str] = frozenset()
    tolerance = Decimal(0)
    measures: Mapping[str, str] = {TOTAL_DEPOSITS: "1", NET_USER_PNL: "currency"}

    def pool(self, position: PositionLabels, parameters: Parameters) -> PoolLabel:
        return PoolLabel(key="", backing=Backing.ACCOUNT)

    def pool_requirement(self, num: NumberSystem, pool: PoolExposure, parameters: Parameters) -> PoolRequirement:
        """What equity must cover, so that the surplus is total collateral less margin requirement."""
        held = [perp(num, one, parameters, "initial", num.absolute(one.quantity)) for one in pool.positions]
        kept = [perp_with_orders(num, one, parameters, "maintenance") for one in pool.positions]
        initial = _calculated(num, pool, held, parameters, "initial")
        maintenance = _calculated(num, pool, kept, parameters, "maintenance")
        return PoolRequirement(
            initial=initial.required,
            maintenance=maintenance.required,
            attribution={
                one.id: Requirement(initial.shares[i], maintenance.shares[i], figures=_weights(held[i], kept[i]))
                for i, one in enumerate(pool.positions)
            },
            orders=num.total([reserved_by_orders(num, one, parameters) for one in pool.positions]),
            figures={**initial.figures, **maintenance.figures},
        )


class _Calculated(NamedTuple):
    """One margin calculation: what each position requires, in their order, all of it, and the program's own sums."""

    shares: Sequence[Number]
    required: Number
    figures: Mapping[str, Number]


def _calculated(
    num: NumberSystem, pool: PoolExposure, perps: Sequence[Weighed], parameters: Parameters, kind: Kind
) -> _Calculated:
    """What assets require belongs to no position, so each bears an equal part of it: which adds up exactly."""
    assets = {asset.asset: spot(num, asset, parameters, kind) for asset in pool.assets}
    own = [one.beside_equity(num) for one in perps]
    common = num.total([one.beside_equity(num) for one in assets.values()])
    part = num.quotient(common, Decimal(max(len(own), 1)))
    items = [*perps, *assets.values()]
    uncounted = num.total([one.worth - one.collateral for one in items])
    figures = {
        f"total_collateral_{kind}": pool.equity - uncounted,
        f"margin_requirement_{kind}": num.total([one.requirement for one in items]),
        **{f"{asset}_{name}_{kind}": weight for asset, one in assets.items() for name, weight in one.weights.items()},
    }
    if kind == "maintenance":
        buffer = parameters["liquidation_buffer"]
        with_buffer = num.total([buffered(num, one.requirement, one.liability, buffer) for one in items])
        figures["margin_requirement_plus_buffer"] = with_buffer
    return _Calculated([share + part for share in own], num.total([*own, common]), figures)


def _weights(initial: Weighed, maintenance: Weighed) -> Mapping[str, Number]:
    sides: Mapping[Kind, Weighed] = {"initial": initial, "maintenance": maintenance}
    return {f"{name}_{kind}": weight for kind, side in sides.items() for name, weight in side.weights.items()}
