"""Components named by a policy (modes, buffer kinds, close-out plans), bound to their parameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from rules_engine.errors import PluginError
from rules_engine.extension.kinds import KINDS
from rules_engine.extension.registry import Registry
from rules_engine.extension.traits import traits_of
from rules_engine.policy.document import Path
from rules_engine.policy.findings import Findings, nearest
from rules_engine.policy.parameters import Normaliser
from rules_engine.terms.policy import AllowedMode, Buffer, CloseOut

BOTH = ("initial", "maintenance")
_WORDS: Final = {kind.shelf: kind.word for kind in KINDS}


class Binder:
    """Binds names to the components of a registry. Each schema of parameters is prepared once."""

    def __init__(self, findings: Findings, registry: Registry) -> None:
        self.findings = findings
        self.registry = registry
        self._normalisers: dict[str, Normaliser] = {}

    def mode(self, name: str, raw: Mapping[str, Any]) -> AllowedMode | None:
        """The mode of a section `modes.NAME`."""
        path: Path = ("modes", name)
        mode = self.registry.modes.get(name)
        if mode is None:
            hint = hint_for(name, self.registry.modes, self.registry)
            self.findings.key_error("MODE_UNKNOWN", path, f"there is no margin mode {name}", hint)
            return None
        parameters = self._parameters("modes", mode, path, _without(raw, "split_positions"))
        if parameters is None:
            return None
        return AllowedMode(
            name=name,
            mode=mode,
            parameters=parameters,
            split_positions=raw.get("split_positions", False),
            traits=traits_of(mode),
            pooled=hasattr(mode, "pool_requirement"),
            prepares=hasattr(mode, "prepare"),
            supplier=self.registry.supplier("modes", name),
            mark=self.findings.document.mark(path),
        )

    def buffer(self, name: str, raw: Mapping[str, Any]) -> Buffer | None:
        """The buffer of a section `buffers.NAME`."""
        path: Path = ("buffers", name)
        kind = self._component("BUFFER_KIND_UNKNOWN", "kind of buffer", (*path, "kind"), raw["kind"], "buffers")
        if kind is None:
            return None
        parameters = self._parameters("buffers", kind, path, _without(raw, "kind", "requirements"))
        if parameters is None:
            return None
        return Buffer(
            name=name,
            kind=kind,
            parameters=parameters,
            requirements=frozenset(raw.get("requirements", BOTH)),
            supplier=self.registry.supplier("buffers", kind.name),
            mark=self.findings.document.mark(path),
        )

    def close_out(self, raw: Mapping[str, Any]) -> CloseOut | None:
        """The plan of the section `liquidation.close_out`; `smallest` where it is absent."""
        path: Path = ("liquidation", "close_out")
        name = raw.get("plan", "smallest")
        plan = self._component("PLAN_UNKNOWN", "close-out plan", (*path, "plan"), name, "close_out_plans")
        if plan is None:
            return None
        parameters = self._parameters("close_out_plans", plan, path, _without(raw, "plan"))
        if parameters is None:
            return None
        return CloseOut(plan=plan, parameters=parameters, supplier=self.registry.supplier("close_out_plans", name))

    def _component(self, code: str, noun: str, path: Path, name: str, kind: str) -> Any:
        known: Mapping[str, Any] = getattr(self.registry, kind)
        if name not in known:
            self.findings.error(code, path, f"there is no {noun} {name}", hint_for(name, known, self.registry))
        return known.get(name)

    def _parameters(self, shelf: str, component: Any, path: Path, raw: dict[str, Any]) -> Mapping[str, Any] | None:
        owner = self._owner(shelf, component)
        try:
            if owner not in self._normalisers:
                self._normalisers[owner] = Normaliser(owner, component.parameters)
            return self._normalisers[owner].normalise(self.findings, path, raw)
        except PluginError as error:
            said = str(error)
        except Exception as error:  # a stranger's schema may hold functions of its own
            said = f"{owner} raised {type(error).__name__}: {error}"
        self.findings.key_error("PLUGIN_FAULT", path, said, "ask the author of the plugin")
        return None

    def _owner(self, shelf: str, component: Any) -> str:
        supplier = self.registry.supplier(shelf, component.name) or type(component).__module__
        return f"{_WORDS[shelf]} {component.name} of {supplier}"


def schema_faults(shelves: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """In words, what is wrong with the schemas of these components' parameters, by shelf and name."""
    for kind in KINDS:
        for name, component in shelves.get(kind.shelf, {}).items():
            if "parameters" in kind.attributes:
                owner = f"{kind.word} {name}"
                try:
                    Normaliser(owner, component.parameters)
                except PluginError as error:
                    yield str(error)
                except Exception as error:  # a stranger's schema may hold functions of its own
                    yield f"{owner}: the schema of its parameters raised {type(error).__name__}: {error}"


def _without(raw: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in raw.items() if key not in keys}


def hint_for(name: str, known: Iterable[str], registry: Registry) -> str:
    """What to do about a component that is not there: what was meant, and the plugins that were not let in."""
    hints = [nearest(name, known)]
    if registry.quarantined:
        names = ", ".join(plugin.name for plugin in registry.quarantined)
        hints.append(f"not loaded: {names}; `rules-engine plugins list` says why")
    return "; ".join(hint for hint in hints if hint)
