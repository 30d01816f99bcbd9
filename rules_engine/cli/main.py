"""The program: its verbs, and how it starts."""

from __future__ import annotations

import io
import sys
from copy import copy
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Final

import click

from rules_engine.cli import output
from rules_engine.cli.check import check
from rules_engine.cli.commands import Commands
from rules_engine.cli.completion import PROGRAM, completion
from rules_engine.cli.diff import diff
from rules_engine.cli.evaluate import evaluate, order
from rules_engine.cli.impact import impact
from rules_engine.cli.importing import import_group
from rules_engine.cli.plugins import plugins_group, quiet_registry
from rules_engine.cli.replay import replay
from rules_engine.cli.schema import schema
from rules_engine.cli.show import show
from rules_engine.cli.store import store_group
from rules_engine.cli.store_keys import keys_group
from rules_engine.cli.store_steps import activate, approve, rollback, submit
from rules_engine.cli.store_views import history, status
from rules_engine.cli.sweep import sweep
from rules_engine.cli.test import test
from rules_engine.cli.what_if import what_if
from rules_engine.errors import PluginError

if TYPE_CHECKING:
    from rules_engine.extension.registry import Registry

PLUGINS: Final = "rules_engine.plugins"
"""Under this key a context's `meta` holds the registry, once it is loaded."""

EPILOG: Final = """\b
Exit codes: 0 done and clean, 1 done and something was found, 2 could not be done.
Results go to stdout, messages to stderr; NO_COLOR is honoured.
`rules-engine completion bash|zsh|fish` prints the completion script of a shell."""


SECTIONS: Final = {
    "Write and judge policies": (check, test, show, diff, impact, import_group, schema),
    "Answer by a policy": (evaluate, order, sweep, what_if, replay),
    "Put versions in force": (submit, approve, activate, rollback, status, history, store_group, keys_group),
    "The program itself": (plugins_group, completion),
}
"""The verbs as help shows them, each section in the order in which somebody new needs them."""


class Program(Commands):
    """The root group with the verbs of plugins beside ours. Plugins are loaded for help, and where no verb is ours."""

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        sections = {title: list(verbs) for title, verbs in SECTIONS.items()}
        names = self.list_commands(context)
        theirs = (self.get_command(context, name) for name in names if name not in self.commands)
        sections["From plugins"] = [verb for verb in theirs if verb is not None]
        width = max(map(len, names))
        for title, verbs in sections.items():
            rows = [
                (str(verb.name).ljust(width), verb.get_short_help_str(formatter.width - width - 6)) for verb in verbs
            ]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted({*super().list_commands(context), *_registry(context).commands})

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        ours = super().get_command(context, name)
        if ours is not None:
            return ours
        theirs = _registry(context).commands.get(name)
        return None if theirs is None else _contained(theirs, _registry(context).supplier("commands", name))

    def resolve_command(
        self, context: click.Context, arguments: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if self.get_command(context, arguments[0]) is None:
            for plugin in _registry(context).quarantined:  # the verb may be that of one that was not let in
                output.message(str(plugin))
        return super().resolve_command(context, arguments)


def _contained(command: click.Command, supplier: str) -> click.Command:
    """A plugin's verb whose failure is told in words, with the plugin's name."""
    contained = copy(command)

    def invoke(context: click.Context) -> Any:
        try:
            return command.invoke(context)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except Exception as error:
            raise PluginError(f"{command.name} of {supplier} raised {type(error).__name__}: {error}") from error

    contained.invoke = invoke  # type: ignore[method-assign,assignment]
    return contained


def _registry(context: click.Context) -> Registry:
    """What is installed, loaded once a program."""
    if PLUGINS not in context.meta:
        context.meta[PLUGINS] = quiet_registry()
    registry: Registry = context.meta[PLUGINS]
    return registry


def _print_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted or context.resilient_parsing:
        return
    try:
        number = version(PROGRAM)
    except PackageNotFoundError:
        number = "(not installed)"
    click.echo(f"{PROGRAM} {number}")
    context.exit()


@click.group(cls=Program, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Print the version."
)
def cli() -> None:
    """Exact margin rules: check policies, evaluate accounts, decide on orders."""


for verbs in SECTIONS.values():
    for command in verbs:
        cli.add_command(command)


def main() -> None:
    """Starts the program; a character that the terminal cannot show is printed as its escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    cli(prog_name=PROGRAM)
