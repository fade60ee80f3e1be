"""The dual's steps never let it rise, its bounds hold, rows without a slope are sought alone."""

from dataclasses import replace

import numpy as np
import pytest
from random_markets import random_market

from lodeline.solver import newton
from lodeline.solver.again import Again, Patterns
from lodeline.solver.certificate import certify
from lodeline.solver.curves import Curves
from lodeline.solver.dissection import Layout
from lodeline.solver.dual import CLEARED, Dual
from lodeline.solver.normal import NormalEquations
from lodeline.solver.problem import MarketProblem


def everywhere(problem):
    rows = problem.rhs.size
    return Layout(
        np.zeros(rows, dtype=np.intp), np.arange(rows, dtype=np.intp), np.zeros(rows, dtype=bool)
    )


def dual_of(problem):
    return Dual(problem, NormalEquations(problem, np.arange(problem.rhs.size)))


def solver_of(problem, late=None, patterns=None):
    none = np.zeros(problem.rhs.size, dtype=bool)
    late = none if late is None else late
    start = np.where(late, 0.0, problem.row_price)
    return Again(late, everywhere(problem), start, Patterns() if patterns is None else patterns)


@pytest.mark.parametrize("bent", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_agrees_with_the_reference_and_is_proven(seed, bent):
    problem = random_market(seed, bent=bent, limits=seed % 3, closed=[0.0, 0.3, 0.7][seed % 3])
    answer, reference = solver_of(problem).solve(problem), newton.solve(problem)
    proof = certify(problem, answer.levels, answer.prices)
    assert answer.is_clear
    assert max(proof.residual, proof.gap) <= 1e-8
    scale = problem.row_scale.max()
    np.testing.assert_allclose(answer.levels / scale, reference.levels / scale, atol=1e-7)


@pytest.mark.parametrize("seed", range(8))
def test_no_step_lets_the_dual_rise(seed):
    problem = random_market(seed, bent=seed % 2 == 0, limits=2, closed=0.5)
    dual = dual_of(problem)
    point = dual.at(2.0 * problem.row_price)
    for _ in range(12):
        before = dual.value(point)
        point, step = dual.step(point, 1e-6)
        moved = dual.value(point)
        assert moved <= before + 1e-12 * abs(before)
        _, after = dual.search(point, step)
        if after is None or after.worst <= CLEARED:
            break
        assert dual.value(after) <= moved + 1e-12 * abs(moved)
        point = after


def stock_drawn_at_full_speed():
    """Return a market whose second row is a stock: 5 t, of which two columns may each take 2."""
    matrix = np.array([[1.0, 1.0, -1.0, 1.0], [-1.0, -1.0, 0.0, 0.0]])
    from scipy import sparse

    curves = Curves(
        kind=np.zeros(4, dtype=np.int8),
        reference=np.array([1.0, 1.0, 20.0, 10.0]),
        margin=np.array([5.0, 60.0, -100.0, 100.0]),
        slope=np.array([0.01, 0.01, 10.0, 10.0]),
        price=np.full(4, 100.0),
        elasticity=np.ones(4),
        cap=np.full(4, 1000.0),
        lower=np.zeros(4),
        upper=np.array([2.0, 2.0, np.inf, np.inf]),
    )
    return MarketProblem(
        incidence=sparse.csc_array(matrix),
        rhs=np.array([0.0, -3.0]),
        is_equality=np.zeros(2, dtype=bool),
        curves=curves,
        row_price=np.array([100.0, 100.0]),
        row_scale=np.array([20.0, 3.0]),
    )


def test_a_row_without_a_slope_gets_the_price_at_which_it_is_clear():
    problem = stock_drawn_at_full_speed()
    dual = dual_of(problem)
    # Both columns run at full speed: 4 t are drawn of a stock of 3, and no small change helps.
    start = dual.at(np.array([150.0, 10.0]))
    assert start.surplus[1] == pytest.approx(-1.0)
    assert np.all(problem.curves.response_slope(start.margin)[:2] == 0.0)
    point, _ = dual.step(start, 1e-6)
    assert point.prices[0] == 150.0
    assert abs(point.surplus[1]) <= 1e-9
    assert dual.value(point) < dual.value(start)


def test_a_stock_that_is_not_drawn_upon_loses_its_price():
    problem = stock_drawn_at_full_speed().with_rhs(np.array([0.0, -5.0]))
    dual = dual_of(problem)
    point, _ = dual.step(dual.at(np.array([150.0, 10.0])), 1e-6)
    assert point.prices[1] == 0.0
    assert point.surplus[1] == pytest.approx(1.0)


@pytest.mark.parametrize("seed", range(4))
def test_late_rows_come_in_when_they_are_broken(seed):
    problem = random_market(seed, limits=5)
    late = np.arange(problem.rhs.size) >= problem.rhs.size - 5
    answer, reference = solver_of(problem, late).solve(problem), newton.solve(problem)
    scale = problem.row_scale.max()
    np.testing.assert_allclose(answer.levels / scale, reference.levels / scale, atol=1e-7)


def test_markets_of_one_pattern_share_a_factor_and_get_the_same_bits():
    problem, patterns = random_market(3, limits=2), Patterns()
    curves = problem.curves
    other = problem.with_curves(replace(curves, slope=1.5 * curves.slope))
    solver_of(other, patterns=patterns).solve(other)
    shared = solver_of(problem, patterns=patterns).solve(problem)
    alone = solver_of(problem).solve(problem)
    assert shared.prices.tobytes() == alone.prices.tobytes()
    rows = np.arange(problem.rhs.size)
    factors = {id(patterns.of(p, rows, everywhere(problem)).factor) for p in (problem, other)}
    assert len(factors) == 1


def test_a_market_of_another_pattern_gets_a_factor_of_its_own():
    patterns, one = Patterns(), random_market(3, limits=2)
    matrix = one.incidence.copy()
    matrix.data[0] = 0.0
    matrix.eliminate_zeros()
    other = replace(one, incidence=matrix)
    rows = np.arange(one.rhs.size)
    first = patterns.of(one, rows, everywhere(one))
    assert patterns.of(other, rows, everywhere(one)).factor is not first.factor
