import numpy as np
import pytest
from factors import analysed
from scipy import sparse

from lodeline.solver.panels import factorise_panel, subtract


def random_matrix(rng, size, density):
    part = sparse.random_array((size, size), density=density, rng=rng)
    return sparse.csc_array(part @ part.T + sparse.diags_array(rng.uniform(0.1, 2.0, size)))


def factor_of(matrix):
    factor = analysed(matrix)
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
    factor = analysed(matrix)
    factor.values[factor.slots(np.arange(3), np.arange(3))] = [2.0, 0.0, 4.0]
    factor.factorise(0.0)
    np.testing.assert_allclose(
        factor.solve(np.array([1.0, 5.0, 1.0])), [0.5, 0.0, 0.25], atol=1e-60
    )


@pytest.mark.parametrize("size", [1, 3, 4, 8, 17, 33, 70, 131])
def test_a_full_matrix_is_factorised_as_by_numpy(size):
    rng = np.random.default_rng(size)
    part = rng.normal(size=(size, size))
    matrix = part @ part.T + np.eye(size)
    values = matrix.ravel(order="F").copy()
    factorise_panel(values, 0, size, size, 0.0)
    ours = np.tril(values.reshape(size, size, order="F"))
    np.testing.assert_allclose(ours, np.linalg.cholesky(matrix), atol=1e-10)


@pytest.mark.parametrize(("columns", "size"), [(1, 1), (3, 5), (4, 9), (6, 16), (21, 40), (37, 37)])
def test_the_lower_part_of_a_product_is_subtracted(columns, size):
    rng = np.random.default_rng(columns)
    depth, stride, ld = 5, size + 2, size + 3
    source = rng.normal(size=(depth, ld))
    target = rng.normal(size=(columns, stride))
    before = target.copy()
    flat = target.ravel()
    subtract(flat, 0, stride, columns, size, source.ravel(), 0, ld, depth)
    after = flat.reshape(columns, stride)
    wanted = before[:, :size] - (source[:, :columns].T @ source[:, :size])
    below = np.arange(size) >= np.arange(columns)[:, None]
    np.testing.assert_allclose(after[:, :size][below], wanted[below], atol=1e-12)
    np.testing.assert_array_equal(after[:, size:], before[:, size:])
    above = np.arange(size) < np.arange(columns)[:, None] - 10
    np.testing.assert_array_equal(after[:, :size][above], before[:, :size][above])
