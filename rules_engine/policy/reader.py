"""The reader of policies: YAML that cannot be misread, as plain values with their marks.

It builds on the events of libyaml, not on PyYAML's tree, which recurses, resolves YAML 1.1's guesses, expands aliases
and keeps the last of two equal keys.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import yaml._yaml as libyaml

from rules_engine.policy.document import Document, Marks
from rules_engine.policy.text import Refusals, Stop, text_of
from rules_engine.policy.tree import Tree

# PyYAML as its C half knows it: where `yaml` was imported twice (coverage does that), only these classes are its own.
_yaml: Any = libyaml.yaml  # type: ignore[attr-defined]

_SYNTAX_HINTS: Final = {
    "found character that cannot start any token": "put text that begins with % @ or ` in quotes",
    "found a tab character": "indent with spaces",
    "mapping values are not allowed": "check the indentation, and put text with a colon in quotes",
    "did not find expected alphabetic": "names that begin with * or & go in quotes",
    "found unexpected end of stream": "close the quote",
    "did not find expected ','": "close the bracket",
}


def read_document(data: bytes, file: str) -> Document:
    """The document that a policy file holds; `file` is its name in marks.

    Raises `PolicyError` with every problem of the text that one pass can see.
    """
    refusals = Refusals(file)
    tree = Tree(refusals)
    try:
        _feed(text_of(data, refusals).encode("utf-8"), tree)
        tree.check_root()
    except Stop:
        pass
    except _yaml.MarkedYAMLError as error:
        _note_syntax(error, refusals)
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


def _note_syntax(error: Any, refusals: Refusals) -> None:
    mark = error.problem_mark
    problem = str(error.problem)
    message = f"this is not YAML: {problem}"
    if error.context and error.context_mark:
        message += f" {error.context} that begins on line {error.context_mark.line + 1}"
    hint = next((hint for start, hint in _SYNTAX_HINTS.items() if problem.startswith(start)), "")
    refusals.add("YAML_SYNTAX", mark.line, mark.column, message, hint)
