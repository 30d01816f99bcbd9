"""How each figure came about: the formulas of the decision replayed on traced numbers."""

from __future__ import annotations

from rules_engine.engine.evaluate import Solution
from rules_engine.engine.explain_pool import pool_part
from rules_engine.engine.explain_position import held_part, unheld_part
from rules_engine.terms.evaluation import Evaluation
from rules_engine.terms.explanation import Explanation, Part
from rules_engine.terms.market import Market
from rules_engine.terms.policy import Policy


def explain(policy: Policy, market: Market, solution: Solution, evaluation: Evaluation) -> Explanation:
    """The steps behind every position, in the account's order, and every pool of a solved account."""
    return Explanation(
        explanation_title(evaluation),
        _positions(policy, market, solution, evaluation),
        tuple(
            pool_part(policy, market, solution, one, figures)
            for one, figures in zip(solution.solved.values(), evaluation.pools, strict=True)
        ),
    )


def explanation_title(evaluation: Evaluation) -> str:
    """Which account is explained under which policy."""
    identity = evaluation.policy
    return f"{evaluation.account} under {identity.name} {identity.version} ({identity.digest[:19]}…)"


def _positions(policy: Policy, market: Market, solution: Solution, evaluation: Evaluation) -> tuple[Part, ...]:
    legs = {
        leg.exposure.id: (one, leg)
        for one in solution.solved.values()
        for leg in (one.sums.legs if one.sums is not None else ())
    }
    parts = []
    for figures in evaluation.positions:
        if figures.id in legs:
            parts.append(held_part(policy, market, solution, *legs[figures.id], figures))
        else:
            parts.append(unheld_part(solution, figures))
    return tuple(parts)
