"""Cerberus with our kinds of value: exact numbers, durations and times.

Plugins write the schemas of their parameters in these words. Types: `number` (a finite Decimal), `integer` (a whole
one), `duration` (seconds as a Decimal), `time` (an instant in UTC). Coercions: `duration` reads `7d`, `time` reads
`2026-12-01T08:00:00Z`. Rules: `above` and `below`, which exclude the limit that `min` and `max` include.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from cerberus import SchemaError, TypeDefinition, Validator, errors  # type: ignore[import-untyped]

from rules_engine.policy.values import duration_of, time_of

__all__ = ["PolicyValidator", "SchemaError"]


class PolicyValidator(Validator):  # type: ignore[misc]
    """A Cerberus validator of values as the policy reader gives them."""

    types_mapping: ClassVar = {
        **Validator.types_mapping,
        "number": TypeDefinition("number", (Decimal,), ()),
        "integer": TypeDefinition("integer", (Decimal,), ()),
        "duration": TypeDefinition("duration", (Decimal,), ()),
        "time": TypeDefinition("time", (datetime,), ()),
    }

    def _validate_type(self, data_type: Any, field: str, value: Any) -> None:
        if isinstance(value, Decimal) and not _is_number(data_type, value):
            self._error(field, errors.BAD_TYPE)
            self._drop_remaining_rules()
        else:
            super()._validate_type(data_type, field, value)

    # Cerberus reads the docstring of a rule as the schema of the rule's constraint.
    _validate_type.__doc__ = Validator._validate_type.__doc__

    # Nothing where a value belongs is an error of its own, after which Cerberus still asks rules that it does not know.

    def _validate_above(self, limit: Any, field: str, value: Any) -> None:
        """{'nullable': False}"""
        if value is not None and not value > limit:
            self._error(field, f"must be above {limit}")

    def _validate_below(self, limit: Any, field: str, value: Any) -> None:
        """{'nullable': False}"""
        if value is not None and not value < limit:
            self._error(field, f"must be below {limit}")

    def _normalize_coerce_duration(self, value: Any) -> Decimal:
        seconds = duration_of(value)
        if seconds is None:
            raise ValueError("wanted a duration such as 30s, 10m, 8h or 7d")
        return seconds

    def _normalize_coerce_time(self, value: Any) -> datetime:
        time = time_of(value)
        if time is None:
            raise ValueError("wanted a time with its zone, such as 2026-12-01T08:00:00Z")
        return time


def _is_number(data_type: Any, value: Decimal) -> bool:
    return value.is_finite() and (data_type != "integer" or value == value.to_integral_value())
