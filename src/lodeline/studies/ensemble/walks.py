"""The walk of a block of scenarios through their months, and help where it gives up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lodeline.solver import newton
from lodeline.solver.compiled import LIMIT, TRUST
from lodeline.solver.kernels.links import LinkVectors
from lodeline.solver.kernels.walk import Shelf, State, walk
from lodeline.solver.kernels.workspace import aligned
from lodeline.solver.simd import WIDTH
from lodeline.studies.ensemble.eights import Eight

__all__ = ["Walks"]

Vector = NDArray[np.float64]


class Walks:
    """All walks of a block; eights wait on the shelf until lanes are free.

    Parameters
    ----------
    eights
        The block's scenarios, those with the most work first; all whole but the last.

    Attributes
    ----------
    prices
        USD/t, shape (eight, month, row, lane) in compiled order; those of the base year in months
        before anything acts.
    fallbacks
        Months that went to the reference solver, shape (eight, lane).
    """

    def __init__(self, eights: Sequence[Eight]) -> None:
        self._eights = eights
        self._model, self._lines = eights[0].model, eights[0].lines
        self._pattern = self._model.market.analysis.pattern
        self._months = len(self._model.months)
        start = np.repeat(self._lines.start[self._pattern.row], WIDTH)
        self._history = aligned(len(eights) * self._months * start.size // WIDTH)
        self._history.reshape(-1, start.size)[:] = start
        self.prices = self._history.reshape(len(eights), self._months, -1, WIDTH)
        self.fallbacks = np.zeros((len(eights), WIDTH), dtype=np.int16)
        self._links = _room_for(eights[0].links)
        whole = np.zeros(WIDTH, dtype=np.int64)
        vectors = {name: aligned(1) for name in State._fields[2:]}
        self._state = State(whole.copy(), whole.copy(), **vectors)

    def run(self) -> None:
        """Walk all scenarios to their end."""
        for k, eight in enumerate(self._eights):
            bounds = np.array([WIDTH * k, WIDTH * k + eight.count])
            shelf = Shelf(eight.work, eight.links, eight.begin, bounds)
            is_last = k == len(self._eights) - 1
            while self._is_under_way(shelf, is_last=is_last):
                self._walk(shelf, is_last=is_last)
                for lane in self._stuck():
                    self._fall_back(int(lane))

    def _is_under_way(self, shelf: Shelf, *, is_last: bool) -> bool:
        has_more = shelf.bounds[0] < shelf.bounds[1]
        return bool(has_more or (is_last and self._state.is_open.any()))

    def _walk(self, shelf: Shelf, *, is_last: bool) -> None:
        market = self._model.market
        walk(
            self._pattern, self._lines.work, self._links, shelf, self._history, self._state,
            self._months, market.settings.tolerance, TRUST, LIMIT, is_last,
        )  # fmt: skip

    def _stuck(self) -> NDArray[np.intp]:
        """Return the lanes that need help."""
        state = self._state
        is_tried = (state.is_open > 0.5) & (state.spent > LIMIT - 0.5)
        return np.flatnonzero(is_tried & (state.worst > self._model.market.settings.tolerance))

    def _fall_back(self, lane: int) -> None:
        """Solve the month of a lane by the reference solver, from the month before."""
        work, row, state = self._lines.work, self._pattern.row, self._state
        k, place = divmod(int(state.scenario[lane]), WIDTH)
        month = int(state.month[lane])
        before = self._lines.start.copy()
        if month > 0:
            before[row] = self.prices[k, month - 1, :, place]
        upper, rhs = (values.reshape(-1, WIDTH)[:, lane] for values in (work.upper, work.rhs))
        problem = self._eights[k].problem(place, month, upper, rhs)
        settings = newton.Settings(tolerance=self._model.market.settings.tolerance)
        solution = newton.solve(problem, before, settings)
        work.prices.reshape(-1, WIDTH)[:, lane] = solution.prices[row]
        state.worst[lane] = 0.0
        self.fallbacks[k, place] += 1


def _room_for(links: LinkVectors) -> LinkVectors:
    """Return links for the lanes, to be filled; positions and loose limits are those given."""
    fields = links._asdict()
    # Positions are whole numbers; what else all scenarios share is said to be loose.
    own = [k for k, v in fields.items() if v.dtype == np.float64 and k != "loose"]
    return LinkVectors(**fields | {k: aligned(fields[k].size // WIDTH) for k in own})
