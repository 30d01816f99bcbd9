"""The published JSON Schema of policies, and what it or another of ours finds wrong with the shape of a document."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import cache
from importlib import resources
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from rules_engine.errors import Mark, Problem
from rules_engine.policy.document import Document
from rules_engine.policy.fragments import Fragment, demands, merged, parameters_fragment
from rules_engine.policy.values import time_of
from rules_engine.policy.wording import meant_keys, problems_of

if TYPE_CHECKING:
    from rules_engine.extension.registry import Registry

MOST_ERRORS: Final = 1000
"""Problems of shape that are looked at; a document with more of them is no policy."""


def policy_schema(registry: Registry | None = None) -> dict[str, Any]:
    """The published schema (JSON Schema 2020-12) as plain values; fractions in it are exact Decimals.

    With a registry it also names the components that are in it, and says what parameters they take.
    """
    text = resources.files("rules_engine.policy").joinpath("policy-1.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text, parse_float=Decimal)
    return schema if registry is None else merged(schema, _of_components(schema, registry))


def _of_components(schema: Mapping[str, Any], registry: Registry) -> Fragment:
    """What the components of a registry add. What must be there is not said of a policy that may inherit it."""
    published = schema["properties"]["modes"]
    any_mode = published["additionalProperties"]
    modes: Fragment = {}
    for name, mode in registry.modes.items():
        fragment = parameters_fragment(mode.parameters)
        modes[name] = fragment if name in published["properties"] else merged(any_mode, fragment)
    wanted = {name: demands(mode.parameters) for name, mode in registry.modes.items()}
    kinds, wanted_of_kinds = _by_name("kind", registry.buffers, "requirements")
    plans, wanted_of_plans = _by_name("plan", registry.close_out_plans)
    return {
        "properties": {
            "modes": {"properties": modes, "additionalProperties": False},
            "buffers": {"additionalProperties": kinds},
            "instruments": {"additionalProperties": {"properties": {"payoff": {"enum": sorted(registry.payoffs)}}}},
            "liquidation": {"properties": {"close_out": plans}},
        },
        "then": {
            "properties": {
                "modes": {"properties": {name: demanded for name, demanded in wanted.items() if demanded}},
                "buffers": {"additionalProperties": wanted_of_kinds},
                "liquidation": {"properties": {"close_out": wanted_of_plans}},
            }
        },
    }


def _by_name(key: str, components: Mapping[str, Any], *others: str) -> tuple[Fragment, Fragment]:
    """A mapping in which `key` names a component, and `others` are no parameters: what it holds, and what it must."""
    beside: Fragment = {"properties": {name: {} for name in (key, *others)}}
    held, wanted = [], []
    for name, component in components.items():
        condition = {"required": [key], "properties": {key: {"const": name}}}
        held.append({"if": condition, "then": merged(parameters_fragment(component.parameters), beside)})
        if demanded := demands(component.parameters):
            wanted.append({"if": condition, "then": demanded})
    return (
        {"properties": {key: {"enum": sorted(components)}}, "allOf": held},
        {"allOf": wanted} if wanted else {},
    )


def schema_problems(document: Document, schema: Callable[[], Mapping[str, Any]] = policy_schema) -> list[Problem]:
    """What is wrong with the shape of a document, each fault once, in the order of the text."""
    errors = list(islice(_validator(schema).iter_errors(document.value), MOST_ERRORS))
    meant = {place for error in errors for place in islice(meant_keys(error), MOST_ERRORS)}
    problems = islice((problem for error in errors for problem in problems_of(error, document, meant)), MOST_ERRORS)
    return sorted(dict.fromkeys(problems), key=lambda problem: problem.mark or Mark(document.file, 1, 1))


@cache
def _validator(schema: Callable[[], Mapping[str, Any]]) -> Any:
    """A validator of a published schema that takes Decimals for numbers."""
    from jsonschema import Draft202012Validator, FormatChecker, validators

    formats = FormatChecker(formats=())
    formats.checks("date-time")(lambda value: not isinstance(value, str) or time_of(value) is not None)
    ours = validators.extend(  # type: ignore[no-untyped-call]
        Draft202012Validator,
        {"pattern": _pattern, "uniqueItems": _unique_items},
        type_checker=Draft202012Validator.TYPE_CHECKER.redefine("number", _is_number),
    )
    return ours(schema(), format_checker=formats)


def _is_number(checker: object, value: object) -> bool:
    return isinstance(value, (Decimal, int)) and not isinstance(value, bool)


def _pattern(validator: Any, pattern: str, value: object, schema: object) -> Iterator[Exception]:
    """Matches to the very end: Python's `$` would let a line break stand behind it."""
    from jsonschema import ValidationError

    if isinstance(value, str) and not re.fullmatch(pattern, value):
        yield ValidationError("")


def _unique_items(validator: Any, unique: bool, value: object, schema: object) -> Iterator[Exception]:
    """Compares texts only, all that our lists hold: the validator's own check takes the square of their number."""
    from jsonschema import ValidationError

    if isinstance(value, list):
        texts = [member for member in value if isinstance(member, str)]
        if len(set(texts)) < len(texts):
            yield ValidationError("")
