"""The compiled solver for scenarios run one at a time: structure is studied once, all else anew.

Which rows are eliminated in which order, and where everything lies, follows from the incidence and
the kinds of curves alone, and takes a third of a scenario. Scales and slopes follow from the
scenario's own numbers: kept from another scenario they would move the last bits.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import replace

import numpy as np

from lodeline.solver.compiled import CompiledMarket
from lodeline.solver.kept import KeptMarkets, same_structure
from lodeline.solver.pattern import Analysis
from lodeline.solver.problem import MarketProblem

__all__ = ["ScenarioMarket", "Structures"]

_MOST = 4
"""Structures that are kept: events that happen or not make a few of one chain."""


class Structures:
    """Markets to be fitted to others of their structure; work spaces are shared, and are only room.

    Parameters
    ----------
    message
        See `CompiledMarket`.
    """

    def __init__(self, *, message: Callable[[str], None] | None = None) -> None:
        self._message = message
        self._seen: list[CompiledMarket] = []

    def market(self, problem: MarketProblem) -> CompiledMarket:
        """Return ``CompiledMarket(problem)``, to the bit."""
        for k, seen in enumerate(self._seen):
            if same_structure(seen.problem, problem):
                self._seen.insert(0, self._seen.pop(k))
                break
        else:
            self._seen.insert(0, CompiledMarket(problem, message=self._message))
            del self._seen[_MOST:]
        own = copy(self._seen[0])
        own.problem, own.analysis = problem, _fitted(own.analysis, problem)
        return own


def _fitted(analysis: Analysis, problem: MarketProblem) -> Analysis:
    """Return the analysis of a problem from that of another of its structure."""
    order = analysis.pattern.row
    steepest = (problem.incidence**2) @ problem.curves.steepest()
    steepest = np.maximum(steepest, 1e-12 * problem.row_scale / problem.row_price)
    pattern = analysis.pattern._replace(
        inverse_scale=1.0 / problem.row_scale[order],
        price=problem.row_price[order],
        inverse_price=1.0 / problem.row_price[order],
        steepest=steepest[order],
    )
    return replace(analysis, pattern=pattern)


class ScenarioMarket(KeptMarkets):
    """Clears the months of one scenario, from nothing that was solved before them.

    Parameters
    ----------
    structures
        Those of the scenarios before.
    """

    def __init__(self, structures: Structures) -> None:
        super().__init__()
        self._structures = structures

    def _market(self, problem: MarketProblem) -> CompiledMarket:
        # A scenario has one network: what is there after its first month is its own.
        if not self._markets:
            self._markets.append(self._structures.market(problem))
        return self._markets[0]
