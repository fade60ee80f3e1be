"""The base year with nothing restricted, and how well the network gives it back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lodeline.network import ActivityKind
from lodeline.network.base_year import base_year
from lodeline.network.chain import Chain
from lodeline.results.run import Run
from lodeline.scenarios.compile import compile_schedule
from lodeline.solver import newton
from lodeline.solver.problem import MarketProblem, Solution
from lodeline.studies.market import run_market
from lodeline.units import Month

__all__ = ["BaseCheck", "check_base"]

_TO_ROUNDING = newton.Settings(acceptable=1e-12)
"""What is good enough for a month (1e-9 of a row) may be more than 1e-9 of a small lane in it."""


@dataclass(frozen=True)
class BaseCheck:
    """How well a base year is replicated, and how far it is from what is reported.

    Attributes
    ----------
    chain, base_year, months
        What was run.
    max_relative_deviation
        Largest ``|x − x̄| / x̄`` over all months and activities, from prices that start up to 30 %
        off: the solver has to find the way back.
    max_deviation_from_reported
        Largest move of reported imports, exports or output over the country's throughput; None
        where nothing is reported (every lane inferred, every output a prior).
    reconciliation
        Reported and reconciled by country, form and item.
    coverage
        World trade by form: observed, imputed, left out.
    certificate
        ``max_residual, max_gap, solves, fallbacks``.
    """

    chain: str
    base_year: int
    months: int
    max_relative_deviation: float
    max_deviation_from_reported: float | None
    reconciliation: pl.DataFrame
    coverage: pl.DataFrame
    certificate: dict[str, float]


def check_base(chain: Chain, year: int, *, months: int = 12) -> BaseCheck:
    """Run a chain with nothing restricted and compare with its base year.

    Raises
    ------
    InputError
        If the chain has no trade in that year.
    """
    base = base_year(chain, year)
    calendar = [Month(year, 1) + i for i in range(months)]
    rng = np.random.default_rng(0)

    def from_elsewhere(problem: MarketProblem, start: NDArray[np.float64]) -> Solution:
        return newton.solve(problem, start * rng.uniform(0.7, 1.3, start.size), _TO_ROUNDING)

    run = run_market(compile_schedule(base, (), calendar), solver=from_elsewhere)
    return BaseCheck(
        chain=chain.id,
        base_year=year,
        months=months,
        max_relative_deviation=_deviation(run),
        max_deviation_from_reported=base.max_deviation_from_reported,
        reconciliation=base.reconciliation,
        coverage=base.coverage,
        certificate={
            "max_residual": run.max_residual,
            "max_gap": run.max_gap,
            "solves": run.solves,
            "fallbacks": run.fallbacks,
        },
    )


def _deviation(run: Run) -> float:
    network = run.network
    known = network.reference > 0.0
    moved = np.abs(run.levels - network.reference)
    latent = moved[:, ~known & (network.kind == ActivityKind.SHIP)].max(initial=0.0)
    relative = float((moved[:, known] / network.reference[known]).max(initial=0.0))
    return max(relative, float(latent) / float(network.row_scale.max()))
