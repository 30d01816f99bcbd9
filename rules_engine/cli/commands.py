"""The one place where faults become messages and exit codes."""

from __future__ import annotations

import os
import sys
from typing import Any, Final

import click

from rules_engine.cli import output
from rules_engine.errors import DocumentError, RulesEngineError

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
            output.problems(error.problems, error=True)
        except RulesEngineError as error:
            output.message(f"Error: {error}")
        except OSError as error:
            if not isinstance(error, BrokenPipeError):
                output.message(f"Error: {sentence(error)}")
            _drop_what_cannot_be_written()
        except KeyboardInterrupt:
            output.message("interrupted")
        else:
            return result
        return context.exit(IMPOSSIBLE)


def sentence(error: OSError) -> str:
    """What could not be read or written, and why."""
    reason = error.strerror or str(error)
    return f"{error.filename}: {reason}" if error.filename else reason


def _drop_what_cannot_be_written() -> None:
    """Where stdout takes no more (no reader, a full disk), what is still buffered goes nowhere, or Python complains."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
