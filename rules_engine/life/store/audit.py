"""Everything of a store looked at: the log, the texts that it names, and the figures by which guards decided."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from rules_engine.errors import PolicyError, Problem
from rules_engine.extension.registry import Registry
from rules_engine.life.store.figures import figures_of
from rules_engine.life.store.ledger import Ledger
from rules_engine.life.store.lines import Line, Submission
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
    """Versions whose digest or figures do not come out as they were signed."""
    for line in ledger.lines.values():
        for turn in line.turns:
            if not turn.rolled_back:
                yield from _of_version(store, line, turn.submission, registry)


def _of_version(store: Store, line: Line, submission: Submission, registry: Registry) -> Iterator[Problem]:
    said = submission.statement
    before = line.activated(said.parent) if said.parent else None
    try:
        policy = store.policy_of(submission, registry)
        parent = None if before is None else store.policy_of(before, registry)
        found = figures_of(parent, policy)
    except StoreError as error:
        yield from (problem for problem in error.problems if problem.code == "DOCUMENT_DIGEST")
    except PolicyError as error:
        message = f"{submission.pin} does not compile any more: {error.problems[0]}"
        hint = "a plugin may be missing, or the software is another one"
        yield Problem(code="FIGURES_UNCHECKED", message=message, hint=hint, severity="warning")
    else:
        if msgspec.structs.replace(found, newly_liquidatable=said.figures.newly_liquidatable) != said.figures:
            message = f"{submission.pin} was submitted with other figures than it has"
            yield Problem(code="STORE_FIGURES", message=message, hint=f"look at entry {said.sequence} and its signers")
