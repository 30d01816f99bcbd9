"""The page on engines that follow a store is true: it goes on from the walk of the page on the store, and runs."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rules_engine.cli.main import cli
from tests.life.test_store_page import PAGE as STORE_PAGE
from tests.life.test_store_page import settled

PAGE = (Path(__file__).parents[2] / "docs" / "following.md").read_text(encoding="utf-8")
BLOCK = re.compile(
    r"^```(yaml|console|python)(?: file=(\S+))?\n(.*?)^```$(?:\n```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL
)


def run(line: str) -> str:
    """What a command of the page prints; a bug of ours raises."""
    return str(CliRunner().invoke(cli, shlex.split(line)[1:], catch_exceptions=False).output)


def walk(page: str, names: dict[str, Any]) -> str:
    """Writes the files of a page, runs its commands and its Python, and gives what the commands printed."""
    printed = []
    for kind, file, content, said in BLOCK.findall(page):
        if file:
            Path(file).parent.mkdir(parents=True, exist_ok=True)
            Path(file).write_text(content, encoding="utf-8")
        elif kind == "console":
            line, _, output = content.removeprefix("$ ").partition("\n")
            printed.append(run(line))
            assert settled(printed[-1]) == settled(output), line
        elif kind == "python":
            caught = io.StringIO()
            with contextlib.redirect_stdout(caught):
                exec(compile(content, "docs/following.md", "exec"), names)
            assert caught.getvalue() == said, content
    return "".join(printed)


def test_page__every_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the commands of the page on the store, up to where its first version is in force."""
    monkeypatch.chdir(tmp_path)
    first, activated, _ = STORE_PAGE.partition("entry 7: majors@1.0.0 is in force from TIME on\nhead sha256:...\n```\n")
    printed = walk(first + activated, {})
    (trust,) = re.findall(r"^trust (\S+)", printed, re.MULTILINE)
    walk(PAGE, {"trust": trust})
