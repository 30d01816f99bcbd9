"""The kit as authors use it: with their own documents, as a fixture of pytest, and what it says where it cannot run."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rules_engine import Engine
from rules_engine.plugin import hookimpl
from rules_engine.testing import ConformanceError, Examples, Report, check_mode, check_plugin
from rules_engine.testing.documents import POLICY, built_in, example_account, example_market, policy_text
from rules_engine.testing.examples import guessed_parameters
from rules_engine.testing.stage import compiled, registry_with
from tests.testing import bad_modes as bad
from tests.testing import good_modes as good

pytest_plugins = ["rules_engine.testing.fixtures"]


class NeedsBeta(good.Own):
    """Reads a measure that no built-in example has."""

    name = "needs_beta"
    measures = {"beta": "1"}

    def requirement(self, num: Any, exposure: Any, parameters: Any) -> Any:
        """As much of notional as beta says."""
        return good.Rated().requirement(
            num, exposure, {"rate": exposure.market.measure("beta"), "least": num.constant(0)}
        )


def own_examples(mode: str, **policy: Any) -> Examples:
    """The built-in documents, with a beta in the market."""
    market = dict(example_market())
    market["instruments"] = {
        name: {**data, "measures": {"beta": "0.3"}} for name, data in market["instruments"].items()
    }
    text = policy_text(built_in(modes={mode: policy}))
    return Examples(policy=text, accounts=[example_account(mode)], markets=[json.dumps(market)])


def test_examples__of_ones_own_exercise_what_the_built_in_ones_cannot() -> None:
    """Without them the report says what is missing, and that is not conformance."""
    report = check_mode(NeedsBeta())
    assert not report.held
    assert "the market has no usable measure beta" in report.obstacle
    assert check_mode(NeedsBeta(), examples=own_examples("needs_beta")).held


def test_examples__policy_gives_the_parameters() -> None:
    """A policy of one's own states them; from a file as from text."""
    report = check_mode(good.Rated(), examples=own_examples("rated", rate=Decimal("0.2")))
    assert report.held, str(report)


def test_examples__policy_may_be_a_file(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    examples = own_examples("tiered")
    path.write_text(str(examples.policy), encoding="utf-8")
    assert check_mode(good.Tiered(), examples=msgspec.structs.replace(examples, policy=path)).held


@pytest.mark.parametrize(
    ("mode", "parameters", "examples", "words"),
    [
        (good.Rated(), {}, None, "PARAMETER_MISSING"),
        (good.Tiered(), {}, own_examples("rated", rate=Decimal(1)), "MODE_UNKNOWN"),
        (object.__new__(bad.Bad), {}, Examples(policy="no-such.yaml", accounts=["{}"], markets=["{}"]), "no-such.yaml"),
        (NeedsBeta(), {}, Examples(accounts=[{}], markets=[{}]), "account"),
    ],
)
def test_obstacle__says_what_keeps_a_mode_from_being_exercised(
    mode: Any, parameters: Any, examples: Any, words: str
) -> None:
    """Missing parameters, another mode's policy, no policy, documents that are none."""
    report = check_mode(mode, parameters, examples=examples)
    assert words in report.obstacle
    assert not report.held


def test_obstacle__is_what_the_registry_would_refuse() -> None:
    """A component that would not be let in is not exercised."""

    class Nothing:
        pass

    report = check_mode(Nothing())
    assert report.component == "margin mode Nothing"
    assert (
        report.obstacle
        == "the registry does not let it in: a margin mode (Nothing) has no name, or one that is no text"
    )


def test_examples__with_a_policy_alone_are_refused() -> None:
    with pytest.raises(TypeError, match="accounts and markets"):
        Examples(policy=POLICY)


def test_report__raises_with_every_broken_law() -> None:
    """And says nothing of those that were kept."""
    with pytest.raises(ConformanceError) as caught:
        check_mode(bad.Gossip()).raise_if_broken()
    text = str(caught.value)
    assert text.startswith("margin mode bad breaks ")
    assert "isolation: broken: what other pools hold does not matter" in text
    assert "amounts" not in text
    check_mode(good.Tiered()).raise_if_broken()


def test_report__is_plain_values_for_programs() -> None:
    document = check_mode(bad.Negative()).to_dict()
    assert json.loads(json.dumps(document)) == document
    verdicts = {law["name"]: law["verdict"] for law in document["laws"]}
    assert (verdicts["amounts"], verdicts["parameters"], verdicts["mirror"]) == ("broken", "held", "skipped")


def test_evidence__can_be_given_to_the_engine_again() -> None:
    """A counterexample in an account shows its documents, under the policy that the kit or the author wrote."""
    mode = bad.Greedy()
    lines = dict(line.split(": ", 1) for line in check_mode(mode).law("collateral").evidence.splitlines()[1:])
    registry = registry_with({"modes": {mode.name: mode}})
    policy = compiled(Examples(), built_in(modes={mode.name: {}}), registry)
    evaluation = Engine(policy).evaluate(lines["account"], lines["market"])
    assert {position.mode for position in evaluation.positions} == {"bad"}


def test_fixture__fails_with_the_report(conformance: Any) -> None:
    """And gives it back where all is well."""
    assert isinstance(conformance(check_mode, good.Tiered()), Report)
    with pytest.raises(pytest.fail.Exception, match="size: broken"):
        conformance(check_mode, bad.Shrinking())


def test_plugin__with_parameters_by_name(conformance: Any) -> None:
    """Those that are not given are guessed from the schema."""

    class Plugin:
        @hookimpl
        def rules_engine_margin_modes(self) -> Any:
            return [good.Rated(), good.Impact()]

    reports = conformance(check_plugin, Plugin(), parameters={"rated": {"rate": Decimal("0.02")}})
    assert [report.component for report in reports] == ["margin mode rated", "margin mode impact"]


def test_guessed_parameters__lie_in_their_ranges() -> None:
    """What is required alone, one of several that exclude each other, and what lies inside of lists and mappings."""
    schema: Any = {
        "share": {"type": "number", "min": 0, "max": 1, "required": True},
        "count": {"type": "integer", "min": 3, "required": True},
        "below": {"type": "number", "below": 0, "required": True},
        "by": {"type": "string", "allowed": ["hour", "day"], "required": True},
        "wait": {"type": "number", "coerce": "duration", "required": True},
        "one": {"type": "boolean", "required": True, "excludes": "other"},
        "other": {"type": "number", "required": True, "excludes": "one"},
        "optional": {"type": "number"},
        "given": {"type": "number", "required": True, "default": Decimal(7)},
        "many": {"type": "list", "minlength": 2, "required": True, "schema": {"type": "string"}},
        "part": {"type": "dict", "required": True, "schema": {"rate": {"type": "number", "required": True}}},
        "by_name": {"type": "dict", "required": True, "valuesrules": {"type": "number", "max": -4}},
    }
    assert guessed_parameters(schema) == {
        "share": Decimal("0.5"),
        "count": 4,
        "below": -1,
        "by": "hour",
        "wait": "1d",
        "one": False,
        "many": ["example", "example"],
        "part": {"rate": 1},
        "by_name": {"example": -5},
    }
