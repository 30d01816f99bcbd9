"""Everything of a store looked at: the log, the texts that it names, and the figures by which guards decided."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from rules_engine.errors import PolicyError, Problem
from rules_engine.extension.registry import Registry
from rules_engine.life.store.checked import UNLAWFUL, Checked
from rules_engine.life.store.ledger import Ledger
from rules_engine.life.store.lines import Line, Submission, Turn
from rules_engine.life.store.refusals import StoreError
from rules_engine.life.store.store import Store


class Audit(msgspec.Struct, frozen=True):
    """What was found. `ledger` is None where the log itself is not accepted: nothing else can be said then."""

    ledger: Ledger | None
    problems: tuple[Problem, ...]


def audited(store: Store, registry: Registry) -> Audit:
    """The whole of a store, verified."""
    try:
        ledger = store.ledger()
        return Audit(ledger, (*_of_texts(store, ledger), *_of_figures(store, ledger, registry)))
    except StoreError as error:
        return Audit(None, error.problems)


def _of_texts(store: Store, ledger: Ledger) -> Iterator[Problem]:
    """Texts that are missing or altered, and those that no statement names."""
    named = {
        digest: pin
        for line in ledger.lines.values()
        for submission in line.submissions.values()
        for pin, digest in submission.statement.documents.items()
    }
    for digest, pin in named.items():
        try:
            store.text_of(pin, digest)
        except StoreError as error:
            yield from error.problems
    for name in store.tables.names():
        if name not in named:
            said = f"no statement names the text under {name!r:.80}"
            yield Problem(code="DOCUMENT_STRAY", message=said, hint="it is never used; remove it")


def _of_figures(store: Store, ledger: Ledger, registry: Registry) -> Iterator[Problem]:
    """Versions whose digest, figures or instant do not come out as they were signed, and those that wait, too."""
    checked = Checked(lambda submission: store.policy_of(submission, registry))
    for line in ledger.lines.values():
        turns = {turn.submission.statement.sequence: turn for turn in line.turns}
        for sequence, submission in line.submissions.items():
            yield from _of_version(checked, line, submission, turns.get(sequence))


def _of_version(checked: Checked, line: Line, submission: Submission, turn: Turn | None) -> Iterator[Problem]:
    try:
        if turn is None:
            checked.submission(line, submission)
        else:
            checked.turn(line, turn)
    except StoreError as error:
        yield from (problem for problem in error.problems if problem.code in ("DOCUMENT_DIGEST", *UNLAWFUL))
    except PolicyError as error:
        message = f"{submission.pin} does not compile any more: {error.problems[0]}"
        hint = "a plugin may be missing, or the software is another one"
        yield Problem(code="FIGURES_UNCHECKED", message=message, hint=hint, severity="warning")
