"""The page of faults is true: its plugins fail as it says, and its worker outlives them."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.test_first_policy import lines_of, transcripts

PAGE = (Path(__file__).parents[2] / "docs" / "plugins" / "faults.md").read_text(encoding="utf-8")
SCRIPT = re.compile(r"^```console\n\$ (python .*)\n((?:.*\n)*?)```\n", re.MULTILINE)


def test_faults__every_command_prints_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """First what the program says of plugins that fail, then the worker, in a process that may hang and die."""
    monkeypatch.chdir(tmp_path)
    for command, said, printed in transcripts(SCRIPT.sub("", PAGE), tmp_path):
        assert printed == said, command
    ((script, printed_by_it),) = SCRIPT.findall(PAGE)
    arguments = [sys.executable, *shlex.split(script)[1:]]
    run = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
    assert lines_of(run.stdout) == lines_of(printed_by_it), run.stderr
