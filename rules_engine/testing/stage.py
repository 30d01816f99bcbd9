"""The stage on which components are exercised: an engine under a policy that has them, and all that they were asked."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any, Final

import msgspec

from rules_engine.engine.calls import raised_at
from rules_engine.engine.documents import decode_account, decode_market
from rules_engine.engine.engine import Engine
from rules_engine.errors import DocumentError, MissingInput, PluginError, Problem
from rules_engine.extension.kinds import KINDS
from rules_engine.extension.registry import QuarantineWarning, Registry, load_registry
from rules_engine.formulas.requirement import tiered_requirement
from rules_engine.life.cases.law_subjects import document_of
from rules_engine.numbers.exact import EXACT
from rules_engine.numbers.functions import NotLinear
from rules_engine.numbers.system import NumberSystem
from rules_engine.policy.check import check_policy
from rules_engine.policy.load import policy_finder
from rules_engine.terms.account import Account
from rules_engine.terms.components import Parameters, ParameterSchema
from rules_engine.terms.evaluation import Evaluation
from rules_engine.terms.exposure import Exposure, Requirement
from rules_engine.terms.market import Market
from rules_engine.terms.policy import Policy
from rules_engine.terms.pool import Backing, PoolLabel, PositionLabels
from rules_engine.testing.documents import example_account, example_market, policy_text
from rules_engine.testing.examples import Examples
from rules_engine.testing.judging import evidence
from rules_engine.testing.reports import CannotExercise
from rules_engine.testing.scenes import scenes

PLAIN: Final = "conformance-plain"
"""The name of the kit's own mode, in which other components are exercised."""


class Call(msgspec.Struct, frozen=True):
    """What a component was asked and what it answered, or in words what it raised. A call may have been withheld."""

    asked: Any
    answer: Any
    fault: str = ""
    withheld: bool = False


class Withheld(Exception):
    """A component was not asked, because what it does would take for ever."""


class Recorder:
    """Stands in for a component: passes every call of some methods on, and keeps those with exact numbers.

    From the first call on that `divides`, none is passed on: exact numbers divide digit by digit, without end.
    """

    def __init__(self, component: Any, *methods: str, divides: Callable[[Any, Any], bool] | None = None) -> None:
        self.component = component
        self._divides = divides
        self._withholds = False
        self.calls: list[Call] = []
        self.missing: dict[str, None] = {}
        for method in methods:
            if hasattr(component, method):
                setattr(self, method, self._recording(getattr(component, method)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.component, name)

    def _recording(self, method: Any) -> Any:
        def record(*arguments: Any) -> Any:
            exact = arguments[0] is EXACT or len(arguments) == 2
            asked = arguments[-2]
            if exact and self._divides and not self._withholds:
                self._withholds = self._divides(asked, arguments[-1])
            if self._withholds:
                self.calls.append(Call(asked, None, withheld=True))
                raise Withheld("it divides with an operator")
            try:
                answer = method(*arguments)
            except NotLinear:
                raise
            except MissingInput as missing:
                self.missing[str(missing)] = None
                raise
            except (Exception, SystemExit) as error:
                if exact:
                    self.calls.append(Call(asked, None, raised_at(error)))
                raise
            if exact:
                self.calls.append(Call(asked, answer))
            return answer

        return record


class PlainMode:
    """One pool for the whole account, each position by its table: what surrounds components that are no modes."""

    name = PLAIN
    parameters: ParameterSchema = {}

    def pool(self, position: PositionLabels, parameters: Parameters) -> PoolLabel:
        """The account's."""
        return PoolLabel(key="", backing=Backing.ACCOUNT)

    def requirement(self, num: NumberSystem, exposure: Exposure, parameters: Parameters) -> Requirement:
        """What its table says."""
        return tiered_requirement(num, exposure)


class Scene(msgspec.Struct, frozen=True):
    """An account in a market, and what the engine says of it."""

    account: Account
    market: Market
    evaluation: Evaluation


@lru_cache(maxsize=1)
def _installed() -> Registry:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", QuarantineWarning)
        return load_registry()


def admitted(shelf: str, component: Any) -> None:
    """Raises `CannotExercise` where the registry would not let a component in."""
    try:
        next(kind for kind in KINDS if kind.shelf == shelf).admit(component)
    except PluginError as error:
        raise CannotExercise(f"the registry does not let it in: {error}") from error


def registry_with(supplied: Mapping[str, Mapping[str, Any]]) -> Registry:
    """What is installed and the kit's own mode, with these components (by shelf and name) added or in their places."""
    installed = _installed()
    shelves: dict[str, Any] = {}
    for shelf in ("modes", "payoffs", "buffers", "close_out_plans"):
        own = {PLAIN: PlainMode()} if shelf == "modes" else {}
        shelves[shelf] = MappingProxyType({**getattr(installed, shelf), **own, **supplied.get(shelf, {})})
    suppliers = {
        (shelf, name): _supplier(installed, shelf, name, one)
        for shelf, named in supplied.items()
        for name, one in named.items()
    }
    shelves |= {"checks": MappingProxyType({}), "observers": MappingProxyType({})}
    return msgspec.structs.replace(installed, **shelves, suppliers={**installed.suppliers, **suppliers})


def _supplier(installed: Registry, shelf: str, name: str, component: Any) -> str:
    """What messages name as the supplier: its distribution where it is installed, else the author's own module."""
    inner = component.component if isinstance(component, Recorder) else component
    if type(getattr(installed, shelf).get(name)) is type(inner):
        return installed.supplier(shelf, name)
    return type(inner).__module__


def compiled(examples: Examples, document: Mapping[str, Any], registry: Registry) -> Policy:
    """The examples' policy, or where they have none this document's."""
    try:
        data, file, root = _text_of(examples.policy, document)
        policy, problems = check_policy(data, file, registry, policy_finder(root))
    except (DocumentError, PluginError, OSError) as error:
        raise CannotExercise(str(error)) from error
    if policy is None:
        errors = [problem for problem in problems if problem.severity == "error"]
        found = "\n".join(str(_to_its_author(problem)) for problem in errors)
        raise CannotExercise(f"the policy does not compile:\n{found}")
    return policy


def _to_its_author(problem: Problem) -> Problem:
    """The problem without the advice to ask the plugin's author, who is the one that reads this."""
    return msgspec.structs.replace(problem, hint="") if problem.code == "PLUGIN_FAULT" else problem


def _text_of(policy: str | Path | None, document: Mapping[str, Any]) -> tuple[bytes, str, Path | None]:
    if policy is None:
        return policy_text(document).encode(), "conformance.yaml", None
    if isinstance(policy, str) and "\n" in policy:
        return policy.encode(), "policy", None
    return Path(policy).read_bytes(), str(policy), Path(policy).absolute().parent.parent


def played(engine: Engine, examples: Examples, mode: str, random: Random, count: int) -> Iterator[Scene]:
    """The examples and variants of them, evaluated."""
    try:
        accounts = [decode_account(one) for one in examples.accounts or [example_account(mode)]]
        markets = [decode_market(one) for one in examples.markets or [example_market()]]
    except DocumentError as error:
        raise CannotExercise(str(error)) from error
    for account, market in scenes(random, accounts, markets, count):
        yield Scene(account, market, engine.evaluate(account, market))


def reasons(played_scenes: Sequence[Scene]) -> str:
    """Why pools are undetermined, once each."""
    doubts = (
        str(doubt)
        for scene in played_scenes
        for doubt in (*scene.evaluation.evidence, *(one for pool in scene.evaluation.pools for one in pool.evidence))
    )
    return "; ".join(list(dict.fromkeys(doubts))[:5])


def shown(finding: str, scene: Scene) -> str:
    """A counterexample in documents that can be given to the engine again."""
    return evidence(finding, account=_document(scene.account), market=_document(scene.market))


def _document(record: Account | Market) -> str:
    return msgspec.json.encode(document_of(record)).decode()
