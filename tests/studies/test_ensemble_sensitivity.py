"""Indices of sensitivity are those of SALib, on smooth and on stepped results."""

import numpy as np
import pytest

from lodeline.studies.ensemble.sensitivity import first_order_shares, pawn_medians


def cases():
    rng = np.random.default_rng(3)
    for n in (80, 151, 1024):
        u = rng.random((n, 4))
        smooth = u[:, 0] ** 2 + 0.3 * np.sin(9.0 * u[:, 1]) + 0.05 * rng.random(n)
        yield pytest.param(u, smooth, id=f"smooth-{n}")
        yield pytest.param(u, np.floor(3.0 * smooth) + 0.0, id=f"steps-{n}")


@pytest.mark.parametrize(("u", "y"), list(cases()))
def test_they_are_those_of_salib(u, y):
    from SALib.analyze import pawn, rbd_fast

    names = [f"x{k}" for k in range(u.shape[1])]
    problem = {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names)}
    found = pawn.analyze(problem, u, y, S=10)["median"]
    np.testing.assert_allclose(pawn_medians(u, y, 10), np.asarray(found, float), rtol=1e-14)
    shares = rbd_fast.analyze(problem, u, y, num_resamples=2, seed=0)["S1"]
    np.testing.assert_allclose(first_order_shares(u, y), np.asarray(shares, float), atol=1e-12)


def test_a_factor_that_is_all_explains_all():
    u = np.random.default_rng(1).random((4096, 2))
    pawn, share = pawn_medians(u, u[:, 0], 10), first_order_shares(u, u[:, 0])
    assert share[0] > 0.98
    assert abs(share[1]) < 0.03
    assert pawn[0] > 0.5 > 0.1 > pawn[1]
