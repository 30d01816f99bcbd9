"""Hypothesis strategies for accounts and orders, their margins aimed at the lines where a decision changes."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from tests.oracle import OraclePool, evaluate, number
from tests.properties.documents import (
    FEE_RATES,
    QUANTUM,
    Document,
    Documents,
    boundary_quantities,
    exact,
    markets,
    names_in,
    policies,
)

SCALES = (Fraction(1), Fraction("0.9"), Fraction("1.1"), Fraction("0.5"), Fraction(2))
POSITION_LEVERAGES = (None, "1", "2", "3", "10", "20", "75", "125")
ORDER_LEVERAGES = (None, None, "1", "2", "5", "10")
ACCRUED = (None, "0", "-1.25", "7")


def present(document: Document) -> Document:
    """The document without the keys that have no value."""
    return {key: value for key, value in document.items() if value is not None}


def mark_of(market: Document, name: str) -> Fraction:
    """The mark, or 100 where the market has none."""
    return number(market["instruments"].get(name, {}).get("mark_price", "100"))


@st.composite
def positions(draw: st.DrawFn, policy: Document, market: Document, identifier: str) -> Document:
    """One position; its margin, where it has its own, is still to be aimed."""
    name = draw(st.sampled_from(names_in(policy)))
    mode = draw(st.sampled_from(("isolated", "cross", "cross", "hybrid")))
    size = draw(st.sampled_from(boundary_quantities(policy, market, name)))
    return present(
        {
            "id": identifier,
            "instrument": name,
            "mode": mode,
            "quantity": exact(size * draw(st.sampled_from((1, -1)))),
            "entry_price": exact(mark_of(market, name) * draw(st.sampled_from(SCALES))),
            "margin": "0" if mode == "isolated" else None,
            "leverage": draw(st.sampled_from(POSITION_LEVERAGES)),
            "accrued": draw(st.sampled_from(ACCRUED)),
        }
    )


def one_a_side(drawn: list[Document]) -> list[Document]:
    """The positions, without those that would be a second of their instrument, mode and side."""
    return list({(each["instrument"], each["mode"], each["quantity"][0] == "-"): each for each in drawn}.values())


def alike(account: Document, order: Document) -> list[Document]:
    """The positions an order of that instrument and mode can act on."""
    return [
        each
        for each in account["positions"]
        if (each["instrument"], each["mode"]) == (order["instrument"], order["mode"])
    ]


@st.composite
def orders(draw: st.DrawFn, policy: Document, account: Document, market: Document, identifier: str = "new") -> Document:
    """An order that closes, reduces, reverses, increases or opens, often exactly to a boundary.

    `position` is stated wherever more than one could be meant; `reduce_only` only where there is something to reduce.
    """
    name = draw(st.sampled_from([each["instrument"] for each in account["positions"]] + names_in(policy)))
    order: Document = {
        "id": identifier,
        "instrument": name,
        "mode": draw(st.sampled_from(("isolated", "cross", "hybrid"))),
    }
    held = Fraction(0)
    if targets := alike(account, order):
        target = draw(st.sampled_from(targets))
        held = number(target["quantity"])
        order["position"] = target["id"] if len(targets) > 1 or draw(st.booleans()) else None
    aims = [each * side for each in boundary_quantities(policy, market, name) for side in (1, -1)] + [Fraction(0)]
    quantity = draw(st.sampled_from([aim - held for aim in aims if aim != held]))
    reduces = held * quantity < 0 and abs(quantity) <= abs(held)
    price = draw(st.sampled_from((None, Fraction(1), Fraction("0.99"), Fraction("1.01"))))
    return present(order) | {
        "quantity": exact(quantity),
        "price": None if price is None else exact(mark_of(market, name) * price),
        "leverage": draw(st.sampled_from(ORDER_LEVERAGES)),
        "reduce_only": reduces and draw(st.booleans()),
    }


def lines(policy: Document, pool: OraclePool) -> list[Fraction]:
    """The equities at which something about the pool changes."""
    assert pool.maintenance is not None and pool.trigger_fee is not None
    initial = pool.initial or pool.maintenance
    factors = [Fraction(1), number(policy["liquidation"]["margin_call"]), number(policy["liquidation"]["restore_to"])]
    on_lines = [factor * pool.maintenance + pool.trigger_fee for factor in factors]
    return [*on_lines, initial, 2 * initial + 100, Fraction(0)]


@st.composite
def aims(draw: st.DrawFn, policy: Document, pool: OraclePool) -> Fraction:
    """What to add to a pool's collateral to bring its equity onto a line, or a quantum beside it."""
    if pool.own_equity is None or pool.maintenance is None:
        return draw(st.sampled_from((Fraction(0), Fraction(50), Fraction(5000))))
    beside = draw(st.sampled_from((Fraction(0), Fraction(0), Fraction(0), QUANTUM, -QUANTUM)))
    return draw(st.sampled_from(lines(policy, pool))) + beside - pool.own_equity


@st.composite
def accounts(
    draw: st.DrawFn, policy: Document, market: Document, max_positions: int = 8, max_orders: int = 4
) -> Document:
    """An account in all three modes whose pools mostly stand on a line."""
    count = draw(st.integers(0, max_positions))
    held = one_a_side([draw(positions(policy, market, f"p{index}")) for index in range(count)])
    account: Document = {"account": "A", "collateral": {"USDT": "0"}, "group_margins": {}, "positions": held}
    for asset in draw(st.lists(st.sampled_from(("BTC", "ETH", "OTHER")), max_size=2, unique=True)):
        amounts = ("0", "0.25", "3") if asset == "OTHER" else ("0", "0.25", "3", "-0.5")
        account["collateral"][asset] = draw(st.sampled_from(amounts))
    if draw(st.integers(0, 4)) == 0:
        account["fee_rate"] = draw(st.sampled_from(FEE_RATES))
    resting = draw(st.integers(0, max_orders))
    account["orders"] = [draw(orders(policy, account, market, f"o{index}")) for index in range(resting)]
    aim_at_lines(draw, policy, account, market)
    return account


def aim_at_lines(draw: st.DrawFn, policy: Document, account: Document, market: Document) -> None:
    """Set margins, group margins and shared collateral so that equities meet lines; ring-fenced ones not below zero."""
    by_name: dict[str, Any] = {f"A/isolated/{each['id']}": each for each in account["positions"]}
    for name, pool in evaluate(policy, account, market).pools.items():
        amount = draw(aims(policy, pool))
        if pool.kind == "isolated":
            by_name[name]["margin"] = exact(max(Fraction(0), amount))
        elif pool.kind == "hybrid":
            account["group_margins"][name.split("/")[-1]] = exact(max(Fraction(0), amount))
        else:
            account["collateral"]["USDT"] = exact(amount)


@st.composite
def documents(
    draw: st.DrawFn, max_tiers: int = 8, max_instruments: int = 6, max_positions: int = 8, max_orders: int = 4,
    doubts: bool = False,
) -> Documents:  # fmt: skip
    """A policy with an account and a market; `doubts` lets market data be missing or too old."""
    policy = draw(policies(max_tiers, max_instruments))
    market = draw(markets(policy, doubts))
    return Documents(policy, draw(accounts(policy, market, max_positions, max_orders)), market)


def aim_at_free_margin(draw: st.DrawFn, drawn: Documents, order: Document) -> None:
    """Change the collateral so that with the order in it a pool has exactly what its initial margin asks for."""
    account = drawn.account
    with_order = account | {"orders": [*account["orders"], order]}
    for name, pool in evaluate(drawn.policy, with_order, drawn.market).pools.items():
        if pool.equity is None or pool.initial is None or pool.kind == "isolated":
            continue
        holder, key = account["collateral"], "USDT"
        if pool.kind == "hybrid":
            holder, key = account["group_margins"], name.split("/")[-1]
        lack = pool.initial - pool.equity + draw(st.sampled_from((Fraction(0), QUANTUM, -QUANTUM, Fraction(100))))
        amount = number(holder.get(key, "0")) + lack
        holder[key] = exact(amount if pool.kind == "shared" else max(Fraction(0), amount))


@st.composite
def documents_with_order(draw: st.DrawFn, doubts: bool = False) -> tuple[Documents, Document]:
    """Documents of at most four positions and two resting orders, and a new order that is often just affordable."""
    drawn = draw(documents(max_tiers=4, max_instruments=3, max_positions=4, max_orders=2, doubts=doubts))
    order = draw(orders(drawn.policy, drawn.account, drawn.market))
    if draw(st.integers(0, 3)):
        aim_at_free_margin(draw, drawn, order)
    return drawn, order
