"""Values in Python: what is written can be evaluated with `datetime`, `Decimal` and what `rules_engine.plugin` has."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from rules_engine.numbers.exact import Ratio


def written(value: Any) -> str:
    """An expression that makes the value, where it is one of ours or of plain Python; of others their own words."""
    if isinstance(value, msgspec.Struct):
        fields = {name: getattr(value, name) for name in value.__struct_fields__}
        stated = [f"{name}={written(one)}" for name, one in fields.items() if one is not msgspec.UNSET]
        return f"{type(value).__name__}({', '.join(stated)})"
    if isinstance(value, Ratio):
        return f"EXACT.quotient({value.n!r}, {value.d!r})"
    if isinstance(value, datetime):
        return f"datetime.fromisoformat({value.isoformat()!r})"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name!r}: {written(one)}" for name, one in value.items()) + "}"
    if type(value) is list:
        return f"[{', '.join(map(written, value))}]"
    if type(value) is tuple:
        return f"({', '.join(map(written, value))}{',' if len(value) == 1 else ''})"
    return repr(value)
