"""The sweep against an oracle in fractions: a small sample of the large run in `benchmarks/exactness.py`."""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random

import msgspec
import pytest

from tests.oracle import evaluate

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))

from exactness import Count, batch
from exactness_documents import Drawing, market_of, policy_of


@pytest.mark.parametrize("aimed", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_sweep__decides_no_row_wrongly(seed: int, aimed: bool) -> None:
    """Rows of every mode, payoff and form of table under a policy of their own; aimed ones stand at a line."""
    count = Count()
    batch(seed, 600, aimed, count)
    assert count.rows >= 600
    assert count.wrong == 0, count.examples


@pytest.mark.parametrize("aimed", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_fast_oracle__decides_as_the_full_one(seed: int, aimed: bool) -> None:
    """The oracle of the large run gives every row the status of the oracle that all other laws are held against."""
    random = Random(seed)
    policy = policy_of(random)
    market = market_of(random, policy)
    for held in Drawing(random, policy, market, aimed).accounts(80):
        account = msgspec.to_builtins(held.account)
        answer = evaluate(policy, account, market)
        statuses = tuple(answer.pools[position.pool].status for position in answer.positions)
        assert statuses == held.statuses, account
