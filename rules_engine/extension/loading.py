"""Plugins, each loaded by itself: what fails is quarantined with name, version and reason, and hurts only itself."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Final

import msgspec
import pluggy

from rules_engine.errors import PluginError
from rules_engine.extension import hookspecs

ENTRY_POINTS: Final = "rules_engine"
"""The entry point group in which distributions name their plugins."""

KINDS: Final[Mapping[str, tuple[str, str, tuple[str, ...]]]] = {
    "rules_engine_margin_modes": ("modes", "margin mode", ("parameters", "pool", "requirement")),
    "rules_engine_payoffs": ("payoffs", "payoff", ("required", "value_range", "value", "price")),
    "rules_engine_buffers": ("buffers", "buffer", ("parameters", "reading", "adjustment", "extremes")),
    "rules_engine_close_out_plans": ("close_out_plans", "close-out plan", ("parameters", "closings")),
}
"""By hook: the registry's shelf, the component in words, and what it must have beside a `name`."""


class Candidate(msgspec.Struct, frozen=True):
    """A plugin that has not been loaded yet."""

    name: str
    version: str
    origin: str
    load: Callable[[], object]


class LoadedPlugin(msgspec.Struct, frozen=True):
    """A plugin at work: where it came from, and its components, such as `margin mode cross`."""

    name: str
    version: str
    origin: str
    components: tuple[str, ...]


class QuarantinedPlugin(msgspec.Struct, frozen=True):
    """A plugin that was not let in, and why."""

    name: str
    version: str
    origin: str
    reason: str

    def __str__(self) -> str:
        return f"plugin {self.name} {self.version} ({self.origin}) is quarantined: {self.reason}"


class Supply(msgspec.Struct, frozen=True):
    """What one plugin supplies: its components by shelf and name."""

    shelves: Mapping[str, Mapping[str, Any]]

    @property
    def words(self) -> tuple[str, ...]:
        """Each component in words."""
        kinds = {shelf: word for shelf, word, _ in KINDS.values()}
        return tuple(f"{kinds[shelf]} {name}" for shelf, named in self.shelves.items() for name in named)


def candidates(files: Iterable[str | Path]) -> Iterator[Candidate]:
    """Every installed plugin by entry point, in the order of their names, then those of single files."""
    for entry in sorted(entry_points(group=ENTRY_POINTS), key=lambda entry: (entry.name, entry.value)):
        yield Candidate(entry.name, _version(entry), entry.value, entry.load)
    for file in files:
        path = Path(file)
        yield Candidate(path.stem, "(a file)", str(path), lambda path=path: _module_of(path))  # type: ignore[misc]


def _version(entry: EntryPoint) -> str:
    return entry.dist.version if entry.dist is not None else "(no version)"


def _module_of(path: Path) -> object:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise PluginError("it is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def admitted(candidate: Candidate, allow: Collection[str] | None, block: Collection[str]) -> Supply | QuarantinedPlugin:
    """What a plugin supplies, or why it is not let in. Nothing that it does while it loads goes farther than here."""
    reason = None
    if candidate.name in block:
        reason = "it is on the block list"
    elif allow is not None and candidate.name not in allow:
        reason = "it is not on the allow list"
    if reason is None:
        try:
            return supply_of(candidate.load())
        except PluginError as error:
            reason = str(error)
        except SystemExit as error:
            reason = f"it called for the program's exit ({error.code})"
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
    return QuarantinedPlugin(candidate.name, candidate.version, candidate.origin, reason)


def supply_of(plugin: object) -> Supply:
    """A plugin's components; its hooks run here and never again. Raises `PluginError` where it breaks the contract."""
    contract = getattr(plugin, "rules_engine_contract", hookspecs.CONTRACT)
    if contract not in hookspecs.SUPPORTED_CONTRACTS:
        known = ", ".join(str(one) for one in sorted(hookspecs.SUPPORTED_CONTRACTS))
        raise PluginError(f"it is written for contract {contract!r}; this version supports {known}")
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(plugin)
    _check_hooks(manager)
    shelves = {}
    for hook, (shelf, word, needed) in KINDS.items():
        answers = getattr(manager.hook, hook)()
        shelves[shelf] = _named(word, needed, [one for answer in answers for one in _listed(hook, answer)])
    return Supply(shelves)


def _check_hooks(manager: pluggy.PluginManager) -> None:
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise PluginError(f"it implements a hook that does not exist: {error}") from error


def _listed(hook: str, answer: object) -> Sequence[Any]:
    if not isinstance(answer, Sequence) or isinstance(answer, str):
        raise PluginError(f"{hook} returned {type(answer).__name__}, wanted a list or tuple of components")
    return answer


def _named(word: str, needed: Sequence[str], components: Sequence[Any]) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for component in components:
        name = getattr(component, "name", None)
        if not isinstance(name, str) or not name.isprintable() or not name.strip():
            raise PluginError(f"a {word} ({type(component).__name__}) has no name, or one that is no text")
        missing = [attribute for attribute in needed if not hasattr(component, attribute)]
        if missing:
            raise PluginError(f"{word} {name!r} has no {' and no '.join(missing)}")
        if name in named:
            raise PluginError(f"it supplies two {word}s named {name!r}")
        named[name] = component
    return named
