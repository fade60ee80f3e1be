"""Markets with something missing: an answer, never an error, and proved."""

from dataclasses import replace

import numpy as np
import pytest
from backends import assert_proved
from random_markets import random_market
from small_markets import SUPPLY, USE, market

SEEDS = range(6)
each_market = pytest.mark.parametrize("seed", SEEDS)
each_bend = pytest.mark.parametrize("bent", [False, True], ids=["linear", "bent"])


def proved(backend, problem):
    solution = backend.solve(problem)
    assert_proved(backend, problem, solution)
    return solution


def with_upper(problem, chosen, value):
    upper = problem.curves.upper.copy()
    upper[chosen] = value
    return problem.with_curves(problem.curves.with_bounds(problem.curves.lower, upper))


def lanes(problem, row):
    """Return the columns of two entries or more that touch a row."""
    many = np.diff(problem.incidence.indptr) >= 2
    touches = np.abs(problem.incidence.toarray()[row]) > 0
    return np.flatnonzero(many & touches)


@each_bend
@each_market
def test_nothing_restricted_is_the_base_year(backend, seed, bent):
    problem = random_market(seed, bent=bent, stock=False)
    solution = proved(backend, problem)
    np.testing.assert_allclose(
        solution.levels / problem.row_scale.max(),
        problem.curves.reference / problem.row_scale.max(),
        atol=1e-10,
    )


@each_bend
@each_market
def test_isolated_countries(backend, seed, bent):
    problem = random_market(seed, bent=bent, isolated=4, closed=0.3)
    proved(backend, problem)


@each_bend
@each_market
def test_a_country_with_all_lanes_cut_keeps_to_itself(backend, seed, bent):
    problem = random_market(seed, bent=bent)
    cut = lanes(problem, 2)
    solution = proved(backend, with_upper(problem, cut, 0.0))
    assert (solution.levels[cut] == 0.0).all()


@each_bend
@each_market
def test_no_stocks_and_outages(backend, seed, bent):
    proved(backend, random_market(seed, bent=bent, stock=False, closed=0.5))


@each_bend
@each_market
def test_no_lane_has_a_reference(backend, seed, bent):
    proved(backend, random_market(seed, bent=bent, zero_reference=1.0, closed=0.2))


@each_bend
@each_market
def test_common_limits(backend, seed, bent):
    proved(backend, random_market(seed, bent=bent, limits=5, closed=0.2))


@each_bend
@each_market
def test_everything_closed(backend, seed, bent):
    problem = random_market(seed, bent=bent, stock=False)
    supply = np.asarray(problem.incidence.sum(axis=0)).ravel() > 0
    shut = supply | (np.diff(problem.incidence.indptr) >= 2)
    solution = proved(backend, with_upper(problem, shut, 0.0))
    assert np.abs(solution.levels).max() <= 1e-9 * problem.row_scale.max()
    assert np.isfinite(solution.prices).all()


@each_bend
def test_a_country_that_only_re_exports(backend, bent):
    kind = {"kind": SUPPLY} if bent else {}
    use = {"kind": USE} if bent else {}
    problem = market(
        3,
        [
            {"at": {0: 1.0}, "reference": 10.0, "elasticity": 0.5, **kind},
            {"at": {0: -1.0, 1: 1.0}, "reference": 10.0, "elasticity": 2.0},
            {"at": {1: -1.0, 2: 1.0}, "reference": 10.0, "elasticity": 2.0},
            {"at": {2: -1.0}, "reference": 10.0, "elasticity": 0.4, **use},
        ],
    )
    base = proved(backend, problem)
    np.testing.assert_allclose(base.levels, 10.0, rtol=1e-9)
    cut = proved(backend, with_upper(problem, [1], 4.0))
    np.testing.assert_allclose(cut.levels, 4.0, rtol=1e-8)
    assert cut.prices[1] > problem.row_price[1] > cut.prices[0]


@each_bend
@each_market
def test_a_glut_has_price_zero_and_never_less(backend, seed, bent):
    """The largest exporter may sell to nobody and must go on producing."""
    problem = random_market(seed, bent=bent, stock=False)
    output = problem.incidence.toarray()
    made = np.where((output > 0).sum(axis=0) == 1, problem.curves.reference, 0.0)
    made[np.diff(problem.incidence.indptr) >= 2] = 0.0
    largest = int(np.argmax(made))
    row = int(np.argmax(output[:, largest]))
    upper, lower = problem.curves.upper.copy(), problem.curves.lower.copy()
    upper[lanes(problem, row)] = 0.0
    lower[largest] = problem.curves.reference[largest]
    use = [c for c in np.flatnonzero(output[row] < 0) if c not in lanes(problem, row)]
    upper[use] = 0.5 * problem.curves.reference[use]
    solution = proved(backend, problem.with_curves(problem.curves.with_bounds(lower, upper)))
    assert solution.prices[row] == pytest.approx(0.0, abs=1e-9 * problem.row_price[row])
    assert (solution.prices >= 0.0).all()


@pytest.mark.parametrize("rhs", [0.0, -5.0])
def test_one_node_with_nothing_but_use(backend, rhs):
    problem = market(1, [{"at": {0: -1.0}, "reference": 10.0, "margin": -100.0}], rhs=[rhs])
    solution = proved(backend, problem)
    assert solution.levels[0] == pytest.approx(-rhs, abs=1e-9)


def test_a_node_that_nothing_touches(backend):
    activities = [
        {"at": {0: 1.0}, "reference": 10.0},
        {"at": {0: -1.0}, "reference": 10.0},
    ]
    for rhs in ([0.0, 0.0], [0.0, -3.0]):
        proved(backend, market(2, activities, rhs=rhs))


@each_market
def test_equality_rows(backend, seed):
    """Reconciliation: figures that do not balance, no disposal, prices of either sign."""
    problem = random_market(seed, stock=False)
    rng = np.random.default_rng(seed)
    curves = problem.curves
    noisy = curves.reference * np.exp(rng.normal(0.0, 0.3, curves.reference.size))
    weight = 1.0 / np.maximum(noisy, 1e-3 * noisy.max()) ** 2
    open_above = np.full_like(noisy, np.inf)
    problem = replace(
        problem,
        is_equality=np.ones_like(problem.is_equality),
        curves=replace(
            curves, reference=noisy, margin=np.zeros_like(noisy), slope=weight, upper=open_above
        ),
        row_price=np.full_like(problem.row_price, float(np.median(weight * noisy))),
    )
    solution = backend.solve(problem, np.zeros(problem.rhs.size))
    assert_proved(backend, problem, solution)
    balance = problem.incidence @ solution.levels
    assert np.abs(balance / problem.row_scale).max() <= 1e-9
    assert (solution.prices < 0.0).any()


@each_bend
def test_the_start_does_not_matter(backend, bent):
    problem = random_market(3, bent=bent, closed=0.3, limits=2)
    rng = np.random.default_rng(0)
    first = proved(backend, problem)
    for factor in (0.0, 0.01, 1.0, 30.0):
        start = factor * problem.row_price * rng.random(problem.rhs.size)
        again = backend.solve(problem, start)
        assert_proved(backend, problem, again)
        scale = problem.row_scale.max()
        np.testing.assert_allclose(again.levels / scale, first.levels / scale, atol=backend.levels)
