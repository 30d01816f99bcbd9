"""How laws are judged: each is a function that yields counterexamples, as text."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

from rules_engine.engine.calls import raised_at
from rules_engine.errors import MissingInput
from rules_engine.numbers.exact import exactly
from rules_engine.testing.reports import CannotExercise, Law, Report
from rules_engine.testing.written import written

ENOUGH: Final = 20
"""Counterexamples to one law after which the shortest is taken."""


class NotJudged(Exception):
    """A law has nothing to say of this component; the message is the reason."""


class Follows(NotJudged):
    """A law cannot be judged for what breaks another one, whose name is the message."""


class Statute(NamedTuple):
    """A law: its name, what it states, and what yields counterexamples (or raises `NotJudged`) given a subject."""

    name: str
    statement: str
    counterexamples: Callable[[Any], Iterator[str]]


def report_on(component: str, laws: Sequence[Statute], subject: Callable[[], Any]) -> Report:
    """The report on a component; `subject` makes what the laws look at, or raises `CannotExercise`."""
    with exactly():
        try:
            made = subject()
        except CannotExercise as obstacle:
            return Report(component, obstacle=str(obstacle))
        return Report(component, tuple(judged(law, made) for law in laws))


def named(component: Any) -> str:
    """What reports call a component: its name, or where it has none its class."""
    return str(getattr(component, "name", type(component).__name__))


def judged(law: Statute, subject: Any) -> Law:
    """A law applied to a subject. What the component raises on the way breaks the law, too."""
    try:
        found = list(islice(law.counterexamples(subject), ENOUGH))
    except Follows as other:
        return Law(law.name, True, law.statement, after=str(other))
    except (NotJudged, MissingInput) as reason:
        return Law(law.name, True, law.statement, skipped=str(reason))
    except Exception as error:
        found = [f"{raised_at(error)}\n{_origin(error)}"]
    return Law(law.name, not found, law.statement, evidence=min(found, key=len, default=""))


def _origin(error: BaseException) -> str:
    """The line that raised, which is where an author looks first."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"at {last.filename}:{last.lineno}: {last.line}"


def evidence(finding: str, **inputs: Any) -> str:
    """A counterexample: what was found, and below it each input in the words of Python (texts as they are)."""
    lines = [f"{name}: {value if isinstance(value, str) else written(value)}" for name, value in inputs.items()]
    return "\n".join([finding, *lines])
