"""Explanations call a mode's parameters by their names in the policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import rules_engine_standard_modes

from rules_engine import Engine
from rules_engine.extension.registry import build_registry
from rules_engine.plugin import Backing, Exposure, NumberSystem, PoolLabel, PositionLabels, Requirement, notional
from rules_engine.policy.check import check_policy
from rules_engine.policy.load import policy_finder
from tests.builders import FLAT, FLAT_INSTRUMENTS, SECTIONS, account, market, position
from tests.engine.explaining import line
from tests.engine.strangers import Supplies


class Listed:
    """Requires the sum of some rates of notional; one that is written bare is branched on."""

    name = "listed"
    parameters: Mapping[str, Any] = {
        "rates": {"type": "list", "schema": {"type": "number"}, "required": True},
        "more": {"type": "number", "default": None, "nullable": True},
    }

    def pool(self, position: PositionLabels, parameters: Any) -> PoolLabel:
        """The account's."""
        return PoolLabel(key="", backing=Backing.ACCOUNT)

    def requirement(self, num: NumberSystem, exposure: Exposure, parameters: Any) -> Requirement:
        """The same for both figures."""
        rate = num.total(parameters["rates"])
        if parameters["more"] is not None and parameters["more"] > 0:
            rate = rate + parameters["more"]
        required = rate * notional(num, exposure)
        return Requirement(required, required)


@pytest.mark.parametrize(
    ("parameters", "how"),
    [
        ("rates: [0.1, 0.2]", "(rates 0.1 + rates 0.2) * notional 100"),
        ("rates: [0.1, 0.2], more: 0.3", "(0.1 + 0.2 + 0.3) * notional 100"),  # compared, so replayed without names
    ],
)
def test_parameters__go_by_their_names(parameters: str, how: str) -> None:
    """Where the mode does no more with them than formulas may."""
    sections = {
        **SECTIONS,
        "tables": FLAT,
        "instruments": FLAT_INSTRUMENTS,
        "modes": f"{{cross: {{}}, listed: {{{parameters}}}}}",
    }
    text = "".join(f"{name}: {section}\n" for name, section in sections.items())
    registry = build_registry([rules_engine_standard_modes, Supplies(Listed())])
    policy, problems = check_policy(text.encode(), "listed.yaml", registry, policy_finder(None))
    assert policy is not None, problems
    explanation = Engine(policy).explain(account(position("1", mode="listed")), market())
    assert line(explanation, "p1", "initial_margin").how == how
