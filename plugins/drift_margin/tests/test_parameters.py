"""What the schemas refuse, and the policy that comes with the plugin."""

from __future__ import annotations

from typing import Any

import pytest
import rules_engine_drift_margin
from drift_documents import SHIPPED, engine_of

from rules_engine.extension.registry import build_registry
from rules_engine.policy.check import check_policy
from rules_engine.policy.load import policy_finder


@pytest.mark.parametrize(
    "options",
    [
        {"perp": {"margin_ratio_initial": "0.00015"}},
        {"perp": {"margin_ratio_initial": "0.0004"}},
        {"perp": {"margin_ratio_maintenance": "1.1"}},
        {"perp": {"imf_factor": "0.0000001"}},
        {"perp": {"high_leverage_margin_ratio_initial": "0.01"}},
        {"spot": {"initial_asset_weight": "1.1"}},
        {"spot": {"maintenance_liability_weight": "0.9"}},
        {"mode": {"liquidation_buffer": "-0.01"}},
        {"close": {"order_step_size": "0.0000000001"}},
        {"plan": {"quote_price": "0"}},
    ],
)
def test_schema__refuses(options: dict[str, Any]) -> None:
    """What the program could not store, or would not accept, is refused."""
    with pytest.raises(AssertionError, match="PARAMETER_VALUE"):
        engine_of(**options)


def test_shipped_policy__has_no_problems() -> None:
    """The policy compiles without an error or a warning."""
    registry = build_registry([rules_engine_drift_margin])
    policy, problems = check_policy(SHIPPED.read_bytes(), str(SHIPPED), registry, policy_finder(None))
    assert policy is not None
    assert not problems
    assert (policy.name, policy.version) == (SHIPPED.parent.name, SHIPPED.stem)
