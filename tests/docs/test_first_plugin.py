"""The tutorial of plugins is true: every command is run and every line comes out; only `pip` itself is stood in for."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.cli.installing import install, run
from tests.docs.test_first_policy import transcripts

PAGE = (Path(__file__).parents[2] / "docs" / "plugins" / "first-plugin.md").read_text(encoding="utf-8")
SHELL = re.compile(r"^```sh\n(.*?)^```\n", re.MULTILINE | re.DOTALL)


def test_first_plugin__every_command_prints_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From ten lines to a policy; then what is written by `plugins new` is installed, tested and used."""
    monkeypatch.chdir(tmp_path)
    commands = []
    for command, said, printed in transcripts(SHELL.sub("", PAGE), tmp_path):
        assert printed == said, command
        commands.append(shlex.split(command)[1])
    assert set(commands) == {"plugins", "check", "evaluate"}
    (lines,) = SHELL.findall(PAGE)
    work_through(lines, tmp_path)


def work_through(lines: str, folder: Path) -> None:
    """Runs the lines of a shell in processes of their own; each must end well. What pip does is done without it."""
    environment = None
    for line in lines.splitlines():
        program, *arguments = shlex.split(line)
        if program == "cd":
            folder = folder / arguments[0]
        elif arguments[:2] == ["-m", "pip"]:
            assert arguments[2:] == ["install", "-e", "."]
            environment = install(folder)
        else:
            module = arguments if program == "python" else ["-m", "rules_engine", *arguments]
            assert program in ("python", "rules-engine") and module[0] == "-m"
            result = run(*module[1:], folder=folder, environment=environment)
            assert result.returncode == 0, f"{line}\n{result.stdout}{result.stderr}"
