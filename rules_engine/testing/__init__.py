"""The conformance kit: puts a plugin through its paces and says which laws it breaks, each with a counterexample."""

from rules_engine.testing.buffers import check_buffer
from rules_engine.testing.examples import Examples
from rules_engine.testing.modes import check_mode
from rules_engine.testing.payoffs import check_payoff
from rules_engine.testing.plans import check_close_out_plan
from rules_engine.testing.plugins import check_plugin
from rules_engine.testing.reports import ConformanceError, Law, Report

__all__ = [
    "ConformanceError",
    "Examples",
    "Law",
    "Report",
    "check_buffer",
    "check_close_out_plan",
    "check_mode",
    "check_payoff",
    "check_plugin",
]
