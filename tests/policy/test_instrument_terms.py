"""Terms of an instrument: further numbers of the contract, which the policy states by name."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from rules_engine.report.policy import instrument_document
from tests.policy.policy_examples import EXAMPLE, REGISTRY, changed, check, place, policy, said


def with_terms(terms: str, text: str = EXAMPLE) -> str:
    """The example, in which BTCUSDT states these terms."""
    return changed(("contract_size: 1", f"contract_size: 1, terms: {terms}"), text=text)


def test_terms__are_exact_numbers_of_any_sign_by_name() -> None:
    """A strike of 280.50, a rebate of 0 and a spread below 0 are all terms."""
    rule = policy(with_terms("{strike: 280.50, rebate_2: 0, spread: -5e-3}")).instruments["BTCUSDT"]
    assert rule.terms == {"strike": Decimal("280.5"), "rebate_2": Decimal(0), "spread": Decimal("-0.005")}


def test_terms__may_be_left_out() -> None:
    """An instrument that states none, or an empty mapping, has none."""
    assert policy().instruments["BTCUSDT"].terms == {}
    assert policy(with_terms("{}")).instruments["BTCUSDT"].terms == {}


def test_terms__hold_for_all_that_a_glob_matches() -> None:
    """A glob states them as an exact name does."""
    text = changed(('"*USDT": {payoff: linear', '"*USDT": {terms: {strike: 280}, payoff: linear'))
    assert policy(text).patterns[0].terms == {"strike": 280}


def test_terms__are_inherited_one_by_one() -> None:
    """The child moves the strike, and the parent's barrier stays."""
    parent = with_terms("{strike: 280, barrier: 300}")
    child = """\
schema: rules-engine/policy/1
policy: child
version: 1.0.0
extends: example@1.0.0
instruments: {BTCUSDT: {terms: {strike: 290}}}
"""
    compiled = policy(child, parents={"example@1.0.0": parent})
    assert compiled.instruments["BTCUSDT"].terms == {"strike": 290, "barrier": 300}


@pytest.mark.parametrize(
    ("terms", "code", "at"),
    [
        ("{strike: '280'}", "SCHEMA_TYPE", "'280'"),
        ("{strike: true}", "SCHEMA_TYPE", "true}"),
        ("{strike: null}", "SCHEMA_TYPE", "null}"),
        ("{strike: .inf}", "YAML_AMBIGUOUS", ".inf"),
        ("{strike: 1e31}", "YAML_AMBIGUOUS", "1e31"),
        ("[280]", "SCHEMA_TYPE", "[280]"),
        ("{Strike: 280}", "SCHEMA_VALUE", "{Strike"),
        ("{2nd_strike: 280}", "SCHEMA_VALUE", "{2nd"),
        ("{strike-price: 280}", "SCHEMA_VALUE", "{strike-price"),
        ("{contract_size: 280}", "SCHEMA_UNKNOWN_KEY", "contract_size: 280"),
        ("{conversion: 280}", "SCHEMA_UNKNOWN_KEY", "conversion"),
        ("{price_tick: 280}", "SCHEMA_UNKNOWN_KEY", "price_tick"),
        ("{quantity_step: 280}", "SCHEMA_UNKNOWN_KEY", "quantity_step"),
    ],
)
def test_terms__fault_is_found_at_its_place(terms: str, code: str, at: str) -> None:
    """What is no finite number, has no proper name or has a key of its own is one problem, at its place."""
    text = with_terms(terms)
    assert said(text) == [f"{code} {place(text, at)}"]


def test_terms__name_that_is_refused_is_told_with_one_that_is_not() -> None:
    """The message names the term, and what its name may hold."""
    _, (problem,) = check(with_terms("{Strike: 280}"))
    assert "'Strike', wanted name of a term such as strike" in problem.message
    assert problem.hint == "small letters, digits and underscores, a letter first"


def test_terms__reference_data_has_its_place_beside_them() -> None:
    """The hint says where to write the size of the contract."""
    _, (problem,) = check(with_terms("{contract_size: 100}"))
    assert problem.path == "instruments.BTCUSDT.terms.contract_size"
    assert problem.hint == "write it beside `terms`"


def test_digest__is_that_of_the_terms_values() -> None:
    """280 and 280.0 are one strike, 281 is another, and the order of terms does not matter."""
    digest = policy(with_terms("{strike: 280, barrier: 300}")).digest
    assert policy(with_terms("{barrier: 3e2, strike: 280.0}")).digest == digest
    assert policy(with_terms("{strike: 281, barrier: 300}")).digest != digest


def test_show__names_the_line_of_each_term() -> None:
    """The instrument is shown with its terms as text, each with its source."""
    text = with_terms("{strike: 280.50}")
    compiled = policy(text)
    shown = instrument_document(compiled, "BTCUSDT", compiled.instruments["BTCUSDT"])
    line = place(text, "strike").partition(":")[0]
    assert shown["document"]["terms"] == {"strike": "280.5"}
    assert shown["sources"]["instruments.BTCUSDT.terms.strike"] == f"policy.yaml:{line}"


def test_instrument__names_who_supplies_its_payoff() -> None:
    """As the registry has it: the distribution and its version."""
    registry = msgspec.structs.replace(REGISTRY, suppliers={("payoffs", "linear"): "exchange-payoffs 2.1.0"})
    assert policy(registry=registry).instruments["BTCUSDT"].payoff_supplier == "exchange-payoffs 2.1.0"
