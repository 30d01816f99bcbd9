"""The conformance kit on the mode."""

from __future__ import annotations

from derive_cases import file
from derive_documents import account, market, policy_text
from rules_engine_derive_margin.mode import DerivePortfolio
from rules_engine_portfolio_margin import rules_engine_payoffs

from rules_engine.testing import Examples, check_mode


def test_mode__keeps_the_laws() -> None:
    """Options of two expiries with a perpetual and collateral of the underlying."""
    cases = {case["id"]: case["inputs"] for case in file()["cases"]}
    inputs = dict(cases["derive-pmrm2-025"])
    for name in ("options", "feeds"):
        inputs[name] = [*inputs[name], *cases["derive-pmrm2-018"][name]]
    inputs["collaterals"] = [["ETH", "1.0", "2681.0", "0.5", True, "0.005", "0.015"]]
    examples = Examples(policy=policy_text(inputs), accounts=[account(inputs)], markets=[market(inputs)])
    payoffs = {payoff.name: payoff for payoff in rules_engine_payoffs()}
    report = check_mode(DerivePortfolio(), examples=examples, beside={"payoffs": payoffs})
    report.raise_if_broken()
