"""A certificate that accepts everything would be a defect."""

import numpy as np
import pytest
from random_markets import random_market
from small_markets import market

from lodeline.solver.certificate import certify
from lodeline.solver.newton import solve

TOLERANCE = 1e-8


@pytest.fixture(params=[False, True], ids=["linear", "bent"])
def solved(request):
    problem = random_market(5, countries=6, bent=request.param, closed=0.2, limits=2)
    return problem, solve(problem)


def accepts(problem, levels, prices):
    proof = certify(problem, levels, prices)
    return proof.residual <= TOLERANCE and proof.gap <= TOLERANCE


def test_the_solution_is_accepted(solved):
    problem, solution = solved
    assert accepts(problem, solution.levels, solution.prices)


@pytest.mark.parametrize("factor", [1.0 + 1e-5, 1.0 - 1e-5])
def test_any_level_changed_is_rejected(solved, factor):
    problem, solution = solved
    curves = problem.curves
    for a in np.flatnonzero(solution.levels > 1e-2 * problem.row_scale.max()):
        levels = solution.levels.copy()
        levels[a] *= factor
        assert not accepts(problem, levels, solution.prices), a
    assert curves.reference.size > 20


def test_a_level_below_or_above_its_bounds_is_rejected(solved):
    problem, solution = solved
    for a in range(solution.levels.size):
        levels = solution.levels.copy()
        levels[a] = problem.curves.lower[a] - 1e-4 * problem.row_scale.max()
        assert certify(problem, levels, solution.prices).primal > TOLERANCE
        if np.isfinite(problem.curves.upper[a]):
            levels[a] = problem.curves.upper[a] + 1e-4 * problem.row_scale.max()
            assert certify(problem, levels, solution.prices).primal > TOLERANCE


@pytest.mark.parametrize("factor", [1.0 + 1e-4, 1.0 - 1e-4, 0.0, 10.0])
def test_any_price_changed_is_rejected(solved, factor):
    problem, solution = solved
    rising = problem.incidence.multiply(
        problem.curves.response_slope(problem.incidence.T @ solution.prices)
    )
    for row in np.flatnonzero(abs(rising).sum(axis=1) > 0):
        if solution.prices[row] < 1e-3 * problem.row_price[row]:
            continue
        prices = solution.prices.copy()
        prices[row] *= factor
        assert not accepts(problem, solution.levels, prices), row


def test_a_negative_price_is_rejected(solved):
    problem, solution = solved
    prices = solution.prices.copy()
    prices[0] = -1e-4 * problem.row_price[0]
    assert certify(problem, solution.levels, prices).dual > TOLERANCE


@pytest.mark.parametrize("where", ["levels", "prices"])
def test_what_is_no_number_never_passes(solved, where):
    problem, solution = solved
    for place in (0, -1):
        changed = {"levels": solution.levels.copy(), "prices": solution.prices.copy()}
        changed[where][place] = np.nan
        proof = certify(problem, **changed)
        assert not max(proof.residual, proof.gap) <= 1e-8
        assert not proof.gap <= 1e-8


def test_another_market_s_solution_is_rejected(solved):
    problem, solution = solved
    assert not accepts(problem, problem.curves.reference, problem.row_price)
    assert not accepts(problem, np.zeros_like(solution.levels), solution.prices)
    assert not accepts(problem, solution.levels, np.zeros_like(solution.prices))


def test_disposal_at_a_price_is_rejected():
    problem = market(1, [{"at": {0: 1.0}, "reference": 10.0}, {"at": {0: -1.0}, "reference": 10.0}])
    # The user takes less than its price suggests because a bound says so; nothing else is wrong.
    curves = problem.curves.with_bounds(np.zeros(2), np.array([np.inf, 9.0]))
    problem = problem.with_curves(curves)
    proof = certify(problem, np.array([10.0, 9.0]), np.array([100.0]))
    assert proof.primal == 0.0
    assert proof.dual == 0.0
    assert proof.complementarity > 0.01
    assert proof.gap > 0.01


def test_shortage_without_reason_is_rejected():
    """Less output and use than both want: only the dual condition and the gap see it."""
    problem = market(1, [{"at": {0: 1.0}, "reference": 10.0}, {"at": {0: -1.0}, "reference": 10.0}])
    proof = certify(problem, np.array([9.0, 9.0]), np.array([100.0]))
    assert proof.primal == 0.0
    assert proof.complementarity == 0.0
    assert proof.dual > 0.01
    assert proof.gap > 1e-3


@pytest.mark.parametrize("huge", [1e6, 1e12, np.inf])
def test_a_very_large_bound_hides_nothing(huge):
    problem = market(
        1,
        [
            {"at": {0: 1.0}, "reference": 10.0, "upper": huge},
            {"at": {0: -1.0}, "reference": 10.0, "upper": huge},
        ],
    )
    assert not accepts(problem, np.array([9.0, 9.0]), np.array([100.0]))
    assert not accepts(problem, np.array([-9.0, -9.0]), np.array([100.0]))
    assert accepts(problem, np.array([10.0, 10.0]), np.array([100.0]))


def test_units_do_not_matter(solved):
    """Kilograms for tonnes and cents for dollars leave every figure of the certificate alone."""
    from dataclasses import replace

    problem, solution = solved
    rng = np.random.default_rng(1)
    levels = solution.levels * np.exp(1e-3 * rng.normal(size=solution.levels.size))
    before = certify(problem, levels, solution.prices)
    c = problem.curves
    kilo, cent = 1000.0, 0.1
    curves = replace(
        c,
        reference=c.reference * kilo,
        lower=c.lower * kilo,
        upper=c.upper * kilo,
        margin=c.margin * cent,
        price=c.price * cent,
        cap=c.cap * cent,
        slope=c.slope * cent / kilo,
    )
    scaled = replace(
        problem,
        curves=curves,
        rhs=problem.rhs * kilo,
        row_price=problem.row_price * cent,
        row_scale=problem.row_scale * kilo,
    )
    after = certify(scaled, levels * kilo, solution.prices * cent)
    for name in ("primal", "dual", "complementarity", "gap"):
        assert getattr(after, name) == pytest.approx(getattr(before, name), rel=1e-6, abs=1e-13)
