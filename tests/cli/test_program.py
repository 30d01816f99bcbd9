from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import click
import pytest
from click.testing import CliRunner, Result

from rules_engine.cli.main import cli
from rules_engine.errors import PluginError

Run = Callable[..., Result]

REPOSITORY = Path(__file__).parents[2]
REFERENCE = REPOSITORY / "docs" / "commands.md"


def commands(group: click.Group, *names: str) -> Iterator[tuple[str, ...]]:
    """The name of every command, the program itself included, as a tuple of words."""
    yield names
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *names, name)
        else:
            yield (*names, name)


def program(
    *arguments: str, environment: dict[str, str] | None = None, stdout: IO[bytes] | int = subprocess.PIPE
) -> subprocess.Popen[bytes]:
    """`python -m rules_engine` as a process of its own."""
    path = os.pathsep.join(sys.path)
    variables = {**os.environ, "PYTHONPATH": path, **(environment or {})}
    command = [sys.executable, "-m", "rules_engine", *arguments]
    return subprocess.Popen(command, stdout=stdout, stderr=subprocess.PIPE, env=variables)


@pytest.mark.parametrize("names", list(commands(cli)), ids=" ".join)
def test_reference__holds_the_help_of_every_command(names: tuple[str, ...]) -> None:
    """docs/commands.md quotes what `--help` prints, for every command."""
    help_text = CliRunner().invoke(cli, [*names, "--help"], prog_name="rules-engine", terminal_width=80).output
    quoted = " ".join(["$ rules-engine", *names, "--help"])
    assert f"```text\n{quoted}\n{help_text}```\n" in REFERENCE.read_text(encoding="utf-8")


def test_reference__its_example_of_a_check_is_what_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command can be copied, and every line comes out."""
    monkeypatch.chdir(REPOSITORY)
    command = "check policies/usdt-perpetuals"
    printed = CliRunner().invoke(cli, command.split()).output
    assert f"```text\n$ rules-engine {command}\n{printed}```\n" in REFERENCE.read_text(encoding="utf-8")


def test_reference__describes_no_command_that_does_not_exist() -> None:
    """Every command quoted in docs/commands.md exists."""
    quoted = re.findall(r"^\$ rules-engine ?(.*) --help$", REFERENCE.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(quoted) == sorted(" ".join(names) for names in commands(cli))


def test_program__starts_as_a_process_and_prints_its_version() -> None:
    """The console entry works outside of the test runner."""
    process = program("--version")
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, b"")
    assert re.fullmatch(rb"rules-engine \S+.*\n", output)


def test_program__a_reader_that_leaves_is_no_traceback(policy: Path) -> None:
    """`rules-engine show ... | head -0`: no traceback, and the exit code is what it would have been."""
    process = program("show", str(policy))
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    errors = process.stderr.read()
    assert (process.wait(timeout=60), errors) == (0, b"")


def test_program__a_reader_that_leaves_does_not_change_the_answer(policy: Path) -> None:
    """`rules-engine check ... | head -0` of a policy with a problem still exits with 1, for `set -o pipefail`."""
    policy.write_text(policy.read_text(encoding="utf-8").replace("0.005", "0.003"), encoding="utf-8")
    process = program("check", str(policy))
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert process.stderr.read().startswith(b"1 policy, ")
    assert process.wait(timeout=60) == 1


@pytest.mark.parametrize(("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_program__honours_no_color(policy: Path, environment: dict[str, str], coloured: bool) -> None:
    """Where colour is forced, NO_COLOR still wins, and no other style is left either."""
    process = program("show", str(policy), environment={"FORCE_COLOR": "1", "TERM": "xterm-256color", **environment})
    output, _ = process.communicate(timeout=60)
    assert (b"\x1b" in output) == coloured


def test_program__characters_that_stdout_cannot_show_are_escaped(policy: Path) -> None:
    """An instrument with a Chinese name on an ASCII terminal is printed as its escapes."""
    text = policy.read_text(encoding="utf-8")
    policy.write_text(text.replace("  BTCUSDT:", "  哈基米USDT:"), encoding="utf-8")
    process = program("show", str(policy), environment={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, b"")
    assert b"\\u54c8\\u57fa\\u7c73USDT" in output


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion__prints_the_script_of_a_shell(run: Run, shell: str) -> None:
    """The script asks our program, through the variable that it listens to."""
    result = run("completion", shell)
    assert result.exit_code == 0
    assert "_RULES_ENGINE_COMPLETE" in result.stdout


def test_completion__completes_verbs() -> None:
    """The shell asks with the variable set, and gets our verbs."""
    question = {"_RULES_ENGINE_COMPLETE": "bash_complete", "COMP_WORDS": "rules-engine ev", "COMP_CWORD": "1"}
    output, _ = program(environment=question).communicate(timeout=60)
    assert output == b"plain,evaluate\n"


@pytest.mark.parametrize("arguments", [["nothing"], ["check"], ["show"], ["completion", "tcsh"], ["import", "tiers"]])
def test_usage__a_wrong_command_line_exits_with_2(run: Run, arguments: list[str]) -> None:
    """Unknown verbs, missing and wrong arguments could not be done."""
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")


def _failing(error: BaseException) -> click.Group:
    """The root group with one command that raises."""

    @click.group(cls=type(cli))
    def group() -> None:
        pass

    @group.command()
    def fail() -> None:
        raise error

    return group


def test_faults__a_broken_plugin_is_a_message_and_2() -> None:
    """The plugin's fault is told without our traceback."""
    result = CliRunner().invoke(_failing(PluginError("plugin x: no name")), ["fail"])
    assert (result.exit_code, result.stderr) == (2, "PLUGIN_BROKEN plugin x: no name\n")


def test_faults__a_disk_that_is_full_is_a_message_and_2(policy: Path) -> None:
    """A result that cannot be written is not done."""
    with open("/dev/full", "wb") as full:
        process = program("show", str(policy), stdout=full)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (2, b"Error: No space left on device\n")


def test_faults__an_interrupt_is_2() -> None:
    """Ctrl-C is not 1, which would mean that something was found."""
    assert CliRunner().invoke(_failing(KeyboardInterrupt()), ["fail"]).exit_code == 2


def test_faults__a_bug_of_ours_is_not_hidden() -> None:
    """An exception that nobody raises on purpose passes through."""
    with pytest.raises(ZeroDivisionError):
        CliRunner().invoke(_failing(ZeroDivisionError()), ["fail"], catch_exceptions=False)
