"""Factors of given matrices."""

from scipy import sparse

from lodeline.solver.cholesky import Cholesky


def analysed(matrix, layout=None):
    """Return an empty factor for a symmetric matrix."""
    lower = sparse.tril(matrix).tocoo()
    row, column = lower.row.astype("int64"), lower.col.astype("int64")
    return Cholesky.analyse(matrix.shape[0], row, column, layout)
