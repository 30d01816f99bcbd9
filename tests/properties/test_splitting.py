"""What is one and the same said in two parts counts the same."""

from __future__ import annotations

import copy
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given

from tests.properties.accounts import documents
from tests.properties.documents import Document, Documents
from tests.properties.laws import examples
from tests.properties.test_spelling import answer


def halves(order: Document) -> list[Document]:
    """The order as two of half its size."""
    half = format(Decimal(order["quantity"]) / 2, "f")
    return [{**order, "quantity": half}, {**order, "id": f"{order['id']}-again", "quantity": half}]


def with_split_tiers(policy: Document) -> Document:
    """The policy with a floor amid every bounded tier, at which no rate changes."""
    policy = copy.deepcopy(policy)
    for table in policy["tables"].values():
        tiers: list[Any] = []
        floor = Fraction(0)
        for tier in table["tiers"]:
            if tier["up_to"] != "unlimited":
                end = Fraction(tier["up_to"])
                middle = (floor + end) / 2
                tiers.append({**tier, "up_to": format(Decimal(middle.numerator) / Decimal(middle.denominator), "f")})
                floor = end
            tiers.append(tier)
        table["tiers"] = tiers
    return policy


def without_tiers(document: Document) -> Document:
    """The answer without the number of each position's tier, and without close-outs, which may step by tiers."""
    for position in document["positions"].values():
        position["tier"] = None
    for pool in document["pools"].values():
        pool["close_out"] = None
    return document


@given(drawn=documents())
@examples(60)
def test_order__in_two_halves_reserves_what_it_does_whole(drawn: Documents) -> None:
    """Orders of one side fill together, so cutting each in two changes no figure."""
    account = drawn.account | {"orders": [half for order in drawn.account["orders"] for half in halves(order)]}
    assert answer(Documents(drawn.policy, account, drawn.market)) == answer(drawn)


@given(drawn=documents())
@examples(60)
def test_tier__in_two_with_the_same_rates_requires_the_same(drawn: Documents) -> None:
    """A floor at which no rate changes changes no figure but the number of the tier."""
    split = Documents(with_split_tiers(drawn.policy), drawn.account, drawn.market)
    assert without_tiers(answer(split)) == without_tiers(answer(drawn))
