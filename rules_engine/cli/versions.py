"""Policies that commands answer by: a file, a pinned version, or a name, of which the version in force answers.

Which one that is, a folder of policies says by their `effective_from`, or a store by what was activated there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from rules_engine.cli import output
from rules_engine.cli.inputs import policies_option, policy_option, registry_with
from rules_engine.cli.store_options import StoreAt
from rules_engine.cli.store_versions import Versions, from_store, source

if TYPE_CHECKING:
    from rules_engine.engine.engine import Engine
    from rules_engine.extension.registry import Registry
    from rules_engine.life.store.store import Store
    from rules_engine.terms.market import Market
    from rules_engine.terms.policy import Policy


class PolicyAsked:
    """The policy that a command is to answer by: its name, pin or file, and where its versions come from.

    A name alone means the versions of the market's instant: those in force in the store, where one is given. A version
    that is asked for by file or pin answers at any instant; where it is not in force, a message says so.
    """

    def __init__(self, text: str, policies: str | None, plugins: Sequence[str], store: StoreAt | None) -> None:
        self.text, self.policies, self.plugins = text, policies, plugins
        self.store = source(store, policies, [text])

    def read(self) -> Callable[[Market], Engine]:
        """Reads the policy; its engine for a market."""
        from rules_engine.engine.engine import Engine
        from rules_engine.life.versions import load_line, names_line

        registry, named = registry_with(self.plugins), names_line(self.text)
        if named and self.store is not None:
            return _in_store(self.store.vouched(), self.text, registry)
        if named:
            return load_line(self.text, policies=self.policies, registry=registry).at
        versions = Versions(registry, self.policies, self.store, vouched=True)
        compiled = versions.policy(self.text, datetime.now(UTC))

        def engine(market: Market) -> Engine:
            _tell_out_of_force(versions, self.text, compiled, market.as_of)
            return Engine(compiled)

        return engine


def policy_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a command that answers under a policy, which it gets as `policy`, a `PolicyAsked`."""

    @wraps(command)
    def combined(
        *values: Any, policy: str, policies: str | None, plugins: Sequence[str], store: StoreAt | None, **others: Any
    ) -> Any:
        return command(*values, policy=PolicyAsked(policy, policies, plugins, store), **others)

    return policy_option(policies_option(from_store(combined)))


def _in_store(store: Store, name: str, registry: Registry) -> Callable[[Market], Engine]:
    """The engine for a market from the versions in a store, read and verified as by an engine that follows it."""
    from rules_engine.life.store.following import FollowingEngine
    from rules_engine.life.store.refusals import refusal

    following = FollowingEngine(store, name, registry, clock=lambda: datetime.now(UTC))
    if not following.reading.line.versions:
        known = sorted(each.name for each in store.ledger().lines.values() if each.turns)
        hint = f"there is {', '.join(known)}" if known else "nothing is: activate a version"
        raise refusal("POLICY_UNKNOWN", f"no version of {name} was ever in force", hint, document=store.tables.name)
    return lambda market: following.engine(market.as_of)


def _tell_out_of_force(versions: Versions, text: str, policy: Policy, at: datetime) -> None:
    """Says on stderr that a version which was asked for is not in force."""
    from rules_engine.life.store.finding import standing
    from rules_engine.life.versions import holds, span
    from rules_engine.terms.rendering import instant

    submission = versions.submission(text, at)
    if submission is not None:
        turn = versions.ledger.line(policy.name).at(at)
        if turn is None or turn.submission.statement.digest != policy.digest:
            there = standing(versions.ledger, submission, at)
            output.message(f"{text} is not in force at {instant(at)}, the market's time: {there}")
    elif not holds(policy, at):
        output.message(f"{policy.name} {policy.version} holds {span(policy)}; the market is of {instant(at)}")


def instant_of(context: click.Context, parameter: click.Parameter, text: str | None) -> datetime | None:
    """An instant as an option states it. Raises `click.BadParameter` where it has no zone, or is none."""
    from rules_engine.policy.values import time_of

    at = time_of(text)
    if text is not None and at is None:
        raise click.BadParameter(f"{text!r} is no instant; wanted one with a zone, as 2026-12-01T08:00:00Z")
    return at
