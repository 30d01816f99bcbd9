"""The law of units: contracts are not added to currency, and what is required is currency."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec.structs import replace

from rules_engine.engine.calls import raised_at
from rules_engine.errors import MissingInput
from rules_engine.numbers.system import Number
from rules_engine.terms.exposure import AssetExposure, Exposure, PoolExposure, Schedule
from rules_engine.terms.instrument import InstrumentView
from rules_engine.testing.asking import PER_CONTRACT, Asked, converted
from rules_engine.testing.dimensions import (
    CURRENCY,
    PURE,
    Dimensioned,
    DimensionedNumbers,
    UnlikeUnits,
    alike,
    unit_of,
)
from rules_engine.testing.judging import NotJudged
from rules_engine.testing.mode_subject import ModeSubject

NUM: Final = DimensionedNumbers()


def units(subject: ModeSubject) -> Iterator[str]:
    """Asks with numbers that know their unit."""
    parameters = typed_parameters(subject.parameters, subject.mode.parameters)
    judged, why = 0, ""
    for call in subject.sound:
        try:
            answer = _asked_with_units(subject, call.asked, parameters)
            for name, figure in _amounts(answer):
                alike(f"{name}, wanted the sum", figure, Dimensioned(0, CURRENCY))
        except UnlikeUnits as error:
            yield subject.shown(str(error), call.asked)
        except MissingInput as error:
            why = str(error)
            continue
        except Exception as error:
            why = f"on numbers with units it {raised_at(error)}"
            continue
        judged += 1
    if not judged:
        raise NotJudged(why)


def _asked_with_units(subject: ModeSubject, asked: Asked, parameters: Mapping[str, Any]) -> Any:
    dimensioned = converted(asked, _dimensioned)
    if isinstance(dimensioned, PoolExposure):
        dimensioned = replace(
            dimensioned,
            positions=tuple(_typed(subject, one, parameters) for one in dimensioned.positions),
            assets=tuple(_typed_asset(subject, asset) for asset in dimensioned.assets),
        )
        return subject.mode.pool_requirement(NUM, dimensioned, parameters)
    return subject.mode.requirement(NUM, _typed(subject, dimensioned, parameters), parameters)


def _amounts(answer: Any) -> Iterator[tuple[str, Number]]:
    for name in ("initial", "maintenance", "orders"):
        yield name, getattr(answer, name)
    for id, share in getattr(answer, "attribution", {}).items():
        yield f"initial of {id}", share.initial
        yield f"maintenance of {id}", share.maintenance


def _dimensioned(name: str, unit: str, value: Number) -> Dimensioned:
    return Dimensioned(value, unit_of(unit))


def _typed(subject: ModeSubject, exposure: Exposure, parameters: Mapping[str, Any]) -> Exposure:
    """The exposure with units on what the policy and the market say, too."""
    view = _typed_view(exposure.market, subject.traits.measures, linear=exposure.value.value > 0)
    prepared = exposure.prepared
    if hasattr(subject.mode, "prepare"):
        prepared = subject.mode.prepare(NUM, view, exposure.as_of, parameters)
    fee = replace(exposure.closing_fee, rate=Dimensioned(exposure.closing_fee.rate, PURE))
    schedule = _typed_schedule(exposure.schedule)
    return replace(exposure, market=view, prepared=prepared, closing_fee=fee, schedule=schedule)


def _typed_schedule(schedule: Schedule) -> Schedule:
    size = unit_of("currency" if schedule.unit == "notional" else "contract")
    return replace(
        schedule,
        floors=tuple(Dimensioned(floor, size) for floor in schedule.floors),
        lines=tuple((Dimensioned(rate, PURE), Dimensioned(deduction, size)) for rate, deduction in schedule.lines),
        initial_rates=tuple(Dimensioned(rate, PURE) for rate in schedule.initial_rates),
        leverage_rates=tuple(Dimensioned(rate, PURE) for rate in schedule.leverage_rates),
        cap=None if schedule.cap is None else Dimensioned(schedule.cap, size),
    )


def _typed_view(view: InstrumentView, measures: Mapping[str, str], *, linear: bool) -> InstrumentView:
    """Prices of linear contracts are per contract; of others, and of terms, nothing is known."""
    price = unit_of(PER_CONTRACT) if linear else None
    typed: dict[str, Any] = {
        "index_price": None if view.index_price is None else Dimensioned(view.index_price, price),
        "price_tick": None if view.price_tick is None else Dimensioned(view.price_tick, price),
        "quantity_step": None if view.quantity_step is None else Dimensioned(view.quantity_step, unit_of("contract")),
        "measures": _typed_measures(view.measures, measures),
        "terms": {name: Dimensioned(value, None) for name, value in view.terms.items()},
    }
    return replace(view, **typed)


def _typed_asset(subject: ModeSubject, asset: AssetExposure) -> AssetExposure:
    return replace(asset, measures=_typed_measures(asset.measures, subject.traits.measures))


def _typed_measures(values: Mapping[str, Any], stated: Mapping[str, str]) -> dict[str, Any]:
    """A measure whose unit nobody states goes with every unit."""
    return {
        name: Dimensioned(value, unit_of(stated[name]) if name in stated else None) for name, value in values.items()
    }


def typed_parameters(values: Any, schema: Mapping[str, Any]) -> Any:
    """Parameters with the units that their schema states in `meta: {unit: ...}`; a number without one is pure."""
    return {name: _typed_value(value, schema.get(name, {})) for name, value in values.items()}


def _typed_value(value: Any, rules: Mapping[str, Any]) -> Any:
    inner = rules.get("schema", {})
    if isinstance(value, Mapping):
        if "valuesrules" in rules:
            return {name: _typed_value(item, rules["valuesrules"]) for name, item in value.items()}
        return typed_parameters(value, inner)
    if isinstance(value, list | tuple):
        return [_typed_value(item, inner) for item in value]
    if isinstance(value, str | bool) or value is None or not hasattr(value, "is_finite"):
        return value
    return Dimensioned(value, unit_of(str(rules.get("meta", {}).get("unit", "1"))))
