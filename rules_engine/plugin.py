"""All that a plugin author imports: the hook marker, what formulas take and give, and the standard formulas."""

from rules_engine.extension.hookspecs import hookimpl
from rules_engine.formulas.requirement import closing_fee, notional, tiered_requirement, unrealized_pnl
from rules_engine.numbers.system import Number, NumberSystem
from rules_engine.terms.closing import ClosablePool, CloseOutPlan, Leg
from rules_engine.terms.components import BufferKind, Mode, Parameters, ParameterSchema, Payoff
from rules_engine.terms.evaluation import Closing
from rules_engine.terms.exposure import Adjustment, Exposure, Requirement
from rules_engine.terms.market import InstrumentMarket
from rules_engine.terms.pool import Backing, PoolLabel, PositionLabels

__all__ = [
    "Adjustment",
    "Backing",
    "BufferKind",
    "ClosablePool",
    "CloseOutPlan",
    "Closing",
    "Exposure",
    "InstrumentMarket",
    "Leg",
    "Mode",
    "Number",
    "NumberSystem",
    "ParameterSchema",
    "Parameters",
    "Payoff",
    "PoolLabel",
    "PositionLabels",
    "Requirement",
    "closing_fee",
    "hookimpl",
    "notional",
    "tiered_requirement",
    "unrealized_pnl",
]
