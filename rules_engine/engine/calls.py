"""Calls into strangers' components: what goes wrong there becomes a doubt that names the component and its supplier."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, getcontext, setcontext
from time import perf_counter_ns
from typing import Any, Final, TypeVar

from rules_engine.engine.places import origin
from rules_engine.errors import Doubt, MissingInput, RulesEngineError
from rules_engine.numbers.exact import EXACT, PRECISION, Ratio, exact_context
from rules_engine.numbers.functions import NotLinear
from rules_engine.numbers.piecewise import PiecewiseNumbers
from rules_engine.numbers.system import Number, NumberSystem
from rules_engine.numbers.text import LARGEST, SMALLEST
from rules_engine.numbers.traced import readable
from rules_engine.terms.exposure import Exposure, PoolExposure, PoolRequirement, Requirement
from rules_engine.terms.instrument import InstrumentView
from rules_engine.terms.policy import AllowedMode, InstrumentRule
from rules_engine.terms.pool import Backing, PoolLabel, PositionLabels

Answer = TypeVar("Answer")

NANOSECONDS: Final = 1_000_000_000
"""In a second."""

MILLISECOND: Final = 1_000_000
"""In nanoseconds."""

MARGINS: Final = ("initial", "maintenance")
"""The figures of a requirement that every mode states."""

AMOUNT: Final = "a finite amount, not below 0"
"""What a requirement must be, in words."""

_ROUGH: Final = Context(prec=12, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
"""For numbers of any size in words; it raises nothing."""


class PluginFault(RulesEngineError):
    """A component broke its contract while it answered, or could not; `doubt` says which, and about what."""

    def __init__(self, doubt: Doubt) -> None:
        super().__init__(doubt.message)
        self.doubt = doubt


class SlowPluginWarning(UserWarning):
    """A call took longer than the component's own budget. No answer changes for that."""


class Caller:
    """Calls one component about one thing, and names both where the call fails. `budget` is in seconds."""

    __slots__ = ("budget", "component", "instrument", "position", "supplier")

    def __init__(
        self,
        component: Any,
        supplier: str,
        position: str | None = None,
        instrument: str | None = None,
        budget: Decimal | None = None,
    ) -> None:
        self.component, self.supplier, self.budget = component, supplier, budget
        self.position, self.instrument = position, instrument

    def fault(self, what: str, code: str = "PLUGIN_FAULT") -> PluginFault:
        """The fault, in words."""
        about = self.position or self.instrument
        named = f"{self.component.name} of {self.supplier or type(self.component).__module__}"
        text = f"{about}: {named} {what}" if about else f"{named} {what}"
        return PluginFault(Doubt(code=code, message=text, position=self.position, instrument=self.instrument))

    def failed(self, error: BaseException, num: object = None) -> BaseException:
        """What an exception that came out of the component becomes: a fault, a missing input, or itself.

        Only functions of an unknown (`num`) may be told to be no straight ones.
        """
        if getcontext().prec != PRECISION:
            setcontext(exact_context())
        if isinstance(error, (PluginFault, KeyboardInterrupt)):
            return error
        if isinstance(error, NotLinear) and isinstance(num, PiecewiseNumbers):
            return error
        if isinstance(error, MissingInput):
            return self.fault(f"lacks an input: {error}", error.code)
        return self.fault(raised_at(error))

    def meddled(self) -> PluginFault:
        """The fault of a component that changed decimal arithmetic, which is put right."""
        setcontext(exact_context())
        return self.fault("changed the precision of decimal arithmetic")

    def __call__(self, method: Callable[..., Answer], *arguments: Any) -> Answer:
        """The answer. Raises `PluginFault`, or `NotLinear` where a number system cannot follow."""
        start = 0 if self.budget is None else perf_counter_ns()
        try:
            answer = method(*arguments)
        except BaseException as error:
            raise self.failed(error, arguments[0] if arguments else None) from error
        if getcontext().prec != PRECISION:
            raise self.meddled()
        if self.budget is not None:
            self._report(perf_counter_ns() - start, self.budget)
        return answer

    def _report(self, taken: int, budget: Decimal) -> None:
        """Warns of a call that took longer (in nanoseconds) than the component's own budget."""
        if taken > budget * NANOSECONDS:
            what = f"took {taken // MILLISECOND} ms, more than its budget of {budget} s"
            warnings.warn(self.fault(what).doubt.message, SlowPluginWarning, stacklevel=3)


def raised(error: BaseException) -> str:
    """What an exception says, in words."""
    return f"raised {type(error).__name__}: {error}" if str(error) else f"raised {type(error).__name__}"


def raised_at(error: BaseException) -> str:
    """What an exception says, and where in the plugin's code it came up."""
    place = origin(error)
    return f"{raised(error)} ({place})" if place else raised(error)


def in_words(figure: Any) -> str:
    """What stands where a figure should, in words: in plain digits where it is an exact number of everyday size."""
    rough = _ROUGH.divide(figure.n, figure.d) if isinstance(figure, Ratio) else figure
    if is_exact(rough) and (rough == 0 or SMALLEST <= abs(rough) <= LARGEST):
        return readable(figure)
    if isinstance(rough, float):
        return f"{rough} (float, not exact)"
    return str(rough) if isinstance(rough, Decimal) else repr(rough)


def gap(whole: Number, parts: Iterable[Number]) -> str:
    """In words, by how much shares do not add up to the whole; empty where they do."""
    total = EXACT.total(list(parts))
    if total == whole:
        return ""
    return f"its shares add up to {in_words(total)} of {in_words(whole)}: off by {in_words(abs(total - whole))}"


def required(num: NumberSystem, allowed: AllowedMode, exposure: Exposure) -> Requirement:
    """What a mode says that a position requires. Raises `PluginFault`, or `NotLinear` where `num` cannot follow."""
    if allowed.traits.budget is not None:
        answer: Requirement = _of(allowed, exposure)(_requirement(allowed), num, exposure, allowed.parameters)
    else:  # what stands in `Caller.__call__`, without its cost for what is asked most
        try:
            answer = allowed.mode.requirement(num, exposure, allowed.parameters)  # type: ignore[union-attr]
        except BaseException as error:
            raise _of(allowed, exposure).failed(error, num) from error
        if getcontext().prec != PRECISION:
            raise _of(allowed, exposure).meddled()
    if num is EXACT:
        _check_position(allowed, exposure, answer)
    return answer


def _of(allowed: AllowedMode, exposure: Exposure) -> Caller:
    return Caller(allowed.mode, allowed.supplier, exposure.id, exposure.instrument, allowed.traits.budget)


def _requirement(allowed: AllowedMode) -> Callable[..., Requirement]:
    method: Callable[..., Requirement] = allowed.mode.requirement  # type: ignore[union-attr]
    return method


def pool_required(num: NumberSystem, allowed: AllowedMode, pool: PoolExposure) -> PoolRequirement:
    """What a mode says that a pool requires. Raises as `required` does."""
    call = Caller(allowed.mode, allowed.supplier, None, None, allowed.traits.budget)
    answer: PoolRequirement = call(allowed.mode.pool_requirement, num, pool, allowed.parameters)  # type: ignore[union-attr]
    if num is EXACT:
        _check_pool(allowed, call, answer, pool)
    return answer


def prepared(allowed: AllowedMode, market: InstrumentView, as_of: Any) -> Any:
    """What a mode makes of an instrument's market, once for all positions in it. Raises `PluginFault`."""
    caller = Caller(allowed.mode, allowed.supplier, None, market.name)
    return caller(allowed.mode.prepare, EXACT, market, as_of, allowed.parameters)  # type: ignore[union-attr]


def payoff_value(num: NumberSystem, rule: InstrumentRule, price: Number, size: Decimal, conversion: Decimal) -> Number:
    """Value of one contract at a price. Raises `PluginFault`, or `NotLinear` where `num` cannot follow."""
    try:
        value = rule.payoff.value(num, price, size, conversion)
    except BaseException as error:
        raise Caller(rule.payoff, rule.payoff_supplier).failed(error, num) from error
    if getcontext().prec != PRECISION:
        raise Caller(rule.payoff, rule.payoff_supplier).meddled()
    if num is EXACT and not is_exact(value):
        raise Caller(rule.payoff, rule.payoff_supplier).fault(
            f"values a contract at price {in_words(price)} at {in_words(value)}, wanted an exact finite number"
        )
    return value


def payoff_price(rule: InstrumentRule, value: Number, size: Decimal, conversion: Decimal) -> Number:
    """The price at which a contract has this value. Raises `PluginFault`."""
    try:
        price = rule.payoff.price(EXACT, value, size, conversion)
    except BaseException as error:
        raise Caller(rule.payoff, rule.payoff_supplier).failed(error) from error
    if getcontext().prec != PRECISION:
        raise Caller(rule.payoff, rule.payoff_supplier).meddled()
    if not is_exact(price):
        raise Caller(rule.payoff, rule.payoff_supplier).fault(
            f"prices a contract of value {in_words(value)} at {in_words(price)}, wanted an exact finite number"
        )
    return price


def label_of(allowed: AllowedMode, labels: PositionLabels) -> PoolLabel:
    """The pool in which a mode puts a position. Raises `PluginFault`."""
    caller = Caller(allowed.mode, allowed.supplier, labels.id, labels.instrument)
    label = caller(allowed.mode.pool, labels, allowed.parameters)
    if not isinstance(label, PoolLabel):
        raise caller.fault(f"returned {type(label).__name__}, wanted a PoolLabel")
    if not _is_lawful(label):
        raise caller.fault(f"says that the pool is {label!r}")
    return label


def _is_lawful(label: PoolLabel) -> bool:
    """Whether a key is text or None, empty for the account's pool alone, and a draw is an amount."""
    key, backing, cap = label.key, label.backing, label.draw_cap
    is_key = key is None or (isinstance(key, str) and (key == "") is (backing is Backing.ACCOUNT))
    return is_key and isinstance(backing, Backing) and (cap is None or is_amount(cap))


def is_amount(figure: Number) -> bool:
    """Whether a figure is an exact number, finite and not negative."""
    return is_exact(figure) and bool(figure >= 0)


def is_exact(figure: Number) -> bool:
    """Whether a figure is an exact finite number."""
    if isinstance(figure, Decimal):
        return figure.is_finite()
    return isinstance(figure, Ratio | int) and not isinstance(figure, bool)


def _check_position(allowed: AllowedMode, exposure: Exposure, answer: object) -> None:
    """A requirement is two exact amounts, and what orders reserve where the mode says that."""
    if not isinstance(answer, Requirement):
        raise _of(allowed, exposure).fault(f"returned {type(answer).__name__}, wanted a Requirement")
    plain = answer.orders is None and not answer.figures and not allowed.traits.reserves_orders
    if not (plain and is_amount(answer.initial) and is_amount(answer.maintenance)):
        _check_amounts(allowed, _of(allowed, exposure), answer)


def _check_pool(allowed: AllowedMode, caller: Caller, answer: object, pool: PoolExposure) -> None:
    """A pool's requirement is two exact amounts, attributed to its positions so that they add up."""
    if not isinstance(answer, PoolRequirement):
        raise caller.fault(f"returned {type(answer).__name__}, wanted a PoolRequirement")
    _check_amounts(allowed, caller, answer)
    shares, ids = answer.attribution, {exposure.id for exposure in pool.positions}
    if not isinstance(shares, Mapping):
        raise caller.fault(f"attributes {type(shares).__name__}, wanted a mapping")
    if set(shares) != ids:
        raise caller.fault(f"attributes to {sorted(map(str, shares))}, wanted {sorted(ids)}")
    for id, share in shares.items():
        if not isinstance(share, Requirement):
            raise caller.fault(f"attributes {in_words(share)} to {id}, wanted a Requirement")
        if wrong := _wrong_margins(share, is_exact):
            raise caller.fault(f"attributes {wrong} to {id}, wanted exact finite numbers")
        check_figures(caller, share.figures)
    for name in MARGINS if shares else ():
        if off := gap(getattr(answer, name), [getattr(share, name) for share in shares.values()]):
            raise caller.fault(f"attributes {name} margin wrongly: {off}")


def _check_amounts(allowed: AllowedMode, caller: Caller, answer: Requirement | PoolRequirement) -> None:
    if wrong := _wrong_margins(answer, is_amount):
        raise caller.fault(f"requires {wrong}, wanted {AMOUNT}")
    says = allowed.traits.reserves_orders
    if (says and not is_amount(answer.orders)) or (not says and answer.orders is not None):
        wanted = AMOUNT if says else "None, for it does not state reserves_orders"
        raise caller.fault(f"says that orders reserve {in_words(answer.orders)}, wanted {wanted}")
    check_figures(caller, answer.figures)


def _wrong_margins(answer: Requirement | PoolRequirement, is_right: Callable[[Number], bool]) -> str:
    """Every margin that is no such figure, in words; empty where all are right."""
    margins = {name: getattr(answer, name) for name in MARGINS}
    return " and ".join(f"{name} margin {in_words(one)}" for name, one in margins.items() if not is_right(one))


def check_figures(caller: Caller, figures: object) -> None:
    """A component's own figures are exact numbers by name. Raises `PluginFault`."""
    if not isinstance(figures, Mapping):
        raise caller.fault(f"reports {type(figures).__name__} as figures, wanted a mapping")
    for name, figure in figures.items():
        if not isinstance(name, str) or not is_exact(figure):
            raise caller.fault(f"reports {name!r} as {in_words(figure)}, wanted an exact number")
