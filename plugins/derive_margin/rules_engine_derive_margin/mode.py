"""The margin mode `derive_pmrm2`: the worst scenario of a portfolio, with contingencies on top.

Source: github.com/derivexyz/v2-core, `src/risk-managers/PMRM_2.sol` and `PMRMLib_2.sol` (`getMarginAndMarkToMarket`).
What Derive calls margin is a balance; here a requirement is equity less that balance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from rules_engine_portfolio_margin.black76 import SIGNS
from rules_engine_portfolio_margin.worst import worst

from rules_engine.plugin import (
    Backing,
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
)
from rules_engine_derive_margin.blocks import Block, OptionValues, blocks_of, option_values
from rules_engine_derive_margin.feeds import Feeds
from rules_engine_derive_margin.parameters import PARAMETERS


class DerivePortfolio:
    """One pool for all positions, on one underlying, backed by the account's collateral.

    It states none of the laws that are optional: collateral that moves with the spot is part of the portfolio, which a
    larger position may hedge, and which may itself require more than it is worth.
    """

    name = "derive_pmrm2"
    parameters: ParameterSchema = PARAMETERS
    keeps: frozenset[str] = frozenset()
    tolerance = Decimal("1e-20")
    measures: Mapping[str, str] = {
        "implied_volatility": "1",
        "interest_rate": "1",
        "forward": "currency/contract",
        "settled_forward": "currency/contract",
        "confidence": "1",
        "spot_confidence": "1",
        "stable_price": "1",
    }

    def pool(self, position: PositionLabels, parameters: Parameters) -> PoolLabel:
        return PoolLabel(key="", backing=Backing.ACCOUNT)

    def prepare(
        self, num: NumberSystem, market: InstrumentView, as_of: datetime, parameters: Parameters
    ) -> OptionValues | None:
        """What one contract of an option is worth in every scenario; nothing for perpetuals, which need no formula."""
        return option_values(num, market, as_of, parameters) if market.payoff in SIGNS else None

    def pool_requirement(self, num: NumberSystem, pool: PoolExposure, parameters: Parameters) -> PoolRequirement:
        """Loss in the worst scenario times the loss factor, and contingencies."""
        blocks = blocks_of(num, pool, parameters)
        scanned = worst(num, {name: block.gains for name, block in blocks.items()})
        factors = _loss_factors(num, pool, parameters) if blocks else (num.constant(0), num.constant(0))
        required = {name: _required(block, scanned.shares[name], factors) for name, block in blocks.items()}
        initial = num.total(one.initial for one in required.values())
        maintenance = num.total(one.maintenance for one in required.values())
        return PoolRequirement(
            initial=num.named("initial margin", initial),
            maintenance=num.named("maintenance margin", maintenance),
            attribution=_attributed(num, pool, blocks, required),
            figures={
                **_scenarios(num, blocks),
                "worst_scenario": scanned.scenario,
                "initial_margin_balance": pool.equity - initial,
                "maintenance_margin_balance": pool.equity - maintenance,
            },
        )


def _loss_factors(num: NumberSystem, pool: PoolExposure, parameters: Parameters) -> tuple[Number, Number]:
    """By what losses count in initial and in maintenance margin: in initial the more, the farther the coin is off."""
    peg, factors = parameters["peg_loss"], parameters["loss_factors"]
    lost = num.maximum(peg["threshold"] - Feeds(num, pool).stable_price(), 0)
    return factors["initial"] + lost * peg["multiply"], factors["maintenance"]


def _required(block: Block, loss: Number, factors: tuple[Number, Number]) -> Requirement:
    """What a block requires: its loss in the worst scenario of all, and its contingencies."""
    initial, maintenance = factors
    return Requirement(
        initial=loss * initial + block.initial + block.maintenance, maintenance=loss * maintenance + block.maintenance
    )


def _attributed(
    num: NumberSystem, pool: PoolExposure, blocks: Mapping[str, Block], required: Mapping[str, Requirement]
) -> Mapping[str, Requirement]:
    """What each position accounts for: an equal part of its block's requirement; of the collateral's, all positions."""
    initial: dict[str, list[Number]] = {exposure.id: [] for exposure in pool.positions}
    maintenance: dict[str, list[Number]] = {exposure.id: [] for exposure in pool.positions}
    for name, block in blocks.items():
        members: Sequence[str] = block.positions or list(initial)
        for id in members:
            initial[id].append(num.quotient(required[name].initial, len(members)))
            maintenance[id].append(num.quotient(required[name].maintenance, len(members)))
    return {id: Requirement(initial=num.total(initial[id]), maintenance=num.total(maintenance[id])) for id in initial}


def _scenarios(num: NumberSystem, blocks: Mapping[str, Block]) -> Mapping[str, Number]:
    """What the portfolio gains by scenario, the basis contingency last."""
    columns = zip(*[block.gains for block in blocks.values()], strict=True)
    return {f"scenario_{index}": num.total(column) for index, column in enumerate(columns, 1)}
