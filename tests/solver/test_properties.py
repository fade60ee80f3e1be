"""Economic claims that hold for every market."""

from dataclasses import replace

import numpy as np
from backends import BACKENDS
from hypothesis import given, settings
from hypothesis import strategies as st
from random_markets import random_market

BACKEND = BACKENDS[-1]
few = settings(max_examples=40, deadline=None, derandomize=True)
markets = st.builds(
    random_market,
    st.integers(0, 10**6),
    countries=st.integers(2, 12),
    bent=st.booleans(),
    limits=st.integers(0, 3),
    closed=st.sampled_from([0.0, 0.2, 0.8]),
    isolated=st.integers(0, 2),
    zero_reference=st.sampled_from([0.0, 0.3, 1.0]),
)


def cost(problem, levels):
    return float(problem.curves.adjustment(levels).sum() + problem.curves.margin @ levels)


def value(problem):
    turnover = np.abs(problem.incidence).T @ problem.row_price
    return float(turnover @ problem.curves.reference) + 1.0


def proved(problem):
    solution = BACKEND.solve(problem)
    assert solution.status == "solved"
    assert solution.certificate.residual <= BACKEND.residual
    return solution


@few
@given(markets)
def test_every_market_is_solved_and_no_price_is_negative(problem):
    solution = proved(problem)
    assert (solution.prices >= 0.0).all()
    assert (solution.levels >= problem.curves.lower).all()
    assert (solution.levels <= problem.curves.upper).all()


@few
@given(markets, st.integers(0, 10**6), st.floats(0.0, 1.0))
def test_a_stricter_limit_never_lowers_the_world_cost(problem, which, share):
    before = proved(problem)
    a = which % problem.curves.reference.size
    upper = problem.curves.upper.copy()
    upper[a] = share * before.levels[a]
    tighter = problem.with_curves(problem.curves.with_bounds(problem.curves.lower, upper))
    after = proved(tighter)
    assert cost(tighter, after.levels) >= cost(problem, before.levels) - 1e-9 * value(problem)


@few
@given(markets, st.integers(0, 10**6), st.floats(0.0, 2.0))
def test_more_stock_never_raises_the_world_cost_nor_its_own_price(problem, which, times):
    before = proved(problem)
    row = which % problem.rhs.size
    rhs = problem.rhs.copy()
    rhs[row] -= times * problem.row_scale[row]
    richer = problem.with_rhs(rhs)
    after = proved(richer)
    assert cost(richer, after.levels) <= cost(problem, before.levels) + 1e-9 * value(problem)
    assert after.prices[row] <= before.prices[row] + 1e-6 * problem.row_price[row]


@few
@given(markets, st.floats(0.01, 100.0), st.floats(0.01, 100.0))
def test_units_do_not_change_the_answer(problem, mass, money):
    """Another unit of mass and of money scales levels and prices and nothing else."""
    c = problem.curves
    curves = replace(
        c,
        reference=c.reference * mass,
        lower=c.lower * mass,
        upper=c.upper * mass,
        margin=c.margin * money,
        price=c.price * money,
        cap=c.cap * money,
        slope=c.slope * money / mass,
    )
    scaled = replace(
        problem,
        curves=curves,
        rhs=problem.rhs * mass,
        row_price=problem.row_price * money,
        row_scale=problem.row_scale * mass,
    )
    one, other = proved(problem), proved(scaled)
    scale = problem.row_scale.max()
    np.testing.assert_allclose(other.levels / mass / scale, one.levels / scale, atol=1e-7)


@few
@given(markets, st.floats(0.0, 1.0))
def test_what_happens_in_one_island_leaves_the_others_alone(problem, share):
    """Two copies of a market side by side: an outage in the first changes nothing in the second."""
    from scipy import sparse

    c = problem.curves
    twice = {n: np.tile(getattr(c, n), 2) for n in c.__dataclass_fields__}
    n = c.reference.size
    first = np.arange(2 * n) < n
    twice["upper"] = np.where(
        first, np.minimum(twice["upper"], share * twice["reference"]), twice["upper"]
    )
    both = replace(
        problem,
        incidence=sparse.csc_array(sparse.block_diag([problem.incidence] * 2)),
        rhs=np.tile(problem.rhs, 2),
        is_equality=np.tile(problem.is_equality, 2),
        row_price=np.tile(problem.row_price, 2),
        row_scale=np.tile(problem.row_scale, 2),
        curves=replace(c, **twice),
    )
    alone, together = proved(problem), proved(both)
    scale = problem.row_scale.max()
    np.testing.assert_allclose(together.levels[n:] / scale, alone.levels / scale, atol=1e-7)
