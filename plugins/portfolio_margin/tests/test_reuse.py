"""Risk arrays are worked out once per contract and market, whatever number of accounts hold it."""

from __future__ import annotations

import pytest
from portfolio_documents import account, engine_of, market
from rules_engine_portfolio_margin import black76

from rules_engine.numbers.system import Number, NumberSystem

SCENARIOS = 16


@pytest.fixture
def evaluations(monkeypatch: pytest.MonkeyPatch) -> list[black76.Option]:
    """Every option that Black-76 is asked the value of, in turn."""
    asked: list[black76.Option] = []
    value = black76.value

    def counted(num: NumberSystem, option: black76.Option) -> Number:
        asked.append(option)
        return value(num, option)

    monkeypatch.setattr(black76, "value", counted)
    return asked


def test_risk_arrays__serve_all_accounts_of_a_market(evaluations: list[black76.Option]) -> None:
    """Three options, each valued in 16 scenarios and now; nothing is valued for the accounts that follow."""
    engine = engine_of().at(market())
    for quantity in ("-1", "2", "-300"):
        engine.evaluate(account(BTC_C90=quantity, BTC_C100=quantity, BTC_P90="1", BTC_F1="-1"))
    assert len(evaluations) == 3 * (SCENARIOS + 1)


def test_risk_arrays__serve_every_price_of_an_account(evaluations: list[black76.Option]) -> None:
    """Liquidation prices and close-outs of a liquidated account (equity 1800 - 1750) value no option anew."""
    pool = engine_of().evaluate(account("-1750", BTC_C90="-10", BTC_P90="-10"), market()).pools[0]
    assert pool.close_out
    assert len(evaluations) == 2 * (SCENARIOS + 1)


def test_futures__need_no_black_76(evaluations: list[black76.Option]) -> None:
    """They move with their own price."""
    engine_of().evaluate(account(BTC_F1="1", ETH_F1="-2", BTC_I1="30"), market())
    assert evaluations == []
