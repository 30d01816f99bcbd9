"""What a margin mode states about itself is read, and judged by type."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from rules_engine import PluginError
from rules_engine.extension import traits
from rules_engine.extension.traits import traits_of
from rules_engine.terms.components import ModeTraits


def test_traits__of_a_mode_that_states_none_are_the_defaults() -> None:
    """A mode need not know of them."""
    assert traits_of(object()) == ModeTraits()


def test_traits__are_what_the_mode_states() -> None:
    """All of them, each an attribute."""
    stated: dict[str, Any] = {
        "reserves_orders": True,
        "keeps": frozenset({"size"}),
        "tolerance": Decimal("1e-9"),
        "budget": Decimal("0.001"),
        "measures": {"realized_24h": "1"},
    }
    assert traits_of(SimpleNamespace(name="odd", **stated)) == ModeTraits(**stated)
    assert traits_of(SimpleNamespace(budget=None)) == ModeTraits()


def test_traits__each_one_is_judged() -> None:
    """A new trait comes with its law."""
    assert set(traits._WANTED) == set(ModeTraits.__struct_fields__)


@pytest.mark.parametrize(
    ("trait", "value", "wanted"),
    [
        ("reserves_orders", 1, "True or False"),
        ("keeps", "size", "a set of collateral, mirror, size"),
        ("keeps", {"sise"}, "a set of collateral, mirror, size"),
        ("tolerance", 0.1, "a Decimal of at least 0"),
        ("tolerance", Decimal("-1"), "a Decimal of at least 0"),
        ("tolerance", Decimal("NaN"), "a Decimal of at least 0"),
        ("tolerance", None, "a Decimal of at least 0"),
        ("budget", 1, "a Decimal of at least 0, or None"),
        ("measures", ["realized_24h"], "a mapping of measures to units"),
        ("measures", {"realized_24h": 1}, "a mapping of measures to units"),
    ],
)
def test_traits__of_the_wrong_type_are_the_plugins_fault(trait: str, value: Any, wanted: str) -> None:
    """The sentence names mode, trait, what was found and what was wanted."""
    with pytest.raises(PluginError) as fault:
        traits_of(SimpleNamespace(name="odd", **{trait: value}))
    assert str(fault.value) == f"margin mode 'odd': {trait} is {value!r}, wanted {wanted}"
