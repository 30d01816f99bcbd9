"""Problems with their evidence: what is wrong, where it stands, and what to do next.

Three kinds of fault are never mixed. A programmer's mistake is a `TypeError`. A document or plugin at fault is a
collection of `Problem`s raised once, as one exception. A doubtful row is no exception at all: it is a `Doubt`, and
its pool is `undetermined`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec


class Mark(msgspec.Struct, frozen=True, order=True):
    """A place in a text: file name, line and column, both counted from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong with a document: a code of the published list, a sentence, and the next step.

    `mark` is the place in the text, `document` the name of a document that has no text (`order`, or a file that cannot
    be read), and `path` the place in the document (`positions[3].quantity`; `$` is the whole of it).
    """

    code: str
    message: str
    hint: str = ""
    mark: Mark | None = None
    path: str = ""
    document: str = ""
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        inside = "" if self.document and self.path == "$" else self.path
        place = str(self.mark) if self.mark else ": ".join(part for part in (self.document, inside) if part)
        label = "warning " if self.severity == "warning" else ""
        hint = f" ({self.hint})" if self.hint else ""
        return (
            f"{place}: {label}{self.code} {self.message}{hint}" if place else f"{label}{self.code} {self.message}{hint}"
        )


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """Why a figure or a pool is not certain: a reason code, a sentence, and what it is about."""

    code: str
    message: str
    position: str | None = None
    instrument: str | None = None

    def __str__(self) -> str:
        return f"{self.code} {self.message}"


class RulesEngineError(Exception):
    """The root of every exception that this package raises on purpose."""


class DocumentError(RulesEngineError):
    """A document cannot be used; `problems` says everything that is wrong with it, in the order of the text."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class PolicyError(DocumentError):
    """A policy cannot be used."""


class PluginError(RulesEngineError):
    """A plugin broke its contract; the message names the plugin and what it did."""


class MissingInput(RulesEngineError):
    """A component cannot answer because of something that the market or the policy does not say.

    It is no fault of the component: its pool is undetermined with this code.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
