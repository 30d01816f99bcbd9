"""The registry: standard components and strangers' come in through the same hooks, and names are unique."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import rules_engine_standard_modes

from rules_engine import PluginError
from rules_engine.extension.registry import build_registry, load_registry
from rules_engine.formulas.payoff import Linear
from rules_engine.plugin import Payoff, hookimpl
from tests.strange_modes import Strangers


class SecondLinear:
    """A plugin that supplies a payoff under a name that is taken."""

    @hookimpl
    def rules_engine_payoffs(self) -> Sequence[Payoff]:
        """The standard payoff once more."""
        return (Linear(),)


def test_registry__of_no_plugins_has_the_components_in_the_box_and_no_mode() -> None:
    """Payoffs, buffers and close-out plans are in the box; margin modes come from plugins alone."""
    registry = build_registry([])
    assert set(registry.payoffs) == {"linear", "inverse", "quanto"}
    assert set(registry.buffers) == {"volatility", "depth", "expiry"}
    assert set(registry.close_out_plans) == {"full", "smallest", "tier_step"}
    assert registry.modes == {}


def test_registry__holds_standard_modes_and_strangers_alike() -> None:
    """A mode is known by its own name, whoever supplies it."""
    registry = build_registry([rules_engine_standard_modes, Strangers()])
    assert {name: mode.name for name, mode in registry.modes.items()} == {
        name: name for name in ("isolated", "cross", "hybrid", "square", "free", "free_square")
    }


def test_registry__knows_who_supplies_a_component() -> None:
    """Of plugins that are given as objects, the module or the type."""
    registry = build_registry([rules_engine_standard_modes, Strangers()])
    assert registry.supplier("modes", "cross") == "rules_engine_standard_modes"
    assert registry.supplier("modes", "square") == "Strangers"


def test_registry__of_sources_that_are_not_installed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout on the path has no version."""
    monkeypatch.setattr("rules_engine.extension.registry.DISTRIBUTION", "rules-engine-of-nobody")
    assert build_registry([]).supplier("payoffs", "linear") == "rules-engine-of-nobody (not installed)"


def test_registry__refuses_two_components_of_one_name() -> None:
    """Which of them a policy meant no one could tell; the error names what and which."""
    with pytest.raises(PluginError, match="there is a payoff named 'linear' already, of rules-engine "):
        build_registry([SecondLinear()])


def test_registry__cannot_be_changed() -> None:
    """Hooks have run once and nothing is added later."""
    with pytest.raises(TypeError):
        build_registry([]).payoffs["other"] = Linear()  # type: ignore[index]


def test_installed__registry_has_the_modes_of_the_entry_point() -> None:
    """The standard modes are found as any installed plugin is."""
    assert {"isolated", "cross", "hybrid"} <= set(load_registry().modes)
