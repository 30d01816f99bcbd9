"""Whether the margins of tables keep their laws at every size, whatever their buffers do.

A position opened at the largest leverage allowed must stand above its own liquidation line and be able to pay for its
closing, whether or not the decision counts that fee; on that line it must still be able to pay for it, and not be
bankrupt; and losses must bring it there: under every state that the buffers of an instrument can be in together, and
under the most severe one (greatest `multiply` and greatest `add_rate` of each, by itself), which stands in for a
measure that is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from rules_engine.policy.counterexamples import Counterexample, Disproof, counterexample, position_in_words
from rules_engine.policy.document import Path
from rules_engine.policy.findings import Findings, path_text, shown
from rules_engine.policy.proofs_laws import Falling, Fault, Kept, Room
from rules_engine.policy.proofs_rates import TURNS, BelowOne, NotNegative
from rules_engine.policy.proofs_search import MOST_BOXES, Budget, Search, Unfinished
from rules_engine.policy.proofs_states import Box, Source, at_start, checked, neutral_state, sources_of, with_mildest
from rules_engine.terms.exposure import ClosingFee
from rules_engine.terms.policy import AllowedMode, Buffer, InstrumentRule, Table
from rules_engine.terms.pool import Backing, PositionLabels

_LABELS: Final = PositionLabels(id="p", instrument="p", underlying="p", group="p")
"""Of any position: what backs it is the same for all."""
_Law: TypeAlias = BelowOne | NotNegative | Room | Kept | Falling
_CLAIMS: Final = {
    BelowOne: "maintenance rates stay below 1",
    NotNegative: "maintenance rates do not fall below 0",
    Room: "initial margin exceeds maintenance and closing fee",
    Kept: "what is kept pays for closing",
    Falling: "losses lead to liquidation",
}


class MarginJudge:
    """Judges each table once with each set of buffers that instruments put on it."""

    def __init__(self, findings: Findings, fee: ClosingFee, modes: Iterable[AllowedMode] = ()) -> None:
        self.findings = findings
        self.fee = fee
        alone = [mode for mode in modes if not mode.pooled]
        self._by_table = bool(alone)
        backings = set(map(_backing, alone))
        self._ring_fenced = not backings.isdisjoint({Backing.POSITION, None})
        self._shared = backings != {Backing.POSITION}
        self._reported: set[tuple[str, ...]] = set()
        self._budget = Budget()

    def judge(self, rules: Iterable[InstrumentRule], unused: Iterable[Table]) -> None:
        """Finds every table that fails: at its tier, or at the buffers under which it does."""
        seen: set[tuple[object, ...]] = set()
        for rule in rules:
            names = tuple(sorted([buffer.name for buffer in rule.buffers]))
            key = (rule.table.name, names, rule.expires_at if names else None)
            if key not in seen:
                seen.add(key)
                self._judge_pair(rule.table, rule)
        for table in unused:
            self._judge_pair(table, None)

    def _judge_pair(self, table: Table, rule: InstrumentRule | None) -> None:
        sources = () if rule is None else sources_of(rule, filter(self._is_sound, rule.buffers))
        rates = BelowOne(table.schedule), NotNegative(table.schedule)
        broken = [self._is_broken(law, table, rule, sources) for law in rates]
        if not any(broken):  # margins of other rates are none
            for law in self._laws(table):
                self._is_broken(law, table, rule, sources)

    def _is_broken(self, law: _Law, table: Table, rule: InstrumentRule | None, sources: Sequence[Source]) -> bool:
        """Finds what breaks a law, and what keeps it from being proven."""
        place: Path = () if rule is None else ("instruments", rule.pattern, "buffers")
        looked_at = with_mildest(sources, rule) if rule is not None and isinstance(law, NotNegative) else sources
        search = Search(looked_at, self._budget)
        try:
            failure = search.failure(law)
        except Unfinished:
            self._report_unfinished(table, law, place)
            return False
        if failure is not None:
            self._report_failure(law, table, rule, sources, failure.state)
            return True
        for name in search.between:
            self._warn_of_stranger(table, law, name, place)
        return False

    def _laws(self, table: Table) -> list[_Law]:
        """Kept and Falling are asked only where a mode looks at positions one by one, as tables do."""
        room = Room(table.schedule, self.fee, ring_fenced=self._ring_fenced, shared=self._shared)
        if not self._by_table:
            return [room]
        return [room, Kept(table.schedule, self.fee), Falling(table.schedule, self.fee)]

    def _is_sound(self, buffer: Buffer) -> bool:
        """Whether a buffer says what it can do; where its kind breaks down that is found, once."""
        try:
            checked(buffer)
            return True
        except (Exception, SystemExit) as error:
            if self._is_new("buffer", buffer.name):
                what = f"{buffer.kind.name} of {buffer.supplier} raised {type(error).__name__}: {error}"
                self.findings.error("PLUGIN_FAULT", ("buffers", buffer.name), what, "report it to the plugin's author")
            return False

    def _report_failure(
        self, law: _Law, table: Table, rule: InstrumentRule | None, sources: Sequence[Source], state: Box
    ) -> None:
        """At the tier, once a table, where it fails with no buffer at work too; else at the buffers."""
        neutral = neutral_state(sources)
        fault = None if neutral is None else law.fault(at_start(sources, neutral))
        if neutral is not None and fault is not None:
            found = counterexample(table, rule, fault, sources, neutral)
            if self._is_new(type(law).__name__, table.name):
                self._report(law, fault, found, ("tables", table.name, "tiers", found.tier - 1), "")
            return
        fault = law.fault(at_start(sources, state))
        assert fault is not None and rule is not None
        found = counterexample(table, rule, fault, sources, state)
        where = f"where {' and '.join(map(str, found.readings))}, "
        self._report(law, fault, found, ("instruments", rule.pattern, "buffers"), where)

    def _report(self, law: _Law, fault: Fault, found: Counterexample, path: Path, where: str) -> None:
        code, said, hint = _sentence(law, fault, found)
        self.findings.problems.append(
            Disproof(
                code=code,
                message=f"{where}in tier {found.tier} of table {found.table} {position_in_words(found, fault)} {said}",
                hint=f"{hint} or soften the bands" if where else hint,
                mark=self.findings.document.mark(path),
                path=path_text(path),
                severity="warning" if isinstance(law, Kept) and law.is_of_no_use else "error",
                counterexample=found,
            )
        )

    def _report_unfinished(self, table: Table, law: _Law, place: Path) -> None:
        message = f"whether {_CLAIMS[type(law)]} in table {table.name} takes more than {MOST_BOXES} steps to tell"
        self.findings.error("BUFFER_COMBINATIONS", place, message, "put fewer buffers or bands on one instrument")

    def _warn_of_stranger(self, table: Table, law: _Law, name: str, place: Path) -> None:
        message = (
            f"in table {table.name} {_CLAIMS[type(law)]} under all that buffer {name} names, not surely in between"
        )
        self.findings.warning("MARGINS_NOT_PROVEN", place, message, "test what lies between")

    def _is_new(self, *what: str) -> bool:
        if what in self._reported:
            return False
        self._reported.add(what)
        return True


def _backing(mode: AllowedMode) -> Backing | None:
    """What a mode's positions stand on; None where it cannot tell."""
    try:
        return mode.mode.pool(_LABELS, mode.parameters).backing
    except (Exception, SystemExit):
        return None


def _sentence(law: _Law, fault: Fault, found: Counterexample) -> tuple[str, str, str]:
    """Code, what is said of the position, and what to do."""
    have, need = shown(found.have), shown(found.need)
    if isinstance(law, Room):
        said = f"would be liquidated as it is opened: initial margin {have}, maintenance and fee {need}"
        return "INITIAL_NOT_ABOVE_MAINTENANCE", said, "lower the largest leverage"
    if isinstance(law, BelowOne):
        return "RATE_NOT_BELOW_ONE", f"{TURNS[found.unit]}: its maintenance rate is 1", "lower the maintenance rate"
    if isinstance(law, NotNegative):
        return "RATE_BELOW_ZERO", f"would keep {have}, less than nothing", "raise the lowest rate"
    if isinstance(law, Falling):
        said = f"{TURNS[found.unit]}: maintenance rate and closing fee are together 1 or more"
        return "RATE_NOT_BELOW_ONE", said, "lower the maintenance rate"
    if fault.inclusive:
        said = "is kept with nothing: it is liquidated only where its collateral is gone"
        return "LIQUIDATION_NOT_BEFORE_BANKRUPTCY", said, "raise the maintenance rate"
    said = f"that is liquidated at its price cannot pay for closing: it has {have} left, closing costs {need}"
    return "CLOSING_FEE_ABOVE_MAINTENANCE", said, "raise the maintenance rate, or count the fee in maintenance"
