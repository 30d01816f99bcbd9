"""The decision log of commands: what answers are written down in before they are printed."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from rules_engine.cli import output
from rules_engine.cli.inputs import read

if TYPE_CHECKING:
    from rules_engine.life.decisions.decision_log import DecisionLog
    from rules_engine.life.decisions.decision_masks import Mask


class LogAsked(NamedTuple):
    """The log that answers are to be written into, if any, and what hides names in it."""

    log: str | None
    mask: Mask

    @property
    def shown(self) -> str:
        """The log as messages name it, without a password."""
        from rules_engine.life.decisions.decision_places import shown_log

        return "" if self.log is None else shown_log(self.log)

    def opened(self) -> DecisionLog:
        """The log, in strict mode; that its end was torn by a kill is told."""
        from rules_engine.life.decisions.decision_log import DecisionLog, TornLogWarning

        assert self.log is not None
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", TornLogWarning)
            opened = DecisionLog.open(self.log, clock=lambda: datetime.now(UTC), mask=self.mask)
        for warning in told:
            output.message(str(warning.message))
        return opened


def log_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a command whose answer may be written down before it is printed; it gets them as `log`."""
    log = click.option(
        "--log",
        metavar="LOG",
        type=click.Path(),
        help="Write the decision to this log first: FILE, or sqlite:///FILE or postgresql://...",
    )
    fields = click.option(
        "--log-mask",
        "masked",
        multiple=True,
        type=click.Choice(["account", "id"]),
        help="Write tokens for these names; several times for both.",
    )
    key = click.option("--log-key", metavar="FILE", type=click.Path(), help="The key of the tokens, 16 bytes or more.")

    @wraps(command)
    def combined(*values: Any, log: str | None, masked: Sequence[str], log_key: str | None, **others: Any) -> Any:
        return command(*values, log=LogAsked(log, _mask_of(log, masked, log_key)), **others)

    return log(fields(key(combined)))


def _mask_of(log: str | None, masked: Sequence[str], key_file: str | None) -> Mask:
    """What hides names in a log. A usage error where there is no log, no key, or too short a key."""
    from rules_engine.life.decisions.decision_masks import Mask

    if log is None and (masked or key_file is not None):
        raise click.UsageError("--log-mask and --log-key are about a log; give --log FILE")
    if bool(masked) != (key_file is not None):
        raise click.UsageError("--log-mask says what is masked, and --log-key by which key; give both")
    try:
        return Mask(masked, b"" if key_file is None else read(key_file))
    except ValueError as error:
        raise click.UsageError(f"--log-key {key_file}: {error}") from None
