"""What a margin mode states about itself: the optional attributes of `ModeTraits`, read and judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from decimal import Decimal
from typing import Any, Final

from rules_engine.errors import PluginError
from rules_engine.terms.components import COLLATERAL, MIRROR, SIZE, ModeTraits

LAWS: Final = frozenset({MIRROR, SIZE, COLLATERAL})


def traits_of(mode: object) -> ModeTraits:
    """The traits of a mode; what it does not state has its default. Raises `PluginError` where one is no such thing."""
    return ModeTraits(**_stated(f"margin mode {getattr(mode, 'name', mode)!r}", mode, ModeTraits.__struct_fields__))


def judge_budget(title: str, component: object) -> None:
    """Buffers and close-out plans may state a `budget`. Raises `PluginError` where it is none."""
    _stated(title, component, ("budget",))


def _stated(title: str, component: object, names: Iterable[str]) -> dict[str, Any]:
    stated = {name: getattr(component, name) for name in names if hasattr(component, name)}
    for name, value in stated.items():
        wanted, holds = _WANTED[name]
        if not holds(value):
            raise PluginError(f"{title}: {name} is {value!r}, wanted {wanted}")
    return stated


def _is_set_of_laws(value: object) -> bool:
    return isinstance(value, AbstractSet) and value <= LAWS


def _is_amount(value: object) -> bool:
    return isinstance(value, Decimal) and value.is_finite() and value >= 0


def _is_mapping_of_texts(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(text, str) for pair in value.items() for text in pair)


_WANTED: Final[Mapping[str, tuple[str, Callable[[Any], bool]]]] = {
    "reserves_orders": ("True or False", lambda value: isinstance(value, bool)),
    "keeps": (f"a set of {', '.join(sorted(LAWS))}", _is_set_of_laws),
    "tolerance": ("a Decimal of at least 0", _is_amount),
    "budget": ("a Decimal of at least 0, or None", lambda value: value is None or _is_amount(value)),
    "measures": ("a mapping of measures to units", _is_mapping_of_texts),
}
"""By trait, what it must be, in words and as a test."""
