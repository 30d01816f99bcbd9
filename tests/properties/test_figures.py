"""Every figure of an evaluation is the oracle's, rounded once in its stated direction."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given

from rules_engine import Evaluation
from rules_engine.terms.evaluation import PoolFigures, PositionFigures
from tests.oracle import OraclePool, OraclePosition, evaluate
from tests.properties.accounts import documents
from tests.properties.documents import QUANTUM, Documents
from tests.properties.laws import examples
from tests.properties.product import down, evaluation_of, fraction, pools_of, up

RATIO_UNIT = Fraction(1, 10**8)
UP = ("initial_margin", "maintenance_margin", "draw", "notional")
BORROWING = ("own_equity", "draw_limit", "draw")


def rounded(name: str, value: Fraction | None) -> Fraction | None:
    """A figure as it is to be printed."""
    return None if value is None else up(value) if name in UP else down(value)


def margin_ratio(pool: OraclePool) -> Fraction | None:
    """maintenance / equity, 8 decimals, up."""
    if pool.equity is None or pool.maintenance is None or pool.equity <= 0:
        return None
    return up(pool.maintenance / pool.equity, RATIO_UNIT)


def top_up(pool: OraclePool, inclusive: bool) -> Fraction | None:
    """What equity lacks, in whole quanta; one more where reaching the line is not enough."""
    if pool.top_up is None or pool.status == "undetermined":
        return None
    if pool.restored:
        return Fraction(0)
    return down(pool.top_up) + QUANTUM if inclusive and pool.maintenance else up(pool.top_up)


def expected_pool(pool: OraclePool, inclusive: bool) -> dict[str, Fraction | None]:
    """A pool's printed figures by the product's names; those of borrowing only for what borrows."""
    unrounded = {
        "equity": pool.equity, "initial_margin": pool.initial, "maintenance_margin": pool.maintenance,
        "free_margin": pool.free_margin, "withdrawable": pool.withdrawable,
        "own_equity": pool.own_equity, "draw_limit": pool.draw_limit, "draw": pool.draw,
    }  # fmt: skip
    figures = {name: rounded(name, value) for name, value in unrounded.items()}
    if pool.kind != "hybrid":
        figures |= dict.fromkeys(BORROWING)
    return figures | {"margin_ratio": margin_ratio(pool), "top_up": top_up(pool, inclusive)}


def assert_pool(found: PoolFigures, pool: OraclePool, inclusive: bool) -> None:
    """The status is the oracle's and so is every figure; an undetermined pool may leave some out."""
    assert found.status == pool.status, (found, pool)
    for name, wanted in expected_pool(pool, inclusive).items():
        printed = fraction(getattr(found, name))
        if printed is not None or pool.status != "undetermined":
            assert printed == wanted, (pool.name, name, getattr(found, name), wanted)


def assert_position(found: PositionFigures, position: OraclePosition, status: str) -> None:
    """A position's own figures are the oracle's."""
    wanted = {
        "notional": position.notional, "unrealized_pnl": position.unrealized_pnl,
        "initial_margin": position.initial, "maintenance_margin": position.maintenance,
    }  # fmt: skip
    for name, value in wanted.items():
        printed = fraction(getattr(found, name))
        if printed is not None or status != "undetermined":
            assert printed == rounded(name, value), (position.id, name, printed, value)
    assert found.tier in ((position.tier,) if status != "undetermined" else (position.tier, None))
    assert found.pool == position.pool


def assert_figures(drawn: Documents, evaluation: Evaluation) -> None:
    """Both evaluations agree."""
    wanted = evaluate(drawn.policy, drawn.account, drawn.market)
    inclusive = drawn.policy["liquidation"]["trigger"] == "at_or_below"
    pools = pools_of(evaluation)
    assert set(pools) == set(wanted.pools)
    for name, pool in wanted.pools.items():
        assert_pool(pools[name], pool, inclusive)
    assert [each.id for each in evaluation.positions] == [each.id for each in wanted.positions]
    for found, position in zip(evaluation.positions, wanted.positions, strict=True):
        assert_position(found, position, wanted.pools[position.pool].status)


@examples(150)
@given(documents())
def test_evaluate__equals_the_oracle(drawn: Documents) -> None:
    """Every figure of every position and pool is the oracle's where nothing is in doubt."""
    assert_figures(drawn, evaluation_of(drawn))


@examples(150)
@given(documents(max_tiers=3, max_instruments=4, max_positions=5, max_orders=3, doubts=True))
def test_evaluate__equals_the_oracle_where_data_is_in_doubt(drawn: Documents) -> None:
    """Statuses are the oracle's where data is missing or old, and no figure is printed that it does not know."""
    assert_figures(drawn, evaluation_of(drawn))
