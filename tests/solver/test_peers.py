"""The same quadratic programmes through two interior-point solvers."""

from dataclasses import replace

import numpy as np
import pytest
from random_markets import random_market
from scipy import sparse

from lodeline.network.calibrate import calibrate
from lodeline.network.catalogue import chain_ids
from lodeline.network.network import ActivityKind
from lodeline.solver import newton

clarabel = pytest.importorskip("clarabel")
piqp = pytest.importorskip("piqp")


def by_piqp(problem, tolerance=1e-12):
    c = problem.curves
    solver = piqp.SparseSolver()
    solver.settings.eps_abs = solver.settings.eps_rel = tolerance
    solver.settings.eps_duality_gap_abs = solver.settings.eps_duality_gap_rel = tolerance
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


def by_clarabel(problem, tolerance=1e-12):
    c = problem.curves
    n = c.slope.size
    finite = np.flatnonzero(np.isfinite(c.upper))
    eye = sparse.csc_matrix(sparse.identity(n))
    matrix = sparse.csc_matrix(sparse.vstack([-problem.incidence, -eye, eye[finite]]))
    limit = np.concatenate([-problem.rhs, -c.lower, c.upper[finite]])
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_feas = settings.tol_gap_abs = settings.tol_gap_rel = tolerance
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


def in_units(problem, tonnes, dollars):
    """Return the same problem in other units, in which interior-point solvers are at ease."""
    c = problem.curves
    curves = replace(
        c,
        reference=c.reference / tonnes,
        margin=c.margin / dollars,
        slope=c.slope * tonnes / dollars,
        price=c.price / dollars,
        cap=c.cap / dollars,
        lower=c.lower / tonnes,
        upper=c.upper / tonnes,
    )
    return replace(
        problem,
        rhs=problem.rhs / tonnes,
        curves=curves,
        row_price=problem.row_price / dollars,
        row_scale=problem.row_scale / tonnes,
    )


@pytest.mark.parametrize("chain", chain_ids())
def test_every_chain_costs_what_the_peers_say_when_its_largest_exporter_stops(chain, balanced_base):
    network = calibrate(balanced_base(chain))
    lanes = network.of_kind(ActivityKind.SHIP)
    shipped = np.bincount(network.origin[lanes], weights=network.reference[lanes])
    stopped = lanes[network.origin[lanes] == np.argmax(shipped)]
    problem = network.problem(bent=False)
    upper = problem.curves.upper.copy()
    upper[stopped] = 0.0
    problem = problem.with_curves(problem.curves.with_bounds(problem.curves.lower, upper))
    problem = in_units(problem, float(problem.row_scale.max()), float(problem.row_price.mean()))
    ours = newton.solve(problem)
    assert max(ours.certificate.residual, ours.certificate.gap) <= 1e-9
    cost = float(problem.curves.cost(ours.levels).sum())
    size = float(np.abs(problem.incidence.T @ problem.row_price) @ ours.levels)
    for peer in PEERS.values():
        theirs = float(problem.curves.cost(peer(problem, 1e-8)).sum())
        assert abs(cost - theirs) <= 1e-6 * size
