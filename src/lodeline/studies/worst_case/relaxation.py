"""A bound on the harm of any choice among undecided restrictions, for one month.

In a network where every activity takes from at most one row and gives to at most one, the net
supply of a row, ``F(π) = A x(π) − b``, rises with its own price and falls with every other: F is a
Z-function. The market's prices are then the least element of ``{π ≥ 0 : F(π) ≥ 0}`` (Moré 1974,
Mathematical Programming 6, 327-338; Tamir 1974, the same 7, 17-31). So whoever finds prices π with
``F(π) ≥ 0`` has found an upper bound on the market's prices, and with it on unmet use.

Closing an activity that takes from i and gives to j lowers F in j and raises it in i: what it took
is left to others. That is why a further restriction may *help* the target, and why closing all
undecided activities at once bounds nothing. The relaxation lets each of them take and not give,

    F_R = F with  x_a(π_j − π_i)  taken from i as  x_a(Q_j − π_i),  nothing given to j

which lies below F of every choice among them wherever ``π_j ≤ Q_j``. Q is raised until that holds
at the solution; then its prices bound those of every choice. What only gives (a mine) is closed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lodeline.network import ActivityKind, Network, RowKind
from lodeline.results.worst_case import Damage
from lodeline.solver.compiled import BatchResult, CompiledMarket, Variation
from lodeline.solver.curves import CurveKind, Curves
from lodeline.solver.problem import MarketProblem
from lodeline.studies.market import ACCEPTED
from lodeline.studies.worst_case.closures import Closure

__all__ = ["Relaxation", "why_no_bound"]

Vector = NDArray[np.float64]

_BLOCK = 64
_ROUNDS = 8
"""So often Q is raised before a bound is given up."""
_RAISE = 1.02


def why_no_bound(network: Network, *, months: int, damage: Damage) -> str | None:
    """Return why no bound is proven for a search; None where there is one."""
    if damage is not Damage.UNMET:
        return "the cost to a country need not rise with every further restriction"
    if months > 1:
        return (
            f"over {months} months stocks and the growth of lanes depend on the months before, "
            "and a further restriction may help later; only one month (--months 1) has a bound"
        )
    if not _is_single_input(network):
        return "a recipe takes two inputs: less of the one leaves more of the other to others"
    return None


def _is_single_input(network: Network) -> bool:
    """Return whether every activity takes from at most one balance and gives to at most one."""
    balances = network.incidence[network.row_kind != RowKind.LIMIT]
    takes = np.asarray((balances < 0.0).sum(axis=0)).ravel()
    gives = np.asarray((balances > 0.0).sum(axis=0)).ravel()
    return bool(np.all(takes <= 1) and np.all(gives <= 1))


class Relaxation:
    """The market of one month in which undecided activities take and do not give.

    Parameters
    ----------
    network
        Single-input network without layers and limits.
    candidates
        Activities that may be undecided, positions.
    uses
        `USE` activities whose unmet level counts, positions.
    """

    def __init__(
        self, network: Network, candidates: NDArray[np.intp], uses: NDArray[np.intp]
    ) -> None:
        self._network, self._uses = network, uses
        columns = network.incidence[:, candidates].tocoo()
        taking = np.zeros(candidates.size, dtype=np.bool_)
        taking[columns.coords[1][columns.data < 0.0]] = True
        # One more column for each candidate that takes: its shadow, which gives nothing.
        self._shadowed = candidates[taking]
        given = network.incidence[:, self._shadowed].tocoo()
        gives = given.data > 0.0
        self._goal = np.zeros(self._shadowed.size, dtype=np.intp)
        self._yield = np.zeros(self._shadowed.size)
        self._goal[given.coords[1][gives]] = given.coords[0][gives]
        self._yield[given.coords[1][gives]] = given.data[gives]
        self._problem = self._with_shadows(network.problem())
        self._market = CompiledMarket(self._problem)
        self._upper = self._first_month()

    def bound(self, closed: Sequence[Closure], undecided: Sequence[Closure]) -> Vector:
        """Return what no choice among the undecided exceeds, t, shape (pair,); inf: not proven."""
        parts = [
            self._block(closed[i : i + _BLOCK], undecided[i : i + _BLOCK])
            for i in range(0, len(closed), _BLOCK)
        ]
        return np.concatenate(parts)

    def _block(self, closed: Sequence[Closure], undecided: Sequence[Closure]) -> Vector:
        count, real = len(closed), self._network.activities
        upper = np.tile(self._upper, (count, 1))
        for i, (shut, maybe) in enumerate(zip(closed, undecided, strict=True)):
            upper[i, shut] = upper[i, maybe] = 0.0
            is_shadow = np.isin(self._shadowed, maybe) & ~np.isin(self._shadowed, shut)
            upper[i, real:][~is_shadow] = 0.0
        bare = upper.copy()
        bare[:, real:] = 0.0
        base = self._problem.row_price
        start = self._solve(bare, np.tile(base, (count, 1)), np.tile(base, (count, 1)))
        asked = np.maximum(start.prices, base)
        prices = start.prices
        for _ in range(_ROUNDS):
            result = self._solve(upper, asked, prices)
            prices = result.prices
            is_proven = self._proven(result, upper, asked)
            if is_proven.all():
                break
            asked = np.where(is_proven[:, None], asked, np.maximum(asked, _RAISE * prices))
        reference = self._network.reference[self._uses]
        unmet = np.maximum(reference - result.levels[:, self._uses], 0.0).sum(axis=1)
        return np.where(is_proven, unmet, np.inf)

    def _solve(self, upper: Vector, asked: Vector, start: Vector) -> BatchResult:
        """Solve with shadows that see the prices `asked` where their real ones give."""
        extra = np.zeros_like(upper)
        more = asked[:, self._goal] - self._problem.row_price[self._goal]
        extra[:, self._network.activities :] = -self._yield * more
        return self._market.solve_batch(Variation(upper=upper, extra_margin=extra), start)

    def _proven(self, result: BatchResult, upper: Vector, asked: Vector) -> NDArray[np.bool_]:
        """Return where the market is cleared and every shadow takes at least what it would."""
        shadow = slice(self._network.activities, None)
        most = upper[:, shadow]
        sees = asked[:, self._goal] * (1.0 + 1e-9) >= result.prices[:, self._goal]
        full = result.levels[:, shadow] >= most * (1.0 - 1e-9)
        worst = np.maximum(result.residual, result.gap)
        return np.asarray((sees | full).all(axis=1) & (worst <= ACCEPTED))

    def _with_shadows(self, problem: MarketProblem) -> MarketProblem:
        network, these = self._network, self._shadowed
        assert np.all(network.curve[these] == CurveKind.LINEAR)
        columns = sparse.csc_array(network.incidence[:, these].minimum(0.0))
        columns.eliminate_zeros()
        curves = problem.curves
        values = {
            name: np.concatenate([getattr(curves, name), getattr(curves, name)[these]])
            for name in curves.__dataclass_fields__
        }
        values["margin"][network.activities :] -= self._yield * problem.row_price[self._goal]
        return replace(
            problem,
            incidence=sparse.csc_array(sparse.hstack([problem.incidence, columns])),
            curves=Curves(**values),
        )

    def _first_month(self) -> Vector:
        """Return the upper bounds of the first month, shadows as their real ones."""
        network = self._network
        upper = network.capacity.copy()
        lanes, stores = network.of_kind(ActivityKind.SHIP), network.of_kind(ActivityKind.STORE)
        grown = (1.0 + network.lane_growth) * network.reference[lanes]
        upper[lanes] = grown + network.growth_base[lanes]
        upper[stores] = (1.0 + network.rebuild) * network.reference[stores]
        return np.concatenate([upper, upper[self._shadowed]])
