"""Markets with a solution known on paper."""

import numpy as np
import pytest
from backends import assert_proved
from small_markets import LINEAR, SUPPLY, USE, market


@pytest.mark.parametrize("lost", [0.1, 0.4, 0.6])
@pytest.mark.parametrize("elasticity", [0.2, 0.5, 1.0])
def test_price_when_nobody_else_can_supply(backend, lost, elasticity):
    """p/p0 = (1 − s)^(−1/e_d)."""
    problem = market(
        1,
        [
            {"at": {0: 1.0}, "reference": 10.0, "upper": 10.0 * (1.0 - lost)},
            {"at": {0: -1.0}, "reference": 10.0, "kind": USE, "elasticity": elasticity},
        ],
    )
    solution = backend.solve(problem)
    assert_proved(backend, problem, solution)
    multiple = solution.prices[0] / problem.row_price[0]
    assert multiple == pytest.approx((1.0 - lost) ** (-1.0 / elasticity), rel=1e-8)


@pytest.mark.parametrize(("lost", "e_d", "e_s"), [(0.6, 0.5, 0.5), (0.3, 0.2, 0.9), (0.9, 1, 0.3)])
def test_price_when_the_others_respond(backend, lost, e_d, e_s):
    """p/p0 = (1 − s)^(−1/(e_d + e_s)); 2.5 for s = 0.6 and both elasticities 0.5."""
    problem = market(
        1,
        [
            {"at": {0: 1.0}, "reference": 10.0 * lost, "upper": 0.0},
            {
                "at": {0: 1.0},
                "reference": 10.0 * (1.0 - lost),
                "kind": SUPPLY,
                "elasticity": e_s,
            },
            {"at": {0: -1.0}, "reference": 10.0, "kind": USE, "elasticity": e_d},
        ],
    )
    solution = backend.solve(problem)
    assert_proved(backend, problem, solution)
    multiple = solution.prices[0] / problem.row_price[0]
    assert multiple == pytest.approx((1.0 - lost) ** (-1.0 / (e_d + e_s)), rel=1e-8)
    if lost == 0.6:
        assert multiple == pytest.approx(2.5, rel=1e-8)


@pytest.mark.parametrize(("a", "b", "A", "B", "c"), [(20, 2, 150, 3, 30), (10, 0.5, 90, 1, 5)])
def test_one_exporter_one_importer(backend, a, b, A, B, c):
    """Supply p = a + b q, demand p = A − B q, freight c + h q: q = (A − a − c)/(b + B + h)."""
    h = 0.01
    problem = market(
        2,
        [
            {"at": {0: 1.0}, "margin": a, "slope": b},
            {"at": {1: -1.0}, "margin": -A, "slope": B},
            {"at": {0: -1.0, 1: 1.0}, "margin": c, "slope": h},
        ],
    )
    solution = backend.solve(problem)
    assert_proved(backend, problem, solution)
    q = (A - a - c) / (b + B + h)
    np.testing.assert_allclose(solution.levels, q, rtol=1e-9)
    assert solution.prices == pytest.approx([a + b * q, A - B * q], rel=1e-9)


def test_trade_stops_where_freight_exceeds_the_difference(backend):
    problem = market(
        2,
        [
            {"at": {0: 1.0}, "margin": 80.0, "slope": 1.0},
            {"at": {0: -1.0}, "margin": -100.0, "slope": 1.0},
            {"at": {1: 1.0}, "margin": 85.0, "slope": 1.0},
            {"at": {1: -1.0}, "margin": -105.0, "slope": 1.0},
            {"at": {0: -1.0, 1: 1.0}, "margin": 9.0, "slope": 0.1},
        ],
    )
    solution = backend.solve(problem)
    assert_proved(backend, problem, solution)
    assert solution.levels[4] == 0.0
    assert solution.prices == pytest.approx([90.0, 95.0])


def test_a_quota_earns_the_difference_in_price(backend):
    """A limit row's price is the quota's rent: the importers' price less the exporters'."""
    problem = market(
        3,
        [
            {"at": {0: 1.0}, "margin": 50.0, "slope": 1.0},
            {"at": {1: -1.0}, "margin": -150.0, "slope": 1.0},
            {"at": {0: -1.0, 1: 1.0, 2: -1.0}, "margin": 0.0, "slope": 1e-3},
        ],
        rhs=[0.0, 0.0, -20.0],
    )
    solution = backend.solve(problem)
    assert_proved(backend, problem, solution)
    assert solution.levels == pytest.approx([20.0] * 3, rel=1e-9)
    assert solution.prices == pytest.approx([70.0, 130.0, 60.0 - 0.02], rel=1e-8)


def test_a_recipe_passes_prices_through(backend):
    """Two tonnes of ore and 30 USD make one tonne of metal: p_metal = 2 p_ore + 30."""
    problem = market(
        2,
        [
            {"at": {0: 1.0}, "margin": 40.0, "slope": 1.0},
            {"at": {0: -2.0, 1: 1.0}, "margin": 30.0, "slope": 1e-3},
            {"at": {1: -1.0}, "margin": -210.0, "slope": 1.0},
        ],
    )
    solution = backend.solve(problem)
    assert_proved(backend, problem, solution)
    # ore = 2 m; 2 (40 + 2 m) + 30 + h m = 210 − m
    metal = 100.0 / 5.001
    assert solution.levels == pytest.approx([2.0 * metal, metal, metal], rel=1e-9)
    assert solution.prices == pytest.approx([40.0 + 2.0 * metal, 210.0 - metal], rel=1e-9)


def test_reconciliation_spreads_the_error_by_variance(backend):
    """min Σ (x − x̄)²/(2 v) subject to balance: each figure moves by v times the multiplier."""
    v = np.array([1.0, 4.0, 2.0])
    sign, reported = np.array([1.0, 1.0, -1.0]), np.array([30.0, 20.0, 36.0])
    problem = market(
        1,
        [
            {"at": {0: s}, "reference": x, "margin": 0.0, "slope": 1.0 / w, "kind": LINEAR}
            for s, x, w in zip(sign, reported, v, strict=True)
        ],
        equality=True,
    )
    solution = backend.solve(problem)
    assert_proved(backend, problem, solution)
    multiplier = -(sign @ reported) / v.sum()
    np.testing.assert_allclose(solution.levels, reported + sign * v * multiplier, rtol=1e-10)
    assert solution.prices[0] == pytest.approx(multiplier)
    assert solution.prices[0] < 0.0
