"""The registry: every component by name, of the standard ones and of the plugins that were let in."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import msgspec

from rules_engine.errors import PluginError
from rules_engine.extension import hookspecs, standard
from rules_engine.extension.kinds import KINDS
from rules_engine.extension.loading import (
    LoadedPlugin,
    QuarantinedPlugin,
    Supply,
    admitted,
    candidates,
    supply_of,
)
from rules_engine.terms.checks import Observer, PolicyCheck
from rules_engine.terms.closing import CloseOutPlan
from rules_engine.terms.components import BufferKind, Mode, Payoff, PoolMode

if TYPE_CHECKING:
    import click

DISTRIBUTION: Final = "rules-engine"


class QuarantineWarning(UserWarning):
    """A plugin was not let in; policies that need it are refused."""


class ContractWarning(FutureWarning):
    """A plugin is written for a contract that a later version will refuse."""


class Registry(msgspec.Struct, frozen=True, kw_only=True):
    """Components by name, the plugins that they came from, and those that were not let in. Immutable."""

    modes: Mapping[str, Mode | PoolMode]
    payoffs: Mapping[str, Payoff]
    buffers: Mapping[str, BufferKind]
    close_out_plans: Mapping[str, CloseOutPlan]
    checks: Mapping[str, PolicyCheck]
    commands: Mapping[str, click.Command]
    observers: Mapping[str, Observer]
    plugins: tuple[LoadedPlugin, ...] = ()
    quarantined: tuple[QuarantinedPlugin, ...] = ()
    suppliers: Mapping[tuple[str, str], str] = {}

    def supplier(self, shelf: str, name: str) -> str:
        """Who supplies a component, as `DISTRIBUTION VERSION`: `supplier("payoffs", "linear")`; empty if unknown."""
        return self.suppliers.get((shelf, name), "")


def build_registry(plugins: Iterable[object]) -> Registry:
    """A registry of the standard components and of these plugins (modules or objects with hook implementations).

    Raises `PluginError` where one breaks the contract, or supplies a component whose name is taken.
    """
    shelves = _Shelves()
    for plugin in plugins:
        shelves.add(supply_of(plugin), getattr(plugin, "__name__", type(plugin).__name__))
    return shelves.registry((), ())


def load_registry(
    *,
    allow: Collection[str] | None = None,
    block: Collection[str] = (),
    files: Iterable[str | Path] = (),
) -> Registry:
    """The registry of what is installed (entry point group `rules_engine`) and of plugins in single files.

    Each plugin is loaded by itself. One that fails, is blocked, not allowed, or supplies a component whose name is
    taken is quarantined, which gives a `QuarantineWarning`; the others are loaded. One that is written for a contract
    which a later version will refuse gives a `ContractWarning`.
    """
    shelves = _Shelves()
    loaded: list[LoadedPlugin] = []
    quarantined: list[QuarantinedPlugin] = []
    for candidate in candidates(files):
        source = msgspec.structs.asdict(candidate.source)
        supply = admitted(candidate, allow, block)
        if isinstance(supply, Supply) and (taken := shelves.taken(supply)):
            supply = taken
        if isinstance(supply, str):
            quarantined.append(QuarantinedPlugin(**source, reason=supply))
            warnings.warn(str(quarantined[-1]), QuarantineWarning, stacklevel=2)
            continue
        shelves.add(supply, candidate.source.supplier)
        loaded.append(LoadedPlugin(**source, components=supply.words))
    return shelves.registry(tuple(loaded), tuple(quarantined))


class _Shelves:
    """Components as they come in, a shelf a kind; the standard ones are there first."""

    def __init__(self) -> None:
        self._named: dict[str, dict[str, Any]] = {kind.shelf: {} for kind in KINDS}
        self._suppliers: dict[tuple[str, str], str] = {}
        self.add(supply_of(standard), f"{DISTRIBUTION} {_version()}")

    def taken(self, supply: Supply) -> str:
        """In words, the first component whose name is taken; empty if none is."""
        for kind in KINDS:
            for name in supply.shelves[kind.shelf]:
                if name in self._named[kind.shelf]:
                    return f"there is a {kind.word} named {name!r} already, of {self._suppliers[kind.shelf, name]}"
        return ""

    def add(self, supply: Supply, supplier: str) -> None:
        """Puts all components of a plugin on their shelves."""
        if taken := self.taken(supply):
            raise PluginError(taken)
        if last := hookspecs.DEPRECATED_CONTRACTS.get(supply.contract):
            text = f"{supplier} is written for contract {supply.contract}, which version {last} will refuse"
            warnings.warn(text, ContractWarning, stacklevel=3)
        for shelf, named in supply.shelves.items():
            self._named[shelf].update(named)
            self._suppliers.update({(shelf, name): supplier for name in named})

    def registry(self, loaded: tuple[LoadedPlugin, ...], quarantined: tuple[QuarantinedPlugin, ...]) -> Registry:
        """The shelves, closed."""
        closed: dict[str, Any] = {shelf: MappingProxyType(named) for shelf, named in self._named.items()}
        suppliers = MappingProxyType(self._suppliers)
        return Registry(**closed, plugins=loaded, quarantined=quarantined, suppliers=suppliers)


def _version() -> str:
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "(not installed)"
