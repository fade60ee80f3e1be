"""Scenarios of a chain one at a time: `compile_schedule` and `run_market` for each.

For what cannot walk eight side by side because it moves more than limits, capacities and taxes:
price floors, closures, surges of demand, panic buying, releases of stock, permits whose threshold
is drawn, reserves with a rule, and lead times. The numbers are those of a stress test, by the same
code; the months are cleared by the compiled solver (`structures`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lodeline.network import ActivityKind, BaseYear, Network
from lodeline.network.stocks import StockPolicy
from lodeline.results.metrics import UNMET_THRESHOLD, use_figures
from lodeline.results.run import Run
from lodeline.results.welfare import cost_by_country
from lodeline.scenarios.compile import Schedule, compile_schedule, origin_kept_apart
from lodeline.scenarios.ensemble_spec import Ensemble, Event
from lodeline.scenarios.restrictions import Restriction
from lodeline.studies.dials import INFERRED, Setting, dials_of
from lodeline.studies.ensemble.factors import factor_key, restrictions_of
from lodeline.studies.ensemble.metrics import Outcome
from lodeline.studies.ensemble.restrictions import goes_side_by_side
from lodeline.studies.ensemble.structures import ScenarioMarket, Structures
from lodeline.studies.market import UnsolvedError, run_market

__all__ = ["SingleModel", "needs_single_runs"]

Vector = NDArray[np.float64]
Values = Mapping[str, Vector]


def needs_single_runs(ensemble: Ensemble, chain: str) -> bool:
    """Return whether scenarios of a chain must be run one at a time."""
    if ensemble.lead_time or ensemble.reserves.policy is not StockPolicy.MARKET:
        return True
    return not all(goes_side_by_side(r) for _, r in restrictions_of(ensemble, chain))


class SingleModel:
    """One chain of an ensemble whose scenarios are run one at a time.

    Parameters
    ----------
    ensemble
        The specification.
    base
        Base year of the chain.
    message
        See `CompiledMarket`.
    """

    def __init__(
        self,
        ensemble: Ensemble,
        base: BaseYear,
        *,
        message: Callable[[str], None] | None = None,
    ) -> None:
        self.chain = base.chain.id
        self.months = ensemble.calendar
        self._stocks = ensemble.reserves
        self._pairs = restrictions_of(ensemble, self.chain)
        own = tuple(r for _, r in self._pairs)
        origin = origin_kept_apart(base, own)
        self._central = Setting(
            base, own, self._stocks.rule(), lead_time=ensemble.lead_time, origin=origin
        )
        self._structures = Structures(message=message)
        self.network: Network = self._schedule(self._central).network

    def simulate(self, values: Values, *, scenarios: NDArray[np.intp] | None = None) -> Outcome:
        """Run scenarios; parameters and errors as in `lodeline.studies.ensemble.simulate`."""
        runs = []
        count = next(iter(values.values())).size
        for i, index in enumerate(range(count) if scenarios is None else scenarios):
            try:
                runs.append(self.run({k: float(v[i]) for k, v in values.items()}))
            except UnsolvedError as error:
                raise UnsolvedError(f"scenario {index}, {error}") from error
        return _outcome(self.network, runs)

    def run(self, values: Mapping[str, float]) -> Run:
        """Run the scenario of drawn numbers by key."""
        return self.run_schedule(self.schedule(values))

    def run_schedule(self, schedule: Schedule) -> Run:
        """Run a schedule of this chain's network."""
        return run_market(schedule, solver=ScenarioMarket(self._structures))

    def schedule(self, values: Mapping[str, float]) -> Schedule:
        """Return the schedule of the scenario of drawn numbers by key."""
        return self._schedule(self.setting(values))

    def setting(self, values: Mapping[str, float]) -> Setting:
        """Return what a stress test of the drawn numbers would start from."""
        calm = self.months[-1] + 1
        own = [
            _timed(event, r, values)
            if values[f"{event.name}.happens"] > 0.0
            else r.model_copy(update={"start": calm, "end": None})
            for event, r in self._pairs
            # One that does not happen keeps its layers, if it has them, but never begins.
            if values[f"{event.name}.happens"] > 0.0 or r.keeps_apart
        ]
        base = self._central.base
        setting = replace(self._central, restrictions=tuple(own))
        for dial in dials_of(base, own, self._stocks):
            # The base year has the lanes of the scenario already.
            if not dial.key.startswith(INFERRED):
                setting = dial.turn(setting, values[factor_key(dial, self.chain)])
        return setting

    def _schedule(self, setting: Setting) -> Schedule:
        return compile_schedule(
            setting.base, setting.restrictions, self.months, stocks=setting.rule,
            lead_time=setting.lead_time, origin=setting.origin,
        )  # fmt: skip


def _timed(event: Event, restriction: Restriction, values: Mapping[str, float]) -> Restriction:
    """Return a restriction in the months that were drawn for its event."""
    delay = int(values[f"{event.name}.delay_months"])
    start = restriction.start + delay
    end = None if restriction.end is None else restriction.end + delay
    if event.duration_months is not None:
        end = start + (int(values[f"{event.name}.duration_months"]) - 1)
    return restriction.model_copy(update={"start": start, "end": end})


def _outcome(network: Network, runs: Sequence[Run]) -> Outcome:
    uses = network.of_kind(ActivityKind.USE)
    figures = [use_figures(run) for run in runs]
    shares = np.array([f.unmet_share for f in figures])
    is_short = shares > UNMET_THRESHOLD
    months = shares.shape[1]
    acts = np.array([run.schedule.is_restricted for run in runs])
    residual = np.array([run.max_residual for run in runs])
    return Outcome(
        use_form=network.form[uses],
        use_country=network.origin[uses],
        unmet_share_peak=shares.max(axis=1),
        unmet_t_total=np.array([f.unmet.sum(axis=0) for f in figures]),
        price_multiple_peak=np.array([f.multiple.max(axis=0) for f in figures]),
        onset=_first(acts),
        first_short=_first(is_short),
        last_short=np.where(
            is_short.any(axis=1), months - 1 - is_short[:, ::-1].argmax(axis=1), -1
        ).astype(np.int16),
        cost=np.array([cost_by_country(run) for run in runs]),
        residual=residual,
        gap=np.array([run.max_gap for run in runs]),
        fallbacks=np.array([run.fallbacks for run in runs], dtype=np.int16),
        # The certificate of every month is the independent one.
        independent_residual=float(residual.max()),
        months=months,
    )


def _first(marks: NDArray[np.bool_]) -> NDArray[np.int16]:
    """Return the first month that is marked, −1: none; months are the second axis."""
    return np.where(marks.any(axis=1), marks.argmax(axis=1), -1).astype(np.int16)
