"""What a programme's country gets of each form in a scenario, month by month of the schedule.

A need above `ADDED` of the country's use of the form cannot have been part of it in the base year:
it is added to the country's demand. A smaller one is taken as part of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lodeline.errors import InputError
from lodeline.network import BaseYear
from lodeline.results.metrics import series_table
from lodeline.results.reserves import reserve_table
from lodeline.scenarios.compile import compile_schedule
from lodeline.scenarios.instruments import DemandSurge
from lodeline.scenarios.programme import BillLine, Programme
from lodeline.scenarios.restriction_base import ALL, Kind
from lodeline.scenarios.restrictions import Restriction
from lodeline.scenarios.spec import Scenario
from lodeline.studies.dials import Setting
from lodeline.studies.market import run_market
from lodeline.units import MONTHS_PER_YEAR, Month

__all__ = ["ADDED", "Clock", "LineSupply", "clock_of", "supply_of", "use_share"]

Vector = NDArray[np.float64]

ADDED = 0.05
"""Share of the country's use above which a programme's need is added to it."""
SETTLING = 24
"""Months that the market is followed after the last change of what is restricted or wanted."""
_KG = 1000.0


@dataclass(frozen=True)
class Clock:
    """How months of the programme, of the scenario and of the market belong together.

    Attributes
    ----------
    begin
        Month of the programme's calendar in which the scenario begins.
    origin
        The scenario's own first month: the market keeps its dates.
    material
        Month in which the material of each month's units is taken, programme's calendar.
    months
        Months of the market that are simulated.
    """

    begin: Month
    origin: Month
    material: tuple[Month, ...]
    months: int

    def market_month(self, month: Month) -> Month:
        """Return the market's month for one of the programme's."""
        return self.origin + (month - self.begin)

    @property
    def calendar(self) -> tuple[Month, ...]:
        """The simulated months of the market."""
        return tuple(self.origin + i for i in range(self.months))

    def spread(self, before: float, simulated: Vector) -> Vector:
        """Return a series of the market by month of the schedule, shape (month of schedule,).

        Before the scenario it is `before`; after the simulated months the last of them stays.
        """
        index = np.array([m - self.begin for m in self.material])
        inside = simulated[np.clip(index, 0, simulated.size - 1)]
        return np.where(index < 0, before, inside)


@dataclass(frozen=True)
class LineSupply:
    """What there is of one line's form in the country.

    Attributes
    ----------
    wanted_kg, there_kg
        What all users want and get, kg/month, shape (month of schedule,).
    price_multiple
        Price over the reference price, shape (month of schedule,).
    is_capped
        Whether it has reached the form's cap (`Network.cap`), shape (month of schedule,).
    reserve_kg, reserve_left_kg
        What the state holds at the start, and at its lowest in the market; None: it has none.
    max_residual, max_gap
        Worst certificate; 0 where no market was run.
    """

    wanted_kg: Vector
    there_kg: Vector
    price_multiple: Vector
    is_capped: NDArray[np.bool_]
    reserve_kg: float | None = None
    reserve_left_kg: float | None = None
    max_residual: float = 0.0
    max_gap: float = 0.0


def clock_of(
    programme: Programme, scenario: Scenario, begin: Month | None, months: int | None
) -> Clock:
    """Return the clock of a programme in a scenario.

    Parameters
    ----------
    programme, scenario
        What is built, and what goes wrong.
    begin
        Month in which the scenario begins instead of its own.
    months
        Months of the market to simulate; default until `SETTLING` months after the last change.

    Raises
    ------
    InputError
        If the scenario begins after the programme has taken its last material.
    """
    first = begin or scenario.start
    material = tuple(m + -programme.lead_months for m in programme.months)
    needed = material[-1] - first + 1
    if needed <= 0:
        raise InputError(
            f"the scenario begins {first}, after the programme has taken its last material in "
            f"{material[-1]}. Let it begin earlier with --begin, or lengthen the schedule."
        )
    changes = [r.end - scenario.start + 1 for r in scenario.restrictions if r.end is not None]
    changes += [s.start + -programme.lead_months - first for s in programme.schedule]
    settled = max([scenario.months, *(c + SETTLING for c in changes)])
    return Clock(first, scenario.start, material, min(months or settled, needed))


def use_share(base: BaseYear, line: BillLine, programme: Programme) -> float:
    """Return the need at the highest rate over the country's use of the form.

    Raises
    ------
    InputError
        If the country uses nothing of the form in the base year.
    """
    use = _use_kg(base, line, programme.country)
    if use <= 0.0:
        used = [
            f for k, f in enumerate(base.forms)
            if programme.country in base.countries
            and base.used[k, base.countries.index(programme.country)] > 0.0
        ]  # fmt: skip
        told = f"Forms that it uses: {', '.join(used)}." if used else "It uses none of its forms."
        raise InputError(
            f"bill: {programme.country} uses no '{line.form}' of chain '{line.chain}' in "
            f"{base.year}, so nothing tells what it would get. {told}"
        )
    return line.kg_per_unit.value * max(programme.units) / use


def supply_of(
    setting: Setting,
    programme: Programme,
    clock: Clock,
    *,
    restricted: bool = True,
) -> dict[str, LineSupply]:
    """Return what there is of a chain's forms on the bill, by form.

    Parameters
    ----------
    setting
        Base year, restrictions and rules of the chain.
    programme
        What is built, and where.
    clock
        From `clock_of`.
    restricted
        False: the programme's own demand alone, without the scenario.
    """
    base = setting.base
    lines = [line for line in programme.bill if line.chain == base.chain.id]
    surges = [s for line in lines for s in _surges(base, line, programme, clock)]
    acting: list[Restriction] = [*(setting.restrictions if restricted else ()), *surges]
    if not acting:
        ones = np.ones(len(clock.material))
        uses = {line.form: _use_kg(base, line, programme.country) for line in lines}
        never = np.zeros(ones.size, dtype=np.bool_)
        return {f: LineSupply(use * ones, use * ones, ones, never) for f, use in uses.items()}
    schedule = compile_schedule(
        base, acting, clock.calendar, stocks=setting.rule, lead_time=setting.lead_time,
        origin=setting.origin if restricted else None,
    )  # fmt: skip
    run = run_market(schedule)
    here = series_table(run).filter(pl.col("country") == programme.country)
    reserves = reserve_table(run).filter(pl.col("country") == programme.country)
    out = {}
    for line in lines:
        part = here.filter(pl.col("form") == line.form)
        held = reserves.filter(pl.col("form") == line.form).to_dicts()
        there = _KG * part["use_t"].to_numpy()
        wanted = there + _KG * part["unmet_t"].to_numpy()
        calm = _use_kg(base, line, programme.country)
        out[line.form] = LineSupply(
            clock.spread(calm, wanted),
            clock.spread(calm, there),
            clock.spread(1.0, part["price_multiple"].to_numpy()),
            clock.spread(0.0, part["is_price_capped"].cast(pl.Float64).to_numpy()) > 0.0,
            _KG * held[0]["opening_t"] if held else None,
            _KG * held[0]["lowest_t"] if held else None,
            run.max_residual,
            run.max_gap,
        )
    return out


def _use_kg(base: BaseYear, line: BillLine, country: str) -> float:
    """Return the country's use of a form, kg/month."""
    if country not in base.countries:
        return 0.0
    place = base.forms.index(line.form), base.countries.index(country)
    return float(base.used[place]) * _KG / MONTHS_PER_YEAR


def _surges(
    base: BaseYear, line: BillLine, programme: Programme, clock: Clock
) -> Sequence[DemandSurge]:
    """Return the need of a line as rises of demand, one a step; none if it is part of use."""
    if use_share(base, line, programme) <= ADDED:
        return ()
    use = _use_kg(base, line, programme.country)
    starts = [s.start for s in programme.schedule]
    ends = [*(s + -1 for s in starts[1:]), programme.end]
    out = []
    for k, (step, last) in enumerate(zip(programme.schedule, ends, strict=True)):
        start, end = (clock.market_month(m + -programme.lead_months) for m in (step.start, last))
        if end < clock.origin or step.units_per_month == 0.0:
            continue
        surge = {
            "id": f"programme-{line.form}-{k}",
            "type": Kind.DEMAND_SURGE,
            "by": (programme.country,),
            "on": ALL,
            "chain": line.chain,
            "forms": (line.form,),
            "start": max(start, clock.origin),
            "end": end,
            "source": "programme",
            "rise": line.kg_per_unit.value * step.units_per_month / use,
            "fade_months": 0.0,
        }
        out.append(DemandSurge.model_validate(surge))
    return out
