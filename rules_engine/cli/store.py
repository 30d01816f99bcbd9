"""`rules-engine store`: a store of policies, its people and its guards; and what all commands on stores share."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click

from rules_engine.cli import output
from rules_engine.cli.commands import FOUND
from rules_engine.cli.inputs import json_option, read
from rules_engine.cli.store_guards import guards_in
from rules_engine.cli.store_words import guarded, revoked, set_back
from rules_engine.errors import DocumentError

if TYPE_CHECKING:
    from rules_engine.life.store.log import Entry
    from rules_engine.life.store.store import Signer, Store

PASSPHRASE: Final = "RULES_ENGINE_PASSPHRASE"
"""The variable of the environment from which the passphrase of a key is read; else it is asked for."""
REFUSED: Final = ("GUARD_FORBIDS", "GUARD_FIGURE_MISSING", "STORE_APPROVALS", "STORE_FOUR_EYES", "STORE_APPROVED")
"""Refusals by the rules of the house: the step was judged and found wanting, and the exit code is 1."""

INIT_EXAMPLES = """\b
Examples:
  rules-engine keys new ada.key --name ada
  rules-engine store init --store risk.db --key ada.key --name ada --guards guards.yaml"""

GRANT_EXAMPLES = """\b
Examples:
  rules-engine store grant mira.key.pub --role approver --store risk.db --key ada.key
  rules-engine store grant sam.key.pub --role submitter --role activator --store risk.db --key ada.key"""


def _named(context: click.Context, parameter: click.Parameter, url: str | None) -> str | None:
    """The store that is named; a usage error that says both ways to name one."""
    if not url and not context.resilient_parsing:
        raise click.UsageError("name the store: --store S, or the variable RULES_ENGINE_STORE", context)
    return url


store_option = click.option(
    "--store",
    "url",
    metavar="S",
    envvar="RULES_ENGINE_STORE",
    callback=_named,
    help="The store: a file of SQLite, or postgresql://... [env: RULES_ENGINE_STORE]",
)
trust_option = click.option(
    "--trust",
    metavar="HASH",
    envvar="RULES_ENGINE_TRUST",
    help="The hash of its first entry, which `store init` printed. [env: RULES_ENGINE_TRUST]",
)
key_option = click.option(
    "--key", "key_file", required=True, metavar="K", type=click.Path(), help="Your private key, which signs."
)
note_option = click.option("--note", default="", metavar="TEXT", help="A remark that is signed with the step.")


def head_option(name: str = "--head", parameter: str = "head") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The option for a head of the store; by another name for a command that has another `--head`."""
    said = "A head that was noted before: the store's log must still hold that entry. [env: RULES_ENGINE_HEAD]"
    return click.option(name, parameter, metavar="HASH", envvar="RULES_ENGINE_HEAD", help=said)


def on_store(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a command that reads a store."""
    return store_option(trust_option(head_option()(command)))


def signing(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a command that signs a step."""
    return on_store(key_option(note_option(json_option(command))))


def opened(url: str, trust: str | None, head: str | None) -> Store:
    """The store; without trust stderr says what nobody can tell then."""
    from rules_engine.life.store.store import Store

    if trust is None:
        output.message("no --trust: whoever can write to the database could have put another store in its place")
    return Store(url, trust=trust, head=head)


def signer(key_file: str, note: str) -> Signer:
    """Who signs, now."""
    from rules_engine.life.store.keys import read_private_key
    from rules_engine.life.store.store import Signer

    def passphrase() -> str:
        return os.environ.get(PASSPHRASE) or str(click.prompt(f"passphrase of {key_file}", hide_input=True, err=True))

    return Signer(key=read_private_key(key_file, passphrase), now=datetime.now(UTC), note=note)


def step(context: click.Context, as_json: bool, take: Callable[[], tuple[Entry, str]]) -> None:
    """Takes a step and says what was done; a refusal by the rules of the house exits with 1."""
    try:
        entry, said = take()
    except DocumentError as error:
        if error.problems[0].code not in REFUSED:
            raise
        if as_json:
            output.document({"done": False, "problems": [output.entry(problem) for problem in error.problems]})
        else:
            output.problems(error.problems)
        context.exit(FOUND)
    if as_json:
        output.document({"done": True, "entry": entry.sequence, "head": entry.hash, "said": said})
    else:
        output.line(f"entry {entry.sequence}: {said}")
        output.line(f"head {entry.hash}")


@click.group("store")
def store_group() -> None:
    """Found a store, give and take roles, set guards."""


@store_group.command(epilog=INIT_EXAMPLES)
@click.option("--name", required=True, metavar="NAME", help="What the first administrator is called.")
@click.option("--guards", "guards_file", metavar="FILE", type=click.Path(), help="Guards of every line (YAML).")
@store_option
@key_option
@note_option
@json_option
def init(name: str, guards_file: str | None, url: str, key_file: str, note: str, as_json: bool) -> None:
    """Make a store with its first administrator, and print the hash to trust.

    Keep that hash where nobody who can write to the database can change it: it is what all verification begins with.
    Without guards every change needs one approval by another key than the submitter's.
    """
    from rules_engine.life.store.store import Store

    guards = None if guards_file is None else guards_in(guards_file)
    trust = Store(url).found(name, signer(key_file, note), guards)
    if as_json:
        output.document({"trust": trust})
    else:
        output.line(f"trust {trust}")


@store_group.command(epilog=GRANT_EXAMPLES)
@click.argument("public", metavar="PUBLIC_KEY", type=click.Path())
@click.option(
    "--role",
    "roles",
    multiple=True,
    required=True,
    type=click.Choice(["administrator", "submitter", "approver", "activator"]),
    help="What the key may do; several times for several roles.",
)
@click.option("--name", metavar="NAME", help="What the person is called. [default: the name in the file]")
@signing
@click.pass_context
def grant(
    context: click.Context,
    public: str,
    roles: Sequence[Any],
    name: str | None,
    url: str,
    trust: str | None,
    head: str | None,
    key_file: str,
    note: str,
    as_json: bool,
) -> None:
    """Give roles to the key in a file PUBLIC_KEY, besides those that it has."""
    from rules_engine.life.store.keys import parse_public_key

    text = read(public).decode("utf-8", "replace")
    key, called = parse_public_key(text)
    person = name or called
    store, by = opened(url, trust, head), signer(key_file, note)

    def take() -> tuple[Entry, str]:
        entry = store.grant(key, person, roles, by)
        return entry, f"{person} {key.id} is {', '.join(sorted(store.ledger().keys[key.id].roles))}"

    step(context, as_json, take)


@store_group.command()
@click.argument("key", metavar="KEY")
@signing
@click.pass_context
def revoke(
    context: click.Context,
    key: str,
    url: str,
    trust: str | None,
    head: str | None,
    key_file: str,
    note: str,
    as_json: bool,
) -> None:
    """Take a key out of use for ever, by its id or by the name of whose it is.

    What is in force stays; what is scheduled falls away where too few people stand behind it without this key.
    """
    from rules_engine.life.store.finding import key_of

    store, by = opened(url, trust, head), signer(key_file, note)

    def take() -> tuple[Entry, str]:
        entry = store.revoke(key_of(store.ledger(), key), by)
        return entry, revoked(store.ledger(), entry)

    step(context, as_json, take)


@store_group.command()
@signing
@click.pass_context
def clock(
    context: click.Context,
    url: str,
    trust: str | None,
    head: str | None,
    key_file: str,
    note: str,
    as_json: bool,
) -> None:
    """Set the clock of the log back to yours, where a step was dated ahead of time.

    Every step is dated after the one before it, so one that is dated far ahead keeps all others out. What it did stays:
    a version that it put in force or undid then is rolled back, at once, by another step. What is so to come is told.
    """
    store, by = opened(url, trust, head), signer(key_file, note)
    step(context, as_json, lambda: (entry := store.set_clock(by), set_back(store.ledger(), entry)))


@store_group.command()
@click.argument("policy", metavar="NAME")
@click.argument("guards_file", metavar="FILE", type=click.Path())
@signing
@click.pass_context
def guards(
    context: click.Context,
    policy: str,
    guards_file: str,
    url: str,
    trust: str | None,
    head: str | None,
    key_file: str,
    note: str,
    as_json: bool,
) -> None:
    """Give the line of a policy guards of its own, from a YAML file, in the place of those that it has."""
    from rules_engine.life.store.finding import there

    found, store = guards_in(guards_file), opened(url, trust, head)

    def take() -> tuple[Entry, str]:
        ledger = store.ledger()
        if not ledger.line(policy).submissions:
            output.message(f"WARNING {there(ledger, policy)}")
        entry = store.set_guards(policy, found, signer(key_file, note))
        return entry, guarded(store.ledger(), policy)

    step(context, as_json, take)
