"""What commands read: policies, documents and compressed files, from disk or from stdin."""

from __future__ import annotations

import gzip
import lzma
import re
import sys
import warnings
import zlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import click

from rules_engine.cli import output
from rules_engine.errors import DocumentError, Mark, PluginError, Problem

if TYPE_CHECKING:
    from rules_engine.extension.loading import Source
    from rules_engine.extension.registry import Registry

STDIN: Final = "-"
LARGEST_INPUT: Final = 256_000_000
"""Bytes, after decompression: a larger input is a mistake or an attack."""

policy_option = click.option(
    "--policy",
    required=True,
    metavar="P",
    type=click.Path(),
    help="Policy: a file, NAME@VERSION, or a NAME, of which the version in force answers.",
)
policies_option = click.option(
    "--policies",
    metavar="DIR",
    type=click.Path(file_okay=False),
    help="Where `extends: NAME@VERSION` is looked up, as DIR/NAME/VERSION.yaml. [default: two levels above the policy]",
)
plugin_option = click.option(
    "--plugin", "plugins", multiple=True, metavar="FILE", type=click.Path(), help="Use a plugin in one Python file too."
)
account_option = click.option(
    "--account", required=True, metavar="A", type=click.Path(allow_dash=True), help="Account document (JSON), or -."
)
market_option = click.option(
    "--market", required=True, metavar="M", type=click.Path(allow_dash=True), help="Market document (JSON), or -."
)
JSON_WANTED: Final = "rules_engine.json_wanted"
"""Under this key a context's `meta` says whether the problems that end a command are to be JSON too."""


def _note_json(context: click.Context, _: click.Parameter, wanted: bool) -> bool:
    context.meta[JSON_WANTED] = wanted
    return wanted


json_option = click.option(
    "--json", "as_json", is_flag=True, callback=_note_json, help="Print a JSON document for programs."
)


class Readable(Protocol):
    """What bytes come from."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes."""


def refuse_missing(files: Iterable[str]) -> None:
    """A `DocumentError` that names every file which is not there."""
    missing = [file for file in files if not Path(file).is_file()]
    if missing:
        raise DocumentError(
            [Problem(code="FILE_UNUSABLE", message=f"there is no file {file}", document=file) for file in missing]
        )


def sources_named(name: str, known: Sequence[Source]) -> list[Source]:
    """The plugins of a name, else those whose name or distribution it is but for hyphens, dots and capitals.

    A usage error, with what may be meant, where there are none.
    """
    from rules_engine.policy.findings import nearest

    found = [one for one in known if one.name == name]
    found = found or [one for one in known if _normal(name) in (_normal(one.name), _normal(one.distribution))]
    if not found:
        hint = f"use --plugin {name}" if name.endswith(".py") else nearest(name, [one.name for one in known])
        raise click.UsageError(f"there is no plugin {name}; {hint}")
    return found


def _normal(name: str) -> str:
    """A name as indexes of packages compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def registry_with(plugins: Sequence[str]) -> Registry:
    """What is installed, and the plugins in these files. Raises `PluginError` where one of the files is not let in,
    `DocumentError` where one is not there.

    Any other plugin that is quarantined is told on stderr.
    """
    from rules_engine.extension.registry import QuarantineWarning, load_registry

    refuse_missing(plugins)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", QuarantineWarning)
        registry = load_registry(files=plugins)
    wanted = {str(Path(plugin)) for plugin in plugins}
    for plugin in registry.quarantined:
        if plugin.origin in wanted:
            raise PluginError(str(plugin))
        output.message(str(plugin))
    return registry


def refuse_two_from_stdin(*paths: str) -> None:
    """A usage error where more than one document would come from stdin."""
    if paths.count(STDIN) > 1:
        raise click.UsageError("only one document can be read from stdin (-)")


def name_of(path: str) -> str:
    """How messages call an input."""
    return "stdin" if path == STDIN else path


def read(path: str) -> bytes:
    """The bytes of a file or of stdin. Raises OSError, and DocumentError where there are too many."""
    if path == STDIN:
        return _bounded(sys.stdin.buffer, path)
    with open(path, "rb") as file:
        return _bounded(file, path)


def read_compressed(path: str) -> bytes:
    """The bytes of a file, decompressed where its name ends in .gz or .xz. Raises OSError or DocumentError."""
    try:
        if path.endswith(".gz"):
            with gzip.open(path, "rb") as file:
                return _bounded(file, path)
        if path.endswith(".xz"):
            with lzma.open(path, "rb") as file:
                return _bounded(file, path)
    except (gzip.BadGzipFile, lzma.LZMAError, zlib.error, EOFError) as error:
        raise _unusable(path, "INPUT_COMPRESSION", f"the file cannot be decompressed: {error}") from error
    return read(path)


def all_of(readers: Sequence[Callable[[], Any]]) -> list[Any]:
    """What each reader gives; where some fail, one DocumentError with the problems and unreadable files of all."""
    answers: list[Any] = []
    problems: list[Problem] = []
    for reader in readers:
        try:
            answers.append(reader())
        except DocumentError as error:
            problems += error.problems
        except OSError as error:
            problems.append(unusable_file(error))
    if problems:
        raise DocumentError(problems)
    return answers


def unusable_file(error: OSError) -> Problem:
    """A file that cannot be read or written, as a problem."""
    reason = error.strerror or str(error)
    return Problem(code="FILE_UNUSABLE", message=reason, document=str(error.filename or ""))


def _bounded(file: Readable, path: str) -> bytes:
    data = file.read(LARGEST_INPUT + 1)
    if len(data) > LARGEST_INPUT:
        raise _unusable(path, "INPUT_SIZE", f"the input has more than {LARGEST_INPUT} bytes")
    return data


def _unusable(path: str, code: str, message: str) -> DocumentError:
    return DocumentError([Problem(code=code, message=message, mark=Mark(name_of(path), 1, 1))])
