"""Other solvers of quadratic programmes, each used as its documentation says is fastest.

A peer sets a problem up once; for each scenario it gets new bounds and right-hand sides through
its own update call and solves again. The same matrices go to all. Peers are
development dependencies.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lodeline.errors import InputError
from lodeline.solver.problem import MarketProblem

__all__ = ["PEERS", "Clarabel", "Cvxpy", "Highs", "Osqp", "Peer", "Piqp", "Proxqp", "Scaled",
           "available", "load_peer"]  # fmt: skip

Vector = NDArray[np.float64]


class Scaled:
    """A linear-curve market as a QP in mean units: min ½ y'Py + c'y, G y ≥ h, l ≤ y ≤ u.

    Of four ways to scale that were tried (mean units; by the certificate's weights; by the
    curvature; half-way) this one gives the peers the fewest iterations at the same certificate.
    """

    def __init__(self, problem: MarketProblem) -> None:
        curves = problem.curves
        mass, price = float(problem.row_scale.mean()), float(problem.row_price.mean())
        self.row = self.size = mass
        self.value = mass * price
        self.quadratic = curves.slope * mass / price
        self.linear = (curves.margin - curves.slope * curves.reference) / price
        self.matrix = sparse.csc_matrix(problem.incidence)
        self.is_equality = problem.is_equality

    def limits(self, problem: MarketProblem) -> tuple[Vector, Vector, Vector]:
        """Return h, l, u of a month."""
        c = problem.curves
        return problem.rhs / self.row, c.lower / self.size, c.upper / self.size

    def levels(self, y: Vector) -> Vector:
        """Return levels in t/month."""
        return y * self.size

    def prices(self, duals: Vector) -> Vector:
        """Return prices in USD/t."""
        return duals * self.value / self.row


class Peer(Protocol):
    """A solver that is set up once and then updated."""

    def __init__(self, problem: MarketProblem, tolerance: float) -> None: ...

    def solve(self, problem: MarketProblem) -> tuple[Vector, Vector]:
        """Update bounds and right-hand side, solve; return levels (t/month), prices (USD/t)."""
        ...


class Piqp:
    """Sparse PIQP: `update` keeps ordering and memory. An interior-point method: no warm start."""

    def __init__(self, problem: MarketProblem, tolerance: float) -> None:
        piqp: Any = import_module("piqp")
        self.scaled = scaled = Scaled(problem)
        self.equal = np.flatnonzero(scaled.is_equality)
        self.free = np.flatnonzero(~scaled.is_equality)
        self.solver = piqp.SparseSolver()
        settings = self.solver.settings
        settings.eps_abs = settings.eps_rel = tolerance
        settings.eps_duality_gap_abs = settings.eps_duality_gap_rel = tolerance
        h, lower, upper = scaled.limits(problem)
        rows = scaled.matrix.tocsr()
        self.solver.setup(
            sparse.csc_matrix(sparse.diags_array(scaled.quadratic)),
            scaled.linear,
            sparse.csc_matrix(rows[self.equal]) if self.equal.size else None,
            h[self.equal] if self.equal.size else None,
            sparse.csc_matrix(rows[self.free]),
            h[self.free],
            None,
            lower,
            upper,
        )

    def solve(self, problem: MarketProblem) -> tuple[Vector, Vector]:
        """Update and solve."""
        h, lower, upper = self.scaled.limits(problem)
        if self.equal.size:
            self.solver.update(b=h[self.equal], h_l=h[self.free], x_l=lower, x_u=upper)
        else:
            self.solver.update(h_l=h[self.free], x_l=lower, x_u=upper)
        self.solver.solve()
        result = self.solver.result
        prices = np.zeros(h.size)
        prices[self.free] = result.z_l
        if self.equal.size:
            prices[self.equal] = -np.asarray(result.y)
        return self.scaled.levels(np.asarray(result.x)), self.scaled.prices(prices)


class Clarabel:
    """Clarabel: `update` of the right-hand side keeps the factor's pattern. No warm start."""

    def __init__(self, problem: MarketProblem, tolerance: float) -> None:
        clarabel: Any = import_module("clarabel")
        self.scaled = scaled = Scaled(problem)
        self.order = np.argsort(~scaled.is_equality, kind="stable")
        equal = int(scaled.is_equality.sum())
        self.bounded = np.flatnonzero(np.isfinite(problem.curves.upper))
        eye = sparse.identity(scaled.linear.size, format="csr")
        rows = -scaled.matrix.tocsr()[self.order]
        settings = clarabel.DefaultSettings()
        settings.verbose = False
        settings.presolve_enable = False
        settings.tol_feas = settings.tol_gap_abs = settings.tol_gap_rel = tolerance
        cones = [clarabel.ZeroConeT(equal)] if equal else []
        limit = self._limit(problem)
        cones.append(clarabel.NonnegativeConeT(limit.size - equal))
        self.solver = clarabel.DefaultSolver(
            sparse.csc_matrix(sparse.diags_array(scaled.quadratic)),
            scaled.linear,
            sparse.csc_matrix(sparse.vstack([rows, -eye, eye[self.bounded]])),
            limit,
            cones,
            settings,
        )

    def _limit(self, problem: MarketProblem) -> Vector:
        h, lower, upper = self.scaled.limits(problem)
        return np.concatenate([-h[self.order], -lower, upper[self.bounded]])

    def solve(self, problem: MarketProblem) -> tuple[Vector, Vector]:
        """Update and solve."""
        self.solver.update(b=self._limit(problem))
        result = self.solver.solve()
        prices = np.zeros(self.order.size)
        prices[self.order] = np.asarray(result.z)[: self.order.size]
        return self.scaled.levels(np.asarray(result.x)), self.scaled.prices(prices)


class Cvxpy:
    """cvxpy with parameters (its way of solving again and again), solved by Clarabel."""

    def __init__(self, problem: MarketProblem, tolerance: float) -> None:
        cvxpy: Any = import_module("cvxpy")
        self.scaled = scaled = Scaled(problem)
        self.solver, self.tolerance = cvxpy.CLARABEL, tolerance
        h, lower, upper = scaled.limits(problem)
        self.bounded = np.flatnonzero(np.isfinite(upper))
        self.y = cvxpy.Variable(lower.size)
        self.h, self.lower = cvxpy.Parameter(h.size), cvxpy.Parameter(lower.size)
        self.upper = cvxpy.Parameter(self.bounded.size)
        root = np.sqrt(scaled.quadratic / 2.0)
        cost = cvxpy.sum_squares(cvxpy.multiply(root, self.y)) + scaled.linear @ self.y
        self.equal, self.free = scaled.is_equality, ~scaled.is_equality
        rows = scaled.matrix.tocsr()
        self.balance = rows[self.free] @ self.y >= self.h[np.flatnonzero(self.free)]
        limits = [self.balance, self.y >= self.lower, self.y[self.bounded] <= self.upper]
        if self.equal.any():
            limits.append(rows[self.equal] @ self.y == self.h[np.flatnonzero(self.equal)])
        self.problem = cvxpy.Problem(cvxpy.Minimize(cost), limits)

    def solve(self, problem: MarketProblem) -> tuple[Vector, Vector]:
        """Set the parameters and solve."""
        h, lower, upper = self.scaled.limits(problem)
        self.h.value, self.lower.value, self.upper.value = h, lower, upper[self.bounded]
        t = self.tolerance
        self.problem.solve(solver=self.solver, tol_feas=t, tol_gap_abs=t, tol_gap_rel=t)
        prices = np.zeros(h.size)
        prices[self.free] = self.balance.dual_value
        return self.scaled.levels(np.asarray(self.y.value)), self.scaled.prices(prices)


class Osqp:
    """OSQP: parametric update of bounds, started from the solution before (its default)."""

    def __init__(self, problem: MarketProblem, tolerance: float) -> None:
        osqp: Any = import_module("osqp")
        self.scaled = scaled = Scaled(problem)
        self.rows = problem.rhs.size
        eye = sparse.identity(scaled.linear.size, format="csc")
        self.solver = osqp.OSQP()
        low, high = self._limits(problem)
        self.solver.setup(
            sparse.csc_matrix(sparse.diags_array(scaled.quadratic)), scaled.linear,
            sparse.csc_matrix(sparse.vstack([scaled.matrix, eye])), low, high,
            verbose=False, eps_abs=tolerance, eps_rel=tolerance, max_iter=20_000, polishing=True,
        )  # fmt: skip

    def _limits(self, problem: MarketProblem) -> tuple[Vector, Vector]:
        h, lower, upper = self.scaled.limits(problem)
        top = np.where(self.scaled.is_equality, h, np.inf)
        return np.concatenate([h, lower]), np.concatenate([top, upper])

    def solve(self, problem: MarketProblem) -> tuple[Vector, Vector]:
        """Update and solve."""
        low, high = self._limits(problem)
        self.solver.update(l=low, u=high)
        result = self.solver.solve(raise_error=False)
        prices = -np.asarray(result.y)[: self.rows]
        return self.scaled.levels(np.asarray(result.x)), self.scaled.prices(prices)


class Proxqp:
    """ProxQP, sparse: `update` of the bounds, started from the solution before."""

    def __init__(self, problem: MarketProblem, tolerance: float) -> None:
        proxqp: Any = import_module("proxsuite").proxqp
        self.scaled = scaled = Scaled(problem)
        self.equal = np.flatnonzero(scaled.is_equality)
        self.free = np.flatnonzero(~scaled.is_equality)
        rows, size = scaled.matrix.tocsr(), scaled.linear.size
        eye = sparse.identity(size, format="csr")
        self.solver = proxqp.sparse.QP(size, self.equal.size, self.free.size + size)
        settings = self.solver.settings
        settings.eps_abs, settings.eps_rel = tolerance, 0.0
        settings.initial_guess = proxqp.InitialGuess.WARM_START_WITH_PREVIOUS_RESULT
        right, low, high = self._limits(problem)
        self.solver.init(
            H=sparse.csc_matrix(sparse.diags_array(scaled.quadratic)), g=scaled.linear,
            A=sparse.csc_matrix(rows[self.equal]), b=right,
            C=sparse.csc_matrix(sparse.vstack([rows[self.free], eye])), l=low, u=high,
        )  # fmt: skip

    def _limits(self, problem: MarketProblem) -> tuple[Vector, Vector, Vector]:
        h, lower, upper = self.scaled.limits(problem)
        low = np.concatenate([h[self.free], lower])
        high = np.concatenate([np.full(self.free.size, np.inf), upper])
        return h[self.equal], low, np.minimum(high, 1e20)

    def solve(self, problem: MarketProblem) -> tuple[Vector, Vector]:
        """Update and solve."""
        right, low, high = self._limits(problem)
        self.solver.update(b=right, l=low, u=high)
        self.solver.solve()
        result = self.solver.results
        prices = np.zeros(self.scaled.is_equality.size)
        prices[self.free] = -np.asarray(result.z)[: self.free.size]
        prices[self.equal] = -np.asarray(result.y)
        return self.scaled.levels(np.asarray(result.x)), self.scaled.prices(prices)


class Highs:
    """HiGHS: bounds changed in its model. Its active-set method for QPs has no warm start."""

    def __init__(self, problem: MarketProblem, tolerance: float) -> None:
        highspy: Any = import_module("highspy")
        self.scaled = scaled = Scaled(problem)
        matrix, size = scaled.matrix, scaled.linear.size
        self.solver = highspy.Highs()
        least = max(tolerance, 1e-10)
        for name, value in {
            "output_flag": False, "threads": 1, "qp_regularization_value": 0.0,
            "primal_feasibility_tolerance": least, "dual_feasibility_tolerance": least,
        }.items():  # fmt: skip
            self.solver.setOptionValue(name, value)
        model = highspy.HighsModel()
        low, high, lower, upper = self._limits(problem)
        lp, hessian = model.lp_, model.hessian_
        lp.num_col_, lp.num_row_ = size, low.size
        lp.col_cost_, lp.col_lower_, lp.col_upper_ = scaled.linear, lower, upper
        lp.row_lower_, lp.row_upper_ = low, high
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_, lp.a_matrix_.index_ = matrix.indptr, matrix.indices
        lp.a_matrix_.value_ = matrix.data
        hessian.dim_, hessian.format_ = size, highspy.HessianFormat.kTriangular
        hessian.start_, hessian.index_ = np.arange(size + 1), np.arange(size)
        hessian.value_ = scaled.quadratic
        self.solver.passModel(model)

    def _limits(self, problem: MarketProblem) -> tuple[Vector, Vector, Vector, Vector]:
        h, lower, upper = self.scaled.limits(problem)
        return h, np.where(self.scaled.is_equality, h, np.inf), lower, upper

    def solve(self, problem: MarketProblem) -> tuple[Vector, Vector]:
        """Change the bounds and solve."""
        low, high, lower, upper = self._limits(problem)
        rows, columns = np.arange(low.size, dtype=np.int32), np.arange(lower.size, dtype=np.int32)
        self.solver.changeRowsBounds(low.size, rows, low, high)
        self.solver.changeColsBounds(lower.size, columns, lower, upper)
        # Its clock runs on from solve to solve.
        self.solver.setOptionValue("time_limit", self.solver.getRunTime() + _HIGHS_SECONDS)
        self.solver.run()
        found = self.solver.getSolution()
        levels, prices = np.asarray(found.col_value), np.asarray(found.row_dual)
        return self.scaled.levels(levels), self.scaled.prices(prices)


_HIGHS_SECONDS = 20.0
"""What HiGHS may take for one market: its certificate says how far it came."""

PEERS: dict[str, type[Peer]] = {
    "piqp": Piqp, "clarabel": Clarabel, "cvxpy": Cvxpy, "osqp": Osqp, "proxqp": Proxqp,
    "highs": Highs,
}  # fmt: skip
_MODULE = {"proxqp": "proxsuite", "highs": "highspy"}
_USUAL = ("piqp", "clarabel")
"""Peers that are measured unless others are asked for: the others take far longer."""


def available() -> list[str]:
    """Return the names of the usual peers that are installed."""
    return [name for name in _USUAL if find_spec(name) is not None]


def load_peer(name: str) -> type[Peer]:
    """Return a peer's adapter.

    Raises
    ------
    InputError
        If it is not installed.
    """
    if name not in PEERS:
        raise InputError(f"unknown peer '{name}'. Known: {', '.join(PEERS)}.")
    if find_spec(_MODULE.get(name, name)) is None:
        raise InputError(
            f"the peer '{name}' is not installed. Install the development dependencies "
            "(`make env` in a clone), or choose others with --peers."
        )
    return PEERS[name]
