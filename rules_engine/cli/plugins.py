"""`rules-engine plugins`: what is loaded from where, and why something is not."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from rules_engine.cli import output
from rules_engine.cli.commands import FOUND, IMPOSSIBLE
from rules_engine.cli.inputs import json_option
from rules_engine.cli.plugin_check import check_command
from rules_engine.cli.plugin_new import new_command

if TYPE_CHECKING:
    from rules_engine.extension.registry import Registry

EXAMPLES = """\b
Examples:
  rules-engine plugins list
  rules-engine plugins list --file my_modes.py
  rules-engine plugins info standard_modes"""

file_option = click.option(
    "--file", "files", multiple=True, metavar="FILE", type=click.Path(), help="Load a plugin from one Python file too."
)


def quiet_registry(files: Sequence[str] = ()) -> Registry:
    """What is installed, and these files; what is quarantined is for the caller to tell."""
    from rules_engine.extension.registry import QuarantineWarning, load_registry

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
    from rules_engine.report.plugins import plugins_document, plugins_tables

    registry = quiet_registry(files)
    if as_json:
        output.document(plugins_document(registry))
    else:
        output.tables(plugins_tables(registry))
    context.exit(FOUND if registry.quarantined else 0)


@plugins_group.command(epilog=EXAMPLES)
@click.argument("name")
@file_option
@json_option
@click.pass_context
def info(context: click.Context, name: str, files: Sequence[str], as_json: bool) -> None:
    """Print one plugin: where it comes from, its version and components, or why it is quarantined.

    Exits with 1 where the plugin is quarantined, 2 where there is none of that name.
    """
    from rules_engine.report.plugins import plugins_document, plugins_tables

    registry = quiet_registry(files)
    found = _only(registry, name)
    if not found.plugins and not found.quarantined:
        known = [plugin.name for plugin in registry.plugins] + [plugin.name for plugin in registry.quarantined]
        output.message(f"there is no plugin {name}; there is {', '.join(known)}")
        context.exit(IMPOSSIBLE)
    if as_json:
        output.document(plugins_document(found))
    else:
        output.tables(plugins_tables(found))
    context.exit(FOUND if found.quarantined else 0)


def _only(registry: Registry, name: str) -> Registry:
    from msgspec.structs import replace

    return replace(
        registry,
        plugins=tuple(plugin for plugin in registry.plugins if plugin.name == name),
        quarantined=tuple(plugin for plugin in registry.quarantined if plugin.name == name),
    )
