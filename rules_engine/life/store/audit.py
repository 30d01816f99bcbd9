"""Everything of a store looked at: the log, the texts that it names, and the figures by which guards decided."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from rules_engine.errors import PolicyError, Problem
from rules_engine.extension.registry import Registry
from rules_engine.life.store.checked import UNLAWFUL, Checked
from rules_engine.life.store.ledger import Ledger
from rules_engine.life.store.lines import Line, Submission
from rules_engine.life.store.refusals import StoreError
from rules_engine.life.store.store import Store


class Audit(msgspec.Struct, frozen=True):
    """What was found. `ledger` is None where the log itself is not accepted: nothing else can be said then.

    What is wrong with a submission that was overtaken, or that never came, is a warning, for nothing was ever answered
    by it: whoever may submit could otherwise leave a store that is never clean again.
    """

    ledger: Ledger | None
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> int:
        """How many problems are more than warnings."""
        return sum(problem.severity == "error" for problem in self.problems)


def audited(store: Store, registry: Registry) -> Audit:
    """The whole of a store, verified."""
    try:
        ledger = store.ledger()
        return Audit(ledger, (*_of_texts(store, ledger), *_of_figures(store, ledger, registry)))
    except StoreError as error:
        return Audit(None, error.problems)


def _of_texts(store: Store, ledger: Ledger) -> Iterator[Problem]:
    """Texts that are missing or altered, and those that no statement names."""
    each = [(line, one) for line in ledger.lines.values() for one in line.submissions.values()]
    named: dict[str, tuple[str, bool]] = {}
    for line, submission in each:
        for pin, digest in submission.statement.documents.items():
            named[digest] = pin, _matters(line, submission) or named.get(digest, ("", False))[1]
    for digest, (pin, matters) in named.items():
        try:
            store.text_of(pin, digest)
        except StoreError as error:
            yield from _weighed(error.problems, matters)
    for name in store.tables.names():
        if name not in named:
            said = f"no statement names the text under {name!r:.80}"
            yield Problem(code="DOCUMENT_STRAY", message=said, hint="it is never used; remove it")


def _matters(line: Line, submission: Submission) -> bool:
    """Whether something was, or may still be, answered by a submission."""
    return any(turn.submission is submission for turn in line.turns) or submission in line.waiting


def _weighed(problems: Iterable[Problem], matters: bool) -> Iterator[Problem]:
    for problem in problems:
        yield problem if matters else msgspec.structs.replace(problem, severity="warning")


def _of_figures(store: Store, ledger: Ledger, registry: Registry) -> Iterator[Problem]:
    """Versions whose digest, figures or instant do not come out as they were signed, and those that wait, too."""
    checked = Checked(lambda submission: store.policy_of(submission, registry))
    for line in ledger.lines.values():
        for submission in line.submissions.values():
            yield from _of_version(checked, line, submission)


def _of_version(checked: Checked, line: Line, submission: Submission) -> Iterator[Problem]:
    try:
        checked.any(line, submission)
    except StoreError as error:
        told = [problem for problem in error.problems if problem.code in ("DOCUMENT_DIGEST", *UNLAWFUL)]
        yield from _weighed(told, _matters(line, submission))
    except PolicyError as error:
        message = f"{submission.pin} does not compile any more: {error.problems[0]}"
        hint = "a plugin may be missing, or the software is another one"
        problem = Problem(code="FIGURES_UNCHECKED", message=message, hint=hint)
        undone = any(turn.submission is submission and turn.undone is not None for turn in line.turns)
        yield from _weighed([problem], _matters(line, submission) and not undone)
