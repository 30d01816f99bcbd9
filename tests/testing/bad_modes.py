"""Silly margin modes, each of which breaks one law, and keeps the others wherever that can be."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from rules_engine.numbers.functions import Piecewise
from rules_engine.numbers.traced import TracedNumbers
from rules_engine.plugin import (
    NumberSystem,
    Parameters,
    ParameterSchema,
    PoolExposure,
    PoolRequirement,
    Requirement,
    notional,
    tiered_requirement,
)
from tests.testing.good_modes import Own, Shared, WholeTiered


class Bad(Own):
    """Requires what the table does, made wrong by `twisted`."""

    name = "bad"

    def requirement(self, num: Any, exposure: Any, parameters: Any) -> Any:
        """The table's, twisted."""
        return self.twisted(num, exposure, tiered_requirement(num, exposure))

    def twisted(self, num: Any, exposure: Any, answer: Requirement) -> Any:
        """What is wrong with it."""
        raise NotImplementedError


def more(answer: Requirement, amount: Any) -> Requirement:
    """Both figures raised by an amount."""
    return Requirement(answer.initial + amount, answer.maintenance + amount)


class Negative(Bad):
    """Pays for being held."""

    def twisted(self, num: Any, exposure: Any, answer: Requirement) -> Any:
        return Requirement(answer.initial, -answer.maintenance - 1)


class Floating(Bad):
    """Answers in binary floats."""

    def twisted(self, num: Any, exposure: Any, answer: Requirement) -> Any:
        return Requirement(0.5, 0.25)


class Raising(Bad):
    """Does not know what to do where no leverage is stated."""

    def twisted(self, num: Any, exposure: Any, answer: Requirement) -> Any:
        return more(answer, 0 * notional(num, exposure) * exposure.leverage)


class Unordered(Bad):
    """States no `reserves_orders`, and answers for orders all the same."""

    def twisted(self, num: Any, exposure: Any, answer: Requirement) -> Any:
        return replace(answer, orders=Decimal(1))


class Branching(Bad):
    """Branches on the quantity, to the same end."""

    def twisted(self, num: Any, exposure: Any, answer: Requirement) -> Any:
        return answer if exposure.quantity > 0 else more(answer, 0)


class Dividing(Bad):
    """Divides with `/`, which exact numbers can only do where nothing is left over."""

    def twisted(self, num: Any, exposure: Any, answer: Requirement) -> Any:
        return more(answer, 0 * (exposure.quantity / 2))


class Swallowing(Bad):
    """Branches, and hides that it cannot."""

    def twisted(self, num: Any, exposure: Any, answer: Requirement) -> Any:
        try:
            return answer if exposure.quantity == 0 else more(answer, 0)
        except TypeError:
            return answer


class TracedApart(Bad):
    """Tells explanations another story."""

    def twisted(self, num: Any, exposure: Any, answer: Requirement) -> Any:
        return more(answer, 1) if isinstance(num, TracedNumbers) else answer


class MarkApart(Bad):
    """Is another function where the mark is unknown."""

    def twisted(self, num: Any, exposure: Any, answer: Requirement) -> Any:
        return more(answer, 1) if isinstance(exposure.value, Piecewise) else answer


class QuantityApart(Bad):
    """Is another function where the quantity is unknown."""

    def twisted(self, num: Any, exposure: Any, answer: Requirement) -> Any:
        return more(answer, 1) if isinstance(exposure.quantity, Piecewise) else answer


class Unlike(Bad):
    """Adds contracts to currency."""

    def twisted(self, num: Any, exposure: Any, answer: Requirement) -> Any:
        return more(answer, num.absolute(exposure.quantity))


class Contracts(Bad):
    """Requires contracts."""

    def twisted(self, num: Any, exposure: Any, answer: Requirement) -> Any:
        return Requirement(answer.initial, num.absolute(exposure.quantity))


class Sided(Bad):
    """Charges shorts more."""

    def twisted(self, num: Any, exposure: Any, answer: Requirement) -> Any:
        return more(answer, (2 - exposure.side) * notional(num, exposure))


class Greedy(Bad):
    """Requires twice what backs the position."""

    def twisted(self, num: Any, exposure: Any, answer: Requirement) -> Any:
        return answer if exposure.collateral is None else more(answer, 2 * exposure.collateral)


class Shrinking(Bad):
    """Requires less of more."""

    def twisted(self, num: Any, exposure: Any, answer: Requirement) -> Any:
        less = num.maximum(num.constant(0), num.constant(1000) - notional(num, exposure))
        return Requirement(less, less)


class Gossip(Bad):
    """Charges by how many positions it was asked about in its last three calls."""

    def __init__(self) -> None:
        self.last: list[str] = []

    def twisted(self, num: Any, exposure: Any, answer: Requirement) -> Any:
        self.last = [*self.last[-2:], exposure.id]
        return more(answer, len(set(self.last)))


class Untyped(Bad):
    """Takes anything for a rate."""

    parameters: ParameterSchema = {"rate": {"required": True}}

    def twisted(self, num: Any, exposure: Any, answer: Requirement) -> Any:
        return answer


class Scribbling(Bad):
    """Keeps notes in what was prepared for all positions."""

    def prepare(self, num: Any, market: Any, as_of: Any, parameters: Any) -> list[str]:
        """An empty notebook."""
        return []

    def twisted(self, num: Any, exposure: Any, answer: Requirement) -> Any:
        exposure.prepared.append(exposure.id)
        return answer


class Timed(Bad):
    """Looks at the clock."""

    def twisted(self, num: Any, exposure: Any, answer: Requirement) -> Any:
        time.time()
        return answer


class Dated(Bad):
    """Looks at the calendar."""

    def twisted(self, num: Any, exposure: Any, answer: Requirement) -> Any:
        datetime.now(UTC)
        return answer


class Dicing(Bad):
    """Throws dice."""

    def twisted(self, num: Any, exposure: Any, answer: Requirement) -> Any:
        random.random()
        return answer


class Filing(Bad):
    """Reads a file."""

    def twisted(self, num: Any, exposure: Any, answer: Requirement) -> Any:
        Path(__file__).read_text(encoding="utf-8")
        return answer


class Misattributing(WholeTiered):
    """Attributes all of it to everyone."""

    name = "bad"

    def pool_requirement(self, num: NumberSystem, pool: PoolExposure, parameters: Parameters) -> PoolRequirement:
        answer = super().pool_requirement(num, pool, parameters)
        share = Requirement(answer.initial, answer.maintenance)
        return replace(answer, attribution={one.id: share for one in pool.positions})


class Forgetting(WholeTiered):
    """Attributes nothing to the last position."""

    name = "bad"

    def pool_requirement(self, num: NumberSystem, pool: PoolExposure, parameters: Parameters) -> PoolRequirement:
        answer = super().pool_requirement(num, pool, parameters)
        kept = dict(list(answer.attribution.items())[:-1])
        return replace(answer, attribution=kept)


class FirstOnly(Shared):
    """Charges the first position alone."""

    name = "bad"

    def pool_requirement(self, num: NumberSystem, pool: PoolExposure, parameters: Parameters) -> PoolRequirement:
        def charges() -> Iterator[Any]:
            for index, one in enumerate(pool.positions):
                yield one.id, Decimal("0.1") * notional(num, one) if index == 0 else num.constant(0)

        shares = {id: Requirement(charge, charge) for id, charge in charges()}
        whole = num.total([share.initial for share in shares.values()])
        return PoolRequirement(whole, whole, shares)
