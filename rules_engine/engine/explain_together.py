"""How the requirement of a whole pool came about: its mode's formula replayed on traced numbers."""

from __future__ import annotations

import msgspec

from rules_engine.engine.calls import PluginFault
from rules_engine.engine.explain_lines import doubt_lines, named_parameters
from rules_engine.engine.pools import Pool
from rules_engine.engine.sums import Sums, assessed
from rules_engine.numbers.traced import TracedNumbers, readable
from rules_engine.terms.explanation import Line
from rules_engine.terms.exposure import Exposure

STEPS_SHOWN = 40
"""More named steps than these are counted: a grid of scenarios over many positions would fill pages."""


def replayed_together(pool: Pool, sums: Sums) -> list[Line]:
    """The steps that the mode names on the way; the doubt where it cannot follow traced numbers."""
    num, doubt = TracedNumbers(), None
    exposures = [_named(num, leg.exposure) for leg in (*sums.legs, *sums.opening)]
    for parameters in (named_parameters(num, pool.allowed.parameters), pool.allowed.parameters):
        num.steps.clear()
        named = msgspec.structs.replace(pool, allowed=msgspec.structs.replace(pool.allowed, parameters=parameters))
        try:
            assessed(num, named, exposures, num.given("collateral", pool.backing))
        except PluginFault as fault:
            doubt = fault.doubt
        else:
            doubt = None
            break
    if doubt is not None:
        return doubt_lines([doubt])
    lines = [Line(name, readable(value), how) for name, value, how in num.steps if name != "unrealized_pnl"]
    more = len(lines) - STEPS_SHOWN
    return lines if more <= 0 else [*lines[:STEPS_SHOWN], Line("...", str(more), "more steps of the mode")]


def _named(num: TracedNumbers, exposure: Exposure) -> Exposure:
    """The exposure with its own figures under the position's id."""
    value = num.given(f"value of {exposure.id}", exposure.value)
    return msgspec.structs.replace(
        exposure,
        quantity=num.given(f"quantity of {exposure.id}", exposure.quantity),
        value=value,
        maintenance_value=value if exposure.maintenance_value is exposure.value else exposure.maintenance_value,
        initial_value=value if exposure.initial_value is exposure.value else exposure.initial_value,
    )
