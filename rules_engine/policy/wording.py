"""What the JSON Schema validator finds, as problems in a risk officer's words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, Final, TypeAlias

from rules_engine.errors import Mark, Problem
from rules_engine.numbers.text import NumberError, parse_number, shown
from rules_engine.policy.document import Document, Path
from rules_engine.policy.findings import nearest, path_text
from rules_engine.policy.syntax import SPACE_AFTER_COLON
from rules_engine.policy.text import LONGEST_KEY
from rules_engine.policy.values import lacks_zone

Schema: TypeAlias = Mapping[str, Any]

FRACTION: Final = "rates are fractions of one: 5 % is 0.05"
_TYPES: Final = {"number": "a number", "string": "text", "boolean": "true or false", "null": "null"} | {
    "object": "a mapping of keys to values",
    "array": "a list",
}
_FULL_SECTIONS: Final = frozenset({"settlement", "tables", "modes", "instruments"})
_SECTIONS_WITH_FULL_MEMBERS: Final = frozenset({"tables", "buffers", "collateral", "instruments"})
_FULL_PARTS: Final = frozenset({("liquidation", "closing_fee"), ("liquidation", "close_out")})
"""What must say something where no parent does; the schema's `then` says the same."""
_LIMITS: Final = {"minimum": "at least", "maximum": "at most", "exclusiveMinimum": "more than"}


def meant_keys(error: Any) -> Iterator[Path]:
    """The places of the keys that misspelled ones are meant for: those are not missing as well."""
    if error.validator == "additionalProperties":
        known = error.schema["properties"]
        for key in error.instance:
            if key not in known and (near := get_close_matches(key, known, n=1)):
                yield (*error.absolute_path, near[0])


def problems_of(error: Any, document: Document, meant: AbstractSet[Path]) -> Iterator[Problem]:
    """The problems that one error of the validator stands for: one for each key that is missing or not known."""
    path: Path = tuple(error.absolute_path)
    if error.validator == "additionalProperties":
        yield from _unknown_keys(error, document, path)
    elif error.validator == "required":
        yield from _missing_keys(error, document, path, meant)
    else:
        code, message, hint = _VALUES[error.validator](error.instance, error.schema)
        if error.instance is None and path and never_empty(path):
            hint = "write what belongs here on the lines below, indented"
        yield _problem(code, f"{_subject(path)}{message}", hint, document.mark(path), path)


def never_empty(path: Path) -> bool:
    """Whether a mapping at this path must say something; the others may be {}."""
    sections = {1: _FULL_SECTIONS, 2: _SECTIONS_WITH_FULL_MEMBERS}.get(len(path), frozenset())
    return path[0] in sections or path in _FULL_PARTS


def _problem(code: str, message: str, hint: str, mark: Mark, path: Path) -> Problem:
    return Problem(code=code, message=message, hint=hint, mark=mark, path=path_text(path))


def _unknown_keys(error: Any, document: Document, path: Path) -> Iterator[Problem]:
    known = error.schema["properties"]
    for key in error.instance:
        if key not in known:
            place = (*path, key)
            message = f"there is no key {shown(key)} {_inside(path)}"
            hint = SPACE_AFTER_COLON if key.partition(":")[0] in known else nearest(key, known)
            yield _problem("SCHEMA_UNKNOWN_KEY", message, hint, document.key_mark(place), place)


def _missing_keys(error: Any, document: Document, path: Path, meant: AbstractSet[Path]) -> Iterator[Problem]:
    for key in error.validator_value:
        if key not in error.instance and (*path, key) not in meant:
            message = f"the key {key} is missing {_inside(path)}"
            yield _problem("SCHEMA_MISSING_KEY", message, f"add `{key}:`", document.key_mark(path), (*path, key))


def _subject(path: Path) -> str:
    return f"{_name(path)}: " if path else ""


def _inside(path: Path) -> str:
    return f"in {_name(path)}" if path else "at the top of the document"


def _name(path: Path) -> str:
    """The last key of a path, with the indices after it: `up_to`, `tiers[2]`."""
    start = max(index for index, step in enumerate(path) if isinstance(step, str))
    return path_text(path[start:])


def found(value: object) -> str:
    """A value in words."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return f"the number {value:f}"
    if isinstance(value, str):
        return f"text {shown(value)}" if value else "empty text"
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list) else "nothing"


Wording: TypeAlias = tuple[str, str, str]
"""Code, message and hint."""


def _type(value: object, schema: Schema) -> Wording:
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return "SCHEMA_TYPE", f"found {found(value)}, wanted {_wanted(types, schema)}", type_hint(value, types, schema)


def _wanted(types: list[str], schema: Schema) -> str:
    words = dict(_TYPES)
    if schema.get("format") == "date-time":
        words["string"] = f"a time such as {schema['examples'][0]}"
    elif "examples" in schema:
        words["string"] = f"text such as {schema['examples'][0]}"
    return " or ".join(words[name] for name in types)


def type_hint(value: object, types: list[str], schema: Schema) -> str:
    """What to write instead of a value of another type."""
    if value is None:
        return "write {} where there is nothing to say" if "object" in types else "write a value, or remove the key"
    if isinstance(value, str) and "number" in types:
        return _number_hint(value)
    if isinstance(value, (Decimal, bool)) and "string" in types and "examples" not in schema:
        return "write it in quotes"
    if isinstance(value, str) and "array" in types:
        return f"write [{value}]"
    return ""


def _number_hint(text: str) -> str:
    if text.rstrip().endswith("%"):
        return FRACTION
    try:
        parse_number(text)
    except NumberError as error:
        return error.hint
    return "remove the quotes"


def _choice(value: object, schema: Schema) -> Wording:
    choices = [str(choice) for choice in schema["enum"]]
    near = get_close_matches(value, choices, n=1) if isinstance(value, str) and len(value) <= LONGEST_KEY else []
    hint = f"did you mean {near[0]}?" if near else ""
    return "SCHEMA_VALUE", f"found {found(value)}, wanted one of {', '.join(choices)}", hint


def _constant(value: object, schema: Schema) -> Wording:
    wanted = schema["const"]
    return "SCHEMA_VALUE", f"found {found(value)}, wanted {wanted}", "this is the one format that is read"


def _limit(keyword: str) -> Callable[[object, Schema], Wording]:
    def wording(value: object, schema: Schema) -> Wording:
        hint = FRACTION if keyword == "maximum" else ""
        return "SCHEMA_VALUE", f"found {found(value)}, wanted {_LIMITS[keyword]} {schema[keyword]}", hint

    return wording


def _pattern(value: object, schema: Schema) -> Wording:
    example = f" such as {schema['examples'][0]}" if "examples" in schema else ""
    wanted = f"{schema['title'].lower()}{example}"
    return "SCHEMA_VALUE", f"found {found(value)}, wanted {wanted}", schema["description"]


def _tier_end(value: object, schema: Schema) -> Wording:
    """The wording for a tier's `up_to` that is text other than `unlimited`."""
    text = str(value)
    hint = "did you mean unlimited?" if text[:1].isalpha() else _number_hint(text)
    return "SCHEMA_VALUE", f"found {found(value)}, wanted a number or unlimited", hint


def _time(value: object, schema: Schema) -> Wording:
    if lacks_zone(value):
        return "TIME_WITHOUT_ZONE", f"the time {value} has no zone", "add Z for UTC"
    return "TIME_INVALID", f"found {found(value)}, wanted a time such as {schema['examples'][0]}", ""


def _empty(value: object, schema: Schema) -> Wording:
    what = (
        "empty text" if isinstance(value, str) else "an empty list" if isinstance(value, list) else "an empty mapping"
    )
    return "SCHEMA_VALUE", f"found {what}, wanted something in it", schema["description"]


def _repeated(value: list[object], schema: Schema) -> Wording:
    counts = Counter(member for member in value if isinstance(member, str))
    return "SCHEMA_VALUE", f"{shown(counts.most_common(1)[0][0])} stands here more than once", "keep one of them"


_VALUES: Final[dict[str, Callable[[Any, Schema], Wording]]] = {
    "type": _type,
    "enum": _choice,
    "const": _constant,
    "pattern": lambda value, schema: (_tier_end if "number" in schema["type"] else _pattern)(value, schema),
    "format": _time,
    "minItems": _empty,
    "minLength": _empty,
    "minProperties": _empty,
    "uniqueItems": _repeated,
    **{keyword: _limit(keyword) for keyword in _LIMITS},
}
