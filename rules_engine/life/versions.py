"""The versions of one policy, and which of them is in force at an instant.

A version is in force from `effective_from` on, until the next one is or its own `effective_until` comes; then there is
none until the next one begins. Where the one in force is for new positions alone, those opened before it began have the
one before it, and none once that has ended.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from rules_engine.engine.documents import Source, decode_market, decode_two
from rules_engine.engine.engine import Engine
from rules_engine.errors import PolicyError, Problem
from rules_engine.policy.load import load_policy, policy_pins
from rules_engine.terms.account import Account
from rules_engine.terms.evaluation import Evaluation
from rules_engine.terms.market import Market
from rules_engine.terms.policy import Policy
from rules_engine.terms.rendering import instant as written

if TYPE_CHECKING:
    from rules_engine.extension.registry import Registry

BEGINNING: Final = datetime.min.replace(tzinfo=UTC)
"""When versions begin that state no beginning."""


class Gap(msgspec.Struct, frozen=True):
    """A time at which a version was in force that cannot be read any more, and why."""

    since: datetime
    until: datetime
    problems: tuple[Problem, ...]


class PolicyLine:
    """All versions of one policy: at an instant exactly one of them is in force, or a problem says why none is.

    Raises `PolicyError`: `VERSION_TWICE` for a version that is there twice, `VERSION_AMBIGUOUS` for two that begin at
    the same instant, `POLICY_OTHER` for versions of different policies.
    """

    def __init__(self, versions: Iterable[Policy]) -> None:
        self.versions = tuple(sorted(versions, key=begins))
        if problems := list(_problems(self.versions)):
            raise PolicyError(problems)
        self.undone: tuple[datetime | None, ...] = (None,) * len(self.versions)
        self.unknown: tuple[Gap, ...] = ()
        self._engines: dict[tuple[tuple[str, datetime | None], ...], Engine] = {}

    @classmethod
    def of_turns(
        cls,
        turns: Iterable[tuple[datetime, Policy, datetime | None]],
        unknown: Iterable[Gap] = (),
    ) -> PolicyLine:
        """A line of which a store says when each version came into force, and when it was undone, if it was.

        At `unknown` times nothing is answered.
        """
        line, told = cls(()), list(turns)
        line.versions = tuple(msgspec.structs.replace(each, effective_from=since) for since, each, _ in told)
        line.undone = tuple(undone for _, _, undone in told)
        line.unknown = tuple(unknown)
        return line

    def in_force(self, at: datetime) -> Policy:
        """The version in force at an instant. Raises `PolicyError` (`VERSION_NONE`, `TIME_NAIVE`)."""
        return self.governing(at)[0]

    def governing(self, at: datetime) -> tuple[Policy, ...]:
        """The version in force, and those that are for positions opened before it, the newest first.

        One of these that has ended stays among them, for its own positions have no other. One that was undone is
        neither from then on, as if it had never been. Raises as `in_force` does, and what is wrong with one that was in
        force then and cannot be read.
        """
        if at.tzinfo is None:
            text = f"{at.isoformat()} has no zone, so it is no instant"
            raise PolicyError([Problem(code="TIME_NAIVE", message=text, hint="state one, as in 2026-12-01T08:00:00Z")])
        for gap in self.unknown:
            if gap.since <= at < gap.until:
                raise PolicyError(gap.problems)
        found: list[Policy] = []
        for each, undone in reversed(list(zip(self.versions, self.undone, strict=True))):
            if begins(each) > at or (undone is not None and undone <= at):
                continue
            if not found and not holds(each, at):
                break
            found.append(each)
            if each.applies_to == "all_positions":
                break
        if not found:
            raise PolicyError([self._none(at)])
        return tuple(found)

    def _none(self, at: datetime) -> Problem:
        there = [f"{each.version} {span(each)}" for each in self.versions]
        return Problem(
            code="VERSION_NONE",
            message=f"no version {f'of {self.versions[0].name} ' if there else ''}is in force at {written(at)}",
            hint=f"there is {'; '.join(there)}" if there else "",
        )

    def engine(self, at: datetime) -> Engine:
        """The engine of an instant, the same one as long as the same versions answer. Raises as `in_force` does."""
        policy, *elders = self.governing(at)
        key = tuple((each.digest, each.effective_from) for each in (policy, *elders))
        if key not in self._engines:
            self._engines[key] = Engine(policy, elders=elders)
        return self._engines[key]

    def at(self, market: Market | Source) -> Engine:
        """The engine of a market's own instant, `as_of`. Raises as `in_force` does, and `DocumentError`."""
        return self.engine(decode_market(market).as_of)

    def evaluate(self, account: Account | Source, market: Market | Source) -> Evaluation:
        """As `Engine.evaluate`, under the versions of the market's own instant: the past has its past answers."""
        account, market = decode_two(account, market)
        return self.engine(market.as_of).evaluate(account, market)


def load_line(
    name: str,
    *,
    policies: str | os.PathLike[str] | None = None,
    registry: Registry | None = None,
) -> PolicyLine:
    """All versions of a policy in a folder of policies and among the packaged ones.

    Raises `PolicyError`: for the first version that has problems, for versions of which none is to be told, and
    `POLICY_UNKNOWN` where there is no version of that name.
    """
    pins = policy_pins(policies)
    mine = [pin for pin in pins if pin.partition("@")[0] == name]
    if not mine:
        known = ", ".join(dict.fromkeys(pin.partition("@")[0] for pin in pins))
        raise PolicyError(
            [Problem(code="POLICY_UNKNOWN", message=f"there is no policy {name}", hint=f"there are {known}")]
        )
    return PolicyLine(load_policy(pin, policies=policies, registry=registry) for pin in mine)


def names_line(text: str) -> bool:
    """Whether a text names a policy without its version: neither a pin nor a file."""
    return "@" not in text and not text.endswith((".yaml", ".yml")) and not Path(text).is_file()


def begins(policy: Policy) -> datetime:
    """When a version begins."""
    return BEGINNING if policy.effective_from is None else policy.effective_from


def holds(policy: Policy, at: datetime) -> bool:
    """Whether a version may be in force at an instant, as far as it says itself."""
    return begins(policy) <= at and (policy.effective_until is None or at < policy.effective_until)


def span(policy: Policy) -> str:
    """When a version may be in force, in words."""
    since = "always" if policy.effective_from is None else f"from {written(policy.effective_from)}"
    return since if policy.effective_until is None else f"{since} until {written(policy.effective_until)}"


def _problems(versions: Sequence[Policy]) -> Iterator[Problem]:
    names = [each.version for each in versions]
    for version in dict.fromkeys(each for each in names if names.count(each) > 1):
        yield Problem(code="VERSION_TWICE", message=f"version {version} is there {names.count(version)} times")
    for one, other in pairwise(versions):
        if one.name != other.name:
            yield Problem(code="POLICY_OTHER", message=f"{one.name} and {other.name} are different policies")
        elif one.version != other.version and begins(one) == begins(other):
            text = (
                f"{one.name} {one.version} and {other.version} both hold {span(one)}: which one answers cannot be told"
            )
            hint = "give one of them another effective_from"
            yield Problem(code="VERSION_AMBIGUOUS", message=text, hint=hint)
