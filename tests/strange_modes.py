"""Margin modes of strangers, for what the standard modes never do: a silly one for each seam of the engine."""

from __future__ import annotations

from collections.abc import Sequence

import rules_engine_standard_modes

from rules_engine import Engine
from rules_engine.extension.registry import build_registry
from rules_engine.plugin import (
    Backing,
    Exposure,
    Mode,
    NumberSystem,
    Parameters,
    ParameterSchema,
    PoolLabel,
    PositionLabels,
    Requirement,
    hookimpl,
    notional,
)
from rules_engine.policy.check import check_policy
from rules_engine.policy.load import policy_finder
from tests.builders import FLAT, FLAT_INSTRUMENTS, SECTIONS


class Shared:
    """A pool for the whole account."""

    parameters: ParameterSchema = {}

    def pool(self, position: PositionLabels, parameters: Parameters) -> PoolLabel:
        """The account's."""
        return PoolLabel(key="", backing=Backing.ACCOUNT)


class Square(Shared):
    """Requires a ten-thousandth of the square of notional: no function of lines."""

    name = "square"

    def requirement(self, num: NumberSystem, exposure: Exposure, parameters: Parameters) -> Requirement:
        """The same for both figures."""
        size = notional(num, exposure)
        squared = num.quotient(size * size, num.constant(10000))
        return Requirement(squared, squared)


class Free(Shared):
    """Requires nothing."""

    name = "free"

    def requirement(self, num: NumberSystem, exposure: Exposure, parameters: Parameters) -> Requirement:
        """Nothing, for either figure."""
        return Requirement(num.constant(0), num.constant(0))


class FreeSquare(Shared):
    """Requires nothing, in a way that no function of lines can tell."""

    name = "free_square"

    def requirement(self, num: NumberSystem, exposure: Exposure, parameters: Parameters) -> Requirement:
        """Zero times the square of notional."""
        size = notional(num, exposure)
        nothing = size * size * num.constant(0)
        return Requirement(nothing, nothing)


class Strangers:
    """The plugin that supplies them."""

    @hookimpl
    def rules_engine_margin_modes(self) -> Sequence[Mode]:
        """All of this module."""
        return (Square(), Free(), FreeSquare())


def strange_engine(mode: str, **sections: str) -> Engine:
    """The flat engine with a stranger's mode instead of the standard ones."""
    standard = {**SECTIONS, "tables": FLAT, "instruments": FLAT_INSTRUMENTS, "modes": f"{{{mode}: {{}}}}"}
    text = "".join(f"{name}: {section}\n" for name, section in {**standard, **sections}.items())
    registry = build_registry([rules_engine_standard_modes, Strangers()])
    policy, problems = check_policy(text.encode(), "strange.yaml", registry, policy_finder(None))
    assert policy is not None, "\n".join(str(problem) for problem in problems)
    return Engine(policy)
