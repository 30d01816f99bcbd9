"""The margin model of dYdX v4: modes `dydx_cross` and `dydx_isolated`, and the close-out plan `dydx_partial`."""

from __future__ import annotations

from collections.abc import Sequence

from rules_engine.plugin import CloseOutPlan, Mode, hookimpl
from rules_engine_dydx_margin.close_out import Partial
from rules_engine_dydx_margin.modes import Cross, Isolated


@hookimpl
def rules_engine_margin_modes() -> Sequence[Mode]:
    return (Cross(), Isolated())


@hookimpl
def rules_engine_close_out_plans() -> Sequence[CloseOutPlan]:
    return (Partial(),)
