"""What the kit found out about a component: its laws, held or broken, each broken one with a counterexample."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from rules_engine.errors import RulesEngineError


class Law(msgspec.Struct, frozen=True):
    """One law and how the component stands to it.

    `evidence` is the shortest counterexample that was found, with all that it takes to repeat it. `skipped` says why
    the law was not judged, and `after` names the broken law for whose fault it could not be: such laws count as held.
    """

    name: str
    held: bool
    statement: str
    evidence: str = ""
    skipped: str = ""
    after: str = ""

    @property
    def verdict(self) -> str:
        """`held`, `skipped` or `broken`."""
        return "broken" if not self.held else "skipped" if self.skipped or self.after else "held"

    def __str__(self) -> str:
        see = f" (see {self.after})" if self.after else ""
        return f"{self.name}: {self.verdict}{see}: {self.statement}" + "".join(
            f"\n  {line}" for line in (self.skipped or self.evidence).splitlines()
        )


class Report(msgspec.Struct, frozen=True):
    """All laws of one component, such as `margin mode NAME`. `obstacle` says why it could not be exercised at all."""

    component: str
    laws: tuple[Law, ...] = ()
    obstacle: str = ""

    @property
    def held(self) -> bool:
        """Whether the component was exercised, and broke no law."""
        return not self.obstacle and not self.broken

    @property
    def broken(self) -> tuple[Law, ...]:
        """The laws that it broke."""
        return tuple(law for law in self.laws if not law.held)

    def law(self, name: str) -> Law:
        """A law by its name."""
        return next(law for law in self.laws if law.name == name)

    def raise_if_broken(self) -> None:
        """Raises `ConformanceError` with every broken law, or with what kept the component from being exercised."""
        if not self.held:
            raise ConformanceError([self])

    def to_dict(self) -> dict[str, Any]:
        """The report in plain values."""
        laws = [{**msgspec.structs.asdict(law), "verdict": law.verdict} for law in self.laws]
        return {"component": self.component, "held": self.held, "obstacle": self.obstacle, "laws": laws}

    def __str__(self) -> str:
        if self.obstacle:
            return f"{self.component} could not be exercised: {self.obstacle}"
        return "\n".join([self.component, *(str(law) for law in self.laws)])


class ConformanceError(RulesEngineError):
    """Components broke laws, or could not be exercised; `reports` are theirs, and the message lists it all."""

    def __init__(self, reports: Iterable[Report]) -> None:
        self.reports = tuple(reports)
        super().__init__("\n".join(line for report in self.reports for line in _lines(report)))


def _lines(report: Report) -> list[str]:
    if report.obstacle:
        return [str(report)]
    return [f"{report.component} breaks {len(report.broken)} of {len(report.laws)} laws", *map(str, report.broken)]


class CannotExercise(RulesEngineError):
    """The examples do not lead to any answer of the component; the message says why."""
