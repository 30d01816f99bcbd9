"""Functions of one unknown: made by the formulas' verbs, they are at every point what the exact numbers give there."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.numbers.exact import EXACT, ZERO, Exact, Ratio, divide
from rules_engine.numbers.functions import Cut, NotLinear, Piecewise
from rules_engine.numbers.piecewise import PiecewiseNumbers
from rules_engine.numbers.regions import Change, Regions
from rules_engine.numbers.system import Number, NumberSystem
from tests.numbers.strategies import DECIMALS, INTEGERS, POSITIVE, RATIOS, cases, fraction

EVERYWHERE = PiecewiseNumbers(None, None)
FLOORS = (Decimal(0), Decimal(10), Decimal(25))
LINES = ((Decimal(1), Decimal(0)), (Decimal(2), Decimal(10)), (Decimal(5), Decimal(85)))
VALUES = (Decimal(3), Decimal(-2), Decimal(7))

COEFFICIENTS = st.one_of(
    INTEGERS.map(Decimal), DECIMALS.filter(lambda x: abs(x) < 100), RATIOS.filter(lambda x: abs(x) < 100)
)
Recipe = tuple[Any, ...]


def recipes(jumps: bool) -> st.SearchStrategy[Recipe]:
    """Descriptions of functions of x, continuous unless jumps are asked for."""
    leaves = st.one_of(st.just(("x",)), COEFFICIENTS.map(lambda c: ("constant", c)))

    def grown(inner: st.SearchStrategy[Recipe]) -> st.SearchStrategy[Recipe]:
        several = st.lists(inner, min_size=1, max_size=3)
        options = [
            st.tuples(st.just("scaled"), inner, COEFFICIENTS),
            st.tuples(st.just("over"), inner, POSITIVE),
            st.tuples(st.just("total"), several),
            st.tuples(st.just("maximum"), several),
            st.tuples(st.just("minimum"), several),
            st.tuples(st.just("absolute"), inner),
            st.tuples(st.just("envelope"), inner),
            st.tuples(st.just("less"), inner, inner),
        ]
        return st.one_of(*options, *([st.tuples(st.just("step"), inner)] if jumps else []))

    return st.recursive(leaves, grown, max_leaves=6)


def made(num: NumberSystem, x: Number, recipe: Recipe) -> Number:
    """What a recipe says, in the numbers of one system."""
    kind, *parts = recipe
    if kind == "x":
        return x
    if kind == "constant":
        return num.constant(parts[0])
    if kind in ("total", "maximum", "minimum"):
        terms = [made(num, x, part) for part in parts[0]]
        return num.total(terms) if kind == "total" else getattr(num, kind)(*terms)
    inner = made(num, x, parts[0])
    if kind == "scaled":
        return parts[1] * inner
    if kind == "over":
        return num.quotient(inner, parts[1])
    if kind == "less":
        return inner - made(num, x, parts[1])
    if kind == "absolute":
        return num.absolute(inner)
    return num.envelope(inner, FLOORS, LINES) if kind == "envelope" else num.step(inner, FLOORS, VALUES)


def at(f: Number, x: Exact) -> Fraction:
    """The value of a function, or of what turned out to be a number, at a point."""
    return fraction(f.at(x) if isinstance(f, Piecewise) else f)


def samples(f: Number, low: Exact, high: Exact) -> list[Exact]:
    """Both ends, every cut and every root of a piece between them, and the middles of all stretches in between."""
    points: list[Exact] = [low, high]
    if isinstance(f, Piecewise):
        points += [point for point, _ in f.shape.cuts]
        points += [divide(-intercept, slope) for slope, intercept in f.shape.pieces if slope != 0]
    inside = sorted((point for point in points if low <= point <= high), key=fraction)
    middles = [divide(a + b, 2) for a, b in itertools.pairwise(inside)]
    return [*inside, *middles]


def holds_at(regions: Regions, x: Exact) -> bool:
    """What regions say of one point."""
    holds = regions.holds_first
    for cut, holds_above in regions.changes:
        if cut > (x, 0):
            break
        holds = holds_above
    return holds


@cases(300)
@given(recipes(jumps=True), st.lists(st.one_of(DECIMALS, RATIOS, st.sampled_from(FLOORS)), min_size=1, max_size=5))
def test_piecewise__is_at_every_point_what_exact_numbers_give(recipe: Recipe, points: list[Exact]) -> None:
    """A formula run on the unknown and then read at a point equals the formula run on the point."""
    function = made(EVERYWHERE, EVERYWHERE.unknown, recipe)
    for point in points:
        assert at(function, point) == fraction(made(EXACT, point, recipe))


@cases(300)
@given(recipes(jumps=True), st.booleans(), st.integers(-30, 0), st.integers(1, 40))
def test_where__agrees_with_samples_at_cuts_roots_middles_and_ends(
    recipe: Recipe, inclusive: bool, low: int, high: int
) -> None:
    """The condition f <= 0 (or f < 0) holds at a point of the domain exactly where the regions say so."""
    num = PiecewiseNumbers((Decimal(low), 0), (Decimal(high), 1))
    function = made(num, num.unknown, recipe)
    regions = num.where(function, inclusive=inclusive)
    for point in samples(function, Decimal(low), Decimal(high)):
        value = fraction(made(EXACT, point, recipe))
        assert holds_at(regions, point) is (value <= 0 if inclusive else value < 0), (point, value)


@cases(100)
@given(recipes(jumps=True), st.booleans())
def test_where__changes_rise_and_alternate(recipe: Recipe, inclusive: bool) -> None:
    """Changes stand from left to right, each the opposite of the one before."""
    regions = EVERYWHERE.where(made(EVERYWHERE, EVERYWHERE.unknown, recipe), inclusive=inclusive)
    cuts = [change.cut for change in regions.changes]
    assert all(a < b for a, b in itertools.pairwise(cuts))
    states = [regions.holds_first, *(change.holds_above for change in regions.changes)]
    assert all(a is not b for a, b in itertools.pairwise(states))


def ends_of(low: int | None, high: int | None) -> PiecewiseNumbers:
    """A domain open at both ends, as those of contract values are."""
    return PiecewiseNumbers(None if low is None else (Decimal(low), 1), None if high is None else (Decimal(high), 0))


DOMAINS = [(None, None), (0, None), (None, 30), (-20, 30)]


@pytest.mark.parametrize("domain", DOMAINS)
@cases(200)
@given(recipes(jumps=False), st.booleans(), st.integers(1, 29), st.booleans())
def test_around__of_a_continuous_function_is_that_of_all_its_changes(
    domain: tuple[int | None, int | None], recipe: Recipe, inclusive: bool, start: int, at_change: bool
) -> None:
    """The search that walks away from a point finds what `where` finds, also from a point that is itself a change."""
    num = ends_of(*domain)
    function = made(num, num.unknown, recipe)
    regions = num.where(function, inclusive=inclusive)
    inside = [change.cut[0] for change in regions.changes]
    point = inside[start % len(inside)] if at_change and inside else Decimal(start)
    assert same(num.around(function, point, inclusive=inclusive), regions.around(point))


def same(found: Iterable[Change | None], expected: Iterable[Change | None]) -> bool:
    """Whether changes are alike; cuts compare by value."""
    return list(found) == list(expected)


# Who owns the point of a jump


def jump() -> Piecewise:
    """1 below 10, and -1 from 10 on."""
    function: Piecewise = EVERYWHERE.step(EVERYWHERE.unknown, (ZERO, Decimal(10)), (Decimal(1), Decimal(-1)))
    return function


def test_step__its_floor_belongs_to_what_follows() -> None:
    """At the floor itself the value is the upper one, so the condition begins there."""
    assert (jump().at(Decimal("9.99")), jump().at(Decimal(10))) == (1, -1)
    assert EVERYWHERE.where(jump(), inclusive=True).changes == [Change((Decimal(10), 0), True)]


def test_step__of_a_falling_size_owns_its_floor_too() -> None:
    """As the unknown rises a falling size leaves the upper tier just after its floor."""
    falling = EVERYWHERE.step(20 - EVERYWHERE.unknown, (ZERO, Decimal(10)), (Decimal(1), Decimal(-1)))
    assert (falling.at(Decimal(10)), falling.at(Decimal("10.01"))) == (-1, 1)
    assert EVERYWHERE.where(falling, inclusive=True).changes == [Change((Decimal(10), 1), False)]


def test_around__a_jump_at_the_point_itself_lies_below_or_above_by_who_owns_it() -> None:
    """From its own floor a jump lies at or below; just before the floor it lies above."""
    assert EVERYWHERE.around(jump(), Decimal(10), inclusive=True) == (Change((Decimal(10), 0), True), None)
    assert EVERYWHERE.around(jump(), Decimal("9.99"), inclusive=True) == (None, Change((Decimal(10), 0), True))


@pytest.mark.parametrize(
    ("inclusive", "cut"), [(True, (Decimal(5), 1)), (False, (Decimal(5), 0))], ids=["at_or_below", "below"]
)
def test_around__a_root_exactly_at_the_point(inclusive: bool, cut: Cut) -> None:
    """x - 5 <= 0 ends just after 5, which lies above 5; x - 5 < 0 ends just before 5, which lies at or below it."""
    below, above = EVERYWHERE.around(EVERYWHERE.unknown - 5, Decimal(5), inclusive=inclusive)
    assert (above if inclusive else below) == Change(cut, False)
    assert (below if inclusive else above) is None


def test_around__a_touch_of_zero_is_a_change_only_where_zero_counts() -> None:
    """|x - 5| comes to zero at 5 alone: `<= 0` holds on that one point, `< 0` nowhere."""
    touch = EVERYWHERE.absolute(EVERYWHERE.unknown - 5)
    assert EVERYWHERE.where(touch, inclusive=True).changes == [
        Change((Decimal(5), 0), True),
        Change((Decimal(5), 1), False),
    ]
    assert EVERYWHERE.where(touch, inclusive=False) == Regions(False, [])
    assert EVERYWHERE.around(touch, Decimal(9), inclusive=True) == (Change((Decimal(5), 1), False), None)
    assert EVERYWHERE.around(touch, Decimal(1), inclusive=True) == (None, Change((Decimal(5), 0), True))


def test_around__a_root_beyond_the_domain_is_no_change() -> None:
    """x + 5 falls towards 0 on the way down and 40 - x on the way up; the domain ends at 0 and 30, before either."""
    num = ends_of(0, 30)
    assert num.around(num.unknown + 5, Decimal(10), inclusive=True) == (None, None)
    assert num.around(40 - num.unknown, Decimal(10), inclusive=True) == (None, None)


def test_regions__spans_cover_the_domain() -> None:
    """|x - 5| <= 2 holds from 3 to 7, both included."""
    regions = EVERYWHERE.where(EVERYWHERE.absolute(EVERYWHERE.unknown - 5) - 2, inclusive=True)
    start, end = (Decimal(0), 0), (Decimal(10), 1)
    three, seven = (Decimal(3), 0), (Decimal(7), 1)
    assert list(regions.spans(start, end)) == [(start, three, False), (three, seven, True), (seven, end, False)]


# What does not depend on the unknown, and what has no such form


@cases(50)
@given(DECIMALS, DECIMALS)
def test_constants__stay_exact(x: Decimal, y: Decimal) -> None:
    """Verbs on what does not depend on the unknown give exact numbers, not functions."""
    assert EVERYWHERE.absolute(x) == abs(x)
    assert (EVERYWHERE.minimum(x, y), EVERYWHERE.maximum(x, y)) == (min(x, y), max(x, y))
    assert EVERYWHERE.envelope(x, FLOORS, LINES) == EXACT.envelope(x, FLOORS, LINES)
    assert EVERYWHERE.step(x, FLOORS, VALUES) == EXACT.step(x, FLOORS, VALUES)
    assert EVERYWHERE.total([x, y]) == x + y
    assert EVERYWHERE.constant(x) is EVERYWHERE.named("x", x) is x


def test_constants__hold_everywhere_or_nowhere() -> None:
    """A number in place of a function has no changes; zero counts only where the condition includes it."""
    assert EVERYWHERE.where(ZERO, inclusive=True) == Regions(True, [])
    assert EVERYWHERE.where(ZERO, inclusive=False) == Regions(False, [])
    assert EVERYWHERE.around(Decimal(1), Decimal(5), inclusive=True) == (None, None)


def test_zero__taken_from_or_added_to_a_function_is_no_work() -> None:
    """Adding or subtracting the constant zero gives the same function back."""
    x = EVERYWHERE.unknown
    assert x + ZERO is x
    assert x - ZERO is x


def test_product__of_a_function_and_one_that_is_flat() -> None:
    """x * step(x) is linear between the floors; 20 * 7 = 140 above 25 and 12 * -2 = -24 in the middle."""
    x = EVERYWHERE.unknown
    product = x * EVERYWHERE.step(x, FLOORS, VALUES)
    assert [product.at(Decimal(p)) for p in (5, 12, 30)] == [15, -24, 210]


def test_not_linear__the_unknown_times_itself_or_under_a_fraction() -> None:
    """x * x and 1 / x are refused when they are asked for."""
    x = EVERYWHERE.unknown
    with pytest.raises(NotLinear):
        (x * x).at(Decimal(1))
    with pytest.raises(NotLinear):
        EVERYWHERE.quotient(Decimal(1), x)


def test_ratio__combines_with_a_function_from_either_side() -> None:
    """x + 1/3 and x * 1/3, with the ratio on the left, are functions; at 2/3 they are 1 and 2/9."""
    third, two_thirds = Ratio(Decimal(1), Decimal(3)), Ratio(Decimal(2), Decimal(3))
    assert (third + EVERYWHERE.unknown).at(two_thirds) == 1
    assert (third * EVERYWHERE.unknown).at(two_thirds) == Ratio(Decimal(2), Decimal(9))
    assert (third - EVERYWHERE.unknown).at(two_thirds) == Ratio(Decimal(-1), Decimal(3))


def test_piecewise__cannot_be_hashed() -> None:
    """A function is no key."""
    with pytest.raises(TypeError):
        hash(EVERYWHERE.unknown)
