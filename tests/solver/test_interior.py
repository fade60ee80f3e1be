"""The interior-point method against proof, the reference solver and a peer."""

from dataclasses import replace

import numpy as np
import pytest
from random_markets import random_market
from scipy import sparse

from lodeline.solver import interior, newton
from lodeline.solver.presolve import reduce_problem


@pytest.mark.parametrize("bent", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_solves_and_agrees_with_the_reference(seed, bent):
    problem = random_market(
        seed, bent=bent, limits=seed % 3, closed=[0.0, 0.3, 0.7][seed % 3], isolated=seed % 2
    )
    ours, reference = interior.solve(problem), newton.solve(problem)
    assert ours.status == "solved", ours.certificate
    assert ours.certificate.residual <= 1e-9
    scale = problem.row_scale.max()
    np.testing.assert_allclose(ours.levels / scale, reference.levels / scale, atol=1e-7)


@pytest.mark.parametrize("seed", range(6))
def test_late_rows_change_nothing_but_the_work(seed):
    problem = random_market(seed, limits=5)
    late = np.arange(problem.rhs.size) >= problem.rhs.size - 5
    a, b = interior.solve(problem), interior.solve(problem, late)
    assert a.status == b.status == "solved"
    scale = problem.row_scale.max()
    np.testing.assert_allclose(a.levels / scale, b.levels / scale, atol=1e-7)


def test_a_limit_of_zero_is_decided_beforehand_and_gets_its_price_back():
    problem = random_market(2, limits=1)
    rhs = problem.rhs.copy()
    rhs[-1] = 0.0
    problem = problem.with_rhs(rhs)
    lanes = np.flatnonzero(problem.incidence[[-1]].toarray()[0])
    reduction = reduce_problem(problem)
    assert problem.rhs.size - 1 not in reduction.rows
    assert not np.isin(lanes, reduction.columns).any()
    solution = interior.solve(problem)
    assert solution.status == "solved", solution.certificate
    assert (solution.levels[lanes] == 0.0).all()
    assert solution.prices[-1] > 0.0


def test_where_nothing_arrives_nothing_leaves():
    """A row gets nothing, so the row that only it supplies gets nothing either."""
    problem = random_market(2)
    matrix = problem.incidence.toarray()
    lane = next(
        a
        for a in range(matrix.shape[1])
        if (matrix[:, a] > 0.0).sum() == 1 and (matrix[:, a] < 0.0).sum() == 1
    )
    first, second = np.argmin(matrix[:, lane]), np.argmax(matrix[:, lane])
    arriving = (matrix[first] > 0.0) | ((matrix[second] > 0.0) & (matrix[first] >= 0.0))
    upper = np.where(arriving, 0.0, problem.curves.upper)
    rhs = problem.rhs.copy()
    rhs[[first, second]] = 0.0
    closed = replace(
        problem, rhs=rhs, curves=problem.curves.with_bounds(problem.curves.lower, upper)
    )
    reduction = reduce_problem(closed)
    assert not np.isin([first, second], reduction.rows).any()
    solution = interior.solve(closed)
    assert solution.status == "solved", solution.certificate
    leaving = (matrix[first] < 0.0) | (matrix[second] < 0.0)
    assert (solution.levels[leaving] == 0.0).all()
    assert solution.prices[second] > 0.0


def test_what_misses_the_tolerance_is_admitted():
    settings = interior.Settings(tolerance=0.0)
    solution = interior.solve(random_market(0, closed=0.5), settings=settings)
    assert solution.status == "not converged"
    assert 0.0 < solution.certificate.residual < 1e-8


def with_equality(problem, given, rhs):
    """Return the problem with one more row: what the activities `given` give comes to `rhs`."""
    row = sparse.csc_array(
        (np.ones(given.size), (np.zeros(given.size, dtype=int), given)),
        shape=(1, problem.incidence.shape[1]),
    )
    return replace(
        problem,
        incidence=sparse.csc_array(sparse.vstack([problem.incidence, row])),
        rhs=np.append(problem.rhs, rhs),
        is_equality=np.append(problem.is_equality, True),
        row_price=np.append(problem.row_price, problem.row_price.mean()),
        row_scale=np.append(problem.row_scale, problem.row_scale.mean()),
    )


@pytest.mark.parametrize("seed", range(4))
def test_an_equality_is_forcing_from_both_sides(seed):
    free = random_market(seed, bent=seed % 2 == 1)
    busiest = np.argsort(-interior.solve(free).levels)[:2]
    upper = free.curves.upper.copy()
    upper[busiest] = 1.5 * free.curves.reference[busiest]
    problem = free.with_curves(free.curves.with_bounds(free.curves.lower, upper))
    for rhs, bound in ((0.0, np.zeros(2)), (upper[busiest].sum(), upper[busiest])):
        forced = with_equality(problem, busiest, rhs)
        reduction = reduce_problem(forced)
        assert not np.isin(busiest, reduction.columns).any()
        assert forced.rhs.size - 1 not in reduction.rows
        solution = interior.solve(forced)
        assert solution.status == "solved", solution.certificate
        np.testing.assert_array_equal(solution.levels[busiest], bound)
        # Whoever has to give nothing would give something, and the other way round.
        assert solution.prices[-1] * (1.0 if rhs > 0.0 else -1.0) > 0.0


@pytest.mark.parametrize("share", [1e-9, 0.3, 1.1])
def test_an_equality_between_the_bounds_is_met(share):
    problem = random_market(3)
    busiest = np.argsort(-interior.solve(problem).levels)[:3]
    wanted = share * interior.solve(problem).levels[busiest].sum()
    solution = interior.solve(with_equality(problem, busiest, wanted))
    assert solution.status == "solved", solution.certificate
    assert solution.levels[busiest].sum() == pytest.approx(wanted, rel=1e-9)
