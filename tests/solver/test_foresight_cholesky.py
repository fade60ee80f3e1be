import numpy as np
import pytest
from scipy import sparse

from lodeline.solver.cholesky import Cholesky


def random_matrix(rng, size, density):
    part = sparse.random_array((size, size), density=density, rng=rng)
    return sparse.csc_array(part @ part.T + sparse.diags_array(rng.uniform(0.1, 2.0, size)))


def factor_of(matrix):
    factor = Cholesky.analyse(matrix)
    lower = sparse.tril(matrix).tocoo()
    factor.values[factor.slots(lower.row, lower.col)] = lower.data
    factor.factorise(0.0)
    return factor


@pytest.mark.parametrize("seed", range(40))
def test_solves_random_systems(seed):
    rng = np.random.default_rng(seed)
    matrix = random_matrix(rng, int(rng.integers(1, 90)), float(rng.uniform(0.0, 0.15)))
    right = rng.normal(size=matrix.shape[0])
    np.testing.assert_allclose(matrix @ factor_of(matrix).solve(right), right, atol=1e-9)


def test_refactors_with_other_values():
    rng = np.random.default_rng(3)
    matrix = random_matrix(rng, 60, 0.05)
    factor = factor_of(matrix)
    lower = sparse.tril(matrix).tocoo()
    factor.values[:] = 0.0
    factor.values[factor.slots(lower.row, lower.col)] = 3.0 * lower.data
    factor.factorise(0.0)
    right = rng.normal(size=60)
    np.testing.assert_allclose(3.0 * (matrix @ factor.solve(right)), right, atol=1e-9)


def test_a_row_without_entries_has_solution_zero():
    matrix = sparse.csc_array(np.diag([2.0, 1e-30, 4.0]))
    factor = Cholesky.analyse(matrix)
    factor.values[factor.slots(np.arange(3), np.arange(3))] = [2.0, 0.0, 4.0]
    factor.factorise(0.0)
    np.testing.assert_allclose(
        factor.solve(np.array([1.0, 5.0, 1.0])), [0.5, 0.0, 0.25], atol=1e-60
    )
