"""One account under one policy: pools solved in their order of dependence, then written as figures."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from rules_engine.engine.calls import PluginFault
from rules_engine.engine.decide import status_of
from rules_engine.engine.orders import placement, with_orders
from rules_engine.engine.pools import Pool, Pools, pools_of
from rules_engine.engine.quote import Quotes
from rules_engine.engine.reserving import Reservations, reservations
from rules_engine.engine.sums import Sums, Terms, sums_of, terms_of
from rules_engine.errors import Doubt
from rules_engine.formulas.pool import draw_limit, surplus
from rules_engine.numbers.exact import EXACT, ONE, ZERO
from rules_engine.numbers.system import Number
from rules_engine.terms.account import Account
from rules_engine.terms.evaluation import Status
from rules_engine.terms.market import Market
from rules_engine.terms.policy import Policy


class Solved(msgspec.Struct, frozen=True, kw_only=True):
    """A pool's unrounded answer. `sums` is None where it is in doubt; `equity` includes what it may draw (`limit`).

    `limit` and `ordered` (what its orders reserve) are None where they are not known.
    """

    pool: Pool
    status: Status
    doubts: tuple[Doubt, ...] = ()
    sums: Sums | None = None
    ordered: Number | None = None
    limit: Number = ZERO

    @property
    def equity(self) -> Number:
        """Own equity and draw limit; None where the limit is not known."""
        assert self.sums is not None
        return None if self.limit is None else self.sums.equity + self.limit

    @property
    def initial(self) -> Number | None:
        """Initial margin with orders."""
        return None if self.sums is None or self.ordered is None else self.sums.initial + self.ordered

    @property
    def draws(self) -> bool:
        """Whether the pool may borrow from the shared one."""
        return self.pool.may_draw


class Solution(msgspec.Struct, frozen=True):
    """Everything that is known of an account before rounding."""

    account: Account
    pools: Pools
    solved: Mapping[str, Solved]
    terms: Terms
    reservations: Reservations

    @property
    def drawing(self) -> list[Solved]:
        return [one for one in self.solved.values() if one.draws and one.pool.open]


def solve(policy: Policy, account: Account, market: Market, quote_of: Quotes) -> Solution:
    """Solves the shared pool first, since groups may draw on what it has free, and then the others."""
    terms = terms_of(policy, account.fee_rate)
    pools = pools_of(policy, account, market, quote_of)
    placed = placement(policy, pools, account, quote_of)
    pools = with_orders(pools, placed)
    reserved = reservations(policy, pools, placed, terms)
    shared = _solve(pools.by_name[pools.shared], pools.doubts, reserved, terms, policy, ZERO)
    groups = sum(1 for pool in pools.by_name.values() if pool.may_draw and pool.open)
    solved = {}
    for name, pool in pools.by_name.items():
        if name == pools.shared:
            solved[name] = shared
        elif pool.may_draw and pool.open:
            solved[name] = _solve_drawing(pool, shared, groups, pools.doubts, reserved, terms, policy)
        else:
            solved[name] = _solve(pool, pools.doubts, reserved, terms, policy, ZERO)
    return Solution(account, pools, solved, terms, reserved)


def _solve_drawing(
    pool: Pool,
    shared: Solved,
    groups: int,
    doubts: tuple[Doubt, ...],
    reserved: Reservations,
    terms: Terms,
    policy: Policy,
) -> Solved:
    """A pool that may draw. Where what is free is not known, it is decided only if it is healthy without a draw."""
    cap = pool.label.draw_cap
    if shared.status != "undetermined" and shared.initial is not None:
        limit = draw_limit(EXACT, shared.equity - shared.initial, cap, groups)
        return _solve(pool, doubts, reserved, terms, policy, limit)
    alone = _solve(pool, doubts, reserved, terms, policy, ZERO)
    if cap == 0:
        return alone
    if alone.status in ("healthy", "undetermined"):
        return msgspec.structs.replace(alone, limit=None)
    text = f"{pool.name} is not healthy by itself, and what it may draw from {shared.pool.name} is not known"
    doubt = Doubt(code="SHARED_POOL_UNDETERMINED", message=text)
    return msgspec.structs.replace(alone, status="undetermined", doubts=(doubt,), limit=None)


def _solve(
    pool: Pool,
    doubts: tuple[Doubt, ...],
    reserved: Reservations,
    terms: Terms,
    policy: Policy,
    limit: Number,
) -> Solved:
    undetermined = Solved(pool=pool, status="undetermined", ordered=reserved.by_pool[pool.name].amount, limit=limit)
    found = (*pool.doubts, *doubts)
    if found:
        return msgspec.structs.replace(undetermined, doubts=found)
    try:
        sums = sums_of(pool, terms)
        status, missing = _status(pool, sums, terms, policy, limit)
    except PluginFault as fault:
        return msgspec.structs.replace(undetermined, doubts=(fault.doubt,))
    return msgspec.structs.replace(undetermined, status=status, doubts=missing, sums=sums)


def _status(pool: Pool, severe: Sums, terms: Terms, policy: Policy, limit: Number) -> tuple[Status, tuple[Doubt, ...]]:
    """The status under the most severe reading of what is missing, undetermined where the least severe one differs."""

    def decided(sums: Sums) -> Status:
        return status_of(sums.equity + limit, sums.maintenance, sums.fee, sums.charged, policy.liquidation)

    missing = dict.fromkeys(doubt for holding in pool.open for doubt in holding.quote.missing)
    status = decided(severe)
    if missing and decided(sums_of(pool, terms, least=True)) != status:
        return "undetermined", tuple(missing)
    if close := _too_close(pool, severe, policy, limit):
        return "undetermined", (close,)
    return status, ()


def _too_close(pool: Pool, sums: Sums, policy: Policy, limit: Number) -> Doubt | None:
    """The doubt where a mode that computes within a tolerance comes that close to a line of the decision."""
    tolerance = pool.allowed.traits.tolerance
    if not tolerance or not sums.maintenance > 0:
        return None
    for multiple in (ONE, policy.liquidation.margin_call):
        distance = EXACT.absolute(surplus(sums.equity + limit, sums.maintenance, sums.fee, multiple))
        if distance <= tolerance * multiple * sums.maintenance:
            text = f"{pool.name} is closer to a line than {tolerance} of its maintenance margin, to which that is known"
            return Doubt(code="WITHIN_TOLERANCE", message=text)
    return None
