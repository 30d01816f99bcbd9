"""`rules-engine replay`: every decision of a log evaluated again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from rules_engine.cli import output
from rules_engine.cli.book_options import part_rows_option
from rules_engine.cli.commands import FOUND
from rules_engine.cli.inputs import json_option, plugin_option, read, refuse_missing, registry_with
from rules_engine.cli.store_options import StoreAt
from rules_engine.cli.store_versions import Versions, from_store, source

if TYPE_CHECKING:
    from rules_engine.cli.book_files import Files
    from rules_engine.engine.book import Book
    from rules_engine.engine.engine import Engine
    from rules_engine.extension.registry import Registry
    from rules_engine.life.store.store import Store
    from rules_engine.terms.evaluation import PolicyIdentity
    from rules_engine.terms.policy import Policy

    Find = Callable[[PolicyIdentity], Engine | None]

UNSEEN: Final = "without --head it cannot be seen whether lines were cut off at the end, or all written anew"
AS_LOGGED: Final = "NAME@VERSION"
"""How a log names the policies that answered: by no file."""
EXAMPLES = """\b
Examples:
  rules-engine replay decisions.jsonl --policies policies
  rules-engine replay decisions.jsonl --store risk.db --trust sha256:... --head 3f1c0f9e...
  rules-engine replay decisions.jsonl --book book.csv --collateral collateral.csv
  rules-engine replay sqlite:///risk.db --store risk.db --trust sha256:...
  rules-engine replay decisions.jsonl --policies policies --candidate candidate.yaml --json"""


def _line_hash(context: click.Context, parameter: click.Parameter, text: str | None) -> str | None:
    """The hash of a line, whole. A usage error where it is none."""
    from rules_engine.life.decisions.decision_lines import is_hash

    if text is not None and not is_hash(text):
        raise click.BadParameter(
            f"{text!r} is no hash of a line: wanted 64 hexadecimal digits, as `replay` prints last"
        )
    return text


def tables_option(name: str, metavar: str, text: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """An option for tables in files that may be given several times."""
    return click.option(f"--{name}", f"{name}_files", multiple=True, metavar=metavar, type=click.Path(), help=text)


@click.command(epilog=EXAMPLES)
@click.argument("log", metavar="LOG", type=click.Path())
@click.option(
    "--policies",
    metavar="DIR",
    type=click.Path(file_okay=False),
    help="Where the policies that answered are, as DIR/NAME/VERSION.yaml, before the packaged ones.",
)
@partial(from_store, head="--store-head")
@click.option(
    "--head",
    metavar="HASH",
    callback=_line_hash,
    help="The hash of a line that must be in the log, as you kept it elsewhere.",
)
@tables_option("book", "B", "A book that was swept, as `sweep` reads it; once for each.")
@tables_option("collateral", "C", "Its collateral: none, or one for each book, in their order.")
@tables_option("orders", "O", "Its resting orders: likewise.")
@part_rows_option
@click.option("--log-key", metavar="FILE", type=click.Path(), help="The key of a masked log, to know its books by.")
@click.option(
    "--candidate", metavar="P", type=click.Path(), help="Ask this policy too, and count what it would change."
)
@plugin_option
@json_option
@click.pass_context
def replay(
    context: click.Context,
    log: str,
    policies: str | None,
    store: StoreAt | None,
    head: str | None,
    book_files: Sequence[str],
    collateral_files: Sequence[str],
    orders_files: Sequence[str],
    part_rows: int | None,
    log_key: str | None,
    candidate: str | None,
    plugins: Sequence[str],
    as_json: bool,
) -> None:
    """Evaluate every decision of a log again.

    The log is FILE, or sqlite:///FILE or postgresql://... with ?log=NAME. Prints each line that was changed, moved or
    removed, and each decision whose answer is another today or whose policy is not there, then counts. Of a sweep the
    log keeps hashes: give its book, and it is swept again. Without --head it cannot be seen that lines were cut off at
    the end, or all written anew. Exits with 0 where all is as it was, whatever a candidate would change, 1 where
    something was found, and 2 where the log cannot be read.
    """
    from rules_engine.engine.engine import Engine
    from rules_engine.life.decisions.decision_replay import replay as replayed
    from rules_engine.report.replay import replay_document, replay_tables

    books = _books(book_files, collateral_files, orders_files, part_rows)
    key, registry = b"" if log_key is None else read(log_key), registry_with(plugins)
    store, other, find = source(store, policies, [AS_LOGGED]), None, _in_folder(policies, registry)
    if candidate is not None:
        versions = Versions(registry, policies, store, vouched=True)
        other = Engine(versions.policy(candidate, datetime.now(UTC)))
    if store is not None:
        find = _in_store(store.vouched(), registry, find)
    found = replayed(log, find, head=head, books=books, key=key, candidate=other)
    if as_json:
        problems = [{**output.entry(problem), "decision": problem.decision} for problem in found.problems]
        output.document({**replay_document(found), "problems": problems})
    else:
        output.problems(found.problems)
        output.tables(replay_tables(found))
    if book_files and "sweep" not in found.decisions:
        output.message("the log holds no sweeps: the books were not read")
    if head is None:
        output.message(UNSEEN)
    context.exit(0 if found.clean else FOUND)


def _books(
    books: Sequence[str], collateral: Sequence[str], orders: Sequence[str], part_rows: int | None
) -> Callable[[str], Iterator[Book]]:
    """What reads the books, one after the other. A usage error where tables beside them cannot be told apart."""
    from rules_engine.cli.book_files import BookParts, files_of

    for option, given in (("--collateral", collateral), ("--orders", orders)):
        if given and len(given) != len(books):
            told = f"{output.counted(len(books), 'book')} and {len(given)} {option}"
            raise click.UsageError(f"there are {told}; give one {option} for each --book, in the same order, or none")
    refuse_missing(file for file in (*books, *collateral, *orders) if not Path(file).is_dir())
    nothing = [None] * len(books)
    files: list[list[Files]] = [
        files_of(*each) for each in zip(books, collateral or nothing, orders or nothing, strict=True)
    ]

    def read_books(currency: str) -> Iterator[Book]:
        for one in files:
            yield from BookParts(one, part_rows, currency)

    return read_books


def _in_folder(policies: str | None, registry: Registry) -> Find:
    """Finds the engine of a policy by name and version."""
    from rules_engine.policy.load import load_policy

    def find(identity: PolicyIdentity) -> Engine | None:
        pin = f"{identity.name}@{identity.version}"
        return _usable(lambda: load_policy(pin, policies=policies, registry=registry))

    return find


def _in_store(store: Store, registry: Registry, otherwise: Find) -> Find:
    """Finds the engine of what was submitted to a store by its digest; what never was, elsewhere."""
    ledger = store.trusted_ledger()

    def find(identity: PolicyIdentity) -> Engine | None:
        for submission in ledger.line(identity.name).submissions.values():
            if submission.statement.digest == identity.digest:
                return _usable(partial(store.policy_of, submission, registry))
        return otherwise(identity)

    return find


def _usable(load: Callable[[], Policy]) -> Engine | None:
    """The engine of a policy; what is wrong with it is told on stderr."""
    from rules_engine.engine.engine import Engine
    from rules_engine.errors import DocumentError

    try:
        return Engine(load())
    except DocumentError as error:
        output.problems(error.problems, error=True)
        return None
