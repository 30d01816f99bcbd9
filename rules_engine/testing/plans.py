"""The laws of close-out plans, and the check of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from random import Random
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from rules_engine.engine.calls import in_words
from rules_engine.engine.engine import Engine
from rules_engine.extension.registry import Registry
from rules_engine.numbers.exact import ZERO
from rules_engine.terms.account import Account
from rules_engine.terms.closing import ClosablePool
from rules_engine.terms.components import Parameters
from rules_engine.terms.evaluation import Closing, Evaluation
from rules_engine.terms.market import Market
from rules_engine.testing.documents import built_in
from rules_engine.testing.examples import STANDARD, Examples
from rules_engine.testing.judging import Follows, NotJudged, Statute, evidence, named, report_on
from rules_engine.testing.numbers import is_amount
from rules_engine.testing.outside import outside_calls
from rules_engine.testing.parameter_law import misfits
from rules_engine.testing.reports import CannotExercise, Report
from rules_engine.testing.stage import PLAIN, Recorder, Scene, admitted, compiled, played, registry_with, shown

DEPTHS: Final = tuple(map(Decimal, ("0.02", "0.3", "0.7", "0.98")))
"""Of maintenance: how much equity a pool has that is to be closed out."""


class Liquidation(msgspec.Struct, frozen=True):
    """An account in which a pool is liquidated, the pool, and the plan's answer."""

    scene: Scene
    pool: ClosablePool
    answer: Any
    fault: str

    @property
    def steps(self) -> list[Closing]:
        """The answer, where it is a sequence of closings."""
        return [one for one in self.answer if isinstance(one, Closing)] if isinstance(self.answer, list | tuple) else []


class PlanSubject(msgspec.Struct, frozen=True, kw_only=True):
    """A plan under a policy, and what it said of pools that are liquidated."""

    plan: Any
    parameters: Parameters
    engine: Engine
    registry: Registry
    document: Mapping[str, Any]
    liquidations: tuple[Liquidation, ...]
    seed: int

    def step_of(self, liquidation: Liquidation, position: str) -> Decimal:
        """What quantities of a position are multiples of."""
        instrument = next(leg.instrument for leg in liquidation.pool.legs if leg.position == position)
        rule = self.engine.policy.instruments.get(instrument)
        stated = liquidation.scene.market.instruments[instrument].quantity_step
        return (rule and rule.quantity_step) or stated or self.engine.policy.quantum


def _subject(plan: Any, parameters: Mapping[str, Any], examples: Examples, seed: int, cases: int) -> PlanSubject:
    admitted("close_out_plans", plan)
    recorder = Recorder(plan, "closings")
    registry = registry_with({"close_out_plans": {plan.name: recorder}})
    document = built_in(modes={PLAIN: {}})
    document["liquidation"] = {**document["liquidation"], "close_out": {"plan": plan.name, **parameters}}
    policy = compiled(examples, document, registry)
    if policy.liquidation.close_out.plan is not recorder:
        raise CannotExercise(f"the examples' policy does not close out by the plan {plan.name}")
    engine, random = Engine(policy), Random(seed)
    liquidations = []
    for scene in played(engine, examples, PLAIN, random, cases):
        for account in _sinking(scene, policy.settlement_currency, random):
            recorder.calls.clear()
            evaluation = engine.evaluate(account, scene.market)
            here = Scene(account, scene.market, evaluation)
            liquidations += [Liquidation(here, one.asked, one.answer, one.fault) for one in recorder.calls]
    if not liquidations:
        raise CannotExercise("; ".join(recorder.missing) or "no pool of the examples comes to be liquidated")
    return PlanSubject(
        plan=plan,
        parameters=policy.liquidation.close_out.parameters,
        engine=engine,
        registry=registry,
        document={name: value for name, value in policy.document.items() if name != "extends"},
        liquidations=tuple(liquidations),
        seed=seed,
    )


def _sinking(scene: Scene, currency: str, random: Random) -> Iterator[Account]:
    """The account with as much collateral as leaves each pool in turn between bankruptcy and its maintenance."""
    for pool in scene.evaluation.pools:
        if pool.equity is None or not pool.maintenance_margin:
            continue
        change = pool.maintenance_margin * random.choice(DEPTHS) - pool.equity
        account, inside = scene.account, {one.id for one in scene.evaluation.positions if one.pool == pool.pool}
        yield replace(
            account,
            collateral={**account.collateral, currency: account.collateral.get(currency, ZERO) + change},
            group_margins={name: margin + change for name, margin in account.group_margins.items()},
            positions=tuple(
                replace(one, margin=one.margin + change) if one.id in inside and one.margin is not None else one
                for one in account.positions
            ),
        )


def steps(subject: PlanSubject) -> Iterator[str]:
    """Follows the steps of each close-out, position by position."""
    for one in subject.liquidations:
        if one.fault or not isinstance(one.answer, list | tuple) or len(one.steps) < len(one.answer):
            yield shown(one.fault or f"returned {one.answer!r}, wanted a sequence of Closing", one.scene)
            continue
        left = {leg.position: leg.size for leg in one.pool.legs}
        for step in one.steps:
            size = left.get(step.position, ZERO)
            if not is_amount(step.quantity) or not 0 < step.quantity <= size:
                yield shown(f"closes {in_words(step.quantity)} of {step.position}, of which {size} are open", one.scene)
                break
            left[step.position] = size - step.quantity


def _lawful(subject: PlanSubject) -> list[Liquidation]:
    lawful = [one for one in subject.liquidations if not one.fault and _followed(one) is not None]
    if not lawful:
        raise Follows("steps")
    return lawful


def _followed(liquidation: Liquidation) -> ClosablePool | None:
    """The pool after all steps; None where a step closes what is not there."""
    pool = liquidation.pool
    for step in liquidation.steps:
        size = next((leg.size for leg in pool.legs if leg.position == step.position), ZERO)
        if not is_amount(step.quantity) or not 0 < step.quantity <= size:
            return None
        pool = pool.close(step.position, step.quantity)
    return pool


def multiples(subject: PlanSubject) -> Iterator[str]:
    """Holds every quantity against the instrument's step."""
    for one in _lawful(subject):
        left = {leg.position: leg.size for leg in one.pool.legs}
        for step in one.steps:
            unit = subject.step_of(one, step.position)
            if step.quantity != left[step.position] and step.quantity % unit != 0:
                yield shown(f"closes {step.quantity} of {step.position}, whose step is {unit}", one.scene)
            left[step.position] -= step.quantity


def restores(subject: PlanSubject) -> Iterator[str]:
    """Closes what the plan says, and looks at what is left."""
    for one in _lawful(subject):
        after = _followed(one)
        if after is not None and after.legs and not after.restored:
            text = f"after {[(step.position, step.quantity) for step in one.steps]} the pool is not restored"
            yield shown(f"{text}, and {[(leg.position, leg.size) for leg in after.legs]} are open", one.scene)


def order(subject: PlanSubject) -> Iterator[str]:
    """Evaluates every account with its positions in the opposite order."""
    compared = 0
    for one in subject.liquidations:
        account, market = one.scene.account, one.scene.market
        if one.fault or len(account.positions) < 2:
            continue
        compared += 1
        permuted = replace(account, positions=account.positions[::-1])
        now, then = _close_outs(one.scene.evaluation), _close_outs(_evaluated(subject, permuted, market))
        if now != then:
            yield shown(f"{now!r}\nwith the positions in the opposite order: {then!r}", one.scene)
    if not compared:
        raise NotJudged("no account of the examples has two positions")


def _evaluated(subject: PlanSubject, account: Account, market: Market) -> Evaluation:
    return subject.engine.evaluate(account, market)


def _close_outs(evaluation: Evaluation) -> dict[str, tuple[Closing, ...]]:
    return {pool.pool: pool.close_out for pool in evaluation.pools}


def repeatable(subject: PlanSubject) -> Iterator[str]:
    """Asks everything once more, in the opposite order."""
    before = repr(subject.parameters)
    for one in reversed(_lawful(subject)):
        again = subject.plan.closings(one.pool, subject.parameters)
        if list(again) != one.steps:
            yield shown(f"the steps were {one.steps!r}, and are {again!r} when asked again", one.scene)
    if repr(subject.parameters) != before:
        yield evidence(f"the call changed its parameters, which were {before}", parameters=subject.parameters)


def outside(subject: PlanSubject) -> Iterator[str]:
    """Listens for calls of clocks, of random numbers and of files."""
    for one in _lawful(subject):
        for name in outside_calls(lambda pool=one.pool: subject.plan.closings(pool, subject.parameters)):  # type: ignore[misc]
            yield shown(f"calls {name}", one.scene)


def parameters(subject: PlanSubject) -> Iterator[str]:
    """Tries parameters that the schema should refuse."""
    return misfits(subject.document, subject.registry, ("liquidation", "close_out"), subject.plan.parameters)


PLAN_LAWS: Final = (
    Statute("steps", "every step closes something, and no more than is open", steps),
    Statute("multiples", "what is closed are multiples of the quantity step, or all that is left", multiples),
    Statute("restores", "its steps restore the pool or close everything", restores),
    Statute("order", "the order of positions does not matter", order),
    Statute("parameters", "what its schema does not allow is refused at its place in the policy", parameters),
    Statute("repeatable", "asked again it answers the same, and it changes nothing", repeatable),
    Statute("outside", "it asks no clock, no random number and no file", outside),
)
"""Every law of close-out plans, in the order in which they are reported."""


def check_close_out_plan(
    plan: Any,
    parameters: Mapping[str, Any] = {},
    *,
    examples: Examples | None = None,
    seed: int = 0,
    cases: int = 50,
) -> Report:
    """How a close-out plan stands to its laws. Of `parameters` and examples the same holds as for modes."""
    return report_on(
        f"close-out plan {named(plan)}",
        PLAN_LAWS,
        lambda: _subject(plan, parameters, examples or STANDARD, seed, cases),
    )
