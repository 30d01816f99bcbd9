"""The margin model of Drift protocol v2: the mode `drift_cross` and the close-out plan `drift_shortage`."""

from __future__ import annotations

from collections.abc import Sequence

from rules_engine.plugin import CloseOutPlan, PoolMode, hookimpl
from rules_engine_drift_margin.mode import Cross
from rules_engine_drift_margin.plan import Shortage


@hookimpl
def rules_engine_margin_modes() -> Sequence[PoolMode]:
    return (Cross(),)


@hookimpl
def rules_engine_close_out_plans() -> Sequence[CloseOutPlan]:
    return (Shortage(),)
