"""`rules-engine store`: a store of policies, its people, its guards and its clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from rules_engine.cli import output
from rules_engine.cli.inputs import json_option, name_of, read
from rules_engine.cli.store_guards import guards_in
from rules_engine.cli.store_options import Signing, key_option, note_option, signer, signing, store_option
from rules_engine.cli.store_words import guarded, revoked, set_back

if TYPE_CHECKING:
    from rules_engine.life.store.log import Entry

INIT_EXAMPLES = """\b
Examples:
  rules-engine keys new ada.key --name ada
  rules-engine store init --store risk.db --key ada.key --name ada --guards guards.yaml"""

GRANT_EXAMPLES = """\b
Examples:
  rules-engine store grant mira.key.pub --role approver --store risk.db --key ada.key
  rules-engine store grant sam.key.pub --role submitter --role activator --store risk.db --key ada.key"""


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
def grant(public: str, roles: Sequence[Any], name: str | None, step: Signing) -> None:
    """Give roles to the key in a file PUBLIC_KEY, besides those that it has."""
    from rules_engine.life.store.keys import parse_public_key

    text = read(public).decode("utf-8", "replace")
    key, called = parse_public_key(text, name_of(public))
    person = name or called
    store, by = step.store, step.signer()

    def take() -> tuple[Entry, str]:
        entry = store.grant(key, person, roles, by)
        return entry, f"{person} {key.id} is {', '.join(sorted(store.ledger().keys[key.id].roles))}"

    step.take(take)


@store_group.command()
@click.argument("key", metavar="KEY")
@signing
def revoke(key: str, step: Signing) -> None:
    """Take a key out of use for ever, by its id or by the name of whose it is.

    What is in force stays; what is scheduled falls away where too few people stand behind it without this key.
    """
    from rules_engine.life.store.finding import key_of

    store, by = step.store, step.signer()

    def take() -> tuple[Entry, str]:
        entry = store.revoke(key_of(store.ledger(), key), by)
        return entry, revoked(store.ledger(), entry)

    step.take(take)


@store_group.command()
@signing
def clock(step: Signing) -> None:
    """Set the clock of the log back to yours, where a step was dated ahead of time.

    Every step is dated after the one before it, so one that is dated far ahead keeps all others out. What it did stays:
    a version that it put in force or undid then is rolled back, at once, by another step. What is so to come is told.
    """
    store, by = step.store, step.signer()
    step.take(lambda: (entry := store.set_clock(by), set_back(store.ledger(), entry)))


@store_group.command()
@click.argument("policy", metavar="NAME")
@click.argument("guards_file", metavar="FILE", type=click.Path())
@signing
def guards(policy: str, guards_file: str, step: Signing) -> None:
    """Give the line of a policy guards of its own, from a YAML file, in the place of those that it has."""
    from rules_engine.life.store.finding import there
    from rules_engine.life.store.store import check_policy_name

    check_policy_name(policy)
    found, store = guards_in(guards_file), step.store

    def take() -> tuple[Entry, str]:
        ledger = store.ledger()
        if not ledger.line(policy).submissions:
            output.message(f"WARNING {there(ledger, policy)}")
        entry = store.set_guards(policy, found, step.signer())
        return entry, guarded(store.ledger(), policy)

    step.take(take)
