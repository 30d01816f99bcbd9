"""How a pool's figures came about: equity, margins, what orders reserve, what is free, its status and its close-out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rules_engine.engine.assets import shared_assets
from rules_engine.engine.calls import PluginFault
from rules_engine.engine.closing import closable
from rules_engine.engine.evaluate import Solution, Solved
from rules_engine.engine.explain_lines import NONE, UNKNOWN, doubt_lines, step_line, unless_zero, where
from rules_engine.engine.explain_together import replayed_together
from rules_engine.engine.figures import draws_on
from rules_engine.engine.orders import Slot
from rules_engine.engine.reserving import reserved
from rules_engine.engine.sums import Sums
from rules_engine.formulas import pool as formulas
from rules_engine.numbers.exact import ONE, ZERO, rounded
from rules_engine.numbers.system import Number
from rules_engine.numbers.text import plain
from rules_engine.numbers.traced import Traced, TracedNumbers, readable
from rules_engine.terms.evaluation import PoolFigures
from rules_engine.terms.explanation import Line, Part
from rules_engine.terms.market import Market
from rules_engine.terms.policy import Policy
from rules_engine.terms.pool import Backing
from rules_engine.terms.rendering import ratio

IDS_SHOWN: Final = 4
"""More orders than these on one instrument are counted instead of named."""

_DOUBTFUL: Final = "what is doubtful could change it"


def pool_part(policy: Policy, market: Market, solution: Solution, one: Solved, figures: PoolFigures) -> Part:
    """The steps behind a pool, or why it has none."""
    if one.sums is None:
        status = Line("status", figures.status, _DOUBTFUL)
        return Part(f"{figures.pool}  {figures.status}", (status, *doubt_lines(figures.evidence)))
    steps = _PoolSteps(policy, solution, one, one.sums, figures)
    lines = [
        *steps.equity(market),
        *steps.initial_margin(),
        *steps.maintenance_margin(),
        *steps.free_margin(),
        *steps.top_up(),
        steps.status(),
        *steps.close_out(),
        *doubt_lines(figures.evidence),
    ]
    return Part(f"{figures.pool}  {figures.status}", tuple(lines))


class _PoolSteps:
    """One pool's steps, figure by figure, each replayed on inputs under the names of the steps before."""

    def __init__(self, policy: Policy, solution: Solution, one: Solved, sums: Sums, figures: PoolFigures) -> None:
        self.policy, self.solution, self.one, self.sums, self.figures = policy, solution, one, sums, figures

    def _lines(self, num: TracedNumbers) -> list[Line]:
        return [step_line(step, self.figures, self._source(step[0])) for step in num.steps]

    def _source(self, name: str) -> str:
        rule = self.policy.collateral.get(name.removeprefix("collateral "))
        return where(rule.mark) if rule is not None and name.startswith("collateral ") else ""

    def equity(self, market: Market) -> list[Line]:
        """What backs the pool, what its positions have gained, and what it may draw."""
        one, num = self.one, TracedNumbers()
        if one.pool.label.backing is Backing.ACCOUNT:
            assets, _, _ = shared_assets(num, self.policy, self.solution.account, market)
            backing = num.total([asset.value for asset in assets])
        else:
            backing = num.given("margin", one.pool.collateral)
        accrued = [num.given(f"accrued of {h.position.id}", h.position.accrued) for h in one.pool.holdings]
        gains = [num.given(f"pnl of {leg.exposure.id}", leg.unrealized_pnl) for leg in self.sums.legs]
        own = num.named("own_equity" if one.draws else "equity", num.total([backing, *accrued, *gains]))
        if one.limit is None:
            return [*self._lines(num), Line("draw_limit", UNKNOWN, "what is free in the shared pool is not known")]
        if one.draws:
            num.named("equity", own + num.named("draw_limit", self._limit(num)))
        return self._lines(num)

    def _limit(self, num: TracedNumbers) -> Number:
        cap = self.one.pool.label.draw_cap
        shared = self.solution.solved[self.solution.pools.shared]
        if not self.one.pool.open or shared.sums is None or shared.initial is None:
            return num.constant(ZERO)  # an empty group draws nothing, nor does one with a cap of 0
        free = num.given("free margin of the shared pool", shared.equity - shared.initial)
        return formulas.draw_limit(num, free, cap, len(self.solution.drawing))

    def _shares(self, num: TracedNumbers, name: str) -> list[Traced]:
        """What each position accounts for, with no contracts where orders open it; assets where there is none."""
        legs = [*self.sums.legs, *self.sums.opening]
        if not legs:
            return [unless_zero(num, "assets", getattr(self.sums, name))]
        return [num.given(leg.exposure.id, getattr(leg.requirement, name)) for leg in legs]

    def initial_margin(self) -> list[Line]:
        """The positions' initial margins, and what orders reserve, by instrument."""
        num = TracedNumbers()
        initial = self._shares(num, "initial")
        if self.one.ordered is None:
            num.named("initial_margin of positions", num.total(initial))
            return [*self._lines(num), Line("initial_margin", UNKNOWN, "what orders reserve is not known")]
        num.named("initial_margin", num.total([*initial, num.given("orders", self.one.ordered)]))
        return [*map(self._order_line, self._slots()), *self._lines(num)]

    def _slots(self) -> Iterable[Slot]:
        slots = {id(slot): slot for slot in self.solution.reservations.slot_of.values()}
        return [slot for slot in slots.values() if slot.placed[0].reserve == self.one.pool.name]

    def _order_line(self, slot: Slot) -> Line:
        """What the orders on one instrument reserve: the side that needs more, losses to the mark, fees."""
        num = TracedNumbers()
        try:
            reserves = reserved(num, slot, self.solution.terms, self.policy.opening_fee_rate)
            total: Traced = num.total([reserves])  # a mode may answer with numbers of its own
        except PluginFault as fault:
            return Line(f"orders {slot.quote.instrument}", UNKNOWN, fault.doubt.message)
        ids = [one.order.id for one in slot.placed]
        acting = ", ".join(ids) if len(ids) <= IDS_SHOWN else f"{len(ids)} orders"
        return Line(f"orders {slot.quote.instrument}", readable(total.value), f"{acting}: {total.text}")

    def maintenance_margin(self) -> list[Line]:
        """The positions' maintenance margins, and their sum over equity."""
        num = TracedNumbers()
        kept = self._shares(num, "maintenance")
        together = replayed_together(self.one.pool, self.sums) if self.one.pool.allowed.pooled else []
        maintenance = num.named("maintenance_margin", num.total(kept))
        lines = [*together, *self._lines(num)]
        if not self.sums.charged or self.one.limit is None:
            return lines
        if self.figures.margin_ratio is None:
            return [*lines, Line("margin_ratio", NONE, "there is no equity to compare maintenance with")]
        quotient: Traced = formulas.margin_ratio(num, maintenance, num.given("equity", self.one.equity))
        printed = ratio(self.figures.margin_ratio)
        exact = quotient.value == self.figures.margin_ratio
        rounding = "" if exact else f" = {readable(quotient.value)}, rounded"
        return [*lines, Line("margin_ratio", str(printed), f"{quotient.text}{rounding}")]

    def free_margin(self) -> list[Line]:
        """What is left beside initial margin, what of it may be taken out, and what the pool draws."""
        one, draws = self.one, draws_on(self.one, self.solution)
        if one.initial is None or None in draws.values():
            return [Line("free_margin", UNKNOWN, "what orders reserve or groups draw is not known")]
        num = TracedNumbers()
        equity = num.given("own_equity" if one.draws else "equity", self.sums.equity)
        initial = unless_zero(num, "initial_margin", one.initial)
        drawn = [num.given(f"draw of {name}", draw) for name, draw in draws.items()]
        own = formulas.free_margin(num, equity, initial, drawn)
        taken = unless_zero(num, "profits", self.sums.profits)
        if one.limit is None:
            num.named("withdrawable", formulas.withdrawable(num, own, taken))
            return [Line("free_margin", UNKNOWN, "what the pool may draw is not known"), *self._lines(num)]
        if one.draws:
            limit = num.given("draw_limit", one.limit)
            num.named("draw", formulas.drawn(num, limit, initial, equity))
            num.named("free_margin", own + limit)
        else:
            own = num.named("free_margin", own)
        num.named("withdrawable", formulas.withdrawable(num, own, taken))
        return self._lines(num)

    def _line(self, num: TracedNumbers, multiple: Number) -> Traced:
        """The equity at which a line stands."""
        maintenance = num.given("maintenance_margin", self.sums.maintenance)
        line: Traced = formulas.margin_line(maintenance, unless_zero(num, "closing fees", self.sums.fee), multiple)
        return line

    def top_up(self) -> list[Line]:
        """What equity lacks of the line that a close-out restores to."""
        top_up = self.figures.top_up
        if top_up is None or not (self.sums.legs or top_up):
            return []
        num = TracedNumbers()
        line = self._line(num, num.given("restore_to", self.policy.liquidation.restore_to))
        equity = num.given("equity", self.one.equity)
        if top_up == 0:
            return [Line("top_up", "0", f"{equity.text} has reached {line.text} = {readable(line.value)}")]
        lack = line - equity
        if top_up == lack.value:
            return [Line("top_up", plain(top_up), lack.text)]
        on_the_line = rounded(lack.value, self.policy.quantum, "up") != top_up
        beyond = "and a quantum, for the line itself falls short" if on_the_line else "rounded"
        return [Line("top_up", plain(top_up), f"{lack.text} = {readable(lack.value)}, {beyond}")]

    def status(self) -> Line:
        """The lines that the status was decided by."""
        figures, rules = self.figures, self.policy.liquidation
        if not self.sums.charged:
            return Line("status", figures.status, "a pool without positions is bankrupt below 0, healthy otherwise")
        num = TracedNumbers()
        words = "at or below" if rules.trigger == "at_or_below" else "below"
        lines = [self._line(num, multiple).value for multiple in (ONE, rules.margin_call)]
        fee = f" (with closing fees {readable(self.sums.fee)})" if self.sums.fee != 0 else ""
        how = f"liquidate {words} {readable(lines[0])}{fee}, call {words} {readable(lines[1])}"
        doubtful = f"; {_DOUBTFUL}" if figures.status == "undetermined" else ""
        return Line("status", figures.status, f"{how}{doubtful}")

    def close_out(self) -> list[Line]:
        """Each step of the close-out, why it is taken, and what is then lacking of the line it is to restore to."""
        if not self.figures.close_out:
            return []
        pool = closable(self.one.pool, self.sums, self.policy, self.one.limit)
        lines = []
        for closing in self.figures.close_out:
            pool = pool.close(closing.position, closing.quantity)
            left = pool.surplus
            then = f"{readable(-left)} lacking" if left < 0 else f"{readable(left)} to spare"
            how = f"{closing.reason}; then {then} at restore_to {readable(self.policy.liquidation.restore_to)}"
            lines.append(Line(f"close_out {closing.position}", plain(closing.quantity), how))
        return lines
