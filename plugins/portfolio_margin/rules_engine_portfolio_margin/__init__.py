"""Portfolio margin: what a pool loses in the worst of SPAN's 16 scenarios, with options valued by Black-76."""

from __future__ import annotations

from collections.abc import Sequence

from rules_engine.plugin import Mode, Payoff, PoolMode, hookimpl
from rules_engine_portfolio_margin.mode import Portfolio
from rules_engine_portfolio_margin.payoffs import Call, Put


@hookimpl
def rules_engine_margin_modes() -> Sequence[Mode | PoolMode]:
    return (Portfolio(),)


@hookimpl
def rules_engine_payoffs() -> Sequence[Payoff]:
    return (Call(), Put())
