"""Strangers' components that answer as a test tells them, and engines under policies that use them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import rules_engine_standard_modes

from rules_engine import Engine, Policy
from rules_engine.extension.registry import build_registry
from rules_engine.plugin import Backing, PoolLabel, hookimpl
from rules_engine.policy.check import check_policy
from rules_engine.policy.load import policy_finder
from tests.builders import FLAT, FLAT_INSTRUMENTS, SECTIONS

KEYS: dict[Backing, Callable[[Any], str | None]] = {
    Backing.POSITION: lambda labels: labels.id,
    Backing.GROUP: lambda labels: labels.group or labels.underlying,
    Backing.ACCOUNT: lambda labels: "",
}
"""By what a stranger's mode tells pools apart."""


class Strange:
    """A mode of positions: `answer` says what one requires. Attributes of `ModeTraits` are set by name."""

    def __init__(
        self, answer: Callable[..., Any], backing: Backing = Backing.ACCOUNT, name: str = "strange", **stated: Any
    ) -> None:
        self.name, self.answer, self.backing = name, answer, backing
        self.parameters: dict[str, Any] = {}
        for trait, value in stated.items():
            setattr(self, trait, value)

    def pool(self, labels: Any, parameters: Any) -> PoolLabel:
        """A pool a position, group or account."""
        return PoolLabel(key=KEYS[self.backing](labels), backing=self.backing)

    def requirement(self, num: Any, exposure: Any, parameters: Any) -> Any:
        """As the test tells."""
        return self.answer(num, exposure)


class StrangePool:
    """A mode of whole pools: `answer` says what one requires."""

    def __init__(
        self, answer: Callable[..., Any], backing: Backing = Backing.ACCOUNT, name: str = "strange", **stated: Any
    ) -> None:
        self.name, self.answer, self.backing = name, answer, backing
        self.parameters: dict[str, Any] = {}
        for trait, value in stated.items():
            setattr(self, trait, value)

    def pool(self, labels: Any, parameters: Any) -> PoolLabel:
        """A pool a position, group or account."""
        return PoolLabel(key=KEYS[self.backing](labels), backing=self.backing)

    def pool_requirement(self, num: Any, pool: Any, parameters: Any) -> Any:
        """As the test tells."""
        return self.answer(num, pool)


class Supplies:
    """A plugin that supplies these components."""

    def __init__(
        self,
        *modes: Any,
        payoffs: Sequence[Any] = (),
        buffers: Sequence[Any] = (),
        plans: Sequence[Any] = (),
    ) -> None:
        self.modes, self.payoffs, self.buffers, self.plans = modes, payoffs, buffers, plans

    @hookimpl
    def rules_engine_margin_modes(self) -> Sequence[Any]:
        """Its modes."""
        return self.modes

    @hookimpl
    def rules_engine_payoffs(self) -> Sequence[Any]:
        """Its payoffs."""
        return self.payoffs

    @hookimpl
    def rules_engine_buffers(self) -> Sequence[Any]:
        """Its kinds of buffer."""
        return self.buffers

    @hookimpl
    def rules_engine_close_out_plans(self) -> Sequence[Any]:
        """Its close-out plans."""
        return self.plans


SUPPLIER = "Supplies"
"""Who supplies them, in a registry that is built of objects."""


def policy_with(plugin: Supplies, **sections: str) -> Policy:
    """The policy of one tier (maintenance 1 %, initial 10 %) that allows the plugin's modes and the standard ones."""
    allowed = ", ".join(f"{mode.name}: {{}}" for mode in plugin.modes)
    modes = f"{{isolated: {{}}, {allowed}}}" if allowed else "{isolated: {}, cross: {}}"
    standard = {**SECTIONS, "tables": FLAT, "instruments": FLAT_INSTRUMENTS, "modes": modes}
    text = "".join(f"{name}: {section}\n" for name, section in {**standard, **sections}.items())
    registry = build_registry([rules_engine_standard_modes, plugin])
    policy, problems = check_policy(text.encode(), "strange.yaml", registry, policy_finder(None))
    assert policy is not None, "\n".join(str(problem) for problem in problems)
    return policy


def engine_with(plugin: Supplies, **sections: str) -> Engine:
    """The engine of that policy."""
    return Engine(policy_with(plugin, **sections))


def fail(error: BaseException) -> Any:
    """Raises, where only an expression may stand."""
    raise error
