"""The same quadratic programmes through two interior-point solvers."""

import numpy as np
import pytest
from random_markets import random_market
from scipy import sparse

clarabel = pytest.importorskip("clarabel")
piqp = pytest.importorskip("piqp")


def by_piqp(problem):
    c = problem.curves
    solver = piqp.SparseSolver()
    solver.settings.eps_abs = solver.settings.eps_rel = 1e-12
    solver.settings.eps_duality_gap_abs = solver.settings.eps_duality_gap_rel = 1e-12
    solver.setup(
        sparse.csc_matrix(sparse.diags_array(c.slope)),
        c.margin - c.slope * c.reference,
        None,
        None,
        sparse.csc_matrix(problem.incidence),
        problem.rhs,
        None,
        c.lower,
        c.upper,
    )
    status = solver.solve()
    assert status == piqp.PIQP_SOLVED
    return np.array(solver.result.x)


def by_clarabel(problem):
    c = problem.curves
    n = c.slope.size
    finite = np.flatnonzero(np.isfinite(c.upper))
    eye = sparse.csc_matrix(sparse.identity(n))
    matrix = sparse.csc_matrix(sparse.vstack([-problem.incidence, -eye, eye[finite]]))
    limit = np.concatenate([-problem.rhs, -c.lower, c.upper[finite]])
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_feas = settings.tol_gap_abs = settings.tol_gap_rel = 1e-12
    solver = clarabel.DefaultSolver(
        sparse.csc_matrix(sparse.diags_array(c.slope)),
        c.margin - c.slope * c.reference,
        matrix,
        limit,
        [clarabel.NonnegativeConeT(limit.size)],
        settings,
    )
    solution = solver.solve()
    assert "Solved" in str(solution.status)
    return np.array(solution.x)


PEERS = {"piqp": by_piqp, "clarabel": by_clarabel}


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("seed", range(8))
def test_same_levels_and_cost(backend, peer, seed):
    problem = random_market(
        seed, countries=15, limits=seed % 3, closed=[0.0, 0.2, 0.6][seed % 3], isolated=seed % 2
    )
    ours = backend.solve(problem)
    theirs = PEERS[peer](problem)
    scale = problem.row_scale.max()
    value = float(np.abs(problem.curves.margin) @ problem.curves.reference)
    difference = problem.curves.cost(ours.levels).sum() - problem.curves.cost(theirs).sum()
    assert abs(difference) <= 1e-8 * value
    np.testing.assert_allclose(ours.levels / scale, theirs / scale, atol=1e-6)
