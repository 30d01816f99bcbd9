"""`rules-engine plugins new`: a distribution that works at once, to be changed into one's own plugin."""

from __future__ import annotations

import importlib.util
import json
import keyword
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from errno import EEXIST
from functools import cache
from importlib import resources
from pathlib import Path
from string import Template
from typing import Final

import click
import msgspec

from rules_engine.cli import output

KINDS: Final = ("mode", "pool-mode", "payoff", "buffer", "close-out", "check", "command", "observer")
"""What a plugin can be made of; each has a folder of templates and an entry in `kinds.json`."""
NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
FOLDERS: Final = ("examples", "policies", "tests")
"""Folders beside the package, which therefore has another name."""
LONGEST_NAME: Final = 64
"""That of a policy's name, which the example's policy has from the plugin."""
STANDARD_PLAN: Final = "smallest"
"""The close-out plan of an example that brings none."""

EXAMPLES = """\b
Examples:
  rules-engine plugins new acme-margin
  rules-engine plugins new acme-margin --kind mode --kind buffer
  rules-engine plugins new acme-margin --kind check --directory plugins/acme"""


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one kind of component is supplied, and what the example's policy, account and market need of it.

    `component` is the name in its module, `supplied` the type that the hook returns.
    """

    component: str
    word: str
    hook: str
    supplied: str
    buffers: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    positions: tuple[Mapping[str, str], ...] = ()
    market: Mapping[str, Mapping[str, str]] = {}
    plan: str | None = None

    @property
    def made(self) -> str:
        """The expression that makes the component. A command is there already."""
        return self.component if self.supplied == "Command" else f"{self.component}()"


@click.command("new", epilog=EXAMPLES)
@click.argument("name")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice(KINDS),
    default=["mode"],
    show_default=True,
    help="What it supplies; may be given several times.",
)
@click.option(
    "--directory", metavar="DIR", type=click.Path(file_okay=False), help="Where to write it. [default: a folder NAME]"
)
def new_command(name: str, kinds: Sequence[str], directory: str | None) -> None:
    """Write a plugin that works, to be changed into your own.

    NAME is the distribution's, such as acme-margin; its package is then acme_margin. It has a component of each kind,
    tests that pass, a policy that uses it, an account and a market. Exits with 2 where the name cannot be used, or
    where there is something in DIR already.
    """
    name = _checked(name)
    folder = Path(directory or name)
    if folder.is_dir() and any(folder.iterdir()):
        raise FileExistsError(EEXIST, "the folder is not empty", str(folder))
    for path, text in files(name, kinds).items():
        _write(folder / path, text)
        output.line(str(folder / path))
    for line in ("next:", f"  cd {folder}", "  python -m pip install -e '.[test]'", "  python -m pytest"):
        output.message(line)


def _checked(name: str) -> str:
    """The name as distributions are named. Raises `click.BadParameter` where it cannot be one, or is taken."""
    normal = re.sub(r"[-_.]+", "-", name).lower()
    package = _package(normal)
    if not NAME.fullmatch(normal) or len(normal) > LONGEST_NAME or keyword.iskeyword(package):
        wanted = "letters and digits, a letter first, hyphens between, no keyword of Python"
        raise click.BadParameter(f"{name} cannot be a plugin's name; wanted {wanted}", param_hint="NAME")
    if package in FOLDERS or importlib.util.find_spec(package) is not None:
        raise click.BadParameter(f"there is a package or folder {package} already", param_hint="NAME")
    return normal


def _package(name: str) -> str:
    return name.replace("-", "_")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def files(name: str, kinds: Iterable[str]) -> dict[str, str]:
    """Every file of a plugin, by its path in the distribution."""
    chosen: dict[str, Kind] = {kind: _kinds()[kind] for kind in KINDS if kind in set(kinds)}
    package = _package(name)
    words = {"name": name, "package": package}
    words |= {"words": ", ".join(kind.word for kind in chosen.values()), **_module_words(package, chosen)}
    words |= _example_words(list(chosen.values()))
    words = {key: Template(text).substitute(words) for key, text in words.items()}
    sources = {
        "setup.cfg": "setup.cfg",
        "pyproject.toml": "pyproject.toml",
        "README.md": "README.md",
        f"{package}/__init__.py": "init.py",
        **{f"{package}/{_package(kind)}.py": f"{kind}/component.py" for kind in chosen},
        f"policies/{name}/1.0.0.yaml": "policy.yaml",
        "examples/account.json": "account.json",
        "examples/market.json": "market.json",
        "tests/conftest.py": "conftest.py",
        "tests/test_policy.py": "test_policy.py",
        **{f"tests/test_{_package(kind)}.py": f"{kind}/test.py" for kind in chosen},
    }
    written = {path: Template(_template(f"{source}.txt")).substitute(words) for path, source in sources.items()}
    return written | {f"{package}/py.typed": ""}


def _template(path: str) -> str:
    return resources.files("rules_engine.cli").joinpath("templates", path).read_text(encoding="utf-8")


@cache
def _kinds() -> Mapping[str, Kind]:
    return msgspec.json.decode(_template("kinds.json"), type=dict[str, Kind])


def _module_words(package: str, kinds: Mapping[str, Kind]) -> dict[str, str]:
    """What the package's own module imports and which hooks it has, and the rows of the README's table."""
    rows = [f"| `{package}/{_package(name)}.py` | the {kind.word} `{kind.component}` |" for name, kind in kinds.items()]
    return {
        "imports": "\n".join(_imports(package, kinds)),
        "hooks": "\n\n\n".join(_hooks(kinds.values())),
        "table": "\n".join(rows),
    }


def _imports(package: str, kinds: Mapping[str, Kind]) -> Iterator[str]:
    """In the order that sorted imports have."""
    supplied = sorted({kind.supplied for kind in kinds.values()} - {"Command"})
    yield "from collections.abc import Sequence\n"
    if "command" in kinds:
        yield "from click import Command"
    yield f"from rules_engine.plugin import {', '.join([*supplied, 'hookimpl'])}\n"
    for name, kind in sorted(kinds.items(), key=lambda item: _package(item[0])):
        yield f"from {package}.{_package(name)} import {kind.component}"


def _hooks(kinds: Iterable[Kind]) -> Iterator[str]:
    """A function for each hook; two kinds of component may come by the same one."""
    by_hook: dict[str, list[Kind]] = {}
    for kind in kinds:
        by_hook.setdefault(kind.hook, []).append(kind)
    for hook, members in by_hook.items():
        supplied = " | ".join(kind.supplied for kind in members)
        made = ", ".join(kind.made for kind in members)
        yield f"@hookimpl\ndef {hook}() -> Sequence[{supplied}]:\n    return [{made}]"


def _example_words(kinds: Sequence[Kind]) -> dict[str, str]:
    """What the kinds add to the example's policy, account and market."""
    buffers = _lines(line for kind in kinds for line in kind.buffers)
    positions = [json.dumps(position) for kind in kinds for position in kind.positions]
    market = [f"{json.dumps(name)}: {json.dumps(one)}" for kind in kinds for name, one in kind.market.items()]
    return {
        "buffers": f"\nbuffers:\n{buffers}" if buffers else "",
        "modes": _lines(line for kind in kinds for line in kind.modes),
        "instruments": _lines(line for kind in kinds for line in kind.instruments),
        "plan": next((kind.plan for kind in kinds if kind.plan), STANDARD_PLAN),
        "positions": "".join(f",\n    {position}" for position in positions),
        "market": "".join(f",\n    {one}" for one in market),
    }


def _lines(lines: Iterable[str]) -> str:
    """Lines of a section of the policy."""
    return "".join(f"  {line}\n" for line in lines)
