"""Calls into strangers' components: what goes wrong there becomes a doubt that names the component."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rules_engine.errors import Doubt, RulesEngineError
from rules_engine.numbers.exact import EXACT, Ratio
from rules_engine.numbers.functions import NotLinear
from rules_engine.numbers.system import Number, NumberSystem
from rules_engine.terms.exposure import Exposure, Requirement
from rules_engine.terms.policy import AllowedMode
from rules_engine.terms.pool import PoolLabel, PositionLabels


class PluginFault(RulesEngineError):
    """A component broke its contract while it answered; `doubt` says which, and about what."""

    def __init__(self, doubt: Doubt) -> None:
        super().__init__(doubt.message)
        self.doubt = doubt


def fault(component: Any, what: str, position: str | None = None, instrument: str | None = None) -> PluginFault:
    """The fault of a component, named with the module that it comes from."""
    about = f"{position}: " if position else ""
    text = f"{about}{component.name} of {type(component).__module__} {what}"
    return PluginFault(Doubt(code="PLUGIN_FAULT", message=text, position=position, instrument=instrument))


def raised(error: BaseException) -> str:
    """What an exception says, in words."""
    return f"raised {type(error).__name__}: {error}" if str(error) else f"raised {type(error).__name__}"


def required(num: NumberSystem, allowed: AllowedMode, exposure: Exposure) -> Requirement:
    """What a mode says that a position requires. Raises `PluginFault`, or `NotLinear` where `num` cannot follow."""
    try:
        answer = allowed.mode.requirement(num, exposure, allowed.parameters)
    except NotLinear:
        raise
    except (Exception, SystemExit) as error:
        raise fault(allowed.mode, raised(error), exposure.id, exposure.instrument) from error
    if num is EXACT:
        _check(allowed, exposure, answer)
    return answer


def _check(allowed: AllowedMode, exposure: Exposure, answer: object) -> None:
    """A requirement is two exact numbers, finite and not negative."""
    if not isinstance(answer, Requirement):
        what = f"returned {type(answer).__name__}, wanted a Requirement"
        raise fault(allowed.mode, what, exposure.id, exposure.instrument)
    for name, figure in (("initial", answer.initial), ("maintenance", answer.maintenance)):
        if not _is_amount(figure):
            raise fault(allowed.mode, f"requires {name} margin {figure!r}", exposure.id, exposure.instrument)


def _is_amount(figure: Number) -> bool:
    if isinstance(figure, Decimal):
        return figure.is_finite() and figure >= 0
    return isinstance(figure, Ratio | int) and not isinstance(figure, bool) and bool(figure >= 0)


def label_of(allowed: AllowedMode, labels: PositionLabels) -> PoolLabel:
    """The pool in which a mode puts a position. Raises `PluginFault`."""
    try:
        label = allowed.mode.pool(labels, allowed.parameters)
    except (Exception, SystemExit) as error:
        raise fault(allowed.mode, raised(error), labels.id, labels.instrument) from error
    if not isinstance(label, PoolLabel):
        what = f"returned {type(label).__name__}, wanted a PoolLabel"
        raise fault(allowed.mode, what, labels.id, labels.instrument)
    return label
