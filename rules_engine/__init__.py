"""Margin policy as code: exact requirements, prices and decisions from versioned YAML policies."""

from rules_engine.engine.engine import Engine
from rules_engine.errors import DocumentError, Doubt, Mark, PluginError, PolicyError, Problem, RulesEngineError
from rules_engine.policy.load import load_policy
from rules_engine.terms.account import Account, Order, Position
from rules_engine.terms.evaluation import Evaluation, OrderDecision
from rules_engine.terms.market import Market
from rules_engine.terms.policy import Policy

__version__ = "0.1.0"

__all__ = [
    "Account",
    "DocumentError",
    "Doubt",
    "Engine",
    "Evaluation",
    "Mark",
    "Market",
    "Order",
    "OrderDecision",
    "PluginError",
    "Policy",
    "PolicyError",
    "Position",
    "Problem",
    "RulesEngineError",
    "load_policy",
]
