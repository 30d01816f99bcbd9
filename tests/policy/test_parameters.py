"""What is said of a stranger's parameters: where each fault is, what to do about it, and the law of bands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from rules_engine.errors import PluginError, Problem
from rules_engine.extension.registry import Registry
from rules_engine.policy.components import schema_faults
from rules_engine.policy.parameters import Normaliser
from tests.policy.policy_examples import REGISTRY, changed, check

STEP = {"from": {"type": "number", "required": True}, "rate": {"type": "number"}, "note": {"type": "string"}}
LADDER = {"type": "list", "schema": {"type": "dict", "schema": STEP}}
ADJUSTING = {**STEP, "multiply": {"type": "number"}, "add_rate": {"type": "number"}}


class Odd:
    """A stranger's mode, kind of buffer and plan in one, with these parameters."""

    name = "odd"

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self.parameters = parameters

    def extremes(self, parameters: Any) -> tuple[Any, ...]:
        """None at all."""
        return ()


WRITTEN = {
    "modes": ("isolated: {}", "odd: {%s}"),
    "buffers": ("modes:", "  strange: {kind: odd, %s}\nmodes:"),
    "close_out_plans": ("{plan: smallest}", "{plan: odd, %s}"),
}
"""How a policy uses a component of each kind."""


def registry_of(rules: Mapping[str, Any], shelf: str, name: str = "p") -> Registry:
    """The registry with a component that takes one parameter."""
    odd = Odd({name: rules})
    return msgspec.structs.replace(REGISTRY, **{shelf: {**getattr(REGISTRY, shelf), "odd": odd}})


def problems_of(rules: Mapping[str, Any], value: str, shelf: str = "modes", name: str = "p") -> list[Problem]:
    """What is found where a policy gives a value to the one parameter of a component."""
    old, new = WRITTEN[shelf]
    _, problems = check(changed((old, new % f"{name}: {value}")), registry=registry_of(rules, shelf, name))
    return [problem for problem in problems if problem.code != "UNUSED"]


@pytest.mark.parametrize(
    ("rules", "value", "hint"),
    [
        ({"type": "number"}, '"0.15"', "remove the quotes"),
        ({"type": ["number", "boolean"]}, '"0.15"', "remove the quotes"),
        ({"type": "integer"}, '"3"', "remove the quotes"),
        ({"type": "number"}, "15%", "rates are fractions of one: 5 % is 0.05"),
        ({"type": "number"}, "null", "write a value, or remove the key"),
        ({"type": "number"}, "true", ""),
        ({"type": "string"}, "0.5", "write it in quotes"),
        ({"type": "list"}, "up", "write [up]"),
        ({"type": "number", "max": 1}, "2", ""),
    ],
)
def test_value__of_another_type_is_told_with_the_hint_that_shapes_give(
    rules: dict[str, Any], value: str, hint: str
) -> None:
    (problem,) = problems_of(rules, value)
    assert (problem.code, problem.hint) == ("PARAMETER_VALUE", hint)


@pytest.mark.parametrize(
    ("rules", "value", "message", "hint"),
    [
        (LADDER, "[{rate: 1}]", "p[0].from is missing", ""),
        (LADDER, "[{from: 0}, {from: 1, rate: x}]", "p[1].rate: found text 'x', wanted a value of type number", None),
        (LADDER, "[{from: 0, rat: 1}]", "there is no parameter p[0].rat", "did you mean rate?"),
        (LADDER, "[{from: 0, speed: 1}]", "there is no parameter p[0].speed", "there is from, note, rate"),
        ({"type": "dict", "schema": STEP}, "{from: 0, rat: 1}", "there is no parameter p.rat", "did you mean rate?"),
        (
            {"type": "dict", "schema": {"q": {"type": "list", "schema": LADDER}}},
            "{q: [[{from: 0, rat: 1}]]}",
            "there is no parameter p.q[0][0].rat",
            "did you mean rate?",
        ),
        (
            {"type": "dict", "valuesrules": {"type": "dict", "schema": STEP}},
            "{a: {from: 0, rat: 1}}",
            "there is no parameter p.a.rat",
            "",
        ),
    ],
)
def test_value__within_another_is_named_by_its_path(
    rules: dict[str, Any], value: str, message: str, hint: str | None
) -> None:
    (problem,) = problems_of(rules, value)
    assert problem.message == message
    assert hint is None or problem.hint == hint


RISES = "a band begins above the one before it; this one does not"
FROM_ZERO = "the lowest band does not begin at 0"
SILENT = "a band states multiply, add_rate or both; this one neither"
BANDS: list[tuple[str | None, str, list[str]]] = [
    ("rising", "[{from: -1}, {from: 0}, {from: 0.5}]", []),
    ("rising", "[{from: -1}, {from: -1}]", [RISES]),
    ("rising", "[{from: 3}, {from: 2}, {from: 1}]", [RISES, RISES]),
    ("rising", "[]", []),
    ("rising from 0", "[{from: 0}, {from: 1}]", []),
    ("rising from 0", "[{from: 1}, {from: 1}]", [FROM_ZERO, RISES]),
    ("rising from 0", "[{from: -1}]", [FROM_ZERO]),
    (None, "[{from: 3}, {from: 2}]", []),
]


@pytest.mark.parametrize("shelf", WRITTEN)
@pytest.mark.parametrize("name", ["bands", "steps"])
@pytest.mark.parametrize(("law", "value", "messages"), BANDS)
def test_bands__keep_the_law_that_is_declared_of_them_whatever_their_name(
    law: str | None, value: str, messages: list[str], name: str, shelf: str
) -> None:
    """In modes, buffers and plans alike, at the bands that break it."""
    problems = problems_of({**LADDER, "meta": {"bands": law, "unit": "1"}}, value, shelf, name)
    assert [(problem.code, problem.message) for problem in problems] == [("BUFFER_BANDS", one) for one in messages]
    assert all(f"{name}[" in problem.path for problem in problems)


def test_bands__of_a_buffer_state_an_adjustment() -> None:
    """Those that know both of them, each of which may be left out."""
    rules = {"type": "list", "schema": {"type": "dict", "schema": ADJUSTING}, "meta": {"bands": "rising"}}
    assert [one.message for one in problems_of(rules, "[{from: 0}, {from: 1, add_rate: 0}]", "buffers")] == [SILENT]


def test_bands__that_are_left_out_break_no_law() -> None:
    """Neither where they are absent, nor where the schema takes null for them."""
    rules = {**LADDER, "meta": {"bands": "rising"}}
    assert problems_of({**rules, "nullable": True}, "null") == []
    compiled, _ = check(changed(("isolated: {}", "odd: {}")), registry=registry_of(rules, "modes"))
    assert compiled is not None


@pytest.mark.parametrize(
    ("rules", "value"), [({"type": "number"}, "1"), ({"type": "list"}, "[1]"), ({"type": "list"}, "[{from: low}]")]
)
def test_bands__that_are_none_are_the_plugins_fault(rules: dict[str, Any], value: str) -> None:
    """Its schema let them through."""
    (problem,) = problems_of({**rules, "meta": {"bands": "rising"}}, value)
    assert problem.code == "PLUGIN_FAULT"
    assert problem.message.endswith(": p is declared as bands, wanted mappings with a number `from`")


def test_bands__of_a_law_that_there_is_not_are_the_plugins_fault() -> None:
    """A word misspelt there would leave bands unjudged."""
    (problem,) = problems_of({**LADDER, "meta": {"bands": "risng"}}, "[]")
    assert problem.code == "PLUGIN_FAULT"
    assert problem.message.endswith(": p has bands 'risng' in its meta, wanted 'rising' or 'rising from 0'")
    with pytest.raises(PluginError, match="p has bands 1 in its meta"):
        Normaliser("test", {"p": {"meta": {"bands": 1}}})


def test_schemas__that_are_at_fault_are_told_without_a_policy() -> None:
    """Of every kind that takes parameters; what raises is told like what Cerberus does not understand."""

    class Raising(Odd):
        parameters = property(lambda self: 1 // 0)

        def __init__(self) -> None:
            """Nothing to keep."""

    shelves: dict[str, dict[str, Any]] = {
        "modes": {"sound": Odd({"p": LADDER}), "odd": Odd({"p": {"type": "nonsense"}})},
        "buffers": {"odd": Odd({"p": {"meta": {"bands": True}}})},
        "close_out_plans": {"odd": Raising()},
        "payoffs": {"odd": Odd({"p": {"type": "nonsense"}})},
    }
    assert [fault.partition(": ")[0] for fault in schema_faults(shelves)] == [
        "margin mode odd",
        "buffer odd",
        "close-out plan odd",
    ]
    assert list(schema_faults(shelves))[2].endswith("raised ZeroDivisionError: integer division or modulo by zero")
    assert list(schema_faults({"modes": REGISTRY.modes, "buffers": REGISTRY.buffers})) == []
