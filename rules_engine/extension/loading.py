"""Plugins, each loaded by itself: what fails is quarantined with name, version and reason, and hurts only itself."""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Final

import msgspec
import pluggy

from rules_engine.errors import PluginError
from rules_engine.extension import hookspecs
from rules_engine.extension.kinds import KINDS, Kind

ENTRY_POINTS: Final = "rules_engine"
"""The entry point group in which distributions name their plugins."""


class Source(msgspec.Struct, frozen=True):
    """Where a plugin comes from: its own name, its distribution and version, and the module or file."""

    name: str
    distribution: str
    version: str
    origin: str

    @property
    def supplier(self) -> str:
        """How messages name who supplies a component: distribution and version."""
        return f"{self.distribution} {self.version}"


class Candidate(msgspec.Struct, frozen=True):
    """A plugin that has not been loaded yet."""

    source: Source
    load: Callable[[], object]


class LoadedPlugin(Source, frozen=True):
    """A plugin at work: where it comes from, and its components, such as `margin mode cross`."""

    components: tuple[str, ...]


class QuarantinedPlugin(Source, frozen=True):
    """A plugin that was not let in, and why."""

    reason: str

    def __str__(self) -> str:
        return f"plugin {self.name} of {self.supplier} ({self.origin}) is quarantined: {self.reason}"


class Supply(msgspec.Struct, frozen=True):
    """What one plugin supplies: its components by shelf and name; `contract` is the one it is written for."""

    shelves: Mapping[str, Mapping[str, Any]]
    contract: int

    @property
    def words(self) -> tuple[str, ...]:
        """Each component in words."""
        return tuple(f"{kind.word} {name}" for kind in KINDS for name in self.shelves[kind.shelf])


def candidates(files: Iterable[str | Path]) -> Iterator[Candidate]:
    """Every installed plugin by entry point, in the order of their names, then those of single files."""
    for entry in sorted(entry_points(group=ENTRY_POINTS), key=lambda entry: (entry.name, entry.value)):
        yield Candidate(_source_of(entry), entry.load)
    for file in files:
        path = Path(file)
        source = Source(path.stem, path.name, "(a file)", str(path))
        yield Candidate(source, lambda path=path: _module_of(path))  # type: ignore[misc]


def _source_of(entry: EntryPoint) -> Source:
    if entry.dist is None:
        return Source(entry.name, entry.module, "(no version)", entry.value)
    return Source(entry.name, entry.dist.name, entry.dist.version, entry.value)


def _module_of(path: Path) -> object:
    if not path.is_file():
        raise PluginError(f"there is no file {path}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise PluginError("it is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def admitted(candidate: Candidate, allow: Collection[str] | None, block: Collection[str]) -> Supply | str:
    """What a plugin supplies, or why it is not let in. Nothing that it does while it loads goes farther than here."""
    if candidate.source.name in block:
        return "it is on the block list"
    if allow is not None and candidate.source.name not in allow:
        return "it is not on the allow list"
    try:
        return supply_of(candidate.load())
    except PluginError as error:
        return str(error)
    except SystemExit as error:
        return f"it called for the program's exit ({error.code})"
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def supply_of(plugin: object) -> Supply:
    """A plugin's components; its hooks run here and never again. Raises `PluginError` where it breaks the contract."""
    contract = getattr(plugin, "rules_engine_contract", hookspecs.CONTRACT)
    if contract not in hookspecs.SUPPORTED_CONTRACTS:
        raise PluginError(_of_another_contract(contract))
    _must_be_marked(plugin)
    manager = _manager_of(plugin)
    return Supply({kind.shelf: _named(kind, getattr(manager.hook, kind.hook)()) for kind in KINDS}, contract)


def _of_another_contract(contract: object) -> str:
    """What is wrong with the contract that a plugin states, and what to do about it."""
    known = ", ".join(str(one) for one in sorted(hookspecs.SUPPORTED_CONTRACTS))
    is_older = isinstance(contract, int) and contract < min(hookspecs.SUPPORTED_CONTRACTS)
    step = f"set rules_engine_contract = {hookspecs.CONTRACT} (or upgrade rules-engine)"
    return (
        f"it is written for contract {contract!r}; this version supports {known}: "
        f"{'upgrade the plugin' if is_older else step}"
    )


def _must_be_marked(plugin: object) -> None:
    """Functions with our prefix are hooks: without the mark they would be passed over, and nobody told."""
    for name in dir(plugin):
        found = getattr(plugin, name) if name.startswith(f"{hookspecs.PROJECT}_") else None
        if inspect.isroutine(found) and not hasattr(found, f"{hookspecs.PROJECT}_impl"):
            raise PluginError(f"{name} is not marked with @hookimpl")


def _manager_of(plugin: object) -> pluggy.PluginManager:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(plugin)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise PluginError(f"it implements a hook that does not exist: {error}") from error
    return manager


def _named(kind: Kind, answers: Sequence[object]) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for answer in answers:
        if not isinstance(answer, Sequence) or isinstance(answer, str):
            raise PluginError(f"{kind.hook} returned {type(answer).__name__}, wanted a list or tuple of components")
        for component in answer:
            name = kind.admit(component)
            if name in named:
                raise PluginError(f"it supplies two {kind.word}s named {name!r}")
            named[name] = component
    return named
