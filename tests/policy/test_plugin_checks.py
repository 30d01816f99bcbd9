"""Installed checks judge a compiled policy; one that breaks down, or a schema that does, refuses it and is named."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec
import pytest
import rules_engine_standard_modes

from rules_engine.extension.registry import Registry, build_registry
from rules_engine.plugin import hookimpl
from rules_engine.terms.checks import PolicyFinding
from tests.policy.policy_examples import EXAMPLE, REGISTRY, changed, check, place, policy, said


class House:
    """A plugin of one check, one mode, one kind of buffer and one plan; the last three take the same parameters."""

    def __init__(self, findings: Callable[[Any], Any] = lambda policy: (), parameters: Any = MappingProxyType({})):
        mode = {"pool": rules_engine_standard_modes.Isolated.pool, "requirement": lambda *_: None}
        kind = dict.fromkeys(("reading", "adjustment", "extremes"), lambda *_: ())
        self.check = _component("limits", findings=lambda _, policy: findings(policy))
        self.mode = _component("house_mode", parameters=parameters, prepare=lambda *_: None, **mode)
        self.kind = _component("house_buffer", parameters=parameters, **kind)
        self.plan = _component("house_plan", parameters=parameters, closings=lambda *_: ())

    @hookimpl
    def rules_engine_policy_checks(self) -> list[Any]:
        return [self.check]

    @hookimpl
    def rules_engine_margin_modes(self) -> list[Any]:
        return [self.mode]

    @hookimpl
    def rules_engine_buffers(self) -> list[Any]:
        return [self.kind]

    @hookimpl
    def rules_engine_close_out_plans(self) -> list[Any]:
        return [self.plan]


def _component(name: str, **attributes: Any) -> Any:
    return type(name.title(), (), {"name": name, **attributes})()


def house(findings: Callable[[Any], Any] = lambda policy: (), parameters: Mapping[str, Any] | None = None) -> Registry:
    return build_registry([rules_engine_standard_modes, House(findings, parameters or {})])


def finding(**fields: Any) -> Callable[[Any], list[PolicyFinding]]:
    """A check that finds one thing in every policy."""
    return lambda policy: [PolicyFinding(**{"code": "HOUSE_RULE", "message": "not in this house", **fields})]


def test_check__that_finds_nothing_lets_a_policy_through() -> None:
    assert policy(EXAMPLE, registry=house()).warnings == policy().warnings


@pytest.mark.parametrize(
    ("path", "piece"),
    [
        (("liquidation", "margin_call"), "1.25\n  restore"),
        (("tables", "majors", "tiers", 1, "up_to"), "250000"),
        (("tables", "majors", "tiers", 1, "nothing", "here"), "{up_to: 250000"),
        ((), "schema"),
    ],
)
def test_check__its_finding_stands_where_the_nearest_part_of_its_path_does(
    path: tuple[str | int, ...], piece: str
) -> None:
    compiled, problems = check(EXAMPLE, registry=house(finding(path=path, hint="call the house")))
    (problem,) = [problem for problem in problems if problem.code == "HOUSE_RULE"]
    assert compiled is None
    assert problem.mark and f"{problem.mark.line}:{problem.mark.column}" == place(EXAMPLE, piece)
    assert (problem.message, problem.hint, problem.severity) == ("not in this house", "call the house", "error")


def test_check__its_finding_in_inherited_text_stands_in_the_parent() -> None:
    child = "schema: rules-engine/policy/1\npolicy: child\nversion: 1.0.0\nextends: example@1.0.0\n"
    registry = house(finding(path=("liquidation", "restore_to")))
    _, problems = check(child, {"example@1.0.0": EXAMPLE}, registry=registry)
    (problem,) = [problem for problem in problems if problem.code == "HOUSE_RULE"]
    assert str(problem.mark) == f"example@1.0.0.yaml:{place(EXAMPLE, '1.5')}"
    assert problem.path == "liquidation.restore_to"


def test_check__its_warning_refuses_nothing() -> None:
    compiled = policy(EXAMPLE, registry=house(finding(severity="warning")))
    assert [problem.code for problem in compiled.warnings if problem.code == "HOUSE_RULE"] == ["HOUSE_RULE"]


def test_check__is_not_asked_about_a_policy_with_errors() -> None:
    lines = said(changed(("0.005", "0.003")), registry=house(finding()))
    assert [line.split()[0] for line in lines] == ["TIER_RATE_FALLS"]


BROKEN: list[tuple[Callable[[Any], Any], str]] = [
    (lambda policy: 1 // 0, "raised ZeroDivisionError: integer division or modulo by zero"),
    (lambda policy: exec("raise SystemExit(3)"), "raised SystemExit: 3"),
    (lambda policy: None, "raised TypeError: 'NoneType' object is not iterable"),
    (lambda policy: ["a finding"], "returned str, wanted findings"),
    (finding(code="house rule"), "returned a finding that is none: Expected `str` matching regex"),
    (finding(code="house"), "returned a finding that is none: Expected `str` matching regex"),
    (finding(message=""), "returned a finding that is none: Expected `str` of length >= 1"),
    (finding(hint=None), "returned a finding that is none: Expected `str`, got `null` - at `$.hint`"),
    (finding(path="modes"), "returned a finding that is none: Expected `array`, got `str` - at `$.path`"),
    (finding(path=object()), "returned a finding that is none: Encoding objects of type object is unsupported"),
    (finding(severity="fatal"), "returned a finding that is none: Invalid enum value 'fatal' - at `$.severity`"),
]


@pytest.mark.parametrize(("findings", "what"), BROKEN)
def test_check__that_breaks_down_refuses_the_policy_and_is_named(findings: Callable[[Any], Any], what: str) -> None:
    compiled, problems = check(EXAMPLE, registry=house(findings))
    (problem,) = [problem for problem in problems if problem.severity == "error"]
    assert compiled is None
    assert problem.code == "PLUGIN_FAULT"
    assert problem.message.startswith(f"policy check limits of House {what}")
    assert problem.mark and problem.mark.line == 1


def test_check__that_nobody_is_known_to_supply_is_called_by_its_module() -> None:
    registry = msgspec.structs.replace(REGISTRY, checks={"odd": _component("odd", findings=lambda *_: 1)})
    assert "policy check odd of tests.policy.test_plugin_checks raised" in str(check(EXAMPLE, registry=registry)[1])


NEEDING = [
    ("isolated: {}", "house_mode: {limit: 1}", "margin mode house_mode", "house_mode"),
    ("modes:", "  more: {kind: house_buffer, limit: 1}\nmodes:", "buffer house_buffer", "more"),
    ("{plan: smallest}", "{plan: house_plan, limit: 1}", "close-out plan house_plan", "close_out"),
]


def _asks(field: str, value: object, error: object) -> None:
    raise ValueError("no luck")


@pytest.mark.parametrize(("old", "new", "owner", "piece"), NEEDING)
@pytest.mark.parametrize(
    ("rules", "what"),
    [
        ({"type": "nonsense"}, ": the schema of its parameters is not one of Cerberus: "),
        ({"check_with": _asks}, " raised ValueError: no luck"),
    ],
)
def test_component__whose_schema_breaks_down_is_a_problem_of_the_policies_that_need_it(
    old: str, new: str, owner: str, piece: str, rules: dict[str, Any], what: str
) -> None:
    registry = house(parameters={"limit": rules})
    assert policy(EXAMPLE, registry=registry)
    text = changed((old, new))
    compiled, problems = check(text, registry=registry)
    (problem,) = [problem for problem in problems if problem.severity == "error"]
    assert compiled is None
    assert (problem.code, problem.message[: len(owner)]) == ("PLUGIN_FAULT", owner)
    assert problem.message.startswith(f"{owner} of House{what}")
    assert problem.mark and f"{problem.mark.line}:{problem.mark.column}" == place(text, piece)


def test_compiled__knows_what_components_are_and_whose() -> None:
    text = changed(
        ("isolated: {}", "house_mode: {}\n  isolated: {}"),
        ("modes:", "  more: {kind: house_buffer}\nmodes:"),
        ("{plan: smallest}", "{plan: house_plan}"),
    )
    compiled = policy(text, registry=house())
    mode = compiled.modes["house_mode"]
    assert (mode.supplier, mode.prepares, mode.pooled) == ("House", True, False)
    assert not mode.traits.reserves_orders
    standard = compiled.modes["isolated"]
    assert (standard.supplier, standard.prepares) == ("rules_engine_standard_modes", False)
    assert compiled.buffers["more"].supplier == compiled.liquidation.close_out.supplier == "House"
    assert compiled.buffers["volatility"].supplier.startswith("rules-engine ")


def test_compiled__knows_a_mode_of_whole_pools_and_its_traits() -> None:
    plugin = House()
    del type(plugin.mode).requirement
    type(plugin.mode).pool_requirement = lambda *_: None
    type(plugin.mode).reserves_orders = True
    registry = build_registry([rules_engine_standard_modes, plugin])
    mode = policy(changed(("isolated: {}", "house_mode: {}")), registry=registry).modes["house_mode"]
    assert (mode.pooled, mode.traits.reserves_orders) == (True, True)


def test_parameters__of_a_stranger_are_judged_at_their_place() -> None:
    text = changed(("isolated: {}", "house_mode: {limit: many}"))
    registry = house(parameters={"limit": {"type": "number", "required": True}})
    assert said(text, registry=registry) == [f"PARAMETER_VALUE {place(text, 'many')}"]
    (problem,) = check(text, registry=registry)[1]
    assert problem.message == "limit: found text 'many', wanted a value of type number"
