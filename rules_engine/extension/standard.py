"""The payoffs, buffers and close-out plans in the box, supplied through the hooks that strangers use."""

from __future__ import annotations

from collections.abc import Sequence

from rules_engine.extension.hookspecs import hookimpl
from rules_engine.formulas.buffers import ExpiryBuffer, MeasureBuffer
from rules_engine.formulas.close_out import Full, Smallest, TierStep
from rules_engine.formulas.payoff import Inverse, Linear, Quanto
from rules_engine.terms.closing import CloseOutPlan
from rules_engine.terms.components import BufferKind, Payoff


@hookimpl
def rules_engine_payoffs() -> Sequence[Payoff]:
    return (Linear(), Inverse(), Quanto())


@hookimpl
def rules_engine_buffers() -> Sequence[BufferKind]:
    return (MeasureBuffer("volatility"), MeasureBuffer("depth"), ExpiryBuffer())


@hookimpl
def rules_engine_close_out_plans() -> Sequence[CloseOutPlan]:
    return (Full(), Smallest(), TierStep())
