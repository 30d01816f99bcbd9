"""What is loaded from where, and why something is not: for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from rules_engine.extension.registry import Registry
from rules_engine.report.grids import grid


def plugins_document(registry: Registry) -> dict[str, Any]:
    """Plugins at work and in quarantine, as plain values."""
    return {
        "loaded": [msgspec.to_builtins(plugin) for plugin in registry.plugins],
        "quarantined": [msgspec.to_builtins(plugin) for plugin in registry.quarantined],
    }


def plugins_tables(registry: Registry) -> Iterator[Any]:
    """The same as rich renderables; a table of quarantine only where something is in it."""
    loaded = grid("plugins", "plugin", "distribution", "version", "from", "components")
    for plugin in registry.plugins:
        components = ", ".join(plugin.components) or "nothing"
        loaded.add_row(plugin.name, plugin.distribution, plugin.version, plugin.origin, components)
    yield loaded
    if registry.quarantined:
        kept_out = grid("quarantined", "plugin", "distribution", "version", "from", "reason")
        for outsider in registry.quarantined:
            kept_out.add_row(outsider.name, outsider.distribution, outsider.version, outsider.origin, outsider.reason)
        yield kept_out
