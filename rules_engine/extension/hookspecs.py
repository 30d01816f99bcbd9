"""The hooks that a plugin may implement. They run once, when the registry is loaded, and return components by name.

A contract lives through at least one minor version after the next one is out: `SUPPORTED_CONTRACTS` holds the current
one and the one before it. The older stands in `DEPRECATED_CONTRACTS`, with the version that will refuse it, and a
plugin that states it is loaded with a `ContractWarning`. With that version it leaves both, and is quarantined.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import pluggy

from rules_engine.terms.checks import Observer, PolicyCheck
from rules_engine.terms.closing import CloseOutPlan
from rules_engine.terms.components import BufferKind, Mode, Payoff, PoolMode

if TYPE_CHECKING:
    import click

PROJECT: Final = "rules_engine"

CONTRACT: Final = 1
"""The contract between engine and plugins; a plugin may state the one it is written for as `rules_engine_contract`."""

SUPPORTED_CONTRACTS: Final = frozenset({1})
"""Contracts whose plugins are loaded: the current one and, once there is one, the one before it."""

DEPRECATED_CONTRACTS: Final[Mapping[int, str]] = {}
"""Of the supported contracts those that are not current, each with the version that will refuse it."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def rules_engine_margin_modes() -> Sequence[Mode | PoolMode]:  # type: ignore[empty-body]
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


@hookspec
def rules_engine_policy_checks() -> Sequence[PolicyCheck]:  # type: ignore[empty-body]
    """Checks that every policy must pass beside ours, each with a `name` of its own."""


@hookspec
def rules_engine_commands() -> Sequence[click.Command]:  # type: ignore[empty-body]
    """Commands of click, each of them a verb of `rules-engine` by its `name`."""


@hookspec
def rules_engine_observers() -> Sequence[Observer]:  # type: ignore[empty-body]
    """Observers, which may hear of every evaluation, each with a `name` of its own."""
