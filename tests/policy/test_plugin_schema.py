"""The JSON Schema with the parameters of components: as strict as `check` in what is common, never stricter."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
import pytest
import rules_engine_standard_modes
from jsonschema import Draft202012Validator, FormatChecker

from rules_engine.errors import PluginError
from rules_engine.extension.registry import Registry, build_registry
from rules_engine.plugin import hookimpl, tiered_requirement
from rules_engine.policy.document import Document
from rules_engine.policy.findings import Findings
from rules_engine.policy.fragments import demands, merged, parameters_fragment
from rules_engine.policy.parameters import Normaliser
from rules_engine.policy.reader import read_document
from rules_engine.policy.schema import policy_schema
from tests.policy.policy_examples import EXAMPLE, REGISTRY, changed, check


class Ladder:
    """A mode with parameters of every common kind."""

    name = "ladder"
    pool = rules_engine_standard_modes.Isolated.pool
    parameters: Mapping[str, Any] = {
        "rate": {"type": "number", "above": 0, "max": 1, "required": True, "meta": {"description": "The rate."}},
        "steps": {"type": "list", "minlength": 1, "schema": {"type": "number", "min": 0}},
        "window": {"type": "number", "coerce": "duration"},
        "scenarios": {
            "type": "dict",
            "schema": {"moves": {"type": "integer", "required": True}, "kind": {"type": "string", "allowed": ["up"]}},
        },
    }

    def requirement(self, num: Any, exposure: Any, parameters: Any) -> Any:
        return tiered_requirement(num, exposure)


class Plugin:
    """Supplies it."""

    @hookimpl
    def rules_engine_margin_modes(self) -> list[Any]:
        return [Ladder()]


LADDERS: Registry = build_registry([rules_engine_standard_modes, Plugin()])
SCHEMA = policy_schema(LADDERS)
FULL = changed(
    ("isolated: {}", "isolated: {split_positions: true}\n  ladder: {rate: 0.1, steps: [1, 2], window: 7d}"),
    ("modes:", "  expiry: {kind: expiry, bands: [{from: 0d, multiply: 2}, {from: 7d, multiply: 1}]}\nmodes:"),
    ("modes:", "  smooth: {kind: depth, measure: m, curve: {reference: 1, slope: 1, cap: 2}}\nmodes:"),
)


def accepts(schema: Mapping[str, Any], value: object) -> bool:
    """Whether a validator of JSON Schema that knows nothing of ours accepts a value, both read from JSON."""
    json = msgspec.json.Encoder(decimal_format="number")
    validator: Any = Draft202012Validator(msgspec.json.decode(json.encode(schema)), format_checker=FormatChecker())
    return bool(validator.is_valid(msgspec.json.decode(json.encode(value))))


def value_of(text: str) -> Any:
    return read_document(text.encode(), "p.yaml").value


def test_schema__with_components_is_one_of_2020_12() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator.check_schema(policy_schema(build_registry([])))


# What to replace by what, and whether both accept the result.
DOCUMENTS = [
    ("rate: 0.1", "rate: 0.1", True),
    ("rate: 0.1", "rate: 0", False),
    ("rate: 0.1", "rate: 1.1", False),
    ("rate: 0.1", "rate: much", False),
    ("rate: 0.1, ", "", False),
    ("rate: 0.1", "rat: 0.1", False),
    ("[1, 2]", "[]", False),
    ("[1, 2]", "[1, -2]", False),
    ("[1, 2]", "[1, two]", False),
    ("[1, 2]", "1", False),
    ("window: 7d", "window: 7", False),
    ("window: 7d", "scenarios: {moves: 16}", True),
    ("window: 7d", "scenarios: {moves: 1.5}", False),
    ("window: 7d", "scenarios: {moves: 1, kind: up}", True),
    ("window: 7d", "scenarios: {moves: 1, kind: down}", False),
    ("window: 7d", "scenarios: {kind: up}", False),
    ("window: 7d", "scenarios: {moves: 1, more: 1}", False),
    ("ladder:", "step_ladder:", False),
    ("shared_draw_cap: 0.25", "shared_draw_cap: 0.25, group_by: instrument", True),
    ("shared_draw_cap: 0.25", "shared_draw_cap: 0.25, group_by: null", True),
    ("shared_draw_cap: 0.25", "shared_draw_cap: 0.25, group_by: family", False),
    ("shared_draw_cap: 0.25", "shared_draw_cap: 1.25", False),
    ("{shared_draw_cap: 0.25}", "{}", False),
    ("measure: realized_24h\n    ", "", False),
    ("kind: volatility", "kind: weather", False),
    ("{from: 0.8, multiply", "{multiply", False),
    ("{from: 0.8, multiply", "{from: 0.8, multiplies", False),
    ("{from: 7d", "{from: 7", False),
    ("bands: [{from: 0,", "requirements: [initial]\n    bands: [{from: 0,", True),
    ("curve: {reference: 1, slope: 1, cap: 2}", "curve: {reference: 1, cap: 2}", False),
    ("curve: {reference: 1, slope: 1, cap: 2}", "requirements: [initial]", False),
    ("{plan: smallest}", "{plan: tier_step}", True),
    ("{plan: smallest}", "{plan: largest}", False),
    ("{plan: smallest}", "{plan: full, speed: 1}", False),
    ("payoff: linear", "payoff: square", False),
]


@pytest.mark.parametrize(("old", "new", "sound"), DOCUMENTS)
def test_schema__accepts_and_refuses_what_check_does(old: str, new: str, sound: bool) -> None:
    text = changed((old, new), text=FULL)
    compiled, problems = check(text, registry=LADDERS)
    assert (compiled is not None) == sound, problems
    assert accepts(SCHEMA, value_of(text)) == sound


def test_schema__asks_a_policy_that_inherits_for_nothing_that_its_parent_may_give() -> None:
    """The parent has the rest of every mapping; lists are inherited whole, so what stands in one is complete."""
    parent = changed(("window: 7d", "scenarios: {moves: 16}"), text=FULL)
    child = (
        "schema: rules-engine/policy/1\npolicy: child\nversion: 1.0.0\nextends: example@1.0.0\n"
        "buffers: {volatility: {kind: volatility}, smooth: {kind: depth, curve: {cap: 3}}}\n"
        "modes: {ladder: {scenarios: {kind: up}}, hybrid: {group_by: instrument}}\n"
    )
    compiled, problems = check(child, {"example@1.0.0": parent}, registry=LADDERS)
    assert compiled is not None, problems
    assert accepts(SCHEMA, value_of(child))
    assert not accepts(SCHEMA, value_of(child.replace("group_by", "group")))
    assert not accepts(SCHEMA, value_of(child.replace("curve: {cap: 3}", "bands: [{multiply: 1}]")))


def test_schema__keeps_what_is_published_of_the_modes_that_it_knows() -> None:
    published = policy_schema()["properties"]["modes"]
    modes = SCHEMA["properties"]["modes"]["properties"]
    assert modes["hybrid"]["title"] == published["properties"]["hybrid"]["title"]
    assert modes["hybrid"]["properties"]["shared_draw_cap"]["maximum"] == 1
    assert modes["ladder"]["properties"]["split_positions"]["type"] == "boolean"
    assert modes["ladder"]["properties"]["rate"]["description"] == "The rate."


def test_schema__without_a_registry_is_the_published_one() -> None:
    assert policy_schema()["properties"]["modes"]["additionalProperties"] is not False
    assert accepts(policy_schema(), value_of(changed(("isolated: {}", "moon: {phase: 1}"))))


def test_schema__of_packaged_components_accepts_the_example() -> None:
    assert accepts(policy_schema(REGISTRY), value_of(EXAMPLE))


def both(schema: Mapping[str, Any], value: Mapping[str, Any]) -> tuple[bool, bool]:
    """Whether Cerberus takes the parameters, and whether the fragment does."""
    findings = Findings(Document("p.yaml", value, {}, {}))
    taken = Normaliser("test", schema).normalise(findings, (), value) is not None
    return taken, accepts(merged(parameters_fragment(schema), demands(schema)), value)


N = Decimal
# Rules of one parameter `x`, values that both take, and values that both refuse.
RULES: list[tuple[dict[str, Any], list[Any], list[Any]]] = [
    ({"type": "number", "min": 1, "max": N("2.5")}, [N(1), N("2.5")], [N("0.9"), N("2.6"), "1", None, True]),
    ({"type": "number", "above": 1, "below": 2}, [N("1.5")], [N(1), N(2)]),
    ({"type": "integer"}, [N(1), N("1.0")], [N("1.5"), "1"]),
    ({"type": "integer", "allowed": [1, 2]}, [N(1)], [N(3)]),
    ({"type": "duration"}, [N(60)], ["60"]),
    ({"type": "boolean"}, [True], [N(1), "yes"]),
    ({"type": ["number", "string"]}, [N(1), "1"], [True, []]),
    ({"type": "number", "nullable": True}, [None, N(1)], ["1"]),
    ({"type": "number", "default": N(3)}, [None, N(1)], ["1"]),
    ({"type": "number", "default_setter": lambda document: N(3), "required": True}, [None, N(1)], ["1"]),
    ({"type": "string", "allowed": ("a", "b"), "nullable": True}, ["a", None], ["c"]),
    ({"type": "string", "regex": "[a-z]+|0"}, ["abc", "0", "a1"], ["", "0a", "A"]),
    ({"type": "string", "regex": "^[a-z]+$"}, ["abc"], ["", "a1", "A"]),
    ({"type": "string", "minlength": 2, "maxlength": 3}, ["ab", "abc"], ["a", "abcd"]),
    ({"type": "string", "empty": False}, ["a"], [""]),
    ({"type": "list", "minlength": 1, "maxlength": 2}, [[N(1)], ["a", "b"]], [[], [N(1)] * 3, "ab"]),
    ({"type": "list", "schema": {"type": "list", "schema": {"type": "number"}}}, [[[N(1)], []]], [[N(1)], [["a"]]]),
    ({"type": "dict"}, [{}, {"any": "thing"}], [[], "text"]),
    ({"type": "dict", "schema": {"y": {"type": "number", "required": True}}}, [{"y": N(1)}], [{}, {"z": N(1)}]),
    ({"type": "dict", "schema": {"y": {}}, "allow_unknown": True}, [{"z": N(1)}], [[]]),
    ({"type": "dict", "schema": {"y": {}}, "purge_unknown": True}, [{"z": N(1)}], []),
    ({"coerce": "duration"}, ["7d"], [N(7)]),
    ({"coerce": "time", "nullable": True}, ["2026-12-01T08:00:00Z", None], [N(7)]),
]


@pytest.mark.parametrize(("rules", "taken", "refused"), RULES)
def test_fragment__takes_and_refuses_what_cerberus_does(
    rules: dict[str, Any], taken: list[Any], refused: list[Any]
) -> None:
    assert [both({"x": rules}, {"x": value}) for value in taken] == [(True, True)] * len(taken)
    assert [both({"x": rules}, {"x": value}) for value in refused] == [(False, False)] * len(refused)


def _twice(value: Any) -> Any:
    return value * 2


# Schemas of which JSON Schema cannot say all, and parameters that Cerberus takes.
BEYOND: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"x": {"coerce": _twice, "min": 2}}, {"x": N(1)}),
    ({"x": {"rename": "y"}, "y": {"required": True, "type": "number"}}, {"x": N(1)}),
    ({"x": {"type": "dict", "schema": {"a": {"rename": "b"}, "b": {}}, "allow_unknown": True}}, {"x": {"c": N(1)}}),
    ({"x": {"type": "list", "allowed": ["a", "b"]}}, {"x": ["a"]}),
    ({"x": {"allowed": ["a", "b"]}}, {"x": ["b"]}),
    ({"x": {"type": "string", "regex": "(?i)[a-z]+"}}, {"x": "ABC"}),
    ({"x": {"anyof": [{"type": "number"}, {"type": "string"}]}}, {"x": "a"}),
    ({"x": {"type": ["number", "set"]}}, {"x": N(1)}),
    ({"x": {"min": "a"}}, {"x": "b"}),
    ({"x": {"type": "number", "default": N(1), "required": True}}, {}),
    ({"x": {"type": "dict", "minlength": 1, "schema": {"y": {"default": N(1)}}}}, {"x": {}}),
    ({"x": {"required": True, "excludes": ["y", "z"]}, "y": {"required": True}, "z": {}}, {"x": N(1)}),
    ({"x": {"required": True, "excludes": "y"}, "y": {"required": True, "excludes": "x"}}, {"y": N(1)}),
    ({"x": {"type": "number", "meta": "a remark"}}, {"x": N(1)}),
    ({"x": {"type": "number", "meta": {"description": 7}}}, {"x": N(1)}),
]


@pytest.mark.parametrize(("schema", "value"), BEYOND)
def test_fragment__is_never_stricter_than_cerberus(schema: dict[str, Any], value: dict[str, Any]) -> None:
    assert both(schema, value) == (True, True)


def test_fragment__asks_for_one_of_those_that_exclude_each_other() -> None:
    schema = {"x": {"required": True, "excludes": "y"}, "y": {"required": True, "excludes": "x"}}
    assert both(schema, {}) == (False, False)


def test_fragment__says_defaults_that_json_can_say() -> None:
    schema = {
        "plain": {"default": [N(1), {"a": None}]},
        "strange": {"default": {1: "a"}},
        "stranger": {"default": [object()]},
        "registered": "rules by name",
    }
    assert parameters_fragment(schema)["properties"] == {
        "plain": {"default": [N(1), {"a": None}]},
        "strange": {},
        "stranger": {},
        "registered": {},
    }


def test_normaliser__still_names_a_schema_that_cerberus_does_not_understand() -> None:
    with pytest.raises(PluginError, match="test: the schema of its parameters is not one of Cerberus"):
        Normaliser("test", {"x": {"type": "nonsense"}})
