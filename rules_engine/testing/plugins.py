"""The check of all components that a plugin supplies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rules_engine.extension.loading import Supply, supply_of
from rules_engine.testing.buffers import check_buffer
from rules_engine.testing.examples import Examples, guessed_parameters
from rules_engine.testing.modes import check_mode
from rules_engine.testing.payoffs import check_payoff
from rules_engine.testing.plans import check_close_out_plan
from rules_engine.testing.reports import Report

NOTHING: Final[Mapping[str, Any]] = {}


def check_plugin(
    plugin: object,
    *,
    parameters: Mapping[str, Mapping[str, Any]] = {},
    examples: Examples | None = None,
    seed: int = 0,
    cases: int = 50,
) -> tuple[Report, ...]:
    """A report on every mode, payoff, kind of buffer and close-out plan of a plugin (a module or object with hooks).

    `parameters` are by the component's name; for a component that is not in it they are guessed from its schema.
    `examples` are those of the plugin's modes. Raises `PluginError` where the plugin itself cannot be loaded.
    """
    supply = plugin if isinstance(plugin, Supply) else supply_of(plugin)
    return tuple(_reports(supply.shelves, parameters, examples, {"seed": seed, "cases": cases}))


def _reports(
    shelves: Mapping[str, Mapping[str, Any]],
    parameters: Mapping[str, Mapping[str, Any]],
    examples: Examples | None,
    options: Mapping[str, Any],
) -> Iterator[Report]:

    def given(component: Any) -> Mapping[str, Any]:
        return parameters.get(component.name) or guessed_parameters(component.parameters)

    for mode in shelves.get("modes", NOTHING).values():
        yield check_mode(mode, given(mode), examples=examples, beside=shelves, **options)
    for payoff in shelves.get("payoffs", NOTHING).values():
        yield check_payoff(payoff, **options)
    for kind in shelves.get("buffers", NOTHING).values():
        yield check_buffer(kind, given(kind), **options)
    for plan in shelves.get("close_out_plans", NOTHING).values():
        yield check_close_out_plan(plan, given(plan), **options)
