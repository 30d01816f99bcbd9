"""The program: its verbs, and how it starts."""

from __future__ import annotations

import io
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Final

import click

from rules_engine.cli.check import check
from rules_engine.cli.commands import Commands
from rules_engine.cli.completion import PROGRAM, completion
from rules_engine.cli.evaluate import evaluate, order
from rules_engine.cli.importing import import_group
from rules_engine.cli.plugins import plugins_group
from rules_engine.cli.show import show

EPILOG: Final = """\b
Exit codes: 0 done and clean, 1 done and something was found, 2 could not be done.
Results go to stdout, messages to stderr; NO_COLOR is honoured.
`rules-engine completion bash|zsh|fish` prints the completion script of a shell."""


def _print_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted or context.resilient_parsing:
        return
    try:
        number = version(PROGRAM)
    except PackageNotFoundError:
        number = "(not installed)"
    click.echo(f"{PROGRAM} {number}")
    context.exit()


@click.group(cls=Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Print the version."
)
def cli() -> None:
    """Exact margin rules: check policies, evaluate accounts, decide on orders."""


for command in (check, show, evaluate, order, import_group, plugins_group, completion):
    cli.add_command(command)


def main() -> None:
    """Starts the program; a character that the terminal cannot show is printed as its escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    cli(prog_name=PROGRAM)
