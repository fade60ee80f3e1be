"""The base year: reported trade and output, made to balance.

`reported_flows` gathers what is reported: lanes from trade, output by country from the source that
the chain names (or a flagged prior), and use as what is left over. `base_year` then finds the
nearest flows, in weighted least squares, that balance in every country and form; it is the market
solver's own problem with equality rows. The differences are a data-quality report.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

from lodeline.errors import DataError, InputError
from lodeline.network.chain import Chain
from lodeline.network.deviation import deviation_table
from lodeline.network.inferred import form_output, form_trade
from lodeline.network.outputs import OutputPrior
from lodeline.network.reported import Reported, recipe_inputs, reported_flows
from lodeline.network.trade_lanes import FormTrade
from lodeline.solver.curves import CurveKind, Curves, Vector
from lodeline.solver.newton import Settings, solve
from lodeline.solver.problem import MarketProblem, Status

__all__ = ["BaseYear", "base_year", "outputs"]

Index = NDArray[np.int16]

_USE_DEVIATION = 0.50
_CRUMB = 1e-9
_POLISHING_STEPS = 2
_FLOOR_SHARE = 1e-6
"""Standard deviation of a zero, as a share of the form's world throughput."""


@dataclass(frozen=True)
class BaseYear:
    """Balanced flows of one chain in one year, t/year.

    Attributes
    ----------
    chain, year
        What and when.
    countries
        ISO3 codes, sorted; the index of all country arrays.
    forms
        Form identifiers in the chain's order.
    prices
        p̄, USD/t of the form's unit, shape (form,).
    lane_form, lane_origin, lane_destination, lane_level
        Lanes with a flow, shape (lane,).
    latent_form, latent_origin, latent_destination, latent_level
        Lanes of earlier years without a flow now; the level is their mean flow when used.
    produced
        Direct output, shape (form, country).
    processed
        Output of recipes, shape (recipe, country).
    used
        Final use, shape (form, country).
    reconciliation
        Reported and reconciled figures by country, see `ChainResult.reconciliation`.
    max_deviation_from_reported
        Largest move of a country's reported imports, exports or output over its throughput; None
        where nothing is reported.
    coverage
        Share of world trade (by value) by form that is observed, imputed, excluded.
    """

    chain: Chain
    year: int
    countries: tuple[str, ...]
    forms: tuple[str, ...]
    prices: Vector
    lane_form: Index
    lane_origin: Index
    lane_destination: Index
    lane_level: Vector
    latent_form: Index
    latent_origin: Index
    latent_destination: Index
    latent_level: Vector
    produced: Vector
    processed: Vector
    used: Vector
    reconciliation: pl.DataFrame
    max_deviation_from_reported: float | None
    coverage: pl.DataFrame

    def absorbed(self) -> Vector:
        """Return use plus what recipes take, t/year, shape (form, country)."""
        return self.used + recipe_inputs(self.chain, self.processed)


def outputs(base: BaseYear) -> Vector:
    """Return output, direct and of recipes, t/year, shape (form, country)."""
    made = base.produced.copy()
    for r, recipe in enumerate(base.chain.recipes):
        made[base.forms.index(recipe.makes)] += base.processed[r]
    return made


def base_year(chain: Chain, year: int) -> BaseYear:
    """Return the balanced base year of a chain.

    Raises
    ------
    InputError
        If the chain has no trade in that year.
    DataError
        If the reconciliation does not converge (a defect of the data or of the solver).
    """
    trades = [form_trade(chain, form, year) for form in chain.forms]
    for form, trade in zip(chain.forms, trades, strict=True):
        if trade.lanes.height == 0:
            covered = f"{trade.first_year}-{trade.last_year}" if trade.first_year else "no year"
            raise InputError(
                f"chain '{chain.id}', form '{form.id}': no trade in {year}. "
                f"The data cover {covered}; choose a base year among them."
            )
    priors = [
        form_output(chain, form, trade, year)
        for form, trade in zip(chain.forms, trades, strict=True)
    ]
    named = {c for t in trades for column in ("exporter", "importer") for c in t.lanes[column]}
    named |= {c for p in priors for c in p.level}
    countries = tuple(sorted(named))
    return _reconcile(chain, year, countries, trades, priors)


def _reconcile(
    chain: Chain,
    year: int,
    countries: tuple[str, ...],
    trades: list[FormTrade],
    priors: list[OutputPrior],
) -> BaseYear:
    reported = reported_flows(chain, countries, trades, priors)
    world = _world_throughput(reported, len(chain.forms))
    problem = _balance_problem(chain, countries, reported, world)
    solution = solve(
        problem, np.zeros(problem.rhs.size), Settings(tolerance=1e-13, acceptable=1e-11)
    )
    if solution.status is not Status.SOLVED and solution.certificate.primal > 1e-9:
        raise DataError(
            f"chain '{chain.id}', {year}: reconciliation stopped at a residual of "
            f"{solution.certificate.primal:.1e}. Report the chain and year as a defect."
        )
    lanes = reported.lane_level.size
    shape = (len(chain.forms), len(countries))
    split = np.split(
        _polished(problem, np.maximum(solution.levels, 0.0)),
        np.cumsum([lanes, reported.produced.size, reported.processed.size]),
    )
    lane_level, produced, processed, used = (
        split[0],
        split[1].reshape(shape),
        split[2].reshape(len(chain.recipes), len(countries)),
        split[3].reshape(shape),
    )
    produced, processed = _without_crumbs(chain, produced, processed)
    tiny = 1e-15 * world
    lane_level = np.where(lane_level > tiny[reported.lane_form], lane_level, 0.0)
    used = _left_over(chain, reported, lane_level, produced, processed)
    kept = lane_level > 0.0
    latent = _latent_lanes(countries, trades, reported, kept)
    table, deviation = deviation_table(
        chain, countries, priors, reported, lane_level, produced, processed, used
    )
    return BaseYear(
        chain=chain,
        year=year,
        countries=countries,
        forms=tuple(f.id for f in chain.forms),
        prices=np.array([t.price for t in trades]),
        lane_form=reported.lane_form[kept],
        lane_origin=reported.lane_origin[kept],
        lane_destination=reported.lane_destination[kept],
        lane_level=lane_level[kept],
        latent_form=latent[0],
        latent_origin=latent[1],
        latent_destination=latent[2],
        latent_level=latent[3],
        produced=produced,
        processed=processed,
        used=used,
        reconciliation=table,
        max_deviation_from_reported=deviation,
        coverage=pl.concat([t.coverage for t in trades]),
    )


def _polished(problem: MarketProblem, levels: Vector) -> Vector:
    """Return levels that balance to rounding, moved by the least relative amounts.

    The multipliers of a reconciliation span many orders of magnitude, so a small node may be left
    with an imbalance of some 1e-9 of its throughput. With W = diag(x²) the correction is
    ``Δ = −W Aᵀ (A W Aᵀ)⁻¹ A x``; what is zero stays zero.
    """
    for _ in range(_POLISHING_STEPS):
        weighted = problem.incidence * levels
        normal = sparse.csc_array(weighted @ weighted.T)
        diagonal = normal.diagonal()
        scale = 1.0 / np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
        balance = sparse.diags_array(scale)
        system = balance @ normal @ balance + 1e-14 * sparse.eye_array(scale.size)
        excess = problem.incidence @ levels
        multipliers = scale * splu(sparse.csc_array(system)).solve(scale * excess)
        # The bound keeps a level that is all rounding from changing its sign.
        moved = np.clip(-(weighted.T @ multipliers), -0.5, 0.5)
        levels = levels * (1.0 + moved)
    return levels


def _world_throughput(reported: Reported, forms: int) -> Vector:
    """Return world trade plus use by form, t/year, shape (form,)."""
    trade = np.bincount(reported.lane_form, weights=reported.lane_level, minlength=forms)
    return np.asarray(trade + reported.used.sum(axis=1))


def _balance_problem(
    chain: Chain, countries: tuple[str, ...], reported: Reported, world: Vector
) -> MarketProblem:
    """Return the least-squares problem: reference = reported, slope = 1/variance, rows balance."""
    forms, n = len(chain.forms), len(countries)
    node = np.arange(forms * n).reshape(forms, n)
    lanes = reported.lane_level.size
    lane = np.arange(lanes)
    rows = [node[reported.lane_form, reported.lane_origin]]
    rows.append(node[reported.lane_form, reported.lane_destination])
    columns, values = [lane, lane], [-np.ones(lanes), np.ones(lanes)]
    offset = lanes
    rows.append(node.ravel())
    columns.append(offset + np.arange(node.size))
    values.append(np.ones(node.size))
    offset += node.size
    ids = [f.id for f in chain.forms]
    for recipe in chain.recipes:
        for name, amount in [
            (recipe.makes, 1.0),
            *((k, -v.value) for k, v in recipe.inputs.items()),
        ]:
            rows.append(node[ids.index(name)])
            columns.append(offset + np.arange(n))
            values.append(np.full(n, amount))
        offset += n
    rows.append(node.ravel())
    columns.append(offset + np.arange(node.size))
    values.append(-np.ones(node.size))
    offset += node.size
    incidence = sparse.csc_array(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))),
        shape=(node.size, offset),
    )

    floor = np.maximum(_FLOOR_SHARE * world, 1e-9)
    per_form = np.repeat(floor, n)
    made = [ids.index(r.makes) for r in chain.recipes]
    reference = np.concatenate(
        [
            reported.lane_level,
            reported.produced.ravel(),
            reported.processed.ravel(),
            reported.used.ravel(),
        ]
    )
    deviation = np.concatenate(
        [
            reported.lane_deviation + floor[reported.lane_form],
            reported.output_deviation.ravel() + per_form,
            (reported.output_deviation[made] + floor[made][:, None]).ravel(),
            _USE_DEVIATION * reported.used.ravel() + per_form,
        ]
    )
    size = reference.size
    curves = Curves(
        kind=np.full(size, CurveKind.LINEAR, dtype=np.int8),
        reference=reference,
        margin=np.zeros(size),
        slope=1.0 / deviation**2,
        price=np.ones(size),
        elasticity=np.ones(size),
        cap=np.ones(size),
        lower=np.zeros(size),
        upper=_room(chain, reported),
    )
    scale = np.maximum(np.abs(incidence) @ reference, 1e-4 * per_form)
    # A multiplier of this size moves a row by about its own throughput.
    price = scale / np.maximum((incidence**2) @ deviation**2, 1e-300)
    return MarketProblem(
        incidence, np.zeros(node.size), np.ones(node.size, dtype=bool), curves, price, scale
    )


def _room(chain: Chain, reported: Reported) -> Vector:
    """Return upper bounds: what is reported as nothing stays nothing, no mine is invented.

    A country with output of a form may make it either way: by the recipe, or from what the chain
    does not show (scrap, intermediates without a code) where the recipe's inputs do not reach it.
    """
    ids = [f.id for f in chain.forms]
    output = reported.produced.copy()
    for r, recipe in enumerate(chain.recipes):
        output[ids.index(recipe.makes)] += reported.processed[r]
    processed = [
        np.where(reported.processed[r] > 0.0, output[ids.index(recipe.makes)], 0.0)
        for r, recipe in enumerate(chain.recipes)
    ]
    reference = np.concatenate(
        [reported.lane_level, output.ravel(), *processed, reported.used.ravel()]
    )
    return np.asarray(np.where(reference > 0.0, np.inf, 0.0))


def _without_crumbs(chain: Chain, produced: Vector, processed: Vector) -> tuple[Vector, Vector]:
    """Return outputs with the rounding of a zero set to zero, judged by the country's output."""
    ids = [f.id for f in chain.forms]
    total = produced.copy()
    for r, recipe in enumerate(chain.recipes):
        total[ids.index(recipe.makes)] += processed[r]
    made = [ids.index(recipe.makes) for recipe in chain.recipes]
    return (
        np.where(produced > _CRUMB * total, produced, 0.0),
        np.where(processed > _CRUMB * total[made], processed, 0.0),
    )


def _left_over(
    chain: Chain,
    reported: Reported,
    lane_level: Vector,
    produced: Vector,
    processed: Vector,
) -> Vector:
    """Return use as exactly what is left over, so that rounding stays in one place."""
    left = produced - recipe_inputs(chain, processed)
    ids = [f.id for f in chain.forms]
    for r, recipe in enumerate(chain.recipes):
        left[ids.index(recipe.makes)] += processed[r]
    np.add.at(left, (reported.lane_form, reported.lane_destination), lane_level)
    np.subtract.at(left, (reported.lane_form, reported.lane_origin), lane_level)
    return np.asarray(np.where(reported.used > 0.0, np.maximum(left, 0.0), 0.0))


def _latent_lanes(
    countries: tuple[str, ...],
    trades: list[FormTrade],
    reported: Reported,
    kept: NDArray[np.bool_],
) -> tuple[Index, Index, Index, Vector]:
    """Return lanes of earlier years that can open again: their ends still trade, use or produce."""
    position = {c: i for i, c in enumerate(countries)}
    now = set(
        zip(
            reported.lane_form[kept].tolist(),
            reported.lane_origin[kept].tolist(),
            reported.lane_destination[kept].tolist(),
            strict=True,
        )
    )
    rows = []
    for f, trade in enumerate(trades):
        world = float(trade.lanes["tonnes"].sum())
        for exporter, importer, mean in trade.earlier.iter_rows():
            i, j = position.get(exporter), position.get(importer)
            if i is None or j is None or (f, i, j) in now or mean < 1e-5 * world:
                continue
            rows.append((f, i, j, mean))
    if not rows:
        empty = np.zeros(0, dtype=np.int16)
        return empty, empty, empty, np.zeros(0)
    f_, i_, j_, level = zip(*rows, strict=True)
    return (
        np.array(f_, dtype=np.int16),
        np.array(i_, dtype=np.int16),
        np.array(j_, dtype=np.int16),
        np.array(level),
    )
