"""The reader of policies: YAML that cannot be misread, as plain values with their marks.

It builds on the events of libyaml, not on PyYAML's tree, which recurses, resolves YAML 1.1's guesses, expands aliases
and keeps the last of two equal keys.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml._yaml as libyaml

from rules_engine.policy.document import Document, Marks
from rules_engine.policy.syntax import note_syntax
from rules_engine.policy.text import Refusals, Stop, text_of
from rules_engine.policy.tree import BEGINNING, Tree

# PyYAML as its C half knows it: where `yaml` was imported twice (coverage does that), only these classes are its own.
_yaml: Any = libyaml.yaml  # type: ignore[attr-defined]


def read_document(data: bytes, file: str, beginning: str = BEGINNING) -> Document:
    """The document that a policy file holds; `file` is its name in marks, `beginning` how such documents begin.

    Raises `PolicyError` with every problem of the text that one pass can see.
    """
    refusals = Refusals(file)
    tree = Tree(refusals, beginning)
    text = ""
    try:
        text = text_of(data, refusals)
        _feed(text.encode("utf-8"), tree)
        tree.check_root()
    except Stop:
        pass
    except _yaml.MarkedYAMLError as error:
        note_syntax(error, text, refusals)
    refusals.raise_any()
    return Document(file, tree.root.values[0], Marks(file, tree.places), Marks(file, tree.key_places))


def _feed(text: bytes, tree: Tree) -> None:
    """Hands the events of a text to the tree, one by one."""
    parser = libyaml.CParser(text)
    handlers: dict[type, Callable[[Any], None]] = {
        _yaml.ScalarEvent: tree.scalar,
        _yaml.MappingStartEvent: tree.begin_mapping,
        _yaml.SequenceStartEvent: tree.begin_list,
        _yaml.MappingEndEvent: tree.end,
        _yaml.SequenceEndEvent: tree.end,
        _yaml.AliasEvent: tree.alias,
        _yaml.DocumentStartEvent: tree.begin_document,
    }
    try:
        while (event := parser.get_event()) is not None:
            handler = handlers.get(type(event))
            if handler is not None:
                handler(event)
    finally:
        parser.dispose()
