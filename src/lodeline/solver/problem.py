"""The problem of a market at one moment, and its solution.

    minimise Σ φₐ(xₐ)   subject to   A x ≥ b,   l ≤ x ≤ u

A row is a material balance (what flows in less what flows out covers −b; a surplus is disposed of
at price zero) or a common limit on several activities. Its dual π ≥ 0 is a price. Rows marked
``is_equality`` allow no disposal and a price of either sign; only data reconciliation uses them.
``x = l`` must satisfy ``A l ≥ b``, so that shortage is an answer and never an infeasible problem.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lodeline.solver.curves import Curves, Vector

__all__ = ["Certificate", "MarketProblem", "Solution", "Status"]


@dataclass(frozen=True)
class MarketProblem:
    """Matrices, bounds and curves.

    Attributes
    ----------
    incidence
        A, CSC, shape (row, activity): −1 or −recipe where an activity takes, + where it gives.
    rhs
        b, t/month, shape (row,); at most 0 (minus what is there already, minus a limit).
    is_equality
        Shape (row,).
    curves
        Response of each activity.
    row_price
        Price by which a row's residuals are weighed and prices are compared, USD/t, shape (row,).
    row_scale
        Throughput by which a row's residuals are weighed, t/month, shape (row,).
    """

    incidence: sparse.csc_array
    rhs: Vector
    is_equality: NDArray[np.bool_]
    curves: Curves
    row_price: Vector
    row_scale: Vector

    def __post_init__(self) -> None:
        rows, activities = self.incidence.shape
        shapes = {"rhs": self.rhs, "row_price": self.row_price, "row_scale": self.row_scale}
        for name, vector in shapes.items():
            if vector.shape != (rows,):
                raise ValueError(f"{name} has shape {vector.shape}, needs ({rows},)")
        if self.curves.reference.shape != (activities,):
            raise ValueError(f"curves cover {self.curves.reference.shape}, needs ({activities},)")

    def with_rhs(self, rhs: Vector) -> Self:
        """Return the problem with another right-hand side."""
        return replace(self, rhs=rhs)

    def with_curves(self, curves: Curves) -> Self:
        """Return the problem with other curves or bounds."""
        return replace(self, curves=curves)


class Status(StrEnum):
    """How a solve ended."""

    SOLVED = "solved"
    """The certificate meets the tolerance."""
    NOT_CONVERGED = "not converged"
    """The iteration limit was reached; the certificate says how far it is."""


@dataclass(frozen=True)
class Certificate:
    """Proof of a solution, all relative; zero is perfect, infinite what is no number.

    Attributes
    ----------
    primal
        Largest violation of a row or bound, over the row's throughput: does mass balance?
    dual
        Largest difference of an activity's marginal cost from its margin, where neither bound
        explains it, over the price: does everybody want to do what they do?
    complementarity
        Largest product of a row's surplus and price, over throughput times price: is nothing
        disposed of that has a price?
    gap
        Cost found less its proven lower bound, over the value of all flows.
    """

    primal: float
    dual: float
    complementarity: float
    gap: float

    @property
    def residual(self) -> float:
        """Worst of the three conditions."""
        return max(self.primal, self.dual, self.complementarity)


@dataclass(frozen=True)
class Solution:
    """Flows, prices and their certificate.

    Attributes
    ----------
    levels
        x, t/month, shape (activity,).
    prices
        π, USD/t, shape (row,).
    status, iterations
        How it ended.
    certificate
        Computed from the problem, the levels and the prices alone.
    """

    levels: Vector
    prices: Vector
    status: Status
    iterations: int
    certificate: Certificate
