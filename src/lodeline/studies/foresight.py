"""Foresight: what a market that knew the future would do, and what knowing it is worth.

The months of the market become one problem: what is stored in a month is there in the next, lanes
and stocks grow by no more than in the market, restrictions and taxes are the same. Opening stocks
are normal; at the end the stocks are those with which the market ended. So the market's path is one
that foresight could have chosen, and the world's cost (with taxes as they are paid) is at most the
market's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lodeline.network import ActivityKind, RowKind
from lodeline.network.transit import arrivals_of, arrived
from lodeline.results.run import Run
from lodeline.results.welfare import Costs, cost_by_country, world_cost
from lodeline.solver import interior
from lodeline.solver.horizon import Growth, Horizon, Transit, is_late, month_layout, over_months
from lodeline.solver.presolve import smallest_end
from lodeline.studies.market import ACCEPTED, UnsolvedError

__all__ = ["ForesightValue", "horizon_of", "run_foresight", "value_of_foresight"]

Vector = NDArray[np.float64]

_DUST = 1e-9
"""An activity below this share of the throughput of its smaller end does as in the market."""


@dataclass(frozen=True)
class ForesightValue:
    """What it would have been worth to know the future, USD over all months.

    Attributes
    ----------
    by_country
        Cost of the market less cost under foresight; some may lose.
    world
        Their sum.
    as_paid
        The same with taxes counted as costs: never negative. Equal to `world` without taxes, which
        are transfers; with them a market that knows more may also avoid more tax.
    """

    by_country: dict[str, float]
    world: float
    as_paid: float


def horizon_of(market: Run, *, bent: bool = True) -> Horizon:
    """Return the market of a schedule over all its months.

    Parameters
    ----------
    market
        The market's run: network, restrictions by month, and what the stores hold at the end.
    bent
        Iso-elastic curves (default), or straight ones: then it is a QP.
    """
    schedule, terminal_stocks = market.schedule, market.stocks[-1]
    network = schedule.network
    stores, lanes = network.of_kind(ActivityKind.STORE), network.of_kind(ActivityKind.SHIP)
    normal = network.reference[stores]
    months = len(schedule.months)
    rhs = np.zeros((months, network.row_kind.size))
    rhs[0] = network.rhs(normal, np.full(len(network.limits), np.inf))
    rhs[:, network.row_kind == RowKind.LIMIT] = -schedule.limit
    gives, longest = arrivals_of(network, schedule.lead), int(schedule.lead.max(initial=0))
    # What left before the first month is that of the base year.
    departed = np.tile(network.reference, (longest, 1))
    for k in range(min(longest, months)):
        rhs[k] -= gives @ arrived(departed, schedule.lead, ahead=k)
    lower = np.zeros((months, network.activities))
    upper = np.vstack([schedule.capacity(t) for t in range(months)])
    kept = np.minimum(schedule.kept[stores], np.minimum(normal, terminal_stocks))
    lower[:, stores] = np.minimum(kept, upper[:, stores])
    month = network.problem(bent=bent)
    # Layers can leave an activity a share of 1e-16: it does as in the market.
    exists = (network.reference > 0.0) | (network.kind == ActivityKind.STORE)
    dust = exists & (network.reference < _DUST * smallest_end(month))
    lower[:, dust] = upper[:, dust] = market.levels[:, dust]
    return Horizon(
        month=month,
        rhs=rhs,
        lower=lower,
        upper=upper,
        extra=schedule.tax,
        reference_factor=schedule.demand,
        transit=_transit(market) if longest else None,
        stores=stores,
        store_rows=network.store_rows(),
        terminal=terminal_stocks,
        growth=Growth(
            activities=np.concatenate([lanes, stores]),
            factor=np.repeat([1.0 + network.lane_growth, 1.0], [lanes.size, stores.size]),
            base=np.concatenate(
                [network.growth_base[lanes], network.rebuild * normal + network.growth_base[stores]]
            ),
            before=np.concatenate([network.reference[lanes], normal]),
            # κ is a share of the lane's own scale, so this is at least that scale
            scale=np.concatenate(
                [
                    np.maximum(
                        network.reference[lanes], network.growth_base[lanes] / network.lane_growth
                    ),
                    normal,
                ]
            ),
        ),
    )


def _transit(market: Run) -> Transit:
    """Return what the market has under way, and what of it arrives after the end."""
    lead = market.schedule.lead
    longest = int(lead.max())
    gives = arrivals_of(market.network, lead)
    before = np.zeros((longest, lead.size))
    departed = np.vstack([before, market.levels])
    landing = np.vstack([gives @ arrived(departed, lead, ahead=k) for k in range(longest)])
    return Transit(lead=lead, landing=landing)


def run_foresight(market: Run, *, bent: bool = True) -> Run:
    """Run the months of a market as one that knows the future, with the same stocks at both ends.

    Parameters
    ----------
    market
        The market's run.
    bent
        Iso-elastic curves (default), or straight ones; as in the market.

    Returns
    -------
    Run
        Prices are those of each month; levels of `STORE` what is held at its end.

    Raises
    ------
    UnsolvedError
        If the certificate is worse than `ACCEPTED`.
    """
    schedule = market.schedule
    horizon = horizon_of(market, bent=bent)
    problem = over_months(horizon)
    months, rows = horizon.rhs.shape
    solution = interior.solve(problem, is_late(horizon), layout=month_layout(horizon))
    proof = solution.certificate
    if not max(proof.residual, proof.gap) <= ACCEPTED:
        raise UnsolvedError(
            f"foresight from {schedule.months[0]} over {months} months was not solved (residual "
            f"{proof.residual:.1e}, gap {proof.gap:.1e}). Please report the scenario as a defect."
        )
    levels = solution.levels.reshape(months, -1)
    opening = schedule.network.reference[horizon.stores]
    return Run(
        schedule=schedule,
        levels=levels,
        prices=solution.prices[: months * rows].reshape(months, rows),
        stocks=np.vstack([opening, levels[:, horizon.stores]]),
        max_residual=proof.residual,
        max_gap=proof.gap,
        solves=1,
        fallbacks=0,
    )


def value_of_foresight(market: Run, foresight: Run, *, bent: bool = True) -> ForesightValue:
    """Return what knowing the future would have been worth.

    Parameters
    ----------
    market, foresight
        Runs of one schedule with the same stocks at both ends.
    bent
        As in both runs.
    """
    planned = Costs.AS_PLANNED
    difference = cost_by_country(market, bent=bent, costs=planned)
    difference -= cost_by_country(foresight, bent=bent, costs=planned)
    by_country = difference.sum(axis=0)
    world = world_cost(market, bent=bent, costs=planned)
    world -= world_cost(foresight, bent=bent, costs=planned)
    tax = float(np.sum(market.schedule.tax * (market.levels - foresight.levels)))
    return ForesightValue(
        dict(zip(market.network.countries, by_country.tolist(), strict=True)), world, world + tax
    )
