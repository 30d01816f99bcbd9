"""The registry: every component by name, loaded from the standard ones and from installed plugins' entry points."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Any, Final

import msgspec
import pluggy

from rules_engine.errors import PluginError
from rules_engine.extension import hookspecs, standard
from rules_engine.terms.closing import CloseOutPlan
from rules_engine.terms.components import BufferKind, Mode, Payoff

ENTRY_POINTS: Final = "rules_engine"


class Registry(msgspec.Struct, frozen=True, kw_only=True):
    """Components by name. Immutable; hooks have run and are not asked again."""

    modes: Mapping[str, Mode]
    payoffs: Mapping[str, Payoff]
    buffers: Mapping[str, BufferKind]
    close_out_plans: Mapping[str, CloseOutPlan]


def build_registry(plugins: Iterable[object]) -> Registry:
    """A registry of the standard components and of these plugins (modules or objects with hook implementations).

    Raises `PluginError` where two components of one kind share a name.
    """
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    for plugin in (standard, *plugins):
        manager.register(plugin)
    hook = manager.hook
    return Registry(
        modes=_by_name("margin mode", hook.rules_engine_margin_modes()),
        payoffs=_by_name("payoff", hook.rules_engine_payoffs()),
        buffers=_by_name("buffer", hook.rules_engine_buffers()),
        close_out_plans=_by_name("close-out plan", hook.rules_engine_close_out_plans()),
    )


def load_registry() -> Registry:
    """The registry of what is installed: the plugins of the entry point group `rules_engine`."""
    return build_registry(entry.load() for entry in sorted(entry_points(group=ENTRY_POINTS), key=lambda e: e.name))


def _by_name(kind: str, supplied: Sequence[Sequence[Any]]) -> Mapping[str, Any]:
    components: dict[str, Any] = {}
    for component in (one for answer in supplied for one in answer):
        if component.name in components:
            raise PluginError(f"two plugins supply a {kind} named {component.name!r}; uninstall one of them")
        components[component.name] = component
    return MappingProxyType(components)
