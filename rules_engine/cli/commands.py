"""The one place where faults become messages and exit codes."""

from __future__ import annotations

import sys
from typing import Any, Final

import click

from rules_engine.cli import output
from rules_engine.cli.inputs import JSON_WANTED, unusable_file
from rules_engine.errors import DocumentError, Problem, RulesEngineError

FOUND: Final = 1
"""Exit code: done, and something was found (problems in a policy, a refused order)."""
IMPOSSIBLE: Final = 2
"""Exit code: could not be done (usage, unreadable input, an output that nobody reads)."""


class Commands(click.Group):
    """The root group. Faults of documents, plugins and files end in a message; any other exception is a bug of ours."""

    def invoke(self, context: click.Context) -> Any:
        try:
            result = super().invoke(context)
            sys.stdout.flush()
        except DocumentError as error:
            _tell(context, *error.problems)
        except RulesEngineError as error:
            _tell(context, Problem(code="PLUGIN_BROKEN", message=str(error)))
        except BrokenPipeError:
            output.drop_the_rest()
            return context.exit(0)
        except OSError as error:
            if error.filename is None:  # stdout itself takes no more: a full disk
                output.message(f"Error: {error.strerror or error}")
                output.drop_the_rest()
            else:
                _tell(context, unusable_file(error))
        except KeyboardInterrupt:
            output.message("interrupted")
        else:
            return result
        return context.exit(IMPOSSIBLE)


def _tell(context: click.Context, *problems: Problem) -> None:
    """Problems that end a command: for people on stderr, for programs that asked for JSON on stdout."""
    if context.meta.get(JSON_WANTED):
        output.document({"problems": [output.entry(problem) for problem in problems]})
    else:
        output.problems(problems, error=True)
