"""Curves against numerical quadrature and differences."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

from lodeline.solver.curves import CHOKE_OVER_CAP, SUPPLY_KNEE, CurveKind, Curves

P, REFERENCE, CAP = 800.0, 50.0, 6000.0


def one(kind, elasticity, lower=0.0, upper=np.inf, margin=None):
    if margin is None:
        margin = {0: 30.0, 1: P, 2: -P}[int(kind)]
    values = {
        "reference": REFERENCE,
        "margin": margin,
        "slope": P / (elasticity * REFERENCE),
        "price": P,
        "elasticity": elasticity,
        "cap": CAP,
        "lower": lower,
        "upper": upper,
    }
    return Curves(
        kind=np.array([kind], dtype=np.int8),
        **{name: np.array([float(value)]) for name, value in values.items()},
    )


CASES = [
    (kind, elasticity) for kind in CurveKind for elasticity in (0.15, 0.5, 1.0, 1.0 + 1e-12, 2.5)
]
each_curve = pytest.mark.parametrize(("kind", "elasticity"), CASES)


def levels_of(kind, elasticity):
    """Return levels inside every piece of the curve."""
    if kind == CurveKind.SUPPLY:
        knee = SUPPLY_KNEE**elasticity
        return REFERENCE * np.array([0.3 * knee, 0.9 * knee, 1.1 * knee, 0.9, 1.0, 1.7])
    if kind == CurveKind.USE:
        least = (CAP / P) ** -elasticity
        return REFERENCE * np.array([0.2 * least, 0.9 * least, 1.1 * least, 0.95, 1.0, 1.2])
    return REFERENCE * np.array([0.0, 0.4, 1.0, 1.9])


@each_curve
def test_the_reference_is_on_the_curve(kind, elasticity):
    curve = one(kind, elasticity)
    assert curve.response(curve.margin)[0] == pytest.approx(REFERENCE, rel=1e-14)
    assert curve.deviation(curve.reference)[0] == pytest.approx(0.0, abs=1e-9)
    assert curve.adjustment(curve.reference)[0] == pytest.approx(0.0, abs=1e-9)


@each_curve
def test_the_inverse_inverts_the_response(kind, elasticity):
    curve = one(kind, elasticity)
    for x in levels_of(kind, elasticity):
        q = curve.margin + curve.deviation(np.array([x]))
        assert curve.response(q)[0] == pytest.approx(x, rel=1e-11, abs=1e-11)


@each_curve
def test_cost_is_the_integral_of_marginal_cost(kind, elasticity):
    curve = one(kind, elasticity)
    knots = {
        CurveKind.SUPPLY: REFERENCE * SUPPLY_KNEE**elasticity,
        CurveKind.USE: REFERENCE * (CAP / P) ** -elasticity,
    }
    for x in levels_of(kind, elasticity):
        ends = [REFERENCE, x]
        if kind in knots and x < knots[kind] < REFERENCE:
            ends.insert(1, knots[kind])
        integral = sum(
            quad(lambda s: curve.deviation(np.array([s]))[0], a, b, epsabs=1e-9, epsrel=1e-12)[0]
            for a, b in pairwise(ends)
        )
        psi = curve.adjustment(np.array([x]))[0]
        assert psi == pytest.approx(integral, rel=1e-9, abs=1e-7)
        assert psi >= -1e-9
        assert curve.cost(np.array([x]))[0] == pytest.approx(curve.margin[0] * x + psi)


@each_curve
def test_slope_is_the_derivative_of_the_response(kind, elasticity):
    curve = one(kind, elasticity)
    for x in levels_of(kind, elasticity)[:-1]:
        q = curve.margin + curve.deviation(np.array([x + 1e-2]))
        step = 1e-5 * P
        rise = (curve.response(q + step) - curve.response(q - step)) / (2 * step)
        assert curve.response_slope(q)[0] == pytest.approx(rise[0], rel=1e-4)


@each_curve
def test_level_is_the_derivative_of_surplus(kind, elasticity):
    curve = one(kind, elasticity, lower=5.0, upper=70.0)

    def surplus(q):
        x = curve.response(q)
        return (q * x - curve.cost(x))[0]

    for q in curve.margin[0] + P * np.linspace(-6.9, 0.9, 40):
        step = 1e-4 * P
        rise = (surplus(np.array([q + step])) - surplus(np.array([q - step]))) / (2 * step)
        assert rise == pytest.approx(curve.response(np.array([q]))[0], rel=2e-4, abs=1e-2)


@each_curve
def test_response_never_falls_as_the_margin_rises(kind, elasticity):
    curve = one(kind, elasticity)
    q = curve.margin[0] + np.linspace(-2.0 * CAP, 3.0 * P, 2001)
    x = np.concatenate([curve.response(np.array([value])) for value in q])
    assert (np.diff(x) >= 0.0).all()
    assert (x >= 0.0).all()


def test_use_is_zero_at_the_choke_price():
    curve = one(CurveKind.USE, 0.3)
    choke = CHOKE_OVER_CAP * CAP
    assert curve.response(np.array([-choke]))[0] == 0.0
    assert curve.response(np.array([-choke * 1.5]))[0] == 0.0
    assert curve.response(np.array([-choke + 1.0]))[0] > 0.0


@pytest.mark.parametrize("kind", list(CurveKind))
def test_no_slope_at_a_bound(kind):
    curve = one(kind, 0.5, lower=49.0, upper=51.0)
    for q in curve.margin + np.array([-0.5 * P, 0.5 * P]):
        assert curve.response_slope(np.array([q]))[0] == 0.0


def test_a_tax_lowers_supply_as_a_lower_price_does():
    curve = one(CurveKind.SUPPLY, 0.5)
    taxed = curve.with_extra_cost(np.array([80.0]))
    assert taxed.response(np.array([P]))[0] == pytest.approx(REFERENCE * 0.9**0.5)
