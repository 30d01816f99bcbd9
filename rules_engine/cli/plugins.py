"""`rules-engine plugins`: what is loaded from where, and why something is not."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from rules_engine.cli import output
from rules_engine.cli.commands import FOUND
from rules_engine.cli.inputs import json_option, refuse_missing, sources_named
from rules_engine.cli.plugin_check import NOTHING, check_command
from rules_engine.cli.plugin_new import new_command

if TYPE_CHECKING:
    from rules_engine.extension.registry import Registry

EXAMPLES = """\b
Examples:
  rules-engine plugins list
  rules-engine plugins list --plugin my_modes.py
  rules-engine plugins info standard_modes"""

file_option = click.option(
    "--plugin",
    "--file",
    "files",
    multiple=True,
    metavar="FILE",
    type=click.Path(),
    help="Load a plugin from one Python file too.",
)


def quiet_registry(files: Sequence[str] = ()) -> Registry:
    """What is installed, and these files; what is quarantined is for the caller to tell.

    Raises `DocumentError` where a file is not there.
    """
    from rules_engine.extension.registry import QuarantineWarning, load_registry

    refuse_missing(files)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", QuarantineWarning)
        return load_registry(files=files)


@click.group(name="plugins", epilog=EXAMPLES)
def plugins_group() -> None:
    """Plugins: what is loaded from where, and why something is not."""


plugins_group.add_command(new_command)
plugins_group.add_command(check_command)


@plugins_group.command(name="list", epilog=EXAMPLES)
@file_option
@json_option
@click.pass_context
def list_plugins(context: click.Context, files: Sequence[str], as_json: bool) -> None:
    """Print every plugin that is loaded or quarantined.

    Exits with 1 where a plugin is quarantined.
    """
    registry = quiet_registry(files)
    _print(registry, as_json)
    context.exit(FOUND if registry.quarantined else 0)


@plugins_group.command(epilog=EXAMPLES)
@click.argument("name")
@file_option
@json_option
@click.pass_context
def info(context: click.Context, name: str, files: Sequence[str], as_json: bool) -> None:
    """Print one plugin: where it comes from, its version and components, or why it is quarantined.

    NAME is the plugin's, or that of its distribution. Exits with 1 where the plugin is quarantined or a schema of
    parameters is not one of Cerberus, 2 where there is no plugin of that name.
    """
    from rules_engine.policy.components import schema_faults

    found = _only(quiet_registry(files), name)
    _print(found, as_json)
    faults = list(schema_faults(_shelves(found)))
    for fault in faults:
        output.message(fault)
    context.exit(FOUND if found.quarantined or faults else 0)


def _only(registry: Registry, name: str) -> Registry:
    from msgspec.structs import replace

    wanted = sources_named(name, [*registry.plugins, *registry.quarantined])
    return replace(
        registry,
        plugins=tuple(plugin for plugin in registry.plugins if plugin in wanted),
        quarantined=tuple(plugin for plugin in registry.quarantined if plugin in wanted),
    )


def _shelves(registry: Registry) -> dict[str, dict[str, Any]]:
    """The components of the plugins that the registry lists."""
    from rules_engine.extension.kinds import KINDS

    listed = {component for plugin in registry.plugins for component in plugin.components}
    return {
        kind.shelf: {
            name: component
            for name, component in getattr(registry, kind.shelf).items()
            if f"{kind.word} {name}" in listed
        }
        for kind in KINDS
    }


def _print(registry: Registry, as_json: bool) -> None:
    """The plugins of a registry, and on stderr which of them supply nothing."""
    from rules_engine.report.plugins import plugins_document, plugins_tables

    if as_json:
        output.document(plugins_document(registry))
    else:
        output.tables(plugins_tables(registry))
    for plugin in registry.plugins:
        if not plugin.components:
            output.message(f"plugin {plugin.name} of {plugin.supplier} {NOTHING}")
