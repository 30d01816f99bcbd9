"""The hooks that a plugin may implement. They run once, when the registry is loaded, and return components by name."""

from __future__ import annotations

from collections.abc import Sequence

import pluggy

from rules_engine.terms.closing import CloseOutPlan
from rules_engine.terms.components import BufferKind, Mode, Payoff

PROJECT = "rules_engine"

CONTRACT = 1
"""The contract between engine and plugins; a plugin may state the one it is written for as `rules_engine_contract`."""

SUPPORTED_CONTRACTS = frozenset({1})

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def rules_engine_margin_modes() -> Sequence[Mode]:  # type: ignore[empty-body]
    """Margin modes, each with a `name` of its own."""


@hookspec
def rules_engine_payoffs() -> Sequence[Payoff]:  # type: ignore[empty-body]
    """Payoffs, each with a `name` of its own."""


@hookspec
def rules_engine_buffers() -> Sequence[BufferKind]:  # type: ignore[empty-body]
    """Kinds of buffer, each with a `name` of its own."""


@hookspec
def rules_engine_close_out_plans() -> Sequence[CloseOutPlan]:  # type: ignore[empty-body]
    """Close-out plans, each with a `name` of its own."""
