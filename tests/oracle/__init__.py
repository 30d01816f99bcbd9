"""An independent oracle of the figures, in `fractions.Fraction`: slow, obvious and sharing no code with the product."""

from __future__ import annotations

from .close_out import after_closing, restored_after
from .evaluation import OracleEvaluation, OraclePool, OraclePosition, evaluate, liquidate_decision, order_accepted
from .numbers import Doubt, decimal_text, number
from .prices import Line, bankruptcy_price, decision_line, liquidation_price

__all__ = [
    "Doubt",
    "Line",
    "OracleEvaluation",
    "OraclePool",
    "OraclePosition",
    "after_closing",
    "bankruptcy_price",
    "decimal_text",
    "decision_line",
    "evaluate",
    "liquidate_decision",
    "liquidation_price",
    "number",
    "order_accepted",
    "restored_after",
]
