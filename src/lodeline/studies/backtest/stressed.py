"""The stress test's own market on an episode: month by month, summed to years.

Where the annual market of the backtest asks how well restrictions can be foretold at all, this asks
how well a stress test does, with the behaviour that chains have. The base year is the last one of
the episode, of a chain cut to the episode's form; the restricting countries' exports are a quota
with the totals that track A gives; `run_market` does the rest. Months of a year before the start
are those of the base year.

What is made and used at home is as the chain has it: with imports alone, use would seem to answer
several times as much, because mines at home and stocks answer with it. Tables of output begin in
2020; for earlier years the chain carries them back with world trade, which is the one thing here
that a forecast of the time could not have known.

Episodes without a chain are left out, and those that watch only some codes of a form, whose home
output is not known apart. So are those that spare some buyers: totals do not say who got what.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from lodeline.network import ActivityKind, Network
from lodeline.network.base_year import base_year
from lodeline.network.catalogue import load_chain
from lodeline.network.chain import Behaviour, Chain
from lodeline.results.run import Run
from lodeline.scenarios.compile import compile_schedule
from lodeline.scenarios.episode import Episode, Given
from lodeline.scenarios.episode_reading import episode_codes
from lodeline.scenarios.restrictions import ALL, Kind, Quota
from lodeline.studies.backtest.case import Case, given_exports
from lodeline.studies.backtest.market import Forecast
from lodeline.studies.market import run_market
from lodeline.units import MONTHS_PER_YEAR, Month

__all__ = ["StressMarket", "can_be_stressed"]

Vector = NDArray[np.float64]

_LEAST_PRICE = 1e-3


def can_be_stressed(episode: Episode) -> bool:
    """Return whether an episode gives totals of a whole form of a chain and spares nobody."""
    if episode.chain is None or Given.TOTAL_EXPORTS not in episode.given or episode.targets:
        return False
    form = load_chain(episode.chain).form(episode.form)
    return {c.code for c in form.codes} == set(episode_codes(episode))


class StressMarket:
    """The market of one episode, whose base year is balanced once.

    Parameters
    ----------
    case
        The episode; of its outcome only the restricting countries' totals are used.
    """

    def __init__(self, case: Case) -> None:
        episode = case.episode
        self.case = case
        self.chain = _chain_of(episode)
        self.base = base_year(self.chain, max(episode.base_years))
        last = Month(max(episode.predict_years), MONTHS_PER_YEAR)
        self.months = tuple(episode.start + k for k in range(last - episode.start + 1))
        partners = case.history.partners
        place = {c: i for i, c in enumerate(partners)}
        rest = len(partners) - 1
        self.partner = np.array([place.get(c, rest) for c in self.base.countries])
        totals = (float(x.sum()) for x in given_exports(case))
        self.totals = dict(zip(episode.predict_years, totals, strict=True))

    def forecast(self, behaviour: Mapping[str, float] | None = None) -> tuple[Forecast, ...]:
        """Return a forecast for each year to tell.

        Parameters
        ----------
        behaviour
            Values of the chain's behaviour by name; what is left out is as the chain has it.
        """
        own = _with_values(self.chain.behaviour, behaviour or {})
        schedule = compile_schedule(self.base, [self._quota()], self.months, behaviour=own)
        before = schedule.network.limits[0].reference
        schedule.limit[:, 0] = [self._allowed(month, before) for month in self.months]
        run = run_market(schedule)
        return tuple(self._year(run, year) for year in self.case.episode.predict_years)

    def _quota(self) -> Quota:
        episode = self.case.episode
        none = {"value": 0.0, "low": 0.0, "high": 0.0}
        return Quota.model_validate(
            {
                "id": "totals", "type": Kind.QUOTA, "by": episode.restrictors, "on": ALL,
                "chain": self.chain.id, "forms": ALL, "start": episode.start,
                "share_of_base": none, "leakage": none, "source": "episode",
            }
        )  # fmt: skip

    def _allowed(self, month: Month, before: float) -> float:
        """Return what may leave the restricting countries in a month, t.

        The first year's total is less by what left before the start. A year between the start and
        the first to tell has the first total.
        """
        start = self.case.episode.start
        year = month.year if month.year in self.totals else min(self.totals)
        free = start.month - 1 if month.year == start.year and year == month.year else 0
        return max(self.totals[year] - free * before, 0.0) / (MONTHS_PER_YEAR - free)

    def _year(self, run: Run, year: int) -> Forecast:
        """Return a year of the run, months before the start as in the base year."""
        network, history = run.schedule.network, self.case.history
        at = [t for t, month in enumerate(self.months) if month.year == year]
        free = MONTHS_PER_YEAR - len(at)
        lanes = network.of_kind(ActivityKind.SHIP)
        level = run.levels[at][:, lanes].sum(axis=0) + free * network.reference[lanes]
        flows = np.zeros((len(history.partners), len(history.partners)))
        ends = self.partner[network.origin[lanes]], self.partner[network.destination[lanes]]
        np.add.at(flows, ends, level)
        flows[:, history.is_restricting] = 0.0
        flows[-1, -1] = 0.0
        return Forecast(
            exports=flows.sum(axis=1)[None],
            exposed=(flows @ history.exposure)[None],
            imports=flows.sum(axis=0)[None],
            restricted=flows[history.is_restricting].sum(axis=0)[None],
            log_price=np.array([_log_price(run, network, at, free) + history.price_return]),
            is_solved=np.ones(1, dtype=np.bool_),
        )


def _chain_of(episode: Episode) -> Chain:
    """Return the episode's chain cut to its form."""
    if episode.chain is None:
        raise ValueError(f"episode '{episode.id}' has no chain")
    chain = load_chain(episode.chain)
    form = chain.form(episode.form)
    codes = {c.code for c in form.codes}
    return chain.model_copy(
        update={
            "forms": (form,),
            "recipes": (),
            "exclusions": tuple(e for e in chain.exclusions if e.code in codes),
            "stocks": (),
        }
    )


def _with_values(behaviour: Behaviour, values: Mapping[str, float]) -> Behaviour:
    changed = {}
    for name, value in values.items():
        fixed = {"value": value, "low": value, "high": value}
        changed[name] = getattr(behaviour, name).model_copy(update=fixed)
    return behaviour.model_copy(update=changed)


def _log_price(run: Run, network: Network, at: list[int], free: int) -> float:
    """Return the price of a year's use over the reference, weighted by use (logarithm)."""
    uses = network.of_kind(ActivityKind.USE)
    rows = network.incidence.indices[network.incidence.indptr[uses]]
    used = run.levels[at][:, uses]
    paid = used * run.prices[at][:, rows] / network.row_price[rows]
    normal = free * float(network.reference[uses].sum())
    return float(np.log(max((paid.sum() + normal) / (used.sum() + normal), _LEAST_PRICE)))
