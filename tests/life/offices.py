"""An office: people with keys in a folder, a store that the environment names, and the commands that they run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rules_engine.cli.main import cli
from tests.life.people import BASE, NAME, POLICY

LATER = "2999-12-01T08:00:00Z"
"""An instant that no test lives to see."""
LATEST = "2999-12-02T08:00:00Z"
"""One after it."""


def run(*arguments: str) -> Result:
    """A command; a bug of ours raises."""
    return CliRunner().invoke(cli, list(arguments), catch_exceptions=False)


class Office:
    """People with keys in a folder, and a store that two environment variables name."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(folder)
        monkeypatch.setenv("RULES_ENGINE_STORE", "risk.db")
        for name in ("ada", "sam", "mira", "noor"):
            assert run("keys", "new", f"{name}.key", "--name", name, "--unprotected").exit_code == 0
        founded = run("store", "init", "--key", "ada.key", "--name", "ada", "--json")
        self.trust = json.loads(founded.stdout)["trust"]
        monkeypatch.setenv("RULES_ENGINE_TRUST", self.trust)
        for name, roles in (("sam", ("submitter", "activator")), ("mira", ("approver",)), ("noor", ("approver",))):
            options = [option for role in roles for option in ("--role", role)]
            assert self.step("store", "grant", f"{name}.key.pub", *options, by="ada").exit_code == 0
        self.version("1.0.0", "0.01")

    def version(self, version: str, rate: str) -> str:
        """The path of a version of the policy."""
        for name, text in (("house-base/1.0.0", BASE), (f"{NAME}/{version}", POLICY)):
            file = Path("policies") / f"{name}.yaml"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text.replace("VERSION", version).replace("RATE", rate), encoding="utf-8")
        return f"policies/{NAME}/{version}.yaml"

    def step(self, *arguments: str, by: str) -> Result:
        """A step that somebody takes."""
        return run(*arguments, "--key", f"{by}.key")

    def submitted(self, version: str, rate: str, *options: str) -> str:
        """The pin of a version that Sam has submitted."""
        assert self.step("submit", self.version(version, rate), *options, by="sam").exit_code == 0
        return f"{NAME}@{version}"

    def approved(self, version: str, rate: str, *options: str) -> str:
        """The pin of a version that Mira has approved too."""
        pin = self.submitted(version, rate, *options)
        assert self.step("approve", pin, by="mira").exit_code == 0
        return pin

    def in_force(self, version: str, rate: str, *options: str) -> str:
        """The pin of a version that is in force, or scheduled by `--at`."""
        pin = self.approved(version, rate)
        assert self.step("activate", pin, *options, by="sam").exit_code == 0
        return pin

    def guarded(self, text: str) -> Result:
        """Guards of the policy, which Ada sets."""
        Path("guards.yaml").write_text(text, encoding="utf-8")
        return self.step("store", "guards", NAME, "guards.yaml", by="ada")


def answer(result: Result) -> dict[str, object]:
    """The JSON document of a result."""
    document: dict[str, object] = json.loads(result.stdout)
    return document
