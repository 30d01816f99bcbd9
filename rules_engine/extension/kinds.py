"""The kinds of component that plugins supply, and what each must be to be let in."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, TypeAlias

import msgspec

from rules_engine.errors import PluginError
from rules_engine.extension.traits import judge_budget, traits_of

VERBS: Final = frozenset(
    {
        "activate",
        "approve",
        "check",
        "completion",
        "diff",
        "evaluate",
        "history",
        "impact",
        "import",
        "keys",
        "order",
        "plugins",
        "replay",
        "rollback",
        "schema",
        "show",
        "status",
        "store",
        "submit",
        "sweep",
        "test",
        "what-if",
    }
)
"""The verbs of `rules-engine` itself, which no plugin's command may replace."""


Methods: TypeAlias = Mapping[str, tuple[str, ...]]
"""Methods by name, each with what it is given."""

ANSWERS: Final[Methods] = {
    "requirement": ("num", "exposure", "parameters"),
    "pool_requirement": ("num", "pool", "parameters"),
}
"""What a mode answers, one of the two."""

PREPARE: Final[Methods] = {"prepare": ("num", "market", "as_of", "parameters")}
"""What a mode may have beside it."""


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of component: the hook that supplies it, its shelf in the registry, and its name in words.

    A component has a `name`, these `attributes` and `methods`, and what `judge` wants beside them.
    """

    hook: str
    shelf: str
    word: str
    attributes: tuple[str, ...] = ()
    methods: Methods = {}
    judge: Callable[[str, Any], None] = lambda title, component: None

    def admit(self, component: Any) -> str:
        """The component's name. Raises `PluginError` where it is none of this kind."""
        if isinstance(component, type):
            made = f"{component.__name__}()"
            raise PluginError(f"{self.hook} returned the class {component.__name__}, wanted a {self.word}: {made}")
        name = getattr(component, "name", None)
        if not isinstance(name, str) or not name.isprintable() or not name.strip():
            raise PluginError(f"a {self.word} ({type(component).__name__}) has no name, or one that is no text")
        title = f"{self.word} {name!r}"
        missing = [wanted for wanted in (*self.attributes, *self.methods) if not hasattr(component, wanted)]
        if missing:
            raise PluginError(f"{title} has no {' and no '.join(missing)}")
        _must_take(title, component, self.methods)
        if "parameters" in self.attributes and not isinstance(component.parameters, Mapping):
            raise PluginError(f"{title}: parameters is {component.parameters!r}, wanted a mapping of names to rules")
        self.judge(title, component)
        return name


def _must_take(title: str, component: object, methods: Methods) -> None:
    """Each method can be called with what it is given; of one that does not say what it takes, nothing is asked."""
    for name, given in methods.items():
        method = getattr(component, name)
        if not callable(method):
            raise PluginError(f"{title}: {name} cannot be called")
        try:
            signature = inspect.signature(method)
        except (TypeError, ValueError):  # as of some callables that are written in C
            continue
        try:
            signature.bind(*given)
        except TypeError:
            wanted = f"({', '.join(given)})"
            raise PluginError(f"{title}: {name} takes {_bare(signature)}, wanted {wanted}") from None


def _bare(signature: inspect.Signature) -> inspect.Signature:
    """A signature without annotations."""
    none = inspect.Signature.empty
    parameters = [one.replace(annotation=none) for one in signature.parameters.values()]
    return signature.replace(parameters=parameters, return_annotation=none)


def _judge_mode(title: str, mode: object) -> None:
    """A mode answers for one position or for a whole pool: with both, nothing would say which of them holds."""
    answers = {name: given for name, given in ANSWERS.items() if hasattr(mode, name)}
    if len(answers) != 1:
        has = "both requirement and pool_requirement" if answers else "neither requirement nor pool_requirement"
        raise PluginError(f"{title} has {has}; it must have one of them")
    _must_take(title, mode, {**answers, **(PREPARE if hasattr(mode, "prepare") else {})})
    traits_of(mode)


def _judge_payoff(title: str, payoff: Any) -> None:
    required, bounds = payoff.required, payoff.value_range
    listed = isinstance(required, Sequence) and not isinstance(required, str)
    if not (listed and all(isinstance(name, str) for name in required)):
        raise PluginError(f"{title}: required is {required!r}, wanted a list or tuple of names")
    if not (isinstance(bounds, tuple) and len(bounds) == 2 and all(map(_is_bound, bounds))):
        raise PluginError(f"{title}: value_range is {bounds!r}, wanted two bounds, each an exact number or None")


def _is_bound(bound: object) -> bool:
    if isinstance(bound, Decimal):
        return bound.is_finite()
    return bound is None or (isinstance(bound, int) and not isinstance(bound, bool))


def _judge_command(title: str, command: object) -> None:
    import click

    if not isinstance(command, click.Command):
        raise PluginError(f"{title} is {type(command).__name__}, wanted a command of click")
    if command.name in VERBS:
        raise PluginError(f"{title} has the name of a verb of rules-engine itself")


KINDS: Final = (
    Kind(
        hook="rules_engine_margin_modes",
        shelf="modes",
        word="margin mode",
        attributes=("parameters",),
        methods={"pool": ("position", "parameters")},
        judge=_judge_mode,
    ),
    Kind(
        hook="rules_engine_payoffs",
        shelf="payoffs",
        word="payoff",
        attributes=("required", "value_range"),
        methods={
            "value": ("num", "price", "contract_size", "conversion"),
            "price": ("num", "value", "contract_size", "conversion"),
        },
        judge=_judge_payoff,
    ),
    Kind(
        hook="rules_engine_buffers",
        shelf="buffers",
        word="buffer",
        attributes=("parameters",),
        methods={
            "reading": ("market", "as_of", "parameters"),
            "adjustment": ("num", "reading", "parameters"),
            "extremes": ("parameters",),
        },
        judge=judge_budget,
    ),
    Kind(
        hook="rules_engine_close_out_plans",
        shelf="close_out_plans",
        word="close-out plan",
        attributes=("parameters",),
        methods={"closings": ("pool", "parameters")},
        judge=judge_budget,
    ),
    Kind(
        hook="rules_engine_policy_checks",
        shelf="checks",
        word="policy check",
        methods={"findings": ("policy",)},
    ),
    Kind(hook="rules_engine_commands", shelf="commands", word="command", judge=_judge_command),
    Kind(
        hook="rules_engine_observers",
        shelf="observers",
        word="observer",
        methods={"evaluated": ("evaluations",)},
    ),
)
"""One kind a hook."""
