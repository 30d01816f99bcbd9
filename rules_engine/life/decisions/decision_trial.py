"""A candidate on trial: logged decisions asked of it too, and how it differs from what was in force, in counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from rules_engine.engine.engine import Engine
from rules_engine.life.answering import Answering, AnsweringInMarket
from rules_engine.life.decisions.decision_documents import market_of
from rules_engine.life.decisions.decision_engines import InMarkets, key_of
from rules_engine.life.decisions.shadow import EXAMPLES
from rules_engine.life.decisions.shadow_differences import Differences, Seen

Question = Callable[[AnsweringInMarket], Iterable[Seen]]
"""How the candidate differs about one decision."""


class Trial:
    """Asks a candidate what was decided by its own policy line, and counts how it differs in `found`.

    Decisions of other policies count as skipped, those in which the candidate raises as failed. A candidate that is for
    new positions alone leaves older ones to the versions that answered.
    """

    def __init__(self, candidate: Answering, examples: int = EXAMPLES) -> None:
        self.found = Differences()
        self._candidate, self._examples = candidate, examples
        self._in_markets = InMarkets()

    def ask(
        self, record: Mapping[str, Any], engine: AnsweringInMarket, market: Mapping[str, Any], question: Question
    ) -> None:
        """Asks about one decision; whatever the candidate does is its own matter."""
        if engine.policy.name != self._candidate.policy.name:
            self.found.skipped += 1
            return
        try:
            asked = self._in_markets.of(key_of(record), lambda: self._beside(engine).at(market_of(market)))
            seen = tuple(question(asked))
        except (Exception, SystemExit) as error:
            self.found.fail(f"{type(error).__name__}: {error}")
        else:
            named = (msgspec.structs.replace(each, decision=record["decision"]) for each in seen)
            self.found.count(tuple(named), self._examples)

    def _beside(self, engine: AnsweringInMarket) -> Answering:
        policy, before = self._candidate.policy, engine.policy
        if policy.settlement_currency != before.settlement_currency:
            currencies = f"{policy.settlement_currency}, and {before.version} in {before.settlement_currency}"
            raise ValueError(f"it settles in {currencies}")
        return Engine(policy, elders=engine.versions) if policy.applies_to == "new_positions" else self._candidate
