"""The account's shared collateral: what each asset counts for, and what is doubtful about it."""

from __future__ import annotations

from types import MappingProxyType

from rules_engine.engine.market_data import fresh, time_doubt
from rules_engine.errors import Doubt
from rules_engine.formulas.collateral import collateral_value
from rules_engine.numbers.exact import ONE
from rules_engine.numbers.system import NumberSystem
from rules_engine.terms.account import Account
from rules_engine.terms.exposure import AssetExposure
from rules_engine.terms.market import AssetPrice, Market
from rules_engine.terms.policy import Policy


def shared_assets(
    num: NumberSystem, policy: Policy, account: Account, market: Market
) -> tuple[list[AssetExposure], list[Doubt], list[str]]:
    """What the account's assets count for, with doubts about debts and prices and notes on what counts nothing."""
    counted: list[AssetExposure] = []
    doubts: list[Doubt] = []
    notes: list[str] = []
    for asset, amount in account.collateral.items():
        if amount == 0:
            continue
        rule = policy.collateral.get(asset)
        if rule is None:
            if amount < 0:
                text = f"a debt of {amount} {asset}, which the policy does not list"
                doubts.append(Doubt(code="DEBT_NOT_LISTED", message=text))
            else:
                notes.append("COLLATERAL_NOT_LISTED")
            continue
        quoted = asset_price(policy, asset, market, doubts)
        if quoted is not None:
            value = collateral_value(num, num.constant(amount), num.constant(quoted.price), rule.haircut, rule.cap)
            measures = fresh(quoted.measures, market.as_of, policy.market_limits.stale_after)
            counted.append(
                AssetExposure(
                    asset=asset,
                    amount=amount,
                    price=quoted.price,
                    value=num.named(f"collateral {asset}", value),
                    measures=MappingProxyType({name: measure.value for name, measure in measures.items()}),
                )
            )
    return counted, doubts, list(dict.fromkeys(notes))


def asset_price(policy: Policy, asset: str, market: Market, doubts: list[Doubt]) -> AssetPrice | None:
    """The price of an asset; None, and a doubt more, where there is no usable one."""
    quoted = market.prices.get(asset)
    if asset == policy.settlement_currency:
        return AssetPrice(price=ONE, measures={} if quoted is None else quoted.measures)
    if quoted is None:
        doubts.append(Doubt(code="COLLATERAL_PRICE_MISSING", message=f"the market has no price for {asset}"))
        return None
    if quoted.price <= 0:
        doubts.append(Doubt(code="COLLATERAL_PRICE_NOT_POSITIVE", message=f"the price of {asset} is {quoted.price}"))
        return None
    aged = time_doubt(quoted.time, market.as_of, policy.market_limits.stale_after)
    if aged is not None:
        doubts.append(Doubt(code=f"COLLATERAL_PRICE_{aged[0]}", message=f"the price of {asset} {aged[1]}"))
        return None
    return quoted
