"""What modes are asked about, in any number system, and as it would be elsewhere: other marks, sizes, sides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias, TypeVar

from msgspec.structs import replace

from rules_engine.formulas.requirement import unrealized_pnl
from rules_engine.numbers.exact import EXACT
from rules_engine.numbers.system import Number, NumberSystem
from rules_engine.terms.components import Parameters
from rules_engine.terms.exposure import (
    AssetExposure,
    Exposure,
    PoolExposure,
    PoolRequirement,
    Requirement,
    RestingOrder,
)
from rules_engine.terms.policy import Conventions

Asked: TypeAlias = Exposure | PoolExposure
"""What a mode is asked about: one position, or a whole pool."""

Record = TypeVar("Record", Exposure, PoolExposure, RestingOrder, AssetExposure)

Answer: TypeAlias = Requirement | PoolRequirement

Convert: TypeAlias = Callable[[str, str, Number], Number]
"""Makes a number of another system out of an exact one, given its name and its unit."""

PER_CONTRACT: Final = "currency/contract"
UNITS: Final = {
    "quantity": "contract",
    "value": PER_CONTRACT,
    "entry_value": PER_CONTRACT,
    "maintenance_value": PER_CONTRACT,
    "initial_value": PER_CONTRACT,
    "leverage": "1",
    "collateral": "currency",
    "side": "1",
}
"""The unit of each number of an exposure."""
_ORDER_UNITS: Final = {"quantity": "contract", "value": PER_CONTRACT, "leverage": "1"}
_POOL_UNITS: Final = {"collateral": "currency", "equity": "currency"}
_ASSET_UNITS: Final = {"amount": "1", "price": "currency", "value": "currency"}


def ask(mode: Any, num: NumberSystem, asked: Asked, parameters: Parameters) -> Any:
    """What a mode says of a position or of a pool."""
    if isinstance(asked, PoolExposure):
        return mode.pool_requirement(num, asked, parameters)
    return mode.requirement(num, asked, parameters)


def converted(asked: Asked, convert: Convert) -> Asked:
    """The same in another number system; what the policy states (tiers, fees) stays exact."""
    if isinstance(asked, Exposure):
        return _converted(asked, convert)
    return replace(
        _with(asked, _POOL_UNITS, convert),
        positions=tuple(_converted(exposure, convert) for exposure in asked.positions),
        assets=tuple(_with(asset, _ASSET_UNITS, convert) for asset in asked.assets),
    )


def _converted(exposure: Exposure, convert: Convert) -> Exposure:
    orders = tuple(_with(order, _ORDER_UNITS, convert) for order in exposure.orders)
    return replace(_with(exposure, UNITS, convert), orders=orders)


def _with(record: Record, units: Mapping[str, str], convert: Convert) -> Record:
    known = {name: getattr(record, name) for name in units if getattr(record, name) is not None}
    return replace(record, **{name: convert(name, units[name], value) for name, value in known.items()})


def positions_of(asked: Asked) -> tuple[Exposure, ...]:
    """The position, or all of the pool's."""
    return asked.positions if isinstance(asked, PoolExposure) else (asked,)


def changed(num: NumberSystem, asked: Asked, change: Callable[[Exposure], Exposure]) -> Asked:
    """The same with every position changed; a pool's equity follows."""
    if isinstance(asked, Exposure):
        return change(asked)
    return _holding(num, asked, tuple(change(exposure) for exposure in asked.positions))


def alone(asked: Asked) -> Iterator[tuple[Exposure, Asked]]:
    """Every position by itself, with what the mode is asked then."""
    for exposure in positions_of(asked):
        yield exposure, asked if isinstance(asked, Exposure) else _holding(EXACT, asked, (exposure,))


def _holding(num: NumberSystem, pool: PoolExposure, positions: tuple[Exposure, ...]) -> PoolExposure:
    equity = num.total([pool.collateral, *(unrealized_pnl(num, exposure) for exposure in positions)])
    return replace(pool, positions=positions, equity=equity)


def at_mark(exposure: Exposure, value: Number, conventions: Conventions) -> Exposure:
    """The position at another mark, given as the value of one contract."""
    return replace(
        exposure,
        value=value,
        maintenance_value=value if conventions.maintenance_priced_at == "mark" else exposure.maintenance_value,
        initial_value=value if conventions.initial_priced_at == "mark" else exposure.initial_value,
    )


def just_opened(exposure: Exposure) -> Exposure:
    """The position with its entry at the mark, and no orders on it."""
    value = exposure.value
    return replace(exposure, entry_value=value, maintenance_value=value, initial_value=value, orders=())
