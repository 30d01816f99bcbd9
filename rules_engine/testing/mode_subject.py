"""A margin mode at work on the stage: what its laws look at."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from random import Random
from typing import Any

import msgspec

from rules_engine.engine.engine import Engine
from rules_engine.extension.registry import Registry
from rules_engine.extension.traits import traits_of
from rules_engine.numbers.system import NumberSystem
from rules_engine.terms.components import ModeTraits, Parameters
from rules_engine.terms.exposure import PoolRequirement, Requirement
from rules_engine.terms.policy import Conventions
from rules_engine.testing.asking import Answer, Asked, ask, converted
from rules_engine.testing.documents import built_in
from rules_engine.testing.examples import Examples
from rules_engine.testing.judging import Follows, NotJudged, evidence
from rules_engine.testing.numbers import is_amount
from rules_engine.testing.opaque import OpaqueNumbers
from rules_engine.testing.reports import CannotExercise
from rules_engine.testing.stage import (
    Call,
    Recorder,
    Scene,
    admitted,
    compiled,
    played,
    reasons,
    registry_with,
)

ENGINE_SCENES = 2
"""One scene in so many cases: laws of whole accounts cost more than those of one call."""


ADVICE = """
Give a policy, accounts and markets in which it is at work: --policy, --account and --market, or Examples."""
"""What to do where the built-in documents lead to no answer."""


class ModeSubject(msgspec.Struct, frozen=True, kw_only=True):
    """A mode under a policy, the scenes that were played, and what the engine asked it in them with exact numbers."""

    mode: Any
    parameters: Parameters
    traits: ModeTraits
    engine: Engine
    registry: Registry
    document: Mapping[str, Any]
    scenes: tuple[Scene, ...]
    calls: tuple[Call, ...]
    seed: int

    @property
    def pooled(self) -> bool:
        """Whether the mode is asked about whole pools."""
        return hasattr(self.mode, "pool_requirement")

    @property
    def conventions(self) -> Conventions:
        """The policy's."""
        return self.engine.policy.conventions

    @property
    def sound(self) -> list[Call]:
        """The calls to which the mode answered with amounts; other laws than that are not judged by the rest."""
        sound = [call for call in self.calls if is_sound(call.answer, pooled=self.pooled)]
        if not sound:
            raise Follows("opaque" if any(call.withheld for call in self.calls) else "amounts")
        return sound

    def ask(self, num: NumberSystem, asked: Asked) -> Answer:
        """What the mode says."""
        answer: Answer = ask(self.mode, num, asked, self.parameters)
        return answer

    def claims(self, law: str) -> None:
        """Raises `NotJudged` where the mode does not state that it keeps a law."""
        if law not in self.traits.keeps:
            raise NotJudged(f"the mode does not state {law!r} in `keeps`")

    def shown(self, finding: str, asked: Asked, **more: Any) -> str:
        """A counterexample in what the mode was asked."""
        name = "pool" if self.pooled else "exposure"
        return evidence(finding, **{name: asked}, parameters=dict(self.parameters), **more)


def mode_subject(
    mode: Any,
    parameters: Mapping[str, Any],
    examples: Examples,
    beside: Mapping[str, Mapping[str, Any]],
    seed: int,
    cases: int,
) -> ModeSubject:
    """A mode exercised in its examples and variants of them. Raises `CannotExercise`."""
    admitted("modes", mode)

    def divides(asked: Asked, parameters: Parameters) -> bool:
        num = OpaqueNumbers()
        with contextlib.suppress(Exception):
            ask(mode, num, converted(asked, num.number), parameters)
        return num.divided

    recorder = Recorder(mode, "requirement", "pool_requirement", divides=divides)
    registry = registry_with({**beside, "modes": {**beside.get("modes", {}), mode.name: recorder}})
    policy = compiled(examples, built_in(modes={mode.name: parameters}), registry)
    if mode.name not in policy.modes:
        raise CannotExercise(f"the examples' policy does not allow the mode {mode.name}")
    engine = Engine(policy)
    random = Random(seed)
    played_scenes = tuple(played(engine, examples, mode.name, random, max(4, cases // ENGINE_SCENES)))
    if not recorder.calls:
        why = reasons(played_scenes) or "no position is in this mode"
        raise CannotExercise(f"nothing was asked of it: {why}{ADVICE if examples.policy is None else ''}")
    return ModeSubject(
        mode=mode,
        parameters=policy.modes[mode.name].parameters,
        traits=traits_of(mode),
        engine=engine,
        registry=registry,
        document={name: value for name, value in policy.document.items() if name != "extends"},
        scenes=played_scenes,
        calls=tuple(random.sample(recorder.calls, min(cases, len(recorder.calls)))),
        seed=seed,
    )


def is_sound(answer: object, *, pooled: bool) -> bool:
    """Whether an answer is a requirement in exact amounts."""
    wanted = PoolRequirement if pooled else Requirement
    return isinstance(answer, wanted) and is_amount(answer.initial) and is_amount(answer.maintenance)
