"""What an impact says of a book, against evaluation under both policies, account by account."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from fractions import Fraction as F
from typing import Any

import pytest

from rules_engine import Engine
from rules_engine.engine.book import Book
from rules_engine.engine.book_rows import book_from_rows
from rules_engine.engine.sweep_rows import STATUSES
from rules_engine.life.impact.impact import Comparer, impact_of
from rules_engine.life.impact.impact_accounts import WORST_LAST
from rules_engine.life.impact.impact_counts import Impact, Share, move
from rules_engine.life.impact.impact_pools import PRICE_BINS, RATIO_BINS
from rules_engine.terms.evaluation import Evaluation
from tests.engine.books import MARKET, row
from tests.life.impacts import AFTER, BEFORE, MARKS, TIGHTER, engine_with, some_book, some_rows

BOOK = some_book(60)
FOUND = impact_of(BEFORE, AFTER, BOOK, MARKET, prices=True)


def evaluated(book: Book = BOOK) -> list[tuple[Evaluation, Evaluation]]:
    """Every account under both policies."""
    engines = [engine.at(MARKET) for engine in (BEFORE, AFTER)]
    return [(engines[0].evaluate(account), engines[1].evaluate(account)) for account in accounts_of(book)]


MARK_OF = {name: F(str(mark)) for name, mark in MARKS.items()}


def accounts_of(book: Book) -> Any:
    return book.accounts(range(len(book.names)))


EACH = evaluated()


def statuses(evaluation: Evaluation) -> list[str]:
    """The status of each position's pool."""
    pools: dict[str, str] = {pool.pool: pool.status for pool in evaluation.pools}
    return [pools.get(position.pool or "", "undetermined") for position in evaluation.positions]


def near(found: F, amount: F) -> bool:
    """Whether a sum of doubles, added exactly, is that of the decimals: each is off by 2^-53 of itself at most."""
    return abs(found - amount) <= amount * F(1, 2**53)


def test_impact__counts_every_move_of_positions_and_their_notional() -> None:
    counts: Counter[int] = Counter()
    notional: dict[int, F] = defaultdict(F)
    for (one, other), account in zip(EACH, accounts_of(BOOK), strict=True):
        for before, after, position in zip(statuses(one), statuses(other), account.positions, strict=True):
            counts[move(before, after)] += 1
            notional[move(before, after)] += abs(F(position.quantity)) * MARK_OF[position.instrument]
    assert FOUND.moved.positions == tuple(counts[at] for at in range(25))
    assert [*FOUND.moved.notional] == [at for at, amount in sorted(notional.items()) if amount]
    assert all(near(amount, notional[at]) for at, amount in FOUND.moved.notional.items())
    assert FOUND.moved.unpriced == FOUND.faults == 1
    newly = [move(a, b) for a in ("healthy", "margin_call") for b in ("liquidate", "bankrupt")]
    share = Share(sum(notional[at] for at in newly), sum(notional.values()))
    found = FOUND.newly_liquidatable_share
    assert near(found.numerator, share.numerator)
    assert near(found.denominator, share.denominator)
    assert 0 < share.value < 1
    assert FOUND.newly_liquidated.positions == sum(counts[at] for at in newly) > 10
    assert FOUND.newly_called.positions == counts[move("healthy", "margin_call")] > 0
    assert FOUND.newly_bankrupt.positions == sum(counts[move(a, "bankrupt")] for a in STATUSES[:3])
    assert FOUND.freed.positions == 0


def test_impact__of_a_haircut_bankrupts_who_was_to_be_liquidated() -> None:
    """A loss of 1,000 against 0.02 BTC at 61,005, less 5 % or less 20 %: 159.10 under 255, or less than nothing."""
    collateral = [{"account": "A", "asset": "BTC", "amount": "0.02"}]
    book = book_from_rows([row(mode="cross", entry_price="62000")], collateral, currency="USDT")
    found = impact_of(BEFORE, engine_with({"haircut: 0.05": "haircut: 0.2"}), book, MARKET)
    assert (found.newly_bankrupt.positions, found.newly_liquidated.positions) == (1, 0)
    assert found.moved.positions[move("liquidate", "bankrupt")] == 1


def test_impact__back_again_frees_what_it_liquidated() -> None:
    back = impact_of(AFTER, BEFORE, BOOK, MARKET)
    assert back.freed == FOUND.newly_liquidated
    assert back.newly_liquidated.positions == 0


def test_impact__counts_accounts_by_their_worst_pool() -> None:
    counts: Counter[int] = Counter()
    for each in EACH:
        worst = [max(statuses(one), key=WORST_LAST.index) for one in each]
        counts[move(*worst)] += 1
    assert FOUND.accounts_moved == tuple(counts[at] for at in range(25))
    assert sum(FOUND.accounts_moved) == FOUND.accounts == 60


def test_impact__sums_margins_by_instrument_mode_and_tier() -> None:
    """Of positions whose margins both policies know; the tier is that of the later policy."""
    sums: dict[tuple[str, str, int], list[float]] = defaultdict(lambda: [0.0] * 4)
    counts: Counter[tuple[str, str, int]] = Counter()
    for one, other in EACH:
        for was, now in zip(one.positions, other.positions, strict=True):
            known = (was.initial_margin, now.initial_margin, was.maintenance_margin, now.maintenance_margin)
            if now.tier is None or None in known:
                continue
            key = now.instrument, now.mode, now.tier
            counts[key] += 1
            sums[key] = [total + float(figure or 0) for total, figure in zip(sums[key], known, strict=True)]
    found = {
        (instrument, mode, tier): margins
        for (instrument, mode), rows in FOUND.groups.items()
        for (_, tier), margins in rows.tiers.items()
        if margins.positions > margins.unknown
    }
    assert found.keys() == sums.keys()
    assert {tier for _, _, tier in found} == {1, 2}
    for key, margins in found.items():
        assert margins.positions - margins.unknown == counts[key]
        ours = margins.initial_before, margins.initial_after, margins.maintenance_before, margins.maintenance_after
        assert all(math.isclose(*pair, rel_tol=1e-9) for pair in zip(ours, sums[key], strict=True))


def bin_of(required: Any, equity: Any) -> str:
    """The bin of a pool, by exact figures."""
    if required is None or equity is None:
        return "not known"
    if equity <= 0:
        return "no equity"
    return RATIO_BINS[min(int(F(required) / F(equity) * 20), 20)]


def test_impact__counts_pools_by_maintenance_over_equity() -> None:
    """Pools that hold positions without fault; no figure of these lies on the edge of a bin."""
    for at, counts in enumerate((FOUND.ratios.before, FOUND.ratios.after)):
        bins: Counter[str] = Counter()
        for each in EACH:
            held = {position.pool for position in each[at].positions if position.id not in ("odd", "wrong")} - {None}
            pools = [pool for pool in each[at].pools if pool.pool in held]
            bins.update(
                bin_of(None if pool.status == "undetermined" else pool.maintenance_margin, pool.equity)
                for pool in pools
            )
        assert dict(zip(RATIO_BINS, counts, strict=True)) == {name: bins[name] for name in RATIO_BINS}


def test_impact__counts_positions_by_their_move_to_liquidation() -> None:
    edges = [F(edge) / 100 for edge in (1, 2, 5, 10, 20, 50, 100)]
    assert FOUND.distances is not None
    for at, counts in enumerate((FOUND.distances.before, FOUND.distances.after)):
        bins: Counter[str] = Counter()
        for each in EACH:
            for status, position in zip(statuses(each[at]), each[at].positions, strict=True):
                price = position.liquidation_price
                if status in ("liquidate", "bankrupt"):
                    bins["to be liquidated"] += 1
                elif price is None:
                    bins["no price"] += 1
                else:
                    moved = abs(F(price) / MARK_OF[position.instrument] - 1)
                    bins[PRICE_BINS[sum(edge <= moved for edge in edges)]] += 1
        assert dict(zip(PRICE_BINS, counts, strict=True)) == {name: bins[name] for name in PRICE_BINS}
    assert impact_of(BEFORE, AFTER, BOOK, MARKET).distances is None


def test_impact__names_the_accounts_that_it_concerns_most() -> None:
    """By notional newly to be liquidated and by change of maintenance: the first three of each."""
    newly: dict[str, F] = {}
    moved: dict[str, F] = {}
    for one, other in EACH:
        pairs = list(zip(statuses(one), statuses(other), one.positions, other.positions, strict=True))
        newly[one.account] = sum(
            (F(now.notional or 0) for before, after, _, now in pairs
             if before in ("healthy", "margin_call") and after in ("liquidate", "bankrupt")), F()
        )  # fmt: skip
        known = [(was, now) for *_, was, now in pairs if None not in (was.maintenance_margin, now.maintenance_margin)]
        moved[one.account] = sum((F(now.maintenance_margin or 0) - F(was.maintenance_margin or 0)
                                   for was, now in known), F())  # fmt: skip
    found = impact_of(BEFORE, AFTER, BOOK, MARKET, most=3).largest
    wanted = {*sorted(newly, key=lambda name: -newly[name])[:3], *sorted(moved, key=lambda name: -moved[name])[:3]}
    assert {one.account for one in found} == wanted
    for one in found:
        assert math.isclose(one.newly_liquidated, newly[one.account], rel_tol=1e-9)
        assert math.isclose(one.change, moved[one.account], rel_tol=1e-6)
    assert impact_of(BEFORE, AFTER, BOOK, MARKET, most=0).largest == ()


def exactly_added(impact: Impact) -> tuple[object, ...]:
    """All that is exact of an impact."""
    share = impact.newly_liquidatable_share
    rows = {key: (rows.positions, rows.notional, rows.unpriced) for key, rows in impact.groups.items()}
    counts = impact.ratios, impact.distances, impact.accounts_moved, impact.faults, impact.positions, impact.accounts
    return (*counts, rows, share.numerator, share.denominator, [one.account for one in impact.largest])


def test_impact__of_the_parts_of_a_book_adds_up_to_that_of_the_whole() -> None:
    rows, collateral = some_rows(60)
    names = [f"A{place}" for place in range(60)]
    comparer = Comparer(BEFORE, AFTER, MARKET, prices=True)
    parts = []
    for part in (names[:1], names[1:20], names[20:]):
        mine = [[one for one in table if one["account"] in part] for table in (rows, collateral)]
        parts.append(comparer(book_from_rows(*mine, currency="USDT")))
    whole = parts[0] + parts[1] + parts[2]
    assert exactly_added(whole) == exactly_added(FOUND)
    for name in ("initial_before", "initial_after", "maintenance_before", "maintenance_after"):
        ours, theirs = (getattr(each.moved.margins, name) for each in (whole, FOUND))
        assert math.isclose(ours, theirs, rel_tol=1e-12)


def test_impact__of_a_mode_that_is_gone_leaves_positions_undetermined() -> None:
    """A group without margin of its own that has gained 1,000: half of the notional cannot be decided any more."""
    book = book_from_rows([row("A", "p1"), row("B", "p1", "hybrid", group="BTC")], [], currency="USDT")
    gone = engine_with({"  hybrid: {group_by: underlying, shared_draw_cap: 0.25}\n": ""})
    found = impact_of(BEFORE, gone, book, MARKET)
    assert (found.newly_undetermined.positions, found.newly_undetermined.notional) == (1, 61000)
    assert found.newly_undetermined_share.value == F(1, 2)
    assert found.newly_liquidatable_share.value == 0


def test_impact__of_an_instrument_that_is_gone_is_valued_by_the_earlier_policy() -> None:
    """One BTC at 61,000 cannot be decided any more; one ETH at 2,450 is as it was."""
    book = book_from_rows([row(), row(id="p2", instrument="ETHUSDT", entry_price="2450")], [], currency="USDT")
    globbed = '"*USDT": {payoff: linear, table: majors, buffers: [volatility]}'
    gone = engine_with({globbed: globbed.replace("*USDT", "ETH*"), "BTCUSDT: {payoff": "XBTUSDT: {payoff"})
    share = impact_of(BEFORE, gone, book, MARKET).newly_undetermined_share
    assert (share.numerator, share.denominator) == (61000, 63450)


def test_impact__of_a_policy_for_new_positions_leaves_older_ones_alone() -> None:
    """Rows that were opened before it began have the older version; every other row is of one and of the other age."""
    changes = TIGHTER | {"applies_to: all_positions": "applies_to: new_positions"}
    newer = Engine(engine_with(changes).policy, elders=[BEFORE.policy])
    rows, collateral = some_rows(30)
    ages = ("2026-11-01T00:00:00Z", "2026-12-01T20:00:00Z")
    dated = [{**each, "opened_at": ages[at % 2]} for at, each in enumerate(rows)]
    book = book_from_rows(dated, collateral, currency="USDT")
    found, every = impact_of(BEFORE, newer, book, MARKET), impact_of(BEFORE, AFTER, book, MARKET)
    counts: Counter[int] = Counter()
    for account in accounts_of(book):
        pair = [statuses(engine.evaluate(account, MARKET)) for engine in (BEFORE, newer)]
        counts.update(move(*each) for each in zip(*pair, strict=True))
    assert found.moved.positions == tuple(counts[at] for at in range(25))
    assert 0 < found.newly_liquidated.positions < every.newly_liquidated.positions
    assert found.newly_undetermined.positions == 0
    assert 0 < change(found) < change(every)


def change(impact: Impact) -> float:
    """The change of maintenance margin in all."""
    return impact.moved.margins.maintenance_after - impact.moved.margins.maintenance_before


def test_impact__of_two_currencies_is_refused() -> None:
    other = engine_with({"currency: USDT": "currency: BTC", "BTC:  {haircut: 0.05, cap: 1000000}": "BTC: {haircut: 0}",
                         "  USDT: {haircut: 0}": "  USDT: {haircut: 0.1}"})  # fmt: skip
    with pytest.raises(ValueError, match="USDT and BTC do not compare"):
        impact_of(BEFORE, other, BOOK, MARKET)


def test_impact__tells_what_it_is_at() -> None:
    told: list[str] = []
    Comparer(BEFORE, AFTER, MARKET, tell=told.append)(BOOK)
    assert [text.split(",")[0] for text in told[:2]] == ["sweep 1 of 2", "sweep 2 of 2"]
    assert told[2].startswith("counting")
