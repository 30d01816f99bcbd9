"""The page of the policy format and the published schema name the same keys, values and defaults."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rules_engine.policy.schema import policy_schema

PAGE = (Path(__file__).parents[2] / "docs" / "policy-format.md").read_text(encoding="utf-8")
HEADING = re.compile(r"^##+ `?([^`\n]+)`?$", re.MULTILINE)
ROW = re.compile(r"^\| `(\w+)` \|(.*)\|$", re.MULTILINE)
ROOT = "The document"

Keys = dict[tuple[str, str], Any]


def published(schema: Mapping[str, Any] | None = None, path: str = "") -> Iterator[tuple[tuple[str, str], Any]]:
    """Every key of the schema as `(section, key)`, with what the schema says of it."""
    schema = policy_schema() if schema is None else schema
    for key, inner in schema.get("properties", {}).items():
        yield (path or ROOT, key), inner
        yield from published(inner, f"{path}.{key}" if path else key)
    if isinstance(schema.get("additionalProperties"), dict):
        yield from published(schema["additionalProperties"], f"{path}.NAME")
    if isinstance(schema.get("items"), dict):
        yield from published(schema["items"], f"{path}[]")


def documented() -> Keys:
    """Every row of the page as `(section, key)`, with the rest of its line."""
    parts = HEADING.split(PAGE)
    sections = zip(parts[1::2], parts[2::2], strict=True)
    return {(name, key): rest for name, text in sections for key, rest in ROW.findall(text)}


def test_policy_format__documents_the_keys_of_the_schema_and_no_others() -> None:
    assert set(documented()) == {place for place, _ in published()}


def test_policy_format__names_every_value_that_a_key_may_have() -> None:
    rows = documented()
    for place, schema in published():
        for value in (*schema.get("enum", ()), *schema.get("items", {}).get("enum", ())):
            assert f"`{value}`" in rows[place], f"{place} does not name {value}"


def test_policy_format__states_every_default_of_the_schema() -> None:
    rows = documented()
    for place, schema in published():
        default = schema.get("default")
        if isinstance(default, bool):
            default = str(default).lower()
        if default is not None and not isinstance(default, list):
            assert f"`{default}`" in rows[place].split("|")[2], f"{place} does not state its default, {default}"
