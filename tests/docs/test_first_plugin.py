"""The tutorial of plugins is true: every command is run and every line comes out; only `pip` itself is stood in for."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.cli.installing import install, run
from tests.docs.test_first_policy import BLOCK, lines_of, transcripts

PAGE = (Path(__file__).parents[2] / "docs" / "plugins" / "first-plugin.md").read_text(encoding="utf-8")
SHELL = re.compile(r"^```sh\n(.*?)^```\n", re.MULTILINE | re.DOTALL)


def test_first_plugin__every_command_prints_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From ten lines to a policy; then what is written by `plugins new` is installed, tested and used."""
    monkeypatch.chdir(tmp_path)
    commands = []
    before, lines, after = SHELL.split(PAGE)
    for command, said, printed in transcripts(before, tmp_path):
        assert printed == said, command
        commands.append(shlex.split(command)[1])
    assert set(commands) == {"plugins", "check", "evaluate"}
    folder, environment, passed = installed(lines, tmp_path)
    assert f"The last line says `{passed}`." in after
    for _, _, content in BLOCK.findall(after):
        command, _, said = content.removeprefix("$ ").partition("\n")
        assert output_of(command, folder, environment) == lines_of(said), command


def installed(lines: str, folder: Path) -> tuple[Path, Mapping[str, str], str]:
    """Runs the lines of a shell, pip's without pip: the plugin's folder, its environment, and how many tests passed."""
    into, install_it, test_it = [shlex.split(line) for line in lines.splitlines()]
    assert into[0] == "cd"
    folder = folder / into[1]
    assert install_it == ["python", "-m", "pip", "install", "-e", ".[test]"]
    environment = install(folder)
    assert test_it == ["python", "-m", "pytest"]
    result = run("pytest", folder=folder, environment=environment)
    assert result.returncode == 0, result.stdout
    return folder, environment, lines_of(result.stdout)[-1].partition(" in ")[0]


def output_of(command: str, folder: Path, environment: Mapping[str, str]) -> list[str]:
    """What a command prints in a process in which the plugin is installed, as far as `| head -N` lets through."""
    command, _, head = command.partition(" | head -")
    program, *arguments = shlex.split(command)
    assert program == "rules-engine"
    result = run("rules_engine", *arguments, folder=folder, environment=environment)
    assert result.returncode == 0, f"{command}\n{result.stdout}{result.stderr}"
    printed = lines_of(result.stdout + result.stderr)
    return printed[: int(head)] if head else printed
