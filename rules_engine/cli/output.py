"""What commands print: results on stdout, messages on stderr."""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import click

from rules_engine.errors import Problem

if TYPE_CHECKING:
    from rich.console import Console

PROBLEMS_PER_FILE: Final = 100
"""Problems of a file beyond these are counted, not printed: nobody reads on, and the first ones cause the rest."""
WIDTH_OF_A_FILE: Final = 1000
"""Columns where stdout is no terminal: tables are as wide as what they hold, and paths in them stay whole."""
_UNSEEN: Final = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode categories that a terminal obeys or hides: control, format, surrogate, line and paragraph separator."""


def message(text: str) -> None:
    """One line for people, on stderr."""
    click.echo(printable(text), err=True)


def progress(text: str) -> None:
    """How far long work is, in one line of stderr that is written over; only where somebody watches."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{printable(text)}", nl=False, err=True)


def line(text: str) -> None:
    """One line of the result."""
    _result(printable(text))


def document(value: Any) -> None:
    """A result for programs: JSON with two spaces of indentation."""
    _result(json.dumps(value, indent=2, ensure_ascii=False))


def entry(problem: Problem) -> dict[str, Any]:
    """A problem for programs; `file` alone where it has no place in a text. Some come with a counterexample."""
    mark, example = problem.mark, getattr(problem, "counterexample", None)
    place: dict[str, Any] = {"file": problem.document} if problem.document else {}
    return {
        **({"file": mark.file, "line": mark.line, "column": mark.column} if mark else place),
        "code": problem.code,
        "severity": problem.severity,
        "message": problem.message,
        "hint": problem.hint,
        "path": problem.path,
        **({} if example is None else {"counterexample": example.document()}),
    }


def drop_the_rest() -> None:
    """From here on the result goes nowhere: who reads stdout has left (`| head`), or a disk is full.

    What a command answers does not depend on who reads it, so it goes on and its exit code stays what it is.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _result(text: str) -> None:
    try:
        click.echo(text)
    except BrokenPipeError:
        drop_the_rest()


def tables(renderables: Iterable[Any]) -> None:
    """A result for people: rich renderables, an empty line between them."""
    console = _console()
    for number, renderable in enumerate(renderables):
        if number:
            console.print()
        console.print(renderable)


def problems(found: Iterable[Problem], *, error: bool = False) -> None:
    """Problems as lines in the order given, at most 100 of each file and then a count of the rest."""
    printed: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    for problem in found:
        file = problem.mark.file if problem.mark else ""
        if printed[file] < PROBLEMS_PER_FILE:
            printed[file] += 1
            (message if error else line)(str(problem))
        else:
            left_out[file] += 1
    for file, count in left_out.items():
        (message if error else line)(f"{file or 'in all'}: and {counted(count, 'problem')} more")


def counted(count: int, noun: str) -> str:
    """`1 problem`, `2 problems`; `policy` becomes `policies`."""
    if count == 1:
        return f"1 {noun}"
    return f"{count} {noun[:-1]}ies" if noun.endswith("y") else f"{count} {noun}s"


def printable(text: str) -> str:
    """The text with control and direction characters escaped: a stranger's document must not speak to the terminal."""
    return "".join(_escaped(character) for character in text)


def _escaped(character: str) -> str:
    if unicodedata.category(character) not in _UNSEEN:
        return character
    return character.encode("ascii", "backslashreplace").decode() if character > "\x7f" else f"\\x{ord(character):02x}"


def _console() -> Console:
    from rich.console import Console

    class Stdout(Console):
        def on_broken_pipe(self) -> None:
            """Goes on, where rich would leave with 1, which means that something was found."""
            drop_the_rest()

    colour: Any = {"color_system": None} if os.environ.get("NO_COLOR") else {}  # rich would still print bold
    console = Stdout(file=sys.stdout, highlight=False, markup=False, emoji=False, **colour)
    if not sys.stdout.isatty():
        console.width = WIDTH_OF_A_FILE  # whatever COLUMNS says: that is the width of some terminal
    return console
