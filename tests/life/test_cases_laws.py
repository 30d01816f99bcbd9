"""Laws: where they are tried, what breaks them, and that a counterexample shows the same when it is pasted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal

import pytest
import rules_engine_standard_modes

from rules_engine import Engine
from rules_engine.extension.registry import build_registry
from rules_engine.life.cases.case_documents import read_cases
from rules_engine.life.cases.case_laws import LAWS, LawResult, try_law
from rules_engine.life.cases.law_subjects import trials
from rules_engine.numbers.exact import exactly
from rules_engine.plugin import (
    Backing,
    Exposure,
    Mode,
    NumberSystem,
    Parameters,
    ParameterSchema,
    PoolLabel,
    PositionLabels,
    Requirement,
    hookimpl,
    notional,
)
from rules_engine.report.cases import failure_lines
from rules_engine.terms.policy import Policy
from tests.life.case_examples import HEAD, LONG, POLICY, compiled, document, judged

SIZES = [name for name, law in LAWS.items() if law.of_sizes]
TWO = """\
name: two
account:
  account: A
  collateral: {USDT: 20000}
  positions:
    - {id: p1, instrument: BTCUSDT, mode: cross, quantity: 2, entry_price: 50000}
    - {id: p2, instrument: ETHUSDT, mode: cross, quantity: -10, entry_price: 2000}
market: {instruments: {ETHUSDT: {mark_price: 2000, measures: {realized_24h: 0.6}}}}
expect: {pools: {A/cross: {status: healthy}}}
"""


class Odd:
    """A mode of the whole account that keeps no law: its margins fall with size, and a long pays more than a short."""

    name = "odd"
    parameters: ParameterSchema = {}

    def pool(self, position: PositionLabels, parameters: Parameters) -> PoolLabel:
        """The account's."""
        return PoolLabel(key="", backing=Backing.ACCOUNT)

    def requirement(self, num: NumberSystem, exposure: Exposure, parameters: Parameters) -> Requirement:
        """1000, less a hundredth of notional, and a long's 1 more; not below 0."""
        longs = num.maximum(num.constant(0), exposure.side * num.constant(1))
        margin = num.maximum(num.constant(0), num.constant(1000) - notional(num, exposure) * Decimal("0.01") + longs)
        return Requirement(margin, margin)


class Modes:
    """A plugin with this mode."""

    @hookimpl
    def rules_engine_margin_modes(self) -> Sequence[Mode]:
        return [Odd()]


def odd_policy() -> Policy:
    """The small policy with the odd mode beside its own."""
    text = POLICY.replace("modes: {isolated: {}", "modes: {odd: {}, isolated: {}")
    registry = build_registry([rules_engine_standard_modes, Modes()])
    return compiled(text, registry)


def tried(law: str, *cases: str, policy: Policy | None = None, head: str = HEAD) -> LawResult:
    """The result of the one law."""
    return judged(document(*cases, laws=f"  - {{{law}}}\n", head=head), policy).laws[0]


@pytest.mark.parametrize("law", SIZES)
def test_law__of_sizes_holds_in_every_mode_that_promises_it(law: str) -> None:
    """In the instruments of the market, under both modes of the policy."""
    result = tried(f"law: {law}")
    assert (result.held, result.tried, result.counterexamples) == (True, ("BTCUSDT isolated", "BTCUSDT cross"), ())
    assert result.comparisons > 10


def sizes(law: str) -> list[Decimal]:
    """The sizes at which a law is tried in the small policy's shared pool."""
    text = document(laws=f"  - {{law: long_mirrors_short, modes: [cross], {law}}}\n")
    (asked,) = read_cases(text.encode(), "small.cases.yaml", lambda name: b"").laws
    with exactly():
        (subject,) = trials(Engine(compiled()), asked, None)
        assert subject.trial is not None
        return subject.trial.sizes()


def test_sizes__are_floors_their_neighbours_and_some_between() -> None:
    """Floors 0 and 50000 of 50000 a contract in steps of 0.001; the end is twice the last floor.

    Between 0 and 50000, and between 50000 and 100000, one: 0.5 and 1.5 contracts.
    """
    assert sizes("spaced: 1") == list(map(Decimal, ("0.001", "0.5", "0.999", "1", "1.001", "1.5", "2")))


def test_sizes__lie_between_from_and_to() -> None:
    """Both in the table's unit, both included: 0.6 to 1.2 contracts."""
    assert sizes("spaced: 0, from: 30000, to: 60000") == list(map(Decimal, ("0.6", "0.999", "1", "1.001", "1.2")))


def test_law__that_a_mode_breaks_has_a_counterexample_that_shows_it_again() -> None:
    """The odd mode asks 1000 less 0.01 * 50 for 0.001 of a contract, and less for 0.25 (12500 * 0.01 = 125)."""
    policy = odd_policy()
    result = tried("law: maintenance_never_falls_with_size, modes: [odd]", policy=policy)
    (example,) = result.counterexamples
    assert not result.held
    assert example.finding == ("maintenance_margin is 1000.5 for 0.001 contracts of BTCUSDT odd, and 876 for 0.25")
    evaluation = Engine(policy).evaluate(json.dumps(example.account), json.dumps(example.market))
    assert evaluation.positions[0].maintenance_margin == Decimal(876)


def test_law__that_is_broken_is_printed_with_documents_that_can_be_pasted() -> None:
    """They make a case as they stand."""
    judgement = judged(document(laws="  - {law: long_mirrors_short, modes: [odd], to: 50}\n"), odd_policy())
    headline, *documents = failure_lines(judgement)
    assert headline == (
        "small.cases.yaml:7:3: long_mirrors_short: initial_margin of 0.001 contracts of BTCUSDT odd is "
        "1000.5 for a long, and 999.5 for a short"
    )
    case = "  - name: pasted\n" + "\n".join(documents) + "\n    expect: {positions: {p1: {initial_margin: 999.5}}}\n"
    again = judged(f"schema: rules-engine/cases/1\ncases:\n{case}", odd_policy())
    assert again.cases[0].held


def test_law__that_names_what_it_cannot_be_tried_on_is_not_held() -> None:
    """Nobody should believe it of an instrument without a mark, or of a mode that the policy does not allow."""
    result = tried("law: long_mirrors_short, instruments: [BTCUSDT, XRPUSDT], modes: [cross, hybrid]")
    assert (result.held, result.missed) == (False, ("XRPUSDT", "hybrid"))
    assert result.not_tried[0] == "BTCUSDT hybrid: the policy does not allow this margin mode"


def test_law__that_was_tried_on_nothing_is_not_held() -> None:
    """Without a market there is nothing to try it on."""
    text = document(laws="  - {law: long_mirrors_short}\n", head="schema: rules-engine/cases/1\n")
    judgement = judged(text)
    assert list(failure_lines(judgement)) == [
        "small.cases.yaml:3:3: long_mirrors_short: was tried on nothing "
        "(anything: neither the law nor the document states a market)"
    ]


def test_law__of_accounts_says_that_there_are_none() -> None:
    """Neither a case nor the law states one."""
    (line,) = failure_lines(judged(document(laws="  - {law: more_collateral_never_worsens}\n")))
    assert line.endswith("was tried on nothing (no account: no case states one, and the law has none)")


@pytest.mark.parametrize("law", ["more_collateral_never_worsens", "order_of_positions_does_not_matter"])
def test_law__of_accounts_is_tried_on_those_of_the_cases(law: str) -> None:
    result = tried(f"law: {law}", TWO)
    assert (result.held, result.tried) == (True, ("two",))


def test_law__of_accounts_is_tried_on_its_own() -> None:
    """The account under the law, not those of the cases."""
    account = "account: {account: B, collateral: {USDT: 1}}"
    assert tried(f"law: more_collateral_never_worsens, {account}", TWO).tried == ("account B",)


def test_law__of_order_needs_two_positions() -> None:
    """An account with one says nothing."""
    result = tried(
        "law: order_of_positions_does_not_matter", "name: it\n" + LONG + "expect: {positions: {p1: {tier: 2}}}\n"
    )
    assert (result.held, result.not_tried) == (False, ("it: it has fewer than two positions",))


def test_law__of_collateral_reaches_every_status() -> None:
    """From bankrupt on: equity -500 + 0, then past 450 (liquidated) and 562.5 (called) to healthy."""
    case = "name: it\n" + LONG.replace("margin: 2500", "margin: -500") + "expect: {positions: {p1: {tier: 2}}}\n"
    (asked,) = read_cases(
        document(case, laws="  - {law: more_collateral_never_worsens}\n").encode(), "small.cases.yaml", lambda name: b""
    ).laws
    cases = read_cases(document(case).encode(), "small.cases.yaml", lambda name: b"").cases
    result = try_law(Engine(compiled()), asked, cases)
    assert result.held and result.comparisons >= 14
