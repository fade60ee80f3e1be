"""Trade of any form of a chain: read where a code carries it, inferred where none does.

What is known of a form without a code is who makes it (curated shares times world output) and,
less well, who takes it: the recipes that need it, published shares, else those who take the
neighbouring stage. Its lanes are the flows nearest to the neighbour's (`cross_entropy`) that meet
both totals, with a weight for a maker's own country; `concentration` moves them towards the fit on
the fewest lanes. All of it is marked as imputed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from lodeline import data
from lodeline.errors import DataError
from lodeline.network.chain import (
    Absorption,
    Chain,
    Form,
    Inferred,
    RestOfWorld,
    SharesOfWorld,
)
from lodeline.network.cross_entropy import (
    concentrated,
    cross_entropy_fit,
    prior_flows,
    top_share,
)
from lodeline.network.outputs import NOT_TRACED, OutputPrior, outputs_of_form, world_output
from lodeline.network.trade_lanes import FormTrade, neighbour_form, trade_of_form, world_trade
from lodeline.solver.curves import Vector

__all__ = ["Fits", "fits_of_form", "form_output", "form_trade"]

_REST_DEVIATION = 0.60
"""Relative deviation of an output that is no more than a place in the rest of the world."""
_SMALLEST_MAKER = 0.01
"""Share of the rest of the world below which a country is given no output."""
_SMALLEST_TAKER = 1e-6
"""Share of world output below which a country is taken to use nothing."""
_CRUMB = 1e-3
"""Inferred lanes below this share of what their taker takes are left out."""


@dataclass(frozen=True)
class Fits:
    """Makers, takers and the two fits of a form without a trade code, t/year.

    Attributes
    ----------
    makers, takers
        ISO3, sorted.
    nearest
        Fit nearest to the neighbour's lanes, shape (maker, taker); a maker's own country is among
        its takers.
    fewest
        Fit on the fewest lanes, shape (maker, taker).
    """

    makers: tuple[str, ...]
    takers: tuple[str, ...]
    nearest: Vector
    fewest: Vector

    @property
    def flat(self) -> Vector:
        """Return the fit of maximum entropy, t/year, shape (maker, taker)."""
        supply, demand = self.nearest.sum(axis=1), self.nearest.sum(axis=0)
        return np.asarray(np.outer(supply, demand) / supply.sum())

    def at(self, concentration: float) -> Vector:
        """Return the flows between the two fits, t/year, shape (maker, taker)."""
        return (1.0 - concentration) * self.nearest + concentration * self.fewest

    def top_shares(self) -> dict[str, float]:
        """Return the mean share of each taker's main maker under each fit."""
        return {
            "maximum entropy": top_share(self.flat),
            "nearest": top_share(self.nearest),
            "fewest lanes": top_share(self.fewest),
        }


def form_trade(chain: Chain, form: Form, year: int) -> FormTrade:
    """Return the trade of a form in a year, inferred where no code carries it.

    Raises
    ------
    DataError
        If the totals cannot be met on the neighbour's lanes.
    """
    how = form.inferred
    if how is None:
        return trade_of_form(chain, form, year)
    start = _without_lanes(chain, form, year)
    if year not in start.world["year"].to_list():
        return start
    fits = fits_of_form(chain, form, year)
    flows = fits.at(how.concentration.value)
    rows = [
        (maker, taker, float(flows[i, j]))
        for i, maker in enumerate(fits.makers)
        for j, taker in enumerate(fits.takers)
        if maker != taker and flows[i, j] > _CRUMB * flows[:, j].sum()
    ]
    lanes = pl.DataFrame(rows, schema=["exporter", "importer", "tonnes"], orient="row")
    lanes = lanes.with_columns(
        value_usd=pl.col("tonnes") * start.price, quality=pl.lit("imputed")
    ).sort("exporter", "importer")
    coverage = pl.DataFrame(
        {
            "form": [form.id],
            "year": [year],
            "quality": ["inferred"],
            "value_usd": [float(lanes["value_usd"].sum())],
            "tonnes": [float(lanes["tonnes"].sum())],
            "rows": [lanes.height],
        },
        schema=start.coverage.schema,
    )
    return replace(start, lanes=lanes, coverage=coverage)


def form_output(chain: Chain, form: Form, trade: FormTrade, year: int) -> OutputPrior:
    """Return the output of a form by country, the rest of the world included where inferred."""
    known = outputs_of_form(chain, form, trade, year)
    if form.inferred is None or not isinstance(form.fallback, RestOfWorld):
        return known
    assert isinstance(form.output, SharesOfWorld)
    left = world_output(form.output, trade, year) - sum(known.level.values())
    shares = form.fallback.shares
    weights = _takers(chain, form, year) if shares is None else _shares(shares)
    weights = {c: w for c, w in weights.items() if c not in known.level}
    if form.fallback.countries:
        weights = {c: weights.get(c, 0.0) for c in form.fallback.countries}
    least = _SMALLEST_MAKER * sum(weights.values())
    weights = {c: w for c, w in sorted(weights.items()) if w > least}
    if left <= 0.0 or not weights:
        return known
    rest = {c: left * w / sum(weights.values()) for c, w in weights.items()}
    words = "prior: rest of world output, shared out"
    if shares is None and not form.fallback.countries:
        words = f"{NOT_TRACED}: rest of world output, shared out over takers"
    return OutputPrior(
        level={**known.level, **rest},
        deviation={**known.deviation, **dict.fromkeys(rest, _REST_DEVIATION)},
        basis={**known.basis, **dict.fromkeys(rest, words)},
    )


def fits_of_form(chain: Chain, form: Form, year: int) -> Fits:
    """Return the fits of a form without a trade code: nearest to the neighbour's, fewest lanes."""
    how = form.inferred
    assert how is not None
    made = form_output(chain, form, _without_lanes(chain, form, year), year).level
    taken = _absorbed(chain, form, how, made, year)
    makers, takers = tuple(sorted(made)), tuple(sorted(taken))
    supply = np.array([made[c] for c in makers])
    demand = np.array([taken[c] for c in takers])
    prior = _prior(chain, form, how, (makers, takers), supply, year)
    known = _known(how, (makers, takers), demand)
    free = np.where(known > 0.0, 0.0, prior)
    left, wanted = supply - known.sum(axis=1), demand - known.sum(axis=0)
    if left.min() < 0.0:
        short = makers[int(left.argmin())]
        raise DataError(
            f"chain '{chain.id}', form '{form.id}': the known lanes of {short} carry more than it "
            f"makes in {year}. Correct their shares, or what their importers take."
        )
    nearest = cross_entropy_fit(free, left, wanted)
    return Fits(makers, takers, known + nearest, known + concentrated(nearest, left, wanted))


def _known(how: Inferred, names: tuple[tuple[str, ...], tuple[str, ...]], demand: Vector) -> Vector:
    """Return the flows of lanes that a figure is published of, t/year, shape (maker, taker)."""
    makers, takers = names
    flows = np.zeros((len(makers), len(takers)))
    for lane in how.known:
        if lane.exporter in makers and lane.importer in takers:
            j = takers.index(lane.importer)
            flows[makers.index(lane.exporter), j] = lane.share.value * demand[j]
    return flows


def _without_lanes(chain: Chain, form: Form, year: int) -> FormTrade:
    """Return the trade of an inferred form as far as it is known before its lanes: the price."""
    empty = trade_of_form(chain, form, year)
    world = world_trade(chain, form)
    years = world["year"].to_list()
    price = _price(chain, form, year) if year in years else float("nan")
    return replace(empty, price=price, world=world, first_year=min(years), last_year=max(years))


def _price(chain: Chain, form: Form, year: int) -> float:
    """Return the stated price, or the stated multiple of what the recipe's inputs cost, USD/t."""
    how = form.inferred
    assert how is not None
    if how.price_usd_t is not None:
        return how.price_usd_t.value
    assert how.price_over_inputs is not None
    recipe = next(r for r in chain.recipes if r.makes == form.id)
    inputs = 0.0
    for name, amount in recipe.inputs.items():
        source = chain.form(name)
        price = (
            trade_of_form(chain, source, year).price
            if source.inferred is None
            else _price(chain, source, year)
        )
        inputs += amount.value * price
    return how.price_over_inputs.value * inputs


def _neighbour(chain: Chain, form: Form, year: int) -> tuple[Form, FormTrade, int]:
    """Return the neighbouring form, its trade, and the year of that trade."""
    assert form.inferred is not None
    near = neighbour_form(chain, form)
    when = form.inferred.neighbour.year or year
    return near, form_trade(chain, near, when), when


def _takers(chain: Chain, form: Form, year: int) -> dict[str, float]:
    """Return what each country takes of the neighbouring stage, t/year, positive ones only."""
    near, trade, when = _neighbour(chain, form, year)
    taken = _left_in(chain, near, trade, when)
    # Of lanes of an earlier year: countries that have ended since take nothing; others share it.
    return {c: t for c, t in taken.items() if c not in data.ended_countries(year)}


def _users(chain: Chain, form: Form, how: Inferred, year: int) -> dict[str, float]:
    """Return the weights by which a form is shared out where nothing is published."""
    if how.taken_like is None:
        return _takers(chain, form, year)
    like = chain.form(how.taken_like)
    return _left_in(chain, like, form_trade(chain, like, year), year)


def _left_in(chain: Chain, near: Form, trade: FormTrade, when: int) -> dict[str, float]:
    """Return output plus imports less exports of a form by country, t/year, where positive."""
    taken = dict(form_output(chain, near, trade, when).level)
    for exporter, importer, tonnes in trade.lanes.select(
        "exporter", "importer", "tonnes"
    ).iter_rows():
        taken[exporter] = taken.get(exporter, 0.0) - tonnes
        taken[importer] = taken.get(importer, 0.0) + tonnes
    return {c: t for c, t in taken.items() if t > 0.0}


def _absorbed(
    chain: Chain, form: Form, how: Inferred, made: Mapping[str, float], year: int
) -> dict[str, float]:
    """Return what each country takes of the form, t/year; it adds up to what is made.

    Recipes of later forms come first, then published shares; the rest is shared out like the
    neighbouring stage among the countries that nothing is published of.
    """
    total = sum(made.values())
    weights = _users(chain, form, how, year)
    taken = _recipes_take(chain, form, year)
    for group in how.absorbed:
        amount = group.share.value * total
        within = {c: weights.get(c, 0.0) for c in group.countries}
        if sum(within.values()) <= 0.0:
            within = dict.fromkeys(group.countries, 1.0)
        for country, weight in within.items():
            taken[country] = taken.get(country, 0.0) + amount * weight / sum(within.values())
    if how.absorption is not None:
        for country, share in _shares(how.absorption).items():
            taken[country] = taken.get(country, 0.0) + share * total
    left = total - sum(taken.values())
    free = {c: w for c, w in weights.items() if c not in taken} or weights
    if left > 0.0:
        for country, weight in free.items():
            taken[country] = taken.get(country, 0.0) + left * weight / sum(free.values())
    taken = {c: t for c, t in taken.items() if t > _SMALLEST_TAKER * total}
    scale = total / sum(taken.values())
    return {c: scale * t for c, t in taken.items()}


def _shares(source: Absorption) -> dict[str, float]:
    """Return curated shares by country, the remainder of the world left out."""
    rows = data.stage_shares(source.material, source.stage).filter(
        (pl.col("year") == source.share_year)
        & ~pl.col("country").cast(pl.String).is_in(["WLD", "ROW"])
    )
    chosen = rows.group_by("country", maintain_order=True).agg(pl.col("share").first())
    return {str(country): float(share) for country, share in chosen.iter_rows()}


def _recipes_take(chain: Chain, form: Form, year: int) -> dict[str, float]:
    """Return what recipes of later forms without a code need of the form, t/year by country."""
    taken: dict[str, float] = {}
    for recipe in chain.recipes:
        later = chain.form(recipe.makes)
        if form.id not in recipe.inputs or later.inferred is None:
            continue
        output = outputs_of_form(chain, later, _without_lanes(chain, later, year), year).level
        for country, tonnes in output.items():
            needed = recipe.inputs[form.id].value * recipe.share_in(country).value * tonnes
            taken[country] = taken.get(country, 0.0) + needed
    return taken


def _prior(
    chain: Chain,
    form: Form,
    how: Inferred,
    names: tuple[tuple[str, ...], tuple[str, ...]],
    supply: Vector,
    year: int,
) -> Vector:
    """Return the prior from the neighbour's lanes, shape (maker, taker)."""
    makers, takers = names
    near, trade, when = _neighbour(chain, form, year)
    row = {c: i for i, c in enumerate(makers)}
    column = {c: j for j, c in enumerate(takers)}
    lanes = np.zeros((len(makers), len(takers)))
    kept = dict(form_output(chain, near, trade, when).level)
    for exporter, importer, tonnes in trade.lanes.select(
        "exporter", "importer", "tonnes"
    ).iter_rows():
        kept[exporter] = kept.get(exporter, 0.0) - tonnes
        if exporter in row and importer in column:
            lanes[row[exporter], column[importer]] = tonnes
    return prior_flows(
        lanes,
        np.array([max(kept.get(c, 0.0), 0.0) for c in makers]),
        np.array([column.get(c, -1) for c in makers]),
        supply,
        home=how.home.value,
        openness=how.openness.value,
    )
