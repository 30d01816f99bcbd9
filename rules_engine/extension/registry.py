"""The registry: every component by name, of the standard ones and of the plugins that were let in."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from rules_engine.errors import PluginError
from rules_engine.extension import standard
from rules_engine.extension.loading import (
    KINDS,
    LoadedPlugin,
    QuarantinedPlugin,
    Supply,
    admitted,
    candidates,
    supply_of,
)
from rules_engine.terms.closing import CloseOutPlan
from rules_engine.terms.components import BufferKind, Mode, Payoff


class QuarantineWarning(UserWarning):
    """A plugin was not let in; policies that need it are refused."""


class Registry(msgspec.Struct, frozen=True, kw_only=True):
    """Components by name, the plugins that they came from, and those that were not let in. Immutable."""

    modes: Mapping[str, Mode]
    payoffs: Mapping[str, Payoff]
    buffers: Mapping[str, BufferKind]
    close_out_plans: Mapping[str, CloseOutPlan]
    plugins: tuple[LoadedPlugin, ...] = ()
    quarantined: tuple[QuarantinedPlugin, ...] = ()


def build_registry(plugins: Iterable[object]) -> Registry:
    """A registry of the standard components and of these plugins (modules or objects with hook implementations).

    Raises `PluginError` where one breaks the contract, or supplies a component whose name is taken.
    """
    shelves = _Shelves()
    for plugin in (standard, *plugins):
        shelves.add(supply_of(plugin))
    return shelves.registry((), ())


def load_registry(
    *,
    allow: Collection[str] | None = None,
    block: Collection[str] = (),
    files: Iterable[str | Path] = (),
) -> Registry:
    """The registry of what is installed (entry point group `rules_engine`) and of plugins in single files.

    Each plugin is loaded by itself. One that fails, is blocked, not allowed, or supplies a component whose name is
    taken is quarantined, which gives a `QuarantineWarning`; the others are loaded.
    """
    shelves = _Shelves()
    shelves.add(supply_of(standard))
    loaded: list[LoadedPlugin] = []
    quarantined: list[QuarantinedPlugin] = []
    for candidate in candidates(files):
        supply = admitted(candidate, allow, block)
        if isinstance(supply, Supply) and (taken := shelves.taken(supply)):
            supply = QuarantinedPlugin(candidate.name, candidate.version, candidate.origin, taken)
        if isinstance(supply, QuarantinedPlugin):
            quarantined.append(supply)
            warnings.warn(str(supply), QuarantineWarning, stacklevel=2)
            continue
        shelves.add(supply)
        loaded.append(LoadedPlugin(candidate.name, candidate.version, candidate.origin, supply.words))
    return shelves.registry(tuple(loaded), tuple(quarantined))


class _Shelves:
    """Components as they come in, a shelf a kind."""

    def __init__(self) -> None:
        self._named: dict[str, dict[str, Any]] = {shelf: {} for shelf, _, _ in KINDS.values()}

    def taken(self, supply: Supply) -> str:
        """In words, the first component whose name is taken; empty if none is."""
        for shelf, word, _ in KINDS.values():
            for name in supply.shelves[shelf]:
                if name in self._named[shelf]:
                    return f"there is a {word} named {name!r} already"
        return ""

    def add(self, supply: Supply) -> None:
        """Puts all components of a plugin on their shelves."""
        if taken := self.taken(supply):
            raise PluginError(taken)
        for shelf, named in supply.shelves.items():
            self._named[shelf].update(named)

    def registry(self, loaded: tuple[LoadedPlugin, ...], quarantined: tuple[QuarantinedPlugin, ...]) -> Registry:
        """The shelves, closed."""
        closed: dict[str, Any] = {shelf: MappingProxyType(named) for shelf, named in self._named.items()}
        return Registry(**closed, plugins=loaded, quarantined=quarantined)
