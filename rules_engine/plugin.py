"""All that a plugin author imports: the hook marker, what formulas take and give, and the standard formulas."""

from rules_engine.errors import MissingInput
from rules_engine.extension.hookspecs import hookimpl
from rules_engine.formulas.requirement import closing_fee, notional, tiered_requirement, unrealized_pnl
from rules_engine.numbers.exact import EXACT
from rules_engine.numbers.system import Direction, Number, NumberSystem
from rules_engine.terms.checks import Observer, PolicyCheck, PolicyFinding
from rules_engine.terms.closing import ClosablePool, CloseOutPlan, Leg
from rules_engine.terms.components import (
    COLLATERAL,
    MIRROR,
    SIZE,
    BufferKind,
    Mode,
    ModeTraits,
    Parameters,
    ParameterSchema,
    Payoff,
    PoolMode,
)
from rules_engine.terms.evaluation import Closing, Evaluation
from rules_engine.terms.exposure import (
    Adjustment,
    AssetExposure,
    ClosingFee,
    Exposure,
    PoolExposure,
    PoolRequirement,
    Requirement,
    RestingOrder,
    Schedule,
)
from rules_engine.terms.instrument import InstrumentView
from rules_engine.terms.market import InstrumentMarket
from rules_engine.terms.policy import Policy
from rules_engine.terms.pool import Backing, PoolLabel, PositionLabels

__all__ = [
    "COLLATERAL",
    "EXACT",
    "MIRROR",
    "SIZE",
    "Adjustment",
    "AssetExposure",
    "Backing",
    "BufferKind",
    "ClosablePool",
    "CloseOutPlan",
    "Closing",
    "ClosingFee",
    "Direction",
    "Evaluation",
    "Exposure",
    "InstrumentMarket",
    "InstrumentView",
    "Leg",
    "MissingInput",
    "Mode",
    "ModeTraits",
    "Number",
    "NumberSystem",
    "Observer",
    "ParameterSchema",
    "Parameters",
    "Payoff",
    "Policy",
    "PolicyCheck",
    "PolicyFinding",
    "PoolExposure",
    "PoolLabel",
    "PoolMode",
    "PoolRequirement",
    "PositionLabels",
    "Requirement",
    "RestingOrder",
    "Schedule",
    "closing_fee",
    "hookimpl",
    "notional",
    "tiered_requirement",
    "unrealized_pnl",
]
