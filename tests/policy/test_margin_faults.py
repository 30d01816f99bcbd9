"""A buffer kind that breaks down while a policy's margins are judged refuses the policy, at its place."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import rules_engine_standard_modes

from rules_engine.extension.registry import build_registry
from rules_engine.plugin import Adjustment, BufferKind, InstrumentMarket, Number, NumberSystem, Parameters, hookimpl
from rules_engine.policy.check import check_policy
from rules_engine.policy.load import policy_finder

POLICY = b"""schema: rules-engine/policy/1
policy: faults
version: 1.0.0
settlement: {currency: USDT, quantum: 0.01}
tables:
  flat: {tiers: [{up_to: unlimited, maintenance_rate: 0.01, max_leverage: 10}]}
  other: {tiers: [{up_to: unlimited, maintenance_rate: 0.02, max_leverage: 10}]}
buffers:
  broken: {kind: broken}
modes: {cross: {}}
instruments: {A: {payoff: linear, table: flat, buffers: [broken]}, B: {payoff: linear, table: other, buffers: [broken]}}
"""


class Broken:
    """A kind of buffer that cannot say what it can reach."""

    name = "broken"
    parameters: dict[str, Any] = {}

    def reading(self, market: InstrumentMarket, as_of: datetime, parameters: Parameters) -> Number | None:
        """Nothing."""
        return None

    def adjustment(self, num: NumberSystem, reading: Number, parameters: Parameters) -> Adjustment | None:
        """None."""
        return None

    def extremes(self, parameters: Parameters) -> tuple[Adjustment, ...]:
        """Breaks down."""
        raise SystemExit(3)


class Plugin:
    """Supplies it."""

    @hookimpl
    def rules_engine_buffers(self) -> Sequence[BufferKind]:
        """One kind."""
        return (Broken(),)


def test_buffer__that_breaks_down_refuses_the_policy_once() -> None:
    """However many instruments it stands on."""
    registry = build_registry([rules_engine_standard_modes, Plugin()])
    policy, problems = check_policy(POLICY, "faults.yaml", registry, policy_finder(None))
    assert policy is None
    said = [(problem.code, str(problem.mark), problem.message) for problem in problems]
    assert said == [("PLUGIN_FAULT", "faults.yaml:9:11", "broken of Plugin raised SystemExit: 3")]
