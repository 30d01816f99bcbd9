"""The tutorial is true: its files are written, its changes made and its commands run, and every line comes out."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from rules_engine.cli.main import cli

PAGE = Path(__file__).parents[2] / "docs" / "first-policy.md"
BLOCK = re.compile(r"^```(\w+)(?: file=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def lines_of(text: str) -> list[str]:
    """Lines without the blanks that pad a table's last column, and without the empty ones around the text."""
    return [line.rstrip() for line in text.strip("\n").splitlines()]


def change(file: Path, changes: str) -> None:
    """Puts each line that begins with + in the place of the one before it that begins with -."""
    text = file.read_text(encoding="utf-8")
    lines = changes.splitlines()
    for old, new in zip(lines[::2], lines[1::2], strict=True):
        assert (old[0], new[0]) == ("-", "+")
        assert text.count(old[1:]) == 1, f"{old[1:]!r} does not stand there once"
        text = text.replace(old[1:], new[1:])
    file.write_text(text, encoding="utf-8")


def output_of(command: str) -> list[str]:
    """What a command of the page prints, messages included, as far as `| head -N` lets through."""
    command, _, head = command.partition(" | head -")
    program, *arguments = shlex.split(command)
    assert program == "rules-engine"
    printed = lines_of(CliRunner().invoke(cli, arguments, catch_exceptions=False).output)
    return printed[: int(head)] if head else printed


def transcripts(page: str, folder: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    """Works through the page in a folder: each command with what the page says it prints, and what it printed."""
    for kind, file, content in BLOCK.findall(page):
        if kind == "console":
            command, _, said = content.removeprefix("$ ").partition("\n")
            yield command, lines_of(said), output_of(command)
        elif kind == "diff":
            change(folder / file, content)
        else:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(content, encoding="utf-8")


def test_first_policy__every_command_prints_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    commands = []
    for command, said, printed in transcripts(PAGE.read_text(encoding="utf-8"), tmp_path):
        assert printed == said, command
        commands.append(shlex.split(command)[1])
    assert set(commands) == {"check", "evaluate", "order"}
