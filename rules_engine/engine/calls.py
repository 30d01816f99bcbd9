"""Calls into strangers' components: what goes wrong there becomes a doubt that names the component and its supplier."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from decimal import Decimal
from time import perf_counter_ns
from typing import Any, Final, TypeVar

from rules_engine.errors import Doubt, MissingInput, RulesEngineError
from rules_engine.numbers.exact import EXACT, Ratio, exactly
from rules_engine.numbers.functions import NotLinear
from rules_engine.numbers.system import Number, NumberSystem
from rules_engine.terms.exposure import Exposure, PoolExposure, PoolRequirement, Requirement
from rules_engine.terms.instrument import InstrumentView
from rules_engine.terms.policy import AllowedMode, InstrumentRule
from rules_engine.terms.pool import PoolLabel, PositionLabels

Answer = TypeVar("Answer")

NANOSECONDS: Final = Decimal(1_000_000_000)
"""In a second."""


class PluginFault(RulesEngineError):
    """A component broke its contract while it answered, or could not; `doubt` says which, and about what."""

    def __init__(self, doubt: Doubt) -> None:
        super().__init__(doubt.message)
        self.doubt = doubt


class SlowPluginWarning(UserWarning):
    """A call took longer than the component's own budget. No answer changes for that."""


class Caller:
    """Calls one component about one thing, and names both where the call fails."""

    __slots__ = ("component", "instrument", "position", "supplier")

    def __init__(
        self, component: Any, supplier: str, position: str | None = None, instrument: str | None = None
    ) -> None:
        self.component, self.supplier = component, supplier
        self.position, self.instrument = position, instrument

    def fault(self, what: str, code: str = "PLUGIN_FAULT") -> PluginFault:
        """The fault, in words."""
        about = self.position or self.instrument
        named = f"{self.component.name} of {self.supplier or type(self.component).__module__}"
        text = f"{about}: {named} {what}" if about else f"{named} {what}"
        return PluginFault(Doubt(code=code, message=text, position=self.position, instrument=self.instrument))

    def __call__(self, method: Callable[..., Answer], *arguments: Any) -> Answer:
        """The answer. Raises `PluginFault`, or `NotLinear` where a number system cannot follow.

        The call has an arithmetic context of its own, so that what it does to that ends with it.
        """
        try:
            with exactly():
                return method(*arguments)
        except (NotLinear, KeyboardInterrupt):
            raise
        except MissingInput as missing:
            raise self.fault(f"lacks an input: {missing}", missing.code) from missing
        except BaseException as error:
            raise self.fault(raised(error)) from error


def raised(error: BaseException) -> str:
    """What an exception says, in words."""
    return f"raised {type(error).__name__}: {error}" if str(error) else f"raised {type(error).__name__}"


def required(num: NumberSystem, allowed: AllowedMode, exposure: Exposure) -> Requirement:
    """What a mode says that a position requires. Raises `PluginFault`, or `NotLinear` where `num` cannot follow."""
    caller = Caller(allowed.mode, allowed.supplier, exposure.id, exposure.instrument)
    method = allowed.mode.requirement  # type: ignore[union-attr]
    answer: Requirement = _within_budget(allowed, caller, method, num, exposure)
    if num is EXACT:
        _check_position(allowed, caller, answer)
    return answer


def pool_required(num: NumberSystem, allowed: AllowedMode, pool: PoolExposure) -> PoolRequirement:
    """What a mode says that a pool requires. Raises as `required` does."""
    caller = Caller(allowed.mode, allowed.supplier)
    method = allowed.mode.pool_requirement  # type: ignore[union-attr]
    answer: PoolRequirement = _within_budget(allowed, caller, method, num, pool)
    if num is EXACT:
        _check_pool(allowed, caller, answer, pool)
    return answer


def prepared(allowed: AllowedMode, market: InstrumentView, as_of: Any) -> Any:
    """What a mode makes of an instrument's market, once for all positions in it. Raises `PluginFault`."""
    caller = Caller(allowed.mode, allowed.supplier, None, market.name)
    return caller(allowed.mode.prepare, EXACT, market, as_of, allowed.parameters)  # type: ignore[union-attr]


def payoff_value(num: NumberSystem, rule: InstrumentRule, price: Number, size: Decimal, conversion: Decimal) -> Number:
    """Value of one contract at a price. Raises `PluginFault`, or `NotLinear` where `num` cannot follow."""
    call = Caller(rule.payoff, rule.payoff_supplier)
    value = call(rule.payoff.value, num, price, size, conversion)
    if num is EXACT and not is_exact(value):
        raise call.fault(f"values a contract at price {price} at {value!r}")
    return value


def payoff_price(rule: InstrumentRule, value: Number, size: Decimal, conversion: Decimal) -> Number:
    """The price at which a contract has this value. Raises `PluginFault`."""
    call = Caller(rule.payoff, rule.payoff_supplier)
    price = call(rule.payoff.price, EXACT, value, size, conversion)
    if not is_exact(price):
        raise call.fault(f"prices a contract of value {value} at {price!r}")
    return price


def label_of(allowed: AllowedMode, labels: PositionLabels) -> PoolLabel:
    """The pool in which a mode puts a position. Raises `PluginFault`."""
    caller = Caller(allowed.mode, allowed.supplier, labels.id, labels.instrument)
    label = caller(allowed.mode.pool, labels, allowed.parameters)
    if not isinstance(label, PoolLabel):
        raise caller.fault(f"returned {type(label).__name__}, wanted a PoolLabel")
    return label


def is_amount(figure: Number) -> bool:
    """Whether a figure is an exact number, finite and not negative."""
    return is_exact(figure) and bool(figure >= 0)


def is_exact(figure: Number) -> bool:
    """Whether a figure is an exact finite number."""
    if isinstance(figure, Decimal):
        return figure.is_finite()
    return isinstance(figure, Ratio | int) and not isinstance(figure, bool)


def _within_budget(allowed: AllowedMode, caller: Caller, method: Callable[..., Answer], *arguments: Any) -> Answer:
    """The answer to a call; one that takes longer than the mode's own budget is reported."""
    budget = allowed.traits.budget
    if budget is None:
        return caller(method, *arguments, allowed.parameters)
    start = perf_counter_ns()
    try:
        return caller(method, *arguments, allowed.parameters)
    finally:
        if (taken := perf_counter_ns() - start) > budget * NANOSECONDS:
            seconds = Decimal(taken) / NANOSECONDS
            text = caller.fault(f"took {seconds:.3g} s, more than its budget of {budget} s").doubt.message
            warnings.warn(text, SlowPluginWarning, stacklevel=2)


def _check_position(allowed: AllowedMode, caller: Caller, answer: object) -> None:
    """A requirement is two exact amounts, and what orders reserve where the mode says that."""
    if not isinstance(answer, Requirement):
        raise caller.fault(f"returned {type(answer).__name__}, wanted a Requirement")
    _check_amounts(allowed, caller, answer)


def _check_pool(allowed: AllowedMode, caller: Caller, answer: object, pool: PoolExposure) -> None:
    """A pool's requirement is two exact amounts, attributed to its positions so that they add up."""
    if not isinstance(answer, PoolRequirement):
        raise caller.fault(f"returned {type(answer).__name__}, wanted a PoolRequirement")
    _check_amounts(allowed, caller, answer)
    shares, ids = answer.attribution, {exposure.id for exposure in pool.positions}
    if not isinstance(shares, Mapping) or set(shares) != ids:
        raise caller.fault(f"attributes to {sorted(shares)}, wanted {sorted(ids)}")
    for id, share in shares.items():
        if not isinstance(share, Requirement) or not is_exact(share.initial) or not is_exact(share.maintenance):
            raise caller.fault(f"attributes {share!r} to {id}")
        _check_figures(caller, share.figures)
    for name in ("initial", "maintenance"):
        whole, parts = getattr(answer, name), EXACT.total([getattr(share, name) for share in shares.values()])
        if whole != parts and shares:
            raise caller.fault(f"requires {name} margin {whole!r} and attributes {parts!r}")


def _check_amounts(allowed: AllowedMode, caller: Caller, answer: Requirement | PoolRequirement) -> None:
    for name, figure in (("initial", answer.initial), ("maintenance", answer.maintenance)):
        if not is_amount(figure):
            raise caller.fault(f"requires {name} margin {figure!r}")
    says = allowed.traits.reserves_orders
    if (says and not is_amount(answer.orders)) or (not says and answer.orders is not None):
        wanted = "an amount" if says else "None, for it does not state reserves_orders"
        raise caller.fault(f"says that orders reserve {answer.orders!r}, wanted {wanted}")
    _check_figures(caller, answer.figures)


def _check_figures(caller: Caller, figures: object) -> None:
    if not isinstance(figures, Mapping):
        raise caller.fault(f"reports {type(figures).__name__} as figures, wanted a mapping")
    for name, figure in figures.items():
        if not isinstance(name, str) or not is_exact(figure):
            raise caller.fault(f"reports {name!r} as {figure!r}, wanted an exact number")
