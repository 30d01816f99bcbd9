"""What all commands on stores share: how the store is named, what vouches for it, and how a step is signed and told."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property, wraps
from getpass import GetPassWarning
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from rules_engine.cli import output
from rules_engine.cli.commands import FOUND
from rules_engine.cli.inputs import json_option
from rules_engine.errors import DocumentError

if TYPE_CHECKING:
    from rules_engine.life.store.log import Entry
    from rules_engine.life.store.store import Signer, Store

PASSPHRASE: Final = "RULES_ENGINE_PASSPHRASE"
"""The variable of the environment from which the passphrase of a key is read; else it is asked for."""
_HASH: Final = re.compile("sha256:[0-9a-f]{64}").fullmatch
REFUSED: Final = ("GUARD_FORBIDS", "GUARD_FIGURE_MISSING", "STORE_APPROVALS", "STORE_FOUR_EYES", "STORE_APPROVED")
"""Refusals by the rules of the house: the step was judged and found wanting, and the exit code is 1."""


class StoreAt(NamedTuple):
    """A store that is named, what vouches for it, and a head that its log must still hold."""

    url: str
    trust: str | None
    head: str | None

    def opened(self) -> Store:
        """The store; without trust stderr says what nobody can tell then."""
        if self.trust is None:
            output.message("no --trust: whoever can write to the database could have put another store in its place")
        return self.vouched()

    def vouched(self) -> Store:
        """The store, for answers, which somebody must vouch for. A usage error where a hash is none.

        Tables show the first digits of a hash only, and one of those would look like a log that was cut off.
        """
        from rules_engine.life.store.store import Store

        for name, text in (("trust", self.trust), ("head", self.head)):
            if text is not None and not _HASH(text):
                wanted = "wanted sha256: and 64 hexadecimal digits"
                raise click.UsageError(f"the {name} of the store: {text!r} is no hash of a log: {wanted}")
        return Store(self.url, trust=self.trust, head=self.head)


class Signing:
    """A step on a store that is to be signed: the store, who signs, and how what was done is told."""

    def __init__(self, at: StoreAt, key_file: str, note: str, as_json: bool) -> None:
        self._at, self._key_file, self._note, self._as_json = at, key_file, note, as_json

    @cached_property
    def store(self) -> Store:
        """The store, opened when it is first asked for."""
        return self._at.opened()

    def signer(self) -> Signer:
        """Who signs, now; the key is read, and its passphrase asked for."""
        return signer(self._key_file, self._note)

    def take(self, step: Callable[[], tuple[Entry, str]]) -> None:
        """Takes a step and says what was done; a refusal by the rules of the house exits with 1."""
        try:
            entry, said = step()
        except DocumentError as error:
            if error.problems[0].code not in REFUSED:
                raise
            if self._as_json:
                output.document({"done": False, "problems": [output.entry(problem) for problem in error.problems]})
            else:
                output.problems(error.problems)
            click.get_current_context().exit(FOUND)
        if self._as_json:
            output.document({"done": True, "entry": entry.sequence, "head": entry.hash, "said": said})
        else:
            output.line(f"entry {entry.sequence}: {said}")
            output.line(f"head {entry.hash}")


def signer(key_file: str, note: str) -> Signer:
    """Who signs with the key in a file, now."""
    from rules_engine.life.store.keys import read_private_key
    from rules_engine.life.store.store import Signer

    key = read_private_key(key_file, lambda: passphrase_of(key_file))
    return Signer(key=key, now=datetime.now(UTC), note=note)


def passphrase_of(key_file: str, otherwise: str = "") -> str:
    """The passphrase of a key, from the environment or typed unseen; a usage error where there is no terminal for it.

    One for a key that is to be made is typed twice; `otherwise` says what else there is to do then.
    """
    if given := os.environ.get(PASSPHRASE):
        return given
    with warnings.catch_warnings():
        warnings.simplefilter("error", GetPassWarning)
        try:
            asked = f"passphrase of {key_file}"
            return str(click.prompt(asked, hide_input=True, confirmation_prompt=bool(otherwise), err=True))
        except GetPassWarning:
            said = f"the passphrase of {key_file} cannot be asked for, as there is no terminal"
            raise click.UsageError(f"{said}; give it in {PASSPHRASE}{otherwise}") from None


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
    type=click.Path(),
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
    """The options of a command that reads a store, which it gets as `store`, a `StoreAt`."""

    @wraps(command)
    def combined(*values: Any, url: str, trust: str | None, head: str | None, **others: Any) -> Any:
        return command(*values, store=StoreAt(url, trust, head), **others)

    return store_option(trust_option(head_option()(combined)))


def signing(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a command that signs a step, which it gets as `step`, a `Signing`."""

    @wraps(command)
    def combined(*values: Any, store: StoreAt, key_file: str, note: str, as_json: bool, **others: Any) -> Any:
        return command(*values, step=Signing(store, key_file, note, as_json), **others)

    return on_store(key_option(note_option(json_option(combined))))
