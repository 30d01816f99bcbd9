"""The walk of the page on the life of a policy: its files are written, its commands run, and every line comes out."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rules_engine.cli.main import cli
from tests.docs.test_first_policy import change, lines_of
from tests.life.test_store_page import settled

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "life.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)(?: file=(\S+))?\n(.*?)^```\n(?:```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
CUT = re.compile(r"(?: \| (head|tail) -(\d+)| > (\S+))$")
TIERS = ROOT / "tests" / "data" / "binance-usdm-leverage-tiers.json.xz"
STOPPED = {"GUARD_FORBIDS": 1, "STORE_APPROVALS": 1, "STORE_REPORT": 2}
"""How the walk is stopped: for these reasons, with this exit code."""


class Walk:
    """A walk through the page in a folder, with what a shell would remember."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.monkeypatch = folder, monkeypatch
        self.words: dict[str, str] = {}
        self.names: dict[str, Any] = {}
        self.verbs: list[str] = []

    def steps(self) -> Iterator[tuple[str, str, str]]:
        """Each step that prints: what is run, what the page says it prints, and what it printed."""
        for kind, file, content, text in BLOCK.findall(PAGE):
            if kind == "diff":
                change(self.folder / file, content)
            elif file:
                (self.folder / file).parent.mkdir(parents=True, exist_ok=True)
                (self.folder / file).write_text(content, encoding="utf-8")
            elif kind == "sh":
                self.remember(content.strip())
            elif kind == "python":
                yield content, text, self.python(content)
            elif kind == "console":
                command, _, said = content.removeprefix("$ ").partition("\n")
                yield command, said, self.command(command)

    def remember(self, line: str) -> None:
        """Does what a line for the shell says; variables that it sets are kept."""
        name, _, value = line.removeprefix("export ").partition("=")
        if line.startswith("export "):
            self.monkeypatch.setenv(name, value.replace("sha256:...", self.words.get("trust", "")))
            return
        told = subprocess.run(
            ["bash", "-c", f"{line}; echo $soon"],
            env={**os.environ, **self.words},
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=True,
        )
        self.words["soon"] = told.stdout.strip()

    def python(self, code: str) -> str:
        """Runs an example; the instant and the hash of the store are given."""
        self.names |= {"trust": self.words["trust"], "soon": datetime.fromisoformat(self.words["soon"])}
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, "docs/life.md", "exec"), self.names)
        return printed.getvalue()

    def command(self, line: str) -> str:
        """What a command prints, as far as `| head`, `| tail` and `>` let it through; they pass messages by."""
        for name, value in self.words.items():
            line = line.replace(f"${name}", value)
        cut = CUT.search(line)
        program, *arguments = shlex.split(CUT.sub("", line))
        if program == "sleep":
            time.sleep(max(0, (self.names["soon"] - datetime.now(UTC)).total_seconds()))
            return ""
        if program == "python":
            subprocess.run([sys.executable, *arguments], check=True)
            return ""
        assert program == "rules-engine"
        self.verbs.append(" ".join(word for word in arguments[:2] if word.isalpha()))
        result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
        assert result.exit_code == (1 if arguments[0] == "diff" else stops(result.output)), result.output
        for name, value in re.findall(r"^(trust|head) (\S+)$", result.stdout, re.MULTILINE):
            self.words[name] = value
        if cut is None:
            return result.output
        end, count, file = cut.groups()
        if file:
            (self.folder / file).write_text(result.stdout, encoding="utf-8")
            return result.stderr
        lines = result.stdout.splitlines()
        return "\n".join(lines[: int(count)] if end == "head" else lines[-int(count) :]) + f"\n{result.stderr}"


def stops(printed: str) -> int:
    """The exit code of a command that may be stopped as the page means it to be."""
    return next((STOPPED[word] for word in re.findall(r"^[A-Z_]+(?= )", printed, re.MULTILINE) if word in STOPPED), 0)


def plain(text: str) -> list[str]:
    """Lines without the empty ones around, and without what differs from run to run."""
    return settled("\n".join(lines_of(text)))


def test_life__every_step_of_the_walk_prints_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(TIERS, tmp_path / "tiers.json.xz")
    walk = Walk(tmp_path, monkeypatch)
    for step, said, printed in walk.steps():
        assert plain(printed) == plain(said), step
    assert (tmp_path / "book.csv").read_text().count("\n") == 100_001
    assert "<html" in (tmp_path / "impact.html").read_text(encoding="utf-8")
    told = re.findall(r"^\| [^|]+ \| ([^|]+) \|", PAGE, re.MULTILINE)
    verbs = {verb for cell in told for verb in re.findall(r"`([a-z ]+?)(?: --\w+)?`", cell)}
    assert verbs - set(walk.verbs) == {"schema", "replay", "store revoke", "store guards"}
