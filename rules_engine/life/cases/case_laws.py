"""Laws that a policy can be held to, each tried through the engine until it is broken or held everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

import msgspec

from rules_engine.engine.engine import Engine
from rules_engine.errors import Mark
from rules_engine.life.cases.account_laws import any_order, never_worsens
from rules_engine.life.cases.case_documents import AskedLaw, Case
from rules_engine.life.cases.law_subjects import NO_MARKET, NotTried, Trial, trials
from rules_engine.life.cases.size_laws import Counterexample, liquidated_first, mirrors, never_falls
from rules_engine.numbers.exact import exactly
from rules_engine.terms.account import Account
from rules_engine.terms.components import COLLATERAL, MIRROR, SIZE
from rules_engine.terms.market import Market

Steps: TypeAlias = Iterator[Counterexample | None]
"""Each comparison that a law makes: None where it holds."""


class Law(NamedTuple):
    """A law: what it states, the trait of margin modes that promises it (None: all must keep it), and what tries it."""

    statement: str
    keeps: str | None
    of_sizes: Callable[[Trial], Steps] | None = None
    of_accounts: Callable[[Engine, Account, Market], Steps] | None = None


LAWS: Final[Mapping[str, Law]] = {
    "maintenance_never_falls_with_size": Law(
        "maintenance margin never falls as a position grows", SIZE, never_falls("maintenance_margin")
    ),
    "initial_never_falls_with_size": Law(
        "initial margin never falls as a position grows", SIZE, never_falls("initial_margin")
    ),
    "long_mirrors_short": Law("a short requires what a long of its size does", MIRROR, mirrors),
    "liquidation_before_bankruptcy": Law(
        "a position opened with its initial margin is liquidated before its collateral is gone", None, liquidated_first
    ),
    "more_collateral_never_worsens": Law(
        "more collateral behind every pool never worsens a status", COLLATERAL, of_accounts=never_worsens
    ),
    "order_of_positions_does_not_matter": Law(
        "figures do not depend on the order of positions", None, of_accounts=any_order
    ),
}
"""Every law by its name."""


class LawResult(msgspec.Struct, frozen=True, kw_only=True):
    """A law that was tried: on what, with how many comparisons, what breaks it, and where it could not be tried.

    `missed` are instruments and modes that the law names and on which it could not be tried.
    """

    law: str
    statement: str
    mark: Mark
    tried: tuple[str, ...]
    comparisons: int
    counterexamples: tuple[Counterexample, ...]
    not_tried: tuple[str, ...]
    missed: tuple[str, ...]

    @property
    def held(self) -> bool:
        """Whether nothing breaks it, and it was tried wherever it should have been."""
        return bool(self.tried) and not self.counterexamples and not self.missed


def try_law(
    engine: Engine, asked: AskedLaw, cases: Sequence[Case], tell: Callable[[str], None] = lambda name: None
) -> LawResult:
    """Tries a law on every subject: of sizes on instruments and modes, of accounts on its own or on those of cases.

    On each it stops at the first counterexample. `tell` hears of each before it is tried.
    """
    law = LAWS[asked.law]
    tried: dict[str, int] = {}
    not_tried: list[str] = []
    found: list[Counterexample] = []
    with exactly():
        for name, steps in _subjects(law, engine, asked, cases):
            tell(name)
            try:
                for made, step in enumerate(steps, start=1):
                    tried[name] = made
                    if step is not None:
                        found.append(step)
                        break
            except NotTried as why:
                not_tried.append(f"{name}: {why}")
    return LawResult(
        law=asked.law,
        statement=law.statement,
        mark=asked.mark,
        tried=tuple(tried),
        comparisons=sum(tried.values()),
        counterexamples=tuple(found),
        not_tried=tuple(not_tried),
        missed=tuple(_missed(asked, tried)),
    )


def _subjects(law: Law, engine: Engine, asked: AskedLaw, cases: Sequence[Case]) -> Iterator[tuple[str, Steps]]:
    """What a law is tried on, by name, with what tries it."""
    if law.of_sizes is not None:
        for subject in trials(engine, asked, law.keeps):
            yield subject.name, _never(subject.reason) if subject.trial is None else law.of_sizes(subject.trial)
        return
    assert law.of_accounts is not None
    if asked.account is None and not cases:
        yield "no account", _never("no case states one, and the law has none")
    for name, account, market in _accounts(asked, cases):
        why = NO_MARKET if market is None else _unpromised(engine, account, law.keeps)
        yield name, _never(why) if market is None or why else law.of_accounts(engine, account, market)


def _never(why: str) -> Steps:
    """What tries nothing, and says why."""
    raise NotTried(why)
    yield  # what makes it a generator


def _accounts(asked: AskedLaw, cases: Sequence[Case]) -> Iterator[tuple[str, Account, Market | None]]:
    if asked.account is None:
        yield from ((case.name, case.account, case.market) for case in cases)
    else:
        yield f"account {asked.account.account}", asked.account, asked.market


def _unpromised(engine: Engine, account: Account, keeps: str | None) -> str:
    """Which mode of an account does not promise a law; empty where all do, or need not."""
    modes = engine.policy.modes
    held = dict.fromkeys(position.mode for position in account.positions)
    named = [name for name in held if keeps and name in modes and keeps not in modes[name].traits.keeps]
    return f"the margin mode {named[0]} does not promise it" if named else ""


def _missed(asked: AskedLaw, tried: Iterable[str]) -> Iterator[str]:
    """What the law names and was tried nowhere."""
    yield from (one for one in asked.instruments or () if not any(name.startswith(f"{one} ") for name in tried))
    yield from (one for one in asked.modes or () if not any(name.endswith(f" {one}") for name in tried))
