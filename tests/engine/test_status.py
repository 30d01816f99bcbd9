"""Statuses at their lines: equity exactly on one, one cent to either side, under both triggers."""

from __future__ import annotations

from decimal import Decimal

import pytest

from rules_engine import Engine, Evaluation
from tests.builders import account, flat_engine, market, one_pool, position

# One contract bought at 100 and marked there: maintenance 1, margin call at 1.25, restored at 1.5.
INCLUSIVE = "{trigger: at_or_below, margin_call: 1.25, restore_to: 1.5}"
EXCLUSIVE = "{trigger: below, margin_call: 1.25, restore_to: 1.5}"


def backed_by(engine: Engine, margin: str, **fields: object) -> Evaluation:
    """One contract at 100, backed by so much."""
    return engine.evaluate(account(position("1", margin=margin, **fields)), market())


@pytest.mark.parametrize(
    ("trigger", "margin", "status"),
    [
        (INCLUSIVE, "1.26", "healthy"),
        (INCLUSIVE, "1.25", "margin_call"),
        (INCLUSIVE, "1.01", "margin_call"),
        (INCLUSIVE, "1", "liquidate"),
        (INCLUSIVE, "0", "liquidate"),
        (EXCLUSIVE, "1.25", "healthy"),
        (EXCLUSIVE, "1.24", "margin_call"),
        (EXCLUSIVE, "1", "margin_call"),
        (EXCLUSIVE, "0.99", "liquidate"),
        (EXCLUSIVE, "0", "liquidate"),
    ],
)
def test_status__equity_on_a_line_falls_short_of_it_only_if_the_trigger_includes_it(
    trigger: str, margin: str, status: str
) -> None:
    """`at_or_below` calls and liquidates on the line itself, `below` only under it; zero equity is not bankrupt."""
    assert one_pool(backed_by(flat_engine(liquidation=trigger), margin)).status == status


@pytest.mark.parametrize(("accrued", "status"), [("-1", "liquidate"), ("-1.01", "bankrupt")])
def test_status__bankrupt_only_below_zero(accrued: str, status: str) -> None:
    """A margin of 1 less fees of 1 is nothing left, which is not yet bankrupt."""
    assert one_pool(backed_by(flat_engine(), "1", accrued=accrued)).status == status


def test_status__is_decided_before_rounding() -> None:
    """Equity of 1.0001 prints as 1.00 like maintenance, and yet lies above it: a call, not a liquidation."""
    pool = one_pool(backed_by(flat_engine(), "1.0001"))
    assert (pool.equity, pool.maintenance_margin, pool.status) == (1, 1, "margin_call")


@pytest.mark.parametrize(("cash", "status"), [("0", "healthy"), ("-0.01", "bankrupt"), ("5", "healthy")])
def test_status__of_a_pool_without_positions(cash: str, status: str) -> None:
    """An empty pool is healthy, or bankrupt below zero; no line stands in it."""
    pool = one_pool(flat_engine().evaluate(account(collateral={"USDT": cash}), market()), "A/cross")
    assert (pool.status, pool.maintenance_margin) == (status, 0)


def test_status__a_position_of_zero_contracts_is_none() -> None:
    """What has been closed needs no price and requires nothing; its figures are zero, its prices are none."""
    evaluation = flat_engine().evaluate(
        account(position("0", margin="0", instrument="BTCUSDT")), {"as_of": market()["as_of"]}
    )
    closed = evaluation.positions[0]
    assert one_pool(evaluation).status == "healthy"
    assert (closed.notional, closed.initial_margin, closed.maintenance_margin, closed.unrealized_pnl) == (0, 0, 0, 0)
    assert closed.notes == ("LIQUIDATION_PRICE_NONE", "BANKRUPTCY_PRICE_NONE")


@pytest.mark.parametrize(
    ("trigger", "margin", "top_up"),
    [
        (INCLUSIVE, "1.51", "0"),
        (INCLUSIVE, "1.5", "0.01"),  # on the line at 1.5 * 1, which falls short: one quantum more
        (INCLUSIVE, "1", "0.51"),
        (INCLUSIVE, "1.003", "0.50"),  # lacks 0.497: 0.49 would leave 1.493, 0.50 comes past the line
        (EXCLUSIVE, "1.5", "0"),
        (EXCLUSIVE, "1", "0.5"),
        (EXCLUSIVE, "1.003", "0.5"),  # lacks 0.497
    ],
)
def test_top_up__brings_equity_to_the_line_and_past_it_where_the_line_falls_short(
    trigger: str, margin: str, top_up: str
) -> None:
    """The smallest multiple of the quantum after which the pool no longer falls short of `restore_to`."""
    assert one_pool(backed_by(flat_engine(liquidation=trigger), margin)).top_up == Decimal(top_up)


@pytest.mark.parametrize(("cash", "top_up"), [("-2.005", "2.01"), ("0", "0"), ("1", "0")])
def test_top_up__of_a_pool_without_positions_is_its_debt(cash: str, top_up: str) -> None:
    """Nothing is required of an empty pool; what it owes is rounded up."""
    pool = one_pool(flat_engine().evaluate(account(collateral={"USDT": cash}), market()), "A/cross")
    assert pool.top_up == Decimal(top_up)


FEES = "{trigger: at_or_below, margin_call: 1.25, restore_to: 1.5, closing_fee: {rate: 0.002, counts_in: [trigger]}}"


@pytest.mark.parametrize(
    ("margin", "status", "top_up"),
    # Fee 0.2: liquidated at 1.2, called at 1.25 + 0.2, restored above 1.5 + 0.2.
    [
        ("1.2", "liquidate", "0.51"),
        ("1.21", "margin_call", "0.50"),
        ("1.45", "margin_call", "0.26"),
        ("1.46", "healthy", "0.25"),
    ],
)
def test_trigger_fee__moves_every_line_by_itself_once(margin: str, status: str, top_up: str) -> None:
    """A fee counted in the trigger stands on top of each line, unmultiplied, and not in maintenance."""
    pool = one_pool(backed_by(flat_engine(liquidation=FEES), margin))
    assert (pool.status, pool.top_up, pool.maintenance_margin) == (status, Decimal(top_up), 1)


def test_account_fee_rate__replaces_the_policys() -> None:
    """With a rate of nothing the same equity of 1.2 is above the line at 1."""
    document = account(position("1", margin="1.2"), fee_rate="0")
    assert one_pool(flat_engine(liquidation=FEES).evaluate(document, market())).status == "margin_call"


@pytest.mark.parametrize(
    ("margin", "ratio"),
    [("3", "0.33333334"), ("1", "1"), ("0", None)],  # 1/3 rounded up at 8 decimals; nothing to divide by at 0
)
def test_margin_ratio__is_maintenance_over_equity_rounded_up(margin: str, ratio: str | None) -> None:
    """Null where equity is not above zero."""
    assert one_pool(backed_by(flat_engine(), margin)).margin_ratio == (None if ratio is None else Decimal(ratio))


def test_rounding__requirements_up_equity_and_free_margin_down() -> None:
    """0.333 contracts at 100.01: 33.30333 and 0.3330333 required go up, PnL of 0.00333 and equity of 0.50333 down."""
    evaluation = flat_engine().evaluate(account(position("0.333", margin="0.5", entry="100")), market("100.01"))
    figures, pool = evaluation.positions[0], one_pool(evaluation)
    assert (figures.notional, figures.maintenance_margin) == (Decimal("33.31"), Decimal("0.34"))
    assert (figures.unrealized_pnl, pool.equity) == (0, Decimal("0.5"))
    assert figures.initial_margin == Decimal("3.34")  # 3.330333
    assert pool.free_margin == Decimal("-2.83")  # 0.50333 - 3.330333 = -2.827003


def test_withdrawable__leaves_profits_of_open_positions() -> None:
    """Equity 30 + 10, initial 11: free 29, of which the profit of 10 stays."""
    pool = one_pool(flat_engine().evaluate(account(position("1", margin="30")), market("110")))
    assert (pool.free_margin, pool.withdrawable) == (29, 19)


def test_bankrupt__everything_is_closed() -> None:
    """A pool below zero is not restored but closed."""
    pool = one_pool(backed_by(flat_engine(), "0", accrued="-1"))
    assert [(one.position, one.quantity, one.reason) for one in pool.close_out] == [("p1", 1, "bankrupt")]


def test_engine__takes_only_a_policy() -> None:
    """A programmer's mistake is told at once."""
    with pytest.raises(TypeError, match="load_policy"):
        Engine("1.0.0.yaml")  # type: ignore[arg-type]


def test_engine__names_its_policy() -> None:
    """Name, version and digest stand in every result."""
    engine = flat_engine()
    identity = backed_by(engine, "3").policy
    assert (identity.name, identity.version, identity.digest) == ("example", "1.0.0", engine.policy.digest)


@pytest.mark.parametrize(("accrued", "maintenance"), [("0", "1.9"), ("-1", "1.91"), ("1", "1.89")])
def test_fee_at_bankruptcy__counts_accrued_amounts_as_collateral(accrued: str, maintenance: str) -> None:
    """Backed by 10 and what has accrued a long bought at 100 is bankrupt at 90, 91 or 89: 1 and 1 % of that."""
    rules = "{restore_to: 1.5, closing_fee: {rate: 0.01, counts_in: [maintenance], valued_at: bankruptcy}}"
    pool = one_pool(backed_by(flat_engine(liquidation=rules), "10", accrued=accrued))
    assert pool.maintenance_margin == Decimal(maintenance)
