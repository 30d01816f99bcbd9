"""`rules-engine completion`: the script that teaches a shell our verbs and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

PROGRAM = "rules-engine"
VARIABLE = "_RULES_ENGINE_COMPLETE"

EXAMPLES = """\b
Examples:
  rules-engine completion bash >> ~/.bashrc
  rules-engine completion zsh >> ~/.zshrc
  rules-engine completion fish > ~/.config/fish/completions/rules-engine.fish"""


@click.command(epilog=EXAMPLES)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell."""
    script = get_completion_class(shell)
    assert script is not None, "click completes every shell that we offer"
    click.echo(script(context.find_root().command, {}, PROGRAM, VARIABLE).source())
