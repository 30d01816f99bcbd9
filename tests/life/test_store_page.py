"""The page on the store is true: its files are written, its commands run, and every line comes out."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any, get_args

import click
import pytest
from click.testing import CliRunner

from rules_engine.cli.commands import Commands
from rules_engine.cli.diff import diff
from rules_engine.cli.show import show
from rules_engine.cli.store import store_group
from rules_engine.cli.store_keys import keys_group
from rules_engine.cli.store_steps import activate, approve, rollback, submit
from rules_engine.cli.store_views import history, status
from rules_engine.life.store.guards import Guards
from rules_engine.life.store.statements import ROLES, AnyStatement, Statement

PAGE = (Path(__file__).parents[2] / "docs" / "store.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)(?: file=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| (`?\w+`?(?:, `\w+`)*) \|(.*)\|$", re.MULTILINE)
VARYING = (
    (re.compile(r"sha256:[0-9a-f]+"), "sha256:..."),
    (re.compile(r"ed25519:\S+"), "ed25519:..."),
    (re.compile(r"\b[0-9a-f]{32}\b"), "KEY"),
    (re.compile(r"\b20\d\d-\d\d-\d\dT[\d:.]+Z"), "TIME"),
)
"""What is another each time: hashes, keys and the clock. The year of what is scheduled is 2999."""


@click.group(cls=Commands)
def program() -> None:
    """The commands of stores."""


for command in (store_group, keys_group, submit, approve, activate, rollback, status, history, show, diff):
    program.add_command(command)


def run(*arguments: str) -> Any:
    """A command; a bug of ours raises."""
    return CliRunner().invoke(program, list(arguments), catch_exceptions=False)


def settled(text: str) -> list[str]:
    """Lines without what differs from run to run, blanks that pad tables, and lines that draw them."""
    for pattern, word in VARYING:
        text = pattern.sub(word, text)
    return [
        " ".join(line.split())
        for line in text.strip().splitlines()
        if not line.startswith("no --trust") and "──" not in line
    ]


def test_page__every_command_prints_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    trust = ""
    for kind, file, content in BLOCK.findall(PAGE):
        if file:
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / file).write_text(content, encoding="utf-8")
        elif kind == "console":
            line, _, said = content.removeprefix("$ ").partition("\n")
            printed = run(*shlex.split(line)[1:]).output
            assert settled(printed) == settled(said), line
            trust = trust or "".join(re.findall(r"^trust (\S+)", printed, re.MULTILINE))
        elif kind == "python":
            names: dict[str, Any] = {"trust": trust}
            exec(compile(content, "docs/store.md", "exec"), names)
            assert (names["policy"].name, names["policy"].version) == ("majors", "1.0.0")


def table(section: str) -> dict[str, str]:
    """The tables of a section: first column, the rest."""
    text = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    return {name: rest for names, rest in ROW.findall(text) for name in re.findall(r"\w+", names)}


def test_page__names_every_role_guard_and_field() -> None:
    assert tuple(table("Keys and roles"))[1:] == ROLES
    assert tuple(table("Guards"))[1:] == Guards.__struct_fields__
    log = table("The log")
    for kind in get_args(AnyStatement):
        own = {name for name in kind.__struct_fields__ if name not in Statement.__struct_fields__}
        assert set(re.findall(r"`(\w+)`", log[str(kind.__struct_config__.tag)])) == own
    assert set(Statement.__struct_fields__) <= set(log)
