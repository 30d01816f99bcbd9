"""JSON Schema of the parameters that components take, from the Cerberus schemas that they give.

A fragment is never stricter than Cerberus, which has the last word: what JSON Schema cannot say is left out. What must
be there is told apart (`demands`), because a policy that extends another may leave it to its parent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, TypeAlias

Rules: TypeAlias = Mapping[str, Any]
"""What Cerberus is told of one value."""
Fragment: TypeAlias = dict[str, Any]
"""A part of a JSON Schema."""

_TYPES: Final[Mapping[str, str]] = {
    "number": "number",
    "integer": "integer",
    "duration": "number",
    "string": "string",
    "boolean": "boolean",
    "dict": "object",
    "list": "array",
}
_LIMITS: Final[Mapping[str, str]] = {
    "min": "minimum",
    "max": "maximum",
    "above": "exclusiveMinimum",
    "below": "exclusiveMaximum",
}
_LENGTHS: Final[Mapping[str, Mapping[str, str]]] = {
    "string": {"minlength": "minLength", "maxlength": "maxLength"},
    "array": {"minlength": "minItems", "maxlength": "maxItems"},
}
_SCALARS: Final = {"number", "integer", "string", "boolean"}
_COERCED: Final[Mapping[str, Fragment]] = {
    "duration": {"type": "string", "examples": ["7d"]},
    "time": {"type": "string", "format": "date-time", "examples": ["2026-12-01T08:00:00Z"]},
}
"""What is written where one of our conversions stands."""
_PYTHON_ONLY: Final = re.compile(r"\\[AZ]|\(\?(?![:=!])")
"""What regular expressions of Python have and those of JSON Schema do not."""


def parameters_fragment(schema: Rules) -> Fragment:
    """The schema of a mapping with these fields, any of which may be inherited."""
    fields = _fields(schema)
    fragment: Fragment = {"type": "object", "properties": {name: _value(rules) for name, rules in fields.items()}}
    return fragment if _renames(fields) else {**fragment, "additionalProperties": False}


def demands(schema: Rules) -> Fragment:
    """Which fields must be there, here and in the mappings inside; empty where nothing must be."""
    fields = _fields(schema)
    if _renames(fields):
        return {}
    wanted = [name for name, rules in fields.items() if rules.get("required") is True and not _has_default(rules)]
    excluding = {name: _names(rules["excludes"]) for name, rules in fields.items() if "excludes" in rules}
    excluded = {name for names in excluding.values() for name in names}
    inner = {name: demands(rules["schema"]) for name, rules in fields.items() if _is_mapping(rules)}
    said: Fragment = {
        "required": [name for name in wanted if name not in excluding and name not in excluded],
        "allOf": [_alternatives(name, excluding[name]) for name in wanted if name in excluding],
        "properties": {name: demanded for name, demanded in inner.items() if demanded},
    }
    return {keyword: value for keyword, value in said.items() if value}


def merged(schema: Mapping[str, Any], more: Mapping[str, Any]) -> Fragment:
    """A schema with another laid over it, mapping by mapping."""
    both = dict(schema)
    for key, value in more.items():
        inside = isinstance(value, Mapping) and isinstance(both.get(key), Mapping)
        both[key] = merged(both[key], value) if inside else value
    return both


def _value(rules: Rules) -> Fragment:
    """The schema of one value; what it is before it is converted or renamed, only our own conversions tell."""
    if _renames({"": rules}):
        said: Fragment = {}
    elif "coerce" in rules:
        coerce = rules["coerce"]
        said = _COERCED.get(coerce, {}) if isinstance(coerce, str) else {}
    else:
        types = [_TYPES.get(name) for name in _names(rules.get("type"))]
        known = [name for name in types if name is not None]
        said = _constraints(rules, known if len(known) == len(types) else [])
    return {**(_or_null(said) if rules.get("nullable") or _has_default(rules) else said), **_annotations(rules)}


def _constraints(rules: Rules, types: Sequence[str]) -> Fragment:
    said: Fragment = {"type": types[0] if len(types) == 1 else list(types)} if types else {}
    said |= {keyword: rules[rule] for rule, keyword in _LIMITS.items() if _is_number(rules.get(rule))}
    allowed = rules.get("allowed")
    if types and _SCALARS.issuperset(types) and isinstance(allowed, Sequence) and _is_plain(list(allowed)):
        said["enum"] = list(allowed)
    pattern = rules.get("regex")
    if isinstance(pattern, str) and not _PYTHON_ONLY.search(pattern):
        said["pattern"] = f"^(?:{pattern.removesuffix('$')}$)"  # so does Cerberus: the end binds the last alternative
    for lengths in (_LENGTHS[name] for name in types if name in _LENGTHS):
        said |= {lengths["minlength"]: 1} if rules.get("empty") is False else {}
        said |= {keyword: rules[rule] for rule, keyword in lengths.items() if isinstance(rules.get(rule), int)}
    return said | _members(rules)


def _members(rules: Rules) -> Fragment:
    """What stands in a list or a mapping. Lists are inherited whole, so nothing in them may be missing."""
    inner = rules.get("schema")
    if rules.get("type") == "list" and isinstance(inner, Mapping):
        items = _value(inner)
        return {"items": merged(items, demands(inner["schema"])) if _is_mapping(inner) else items}
    if not _is_mapping(rules):
        return {}
    said = parameters_fragment(rules["schema"])
    if rules.get("allow_unknown") or rules.get("purge_unknown"):
        said.pop("additionalProperties", None)
    return said


def _alternatives(name: str, excluded: Sequence[str]) -> Fragment:
    """A field that must be there unless one that it excludes is."""
    return {"anyOf": [{"required": [one]} for one in (name, *excluded)]}


def _or_null(said: Fragment) -> Fragment:
    """The same or null, which Cerberus takes, or replaces by the default."""
    more: Fragment = {"type": [*_names(said["type"]), "null"]} if "type" in said else {}
    return {**said, **more, **({"enum": [*said["enum"], None]} if "enum" in said else {})}


def _annotations(rules: Rules) -> Fragment:
    meta = rules.get("meta")
    description = meta.get("description") if isinstance(meta, Mapping) else None
    said: Fragment = {"description": description} if isinstance(description, str) else {}
    return said | ({"default": rules["default"]} if "default" in rules and _is_plain(rules["default"]) else {})


def _fields(schema: Rules) -> dict[str, Rules]:
    """The fields of a mapping; rules that are not written out (names of registered ones) say nothing."""
    return {name: rules if isinstance(rules, Mapping) else {} for name, rules in schema.items()}


def _is_mapping(rules: Rules) -> bool:
    return rules.get("type") == "dict" and isinstance(rules.get("schema"), Mapping)


def _renames(fields: Mapping[str, Rules]) -> bool:
    return any("rename" in rules or "rename_handler" in rules for rules in fields.values())


def _has_default(rules: Rules) -> bool:
    return "default" in rules or "default_setter" in rules


def _names(value: Any) -> list[str]:
    """A name, or several, as a list."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)


def _is_plain(value: object) -> bool:
    """Whether JSON can say it."""
    if isinstance(value, Mapping):
        return all(isinstance(key, str) for key in value) and all(map(_is_plain, value.values()))
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, (str, int, Decimal))
