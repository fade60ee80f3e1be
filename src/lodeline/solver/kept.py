"""The compiled solver behind the interface of `newton.solve`, with every analysis kept.

For runs month by month, and many of them: a network's pattern is analysed once, and again only if
another network comes.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lodeline.solver.certificate import certify
from lodeline.solver.compiled import CompiledMarket, Variation
from lodeline.solver.curves import Vector
from lodeline.solver.problem import MarketProblem, Solution, Status

__all__ = ["KeptMarkets", "same_structure"]

_MOST = 4
"""Networks that are kept: events that happen or not make a few of one chain."""


class KeptMarkets:
    """Clears markets one after the other, keeping what it learnt about their networks.

    Parameters
    ----------
    message
        See `CompiledMarket`.
    """

    def __init__(self, *, message: Callable[[str], None] | None = None) -> None:
        self._message = message
        self._markets: list[CompiledMarket] = []

    def __call__(self, problem: MarketProblem, start: Vector) -> Solution:
        """Clear a market from prices (USD/t, shape (row,)); the certificate is independent."""
        c = problem.curves
        own = Variation(
            rhs=problem.rhs, lower=c.lower, upper=c.upper, reference=c.reference, margin=c.margin,
            slope=c.slope, price=c.price, elasticity=c.elasticity, cap=c.cap,
        )  # fmt: skip
        result = self._market(problem).solve_batch(own, start)
        levels, prices = result.levels[0], result.prices[0]
        status = Status.SOLVED if result.is_solved[0] else Status.NOT_CONVERGED
        proof = certify(problem, levels, prices)
        return Solution(levels, prices, status, int(result.iterations[0]), proof)

    def _market(self, problem: MarketProblem) -> CompiledMarket:
        """Return the market whose pattern is that of a problem, the latest used first."""
        for k, market in enumerate(self._markets):
            if _is_alike(market.problem, problem):
                self._markets.insert(0, self._markets.pop(k))
                return market
        self._markets.insert(0, CompiledMarket(problem, message=self._message))
        del self._markets[_MOST:]
        return self._markets[0]


def same_structure(one: MarketProblem, other: MarketProblem) -> bool:
    """Return whether problems have the same incidence and kinds of curves and rows."""
    a, b = one.incidence, other.incidence
    return (
        a.shape == b.shape
        and np.array_equal(a.indptr, b.indptr)
        and np.array_equal(a.indices, b.indices)
        and np.array_equal(a.data, b.data)
        and np.array_equal(one.curves.kind, other.curves.kind)
        and np.array_equal(one.is_equality, other.is_equality)
    )


def _is_alike(one: MarketProblem, other: MarketProblem) -> bool:
    """Return whether two problems differ in what a `Variation` holds alone, or in scale."""
    return same_structure(one, other) and np.array_equal(one.row_price, other.row_price)
