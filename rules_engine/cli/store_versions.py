"""Where the policies come from that commands are given: files, a store, or a folder and the packaged ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property, partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from rules_engine.cli import output
from rules_engine.cli.inputs import all_of
from rules_engine.cli.store_options import StoreAt, head_option, trust_option
from rules_engine.errors import DocumentError
from rules_engine.policy.pins import names_no_file

if TYPE_CHECKING:
    from rules_engine.extension.registry import Registry
    from rules_engine.life.store.ledger import Ledger
    from rules_engine.life.store.lines import Submission
    from rules_engine.life.store.store import Store
    from rules_engine.terms.policy import Policy

_store_option = click.option(
    "--store",
    "url",
    metavar="S",
    envvar="RULES_ENGINE_STORE",
    help="A store: NAME is what is in force there, NAME@VERSION what was submitted. [env: RULES_ENGINE_STORE]",
)


def from_store(command: Callable[..., Any], head: str = "--head") -> Callable[..., Any]:
    """The options of a command whose policies may come from a store, which it gets as `store`."""

    @wraps(command)
    def combined(*values: Any, url: str | None, trust: str | None, store_head: str | None, **others: Any) -> Any:
        return command(*values, store=StoreAt(url, trust, store_head) if url else None, **others)

    return _store_option(trust_option(head_option(head, "store_head")(combined)))


def source(store: StoreAt | None, policies: str | None, texts: Sequence[str]) -> StoreAt | None:
    """The store that these policies come from, if any of them does. What the command line says beats the environment.

    A usage error where the command line names a store that would say nothing, or a folder of policies beside it.
    """
    stated = click.get_current_context().get_parameter_source("url") is ParameterSource.COMMANDLINE
    if stated and policies is not None:
        raise click.UsageError("--policies and --store both say which versions there are; give one")
    if stated and all(map(is_file, texts)):
        raise click.UsageError(f"--store says which version is meant: give NAME or NAME@VERSION, not {texts[0]}")
    return None if policies is not None else store


def is_file(text: str) -> bool:
    """Whether a policy is given as a file, not by its name."""
    return not names_no_file(text) or Path(text).is_file()


class Versions:
    """The policies that a command is given. `store` is that of `source`; with `vouched` somebody must trust it."""

    def __init__(
        self, registry: Registry, policies: str | None, store: StoreAt | None, *, vouched: bool = False
    ) -> None:
        self.registry, self.policies, self.store, self.vouched = registry, policies, store, vouched

    @cached_property
    def _read(self) -> tuple[Store, Ledger]:
        assert self.store is not None
        store = self.store.vouched() if self.vouched else self.store.opened()
        return store, store.trusted_ledger() if self.vouched else store.ledger()

    @property
    def ledger(self) -> Ledger:
        """What the store says."""
        return self._read[1]

    def submission(self, text: str, at: datetime) -> Submission | None:
        """What a text means in the store; None for what comes from elsewhere. Raises `StoreError`."""
        from rules_engine.life.store.finding import meant
        from rules_engine.policy.load import policy_pins

        if self.store is None or is_file(text):
            return None
        name, _, version = text.partition("@")
        if version and name not in self.ledger.lines and text in policy_pins():
            return None
        return meant(self.ledger, text, at)

    def policy(self, text: str, at: datetime) -> Policy:
        """The policy of a file, of `NAME@VERSION`, or that of NAME at an instant. Raises `DocumentError`, `OSError`."""
        from rules_engine.life.store.store import check_not_over
        from rules_engine.life.versions import load_line
        from rules_engine.policy.load import load_policy

        found = self.submission(text, at)
        if found is not None:
            store, line = self._read[0], self.ledger.line(found.statement.policy)
            answers = store.checked(self.registry).submission
            policy: Policy = answers(line, found) if self.vouched else store.policy_of(found, self.registry)
            if "@" not in text:
                check_not_over(policy, at)
            return policy
        self._tell_packaged(text)
        if "@" in text or is_file(text):
            return load_policy(text, policies=self.policies, registry=self.registry)
        return load_line(text, policies=self.policies, registry=self.registry).in_force(at)

    def all_of(self, texts: Sequence[str], at: datetime) -> list[Policy]:
        """All these policies; one `DocumentError` with the problems of each of them."""
        return all_of(self.readers(texts, at))

    def elders(self, text: str, policy: Policy, at: datetime) -> Sequence[Policy]:
        """The versions that still govern positions opened before this one began, newest first, as far as is known."""
        from rules_engine.life.impact.diff_versions import elders_beside

        if policy.applies_to == "all_positions":
            return ()
        found = self.submission(text, at)
        if found is None:
            return elders_beside(policy, policies=self.policies, registry=self.registry)
        turns = self.ledger.line(policy.name).followed(found) or ()
        return self._read[0].checked(self.registry).governing(turns)

    def readers(self, texts: Sequence[str], at: datetime) -> list[Callable[[], Policy]]:
        """What reads each of these policies, from a store that was read already."""
        if self.store is not None and not all(map(is_file, texts)):
            _ = self.ledger  # a store that is refused is told once, not for every policy
        return [partial(self.policy, text, at) for text in texts]

    def texts(self, text: str, at: datetime) -> tuple[str, Mapping[str, bytes]]:
        """The pin of the same policy, and the texts that it is made of, by `NAME@VERSION`."""
        from rules_engine.life.store.texts import read_texts

        found = self.submission(text, at)
        if found is not None:
            texts = self._read[0].texts_of(found, self.registry)
        else:
            self._tell_packaged(text)
            policy = None if "@" in text or is_file(text) else self.policy(text, at)
            texts = read_texts(f"{text}@{policy.version}" if policy else text, self.registry, self.policies)
        return texts.pin, texts.documents

    def tell(self, text: str, at: datetime) -> None:
        """Says on stderr what has become, in the store, of the version that was shown."""
        from rules_engine.life.store.finding import standing
        from rules_engine.terms.rendering import instant

        found = self.submission(text, at)
        if found is None:
            return
        store, there = self._read[0], standing(self.ledger, found, at)
        output.message(f"{found.pin} of {store.tables.name} at {instant(at)}: {there}")
        try:
            store.checked(self.registry).whole(self.ledger.line(found.statement.policy), found)
        except DocumentError as error:
            output.message(f"WARNING nobody is answered by it: {error}")

    def _tell_packaged(self, text: str) -> None:
        if self.store is not None and not is_file(text):
            name = text.partition("@")[0]
            output.message(f"{text} is the packaged policy: the store has no versions of {name}")

    def pins(self) -> list[str]:
        """All that there is, as `NAME@VERSION`: in the store, and packaged ones of other names."""
        from rules_engine.policy.load import policy_pins

        if self.store is None:
            return policy_pins(self.policies)
        lines = self.ledger.lines
        mine = [one.pin for _, line in sorted(lines.items()) for one in line.submissions.values()]
        return [*dict.fromkeys(mine), *(pin for pin in policy_pins() if pin.partition("@")[0] not in lines)]
