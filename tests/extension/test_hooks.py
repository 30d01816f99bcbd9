"""Each hook takes a tiny plugin's component to the registry, by name and with its supplier, and it answers there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import click
import pytest
from click.testing import CliRunner

from rules_engine import PluginError
from rules_engine.extension.kinds import KINDS, VERBS, Kind
from rules_engine.extension.registry import Registry, build_registry
from rules_engine.numbers.exact import EXACT, exactly
from rules_engine.plugin import Adjustment, Backing, Closing, PoolLabel, PositionLabels, hookimpl
from rules_engine.terms.checks import PolicyFinding


def mode(**attributes: Any) -> Any:
    """A mode of an empty pool, with other attributes."""
    methods = {"pool": lambda self, labels, parameters: PoolLabel(key=labels.id, backing=Backing.POSITION)}
    return type("Odd", (), {"name": "odd", "parameters": {}, **methods, **attributes})()


def registry(hook: str, *components: Any) -> Registry:
    """The registry with a plugin `tiny` that implements one hook."""

    def implementation(self: Any) -> Sequence[Any]:
        return components

    implementation.__name__ = hook
    return build_registry([type("tiny", (), {hook: hookimpl(implementation)})()])


def answer(*arguments: Any) -> Any:
    """Stands for a formula that this test does not ask."""


def test_hook_margin_modes() -> None:
    """A mode says to which pool a position belongs."""
    loaded = registry("rules_engine_margin_modes", mode(requirement=answer))
    label = loaded.modes["odd"].pool(PositionLabels(id="p1", instrument="BTCUSDT"), {})
    assert (label.key, loaded.supplier("modes", "odd")) == ("p1", "tiny")


def test_hook_margin_modes__takes_one_of_a_whole_pool() -> None:
    """`pool_requirement` stands for `requirement`."""
    assert "odd" in registry("rules_engine_margin_modes", mode(pool_requirement=answer, prepare=answer)).modes


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({}, "margin mode 'odd' has neither requirement nor pool_requirement; it must have one of them"),
        (
            {"requirement": answer, "pool_requirement": answer},
            "margin mode 'odd' has both requirement and pool_requirement; it must have one of them",
        ),
        ({"requirement": 7}, "margin mode 'odd': requirement cannot be called"),
        ({"requirement": answer, "prepare": None}, "margin mode 'odd': prepare cannot be called"),
        ({"requirement": answer, "pool": "all"}, "margin mode 'odd': pool cannot be called"),
        ({"requirement": answer, "parameters": []}, "margin mode 'odd': parameters is [], wanted a mapping"),
        ({"requirement": answer, "budget": 0.5}, "margin mode 'odd': budget is 0.5, wanted a Decimal"),
    ],
)
def test_hook_margin_modes__refuses_what_is_no_mode(attributes: dict[str, Any], reason: str) -> None:
    """In words, while it is loaded and not when the first account is evaluated."""
    with pytest.raises(PluginError) as refused:
        registry("rules_engine_margin_modes", mode(**attributes))
    assert str(refused.value).startswith(reason)


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"requirement": lambda self, num, exposure: 0}, "requirement takes (num, exposure), wanted (num, exposure, "),
        (
            {"requirement": lambda num, exposure, parameters: 0},
            "requirement takes (exposure, parameters), wanted (num,",
        ),
        ({"pool_requirement": lambda self, pool: 0}, "pool_requirement takes (pool), wanted (num, pool, parameters)"),
        ({"pool": lambda self, *, position: 0}, "pool takes (*, position), wanted (position, parameters)"),
        (
            {"prepare": lambda self, num, market: 0},
            "prepare takes (num, market), wanted (num, market, as_of, parameters)",
        ),
    ],
)
def test_hook_margin_modes__refuses_methods_of_other_arguments(attributes: dict[str, Any], reason: str) -> None:
    """They are called with positional arguments, the number of which is fixed."""
    whole = {} if "pool_requirement" in attributes else {"requirement": answer}
    with pytest.raises(PluginError) as refused:
        registry("rules_engine_margin_modes", mode(**{**whole, **attributes}))
    assert str(refused.value).startswith(f"margin mode 'odd': {reason}")


@pytest.mark.parametrize(
    "requirement",
    [
        lambda *arguments: None,
        lambda self, num, exposure, parameters, more=None: None,
        lambda self, number, position, given, **more: None,
        max,
        type,
    ],
)
def test_hook_margin_modes__takes_methods_that_can_be_called(requirement: Any) -> None:
    """Names are the author's, more arguments may have defaults, and what is written in C need not say what it takes."""
    assert "odd" in registry("rules_engine_margin_modes", mode(requirement=requirement)).modes


@pytest.mark.parametrize("hook", [kind.hook for kind in KINDS])
def test_hook__refuses_a_class(hook: str) -> None:
    """A component is made once, by the plugin."""
    with pytest.raises(PluginError, match=f"{hook} returned the class Odd, wanted a .*: Odd()"):
        registry(hook, type("Odd", (), {"name": "odd"}))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.methods], ids=lambda kind: kind.hook)
def test_hook__refuses_every_method_of_other_arguments(kind: Kind) -> None:
    """Of each kind of component, each method."""
    sound = {"name": "odd", "parameters": {}, "requirement": answer, "required": (), "value_range": (None, None)}
    for name, given in kind.methods.items():
        methods = {**dict.fromkeys(kind.methods, answer), name: lambda self: None}
        with pytest.raises(PluginError) as refused:
            registry(kind.hook, type("Odd", (), {**sound, **methods})())
        assert str(refused.value) == f"{kind.word} 'odd': {name} takes (), wanted ({', '.join(given)})"


def test_hook_payoffs() -> None:
    """A payoff turns a price into a value."""

    class Half:
        name, required, value_range = "half", (), (Decimal(0), None)

        def value(self, num: Any, price: Any, contract_size: Any, conversion: Any) -> Any:
            return num.quotient(price, Decimal(2))

        def price(self, num: Any, value: Any, contract_size: Any, conversion: Any) -> Any:
            return value * 2

    loaded = registry("rules_engine_payoffs", Half())
    with exactly():
        assert loaded.payoffs["half"].value(EXACT, Decimal(7), Decimal(1), Decimal(1)) == Decimal("3.5")
    assert loaded.supplier("payoffs", "half") == "tiny"


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"required": "strike"}, "required is 'strike', wanted a list or tuple of names"),
        ({"required": [1]}, "required is [1], wanted a list or tuple of names"),
        ({"value_range": (0,)}, "value_range is (0,), wanted two bounds, each an exact number or None"),
        ({"value_range": (0.5, None)}, "value_range is (0.5, None), wanted two bounds, each an exact number or None"),
    ],
)
def test_hook_payoffs__refuses_what_is_no_payoff(attributes: dict[str, Any], reason: str) -> None:
    """In words, while it is loaded."""
    whole = {"name": "odd", "required": (), "value_range": (None, None), "value": answer, "price": answer}
    with pytest.raises(PluginError) as refused:
        registry("rules_engine_payoffs", type("Odd", (), {**whole, **attributes})())
    assert str(refused.value) == f"payoff 'odd': {reason}"


def test_hook_buffers() -> None:
    """A buffer reads the market and adjusts rates."""

    class Hour:
        name: str = "hour"
        parameters: dict[str, Any] = {}

        def reading(self, market: Any, as_of: datetime, parameters: Any) -> Decimal:
            return Decimal(as_of.hour)

        def adjustment(self, num: Any, reading: Any, parameters: Any) -> Adjustment:
            return Adjustment(multiply=reading)

        def extremes(self, parameters: Any) -> tuple[Adjustment, ...]:
            return (Adjustment(multiply=Decimal(0)), Adjustment(multiply=Decimal(23)))

    kind: Any = registry("rules_engine_buffers", Hour()).buffers["hour"]
    assert kind.reading(None, datetime(2026, 12, 1, 8, tzinfo=UTC), {}) == 8


def test_hook_close_out_plans() -> None:
    """A plan says what to close."""

    class One:
        name: str = "one"
        parameters: dict[str, Any] = {}

        def closings(self, pool: Any, parameters: Any) -> Sequence[Closing]:
            return [Closing(position=pool, quantity=Decimal(1), reason="one")]

    plan: Any = registry("rules_engine_close_out_plans", One()).close_out_plans["one"]
    assert [step.position for step in plan.closings("p1", {})] == ["p1"]


@pytest.mark.parametrize("hook", ["rules_engine_buffers", "rules_engine_close_out_plans"])
def test_hook__refuses_a_budget_that_is_none(hook: str) -> None:
    """Calls are measured by it."""
    methods = dict.fromkeys(("reading", "adjustment", "extremes", "closings"), answer)
    with pytest.raises(PluginError, match="'odd': budget is 'short', wanted a Decimal of at least 0, or None"):
        registry(hook, type("Odd", (), {"name": "odd", "parameters": {}, "budget": "short", **methods})())


def test_hook_policy_checks() -> None:
    """A check says what is wrong with a policy."""

    class Never:
        name = "never"

        def findings(self, policy: Any) -> Sequence[PolicyFinding]:
            return [PolicyFinding(code="NEVER", message="no policy will do")]

    loaded = registry("rules_engine_policy_checks", Never())
    check: Any = loaded.checks["never"]
    assert [finding.code for finding in check.findings(None)] == ["NEVER"]
    assert loaded.supplier("checks", "never") == "tiny"


@click.command()
def hello() -> None:
    """Say hello."""
    click.echo("hello")


def test_hook_commands() -> None:
    """A command is one of click, and runs."""
    command = registry("rules_engine_commands", hello).commands["hello"]
    assert CliRunner().invoke(command).output == "hello\n"


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (type("Hello", (), {"name": "hello"})(), "command 'hello' is Hello, wanted a command of click"),
        (click.Command(None), "a command (Command) has no name"),
        *((click.Command(verb), f"command '{verb}' has the name of a verb of rules-engine") for verb in sorted(VERBS)),
    ],
)
def test_hook_commands__refuses_what_is_no_verb_of_its_own(command: Any, reason: str) -> None:
    """Neither what click cannot run, nor a name under which something of ours runs."""
    with pytest.raises(PluginError) as refused:
        registry("rules_engine_commands", command)
    assert str(refused.value).startswith(reason)


def test_hook_observers() -> None:
    """An observer hears of evaluations."""

    class Batches:
        name = "batches"

        def __init__(self) -> None:
            self.sizes: Counter[int] = Counter()

        def evaluated(self, evaluations: Sequence[Any]) -> None:
            self.sizes[len(evaluations)] += 1

    observer = Batches()
    registry("rules_engine_observers", observer).observers["batches"].evaluated([])
    assert observer.sizes == {0: 1}


def test_hook__of_other_arguments_is_none_of_ours() -> None:
    """A hook that wants what no engine gives it is refused by name."""

    class Wanting:
        @hookimpl
        def rules_engine_payoffs(self, engine: Any) -> Sequence[Any]:
            return ()

    with pytest.raises(PluginError, match="rules_engine_payoffs"):
        build_registry([Wanting()])
