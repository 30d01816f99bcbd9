"""Close-out plans: what to close, in which order, until a pool is restored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rules_engine.numbers.exact import divide
from rules_engine.terms.closing import ClosablePool
from rules_engine.terms.components import Parameters, ParameterSchema
from rules_engine.terms.evaluation import Closing

_NOT_RESTORED: Final = "nothing restores the pool"
_RELEASES: Final = "releases more margin than closing it costs"


def _everything(pool: ClosablePool, reason: str) -> list[Closing]:
    return [Closing(position=leg.position, quantity=leg.size, reason=reason) for leg in pool.legs]


class Full:
    """Closes every position."""

    name: str = "full"
    parameters: ParameterSchema = {}

    def closings(self, pool: ClosablePool, parameters: Parameters) -> Sequence[Closing]:
        return _everything(pool, "full close-out")


class Smallest:
    """Closes as little as restores the pool, first where most maintenance is released per unit of fee.

    The fee's rate is one for the whole account, so that order is the order of maintenance per notional; ties go by id.
    """

    name: str = "smallest"
    parameters: ParameterSchema = {}

    def closings(self, pool: ClosablePool, parameters: Parameters) -> Sequence[Closing]:
        start = pool
        steps: list[Closing] = []
        for leg in sorted(pool.legs, key=lambda leg: (-divide(leg.maintenance, leg.notional), leg.position)):
            enough = pool.smallest(leg.position)
            if enough is not None:
                return [*steps, Closing(position=leg.position, quantity=enough, reason="restores the pool")]
            after = pool.close(leg.position, leg.size)
            if after.surplus > pool.surplus:
                steps.append(Closing(position=leg.position, quantity=leg.size, reason=_RELEASES))
                pool = after
        return _everything(start, _NOT_RESTORED)


class TierStep:
    """Takes the largest requirement to just under the floor of its tier, until the pool is restored."""

    name: str = "tier_step"
    parameters: ParameterSchema = {}

    def closings(self, pool: ClosablePool, parameters: Parameters) -> Sequence[Closing]:
        start = pool
        steps: list[Closing] = []
        while pool.legs and not pool.restored:
            leg = max(pool.legs, key=lambda leg: leg.maintenance)  # legs stand by id, so ties go by id
            reason = f"under the floor of tier {leg.tier}" if leg.tier > 1 else "lowest tier: all of it"
            steps.append(Closing(position=leg.position, quantity=leg.to_floor, reason=reason))
            pool = pool.close(leg.position, leg.to_floor)
        return steps if pool.restored else _everything(start, _NOT_RESTORED)
