"""Tables of a stress test: what its runs mean by chain and country, and the headline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from lodeline import data
from lodeline.network import BaseYear
from lodeline.network.chain import Chain, SharesOfWorld, TableOutput
from lodeline.network.likeness import inferred_forms
from lodeline.network.trade_rows import trade_rows
from lodeline.results.groups import group_tables, groups_among
from lodeline.results.metrics import flow_table, metric_table, series_table, supply_table
from lodeline.results.remainders import with_remainders
from lodeline.results.reserves import reserve_table
from lodeline.results.run import Run
from lodeline.results.sectors import sector_table
from lodeline.results.stress import ChainResult
from lodeline.results.third_countries import via_table
from lodeline.scenarios.groups import expand
from lodeline.studies.dials import Dial
from lodeline.studies.stress.plan import StressPlan

__all__ = ["Headline", "chain_result", "country_summary", "group_summary", "headline_document",
           "headline_of", "peak_of", "tables_used", "worst_certificate"]  # fmt: skip

MATERIAL_USER = 1e-3
"""Least share of the world's use of a form for a country to lead the headline."""


def tables_used(chains: Iterable[Chain]) -> list[dict[str, object]]:
    """Return the manifest's entries of the tables that the chains draw on."""
    used = {"trade", "countries"}
    for chain in chains:
        for form in chain.forms:
            for source in (form.output, form.fallback):
                if isinstance(source, TableOutput):
                    used |= {"production", "world_mining_data"}
                elif isinstance(source, SharesOfWorld):
                    used.add("stage_shares")
    return [t for t in data.info()["tables"] if t["name"] in used]


def chain_result(base: BaseYear, dials: Sequence[Dial], run: Run, plan: StressPlan) -> ChainResult:
    """Return what a run means: its tables, assumptions and certificate."""
    chain = base.chain
    shown = plan.form if plan.form in base.forms else base.forms[-1]
    assert shown is not None
    series = series_table(run)
    plain = metric_table(run, series)
    metrics = with_remainders(plain, base)
    groups = group_tables(run, groups_among(plan.countries), series, plain)
    costs = metrics.group_by("country", maintain_order=True).agg(cost_usd=pl.col("cost_usd").sum())
    return ChainResult(
        chain=chain.id,
        title=chain.title,
        form=shown,
        form_titles={f.id: f.title for f in chain.forms},
        units={f.id: f.unit for f in chain.forms},
        metrics=metrics,
        costs=costs,
        series=series,
        flows=flow_table(run),
        supply=supply_table(run),
        reserves=reserve_table(run),
        via=via_table(run),
        sectors=sector_table(run, series, plan.priority),
        reconciliation=base.reconciliation,
        max_deviation_from_reported=base.max_deviation_from_reported,
        assumptions=_assumption_table(dials),
        limits=chain.limits,
        certificate={
            "max_residual": run.max_residual,
            "max_gap": run.max_gap,
            "solves": run.solves,
            "fallbacks": run.fallbacks,
        },
        inferred=inferred_forms(chain),
        trade=trade_rows(chain, plan.year, expand(plan.countries)),
        groups=replace(groups, metrics=with_remainders(groups.metrics, base)),
    )


def _assumption_table(dials: Sequence[Dial]) -> pl.DataFrame:
    names = ("label", "value", "low", "high", "unit", "source", "assumed")
    table = pl.DataFrame({n: [getattr(d, n) for d in dials] for n in names})
    return table.rename({"label": "name"})


def country_summary(chains: Mapping[str, ChainResult]) -> pl.DataFrame:
    """Return one row per country over all chains: costs added, the worst of the rest."""
    return _summary({n: (c.form, c.metrics, c.costs) for n, c in chains.items()})


def group_summary(chains: Mapping[str, ChainResult]) -> pl.DataFrame:
    """Return the same of the groups asked about."""
    return _summary({n: (c.form, c.groups.metrics, c.groups.costs) for n, c in chains.items()})


def _summary(tables: Mapping[str, tuple[str, pl.DataFrame, pl.DataFrame]]) -> pl.DataFrame:
    """Return the summary of a form's metrics and all costs by chain."""
    parts = []
    for name, (form, metrics, costs) in tables.items():
        shown = metrics.filter(pl.col("form") == form).drop("cost_usd")
        parts.append(costs.join(shown, on="country", how="left").with_columns(chain=pl.lit(name)))
    return (
        pl.concat(parts)
        .sort("country", pl.col("unmet_share_peak").fill_null(-1.0), descending=[False, True])
        .group_by("country", maintain_order=True)
        .agg(
            cost_usd=pl.col("cost_usd").sum(),
            worst_chain=pl.col("chain").filter(pl.col("unmet_share_peak").is_not_null()).first(),
            unmet_share_peak=pl.col("unmet_share_peak").max(),
            time_to_survive_months=pl.col("time_to_survive_months").min(),
            time_to_recover_months=_worst_recovery(),
            price_multiple_peak=pl.col("price_multiple_peak").max(),
            is_price_capped=pl.col("is_price_capped").any(),
            is_remainder=pl.col("is_remainder")
            .filter(pl.col("unmet_share_peak").is_not_null())
            .first(),
        )
    )


def _worst_recovery() -> pl.Expr:
    """Return the longest time to recover; absent if any chain does not recover in the horizon."""
    known = pl.col("unmet_share_peak").is_not_null()
    never = (known & pl.col("time_to_recover_months").is_null()).any()
    return pl.when(never).then(None).otherwise(pl.col("time_to_recover_months").max())


@dataclass(frozen=True)
class Headline:
    """Who is hit hardest of those asked about: form, and peak of the share that is unmet."""

    country: str
    chain: str
    form: str
    value: float


def headline_of(chains: Mapping[str, ChainResult], asked: Sequence[str]) -> Headline | None:
    """Return the country and chain that are hit hardest among the countries asked about.

    A country that uses next to nothing, or of which the use is the remainder of two large figures,
    leads only if all of them do: half of two tonnes is no headline.
    """
    found = [
        (_leads(result, country), value, country, result)
        for country in asked
        for result in chains.values()
        if (value := peak_of(result.metrics_of(country), country, result.form)) is not None
    ]
    if not found:
        return None
    _, value, country, result = max(found, key=lambda row: row[:2])
    return Headline(country, result.chain, result.form, value)


def _leads(result: ChainResult, country: str) -> bool:
    """Return whether the use of a country is large and sure enough for a headline."""
    own = (pl.col("country") == country) & (pl.col("form") == result.form)
    is_sure = not result.metrics_of(country).filter(own)["is_remainder"].any()
    return is_sure and _use_share(result, country) >= MATERIAL_USER


def _use_share(result: ChainResult, country: str) -> float:
    """Return a country's share of the world's reference use of the chain's form."""
    shown = result.metrics.filter(pl.col("form") == result.form)
    mine = result.metrics_of(country).filter(pl.col("form") == result.form)
    own = mine["reference_use_t"].sum()
    return float(own) / max(float(shown["reference_use_t"].sum()), 1e-300)


def peak_of(metrics: pl.DataFrame, country: str, form: str) -> float | None:
    """Return the peak of a country's unmet share of a form, if it uses it."""
    row = metrics.filter((pl.col("country") == country) & (pl.col("form") == form))
    value = row["unmet_share_peak"][0] if row.height else None
    return None if value is None else float(value)


def headline_document(
    head: Headline | None, low: float | None, high: float | None
) -> dict[str, object]:
    """Return the headline as plain data, with its range; nothing if there is none."""
    if head is None:
        return {}
    return {
        "country": head.country,
        "chain": head.chain,
        "form": head.form,
        "unmet_share_peak": head.value,
        "low": low,
        "high": high,
    }


def worst_certificate(chains: Mapping[str, ChainResult]) -> dict[str, float]:
    """Return the worst certificate over chains."""
    return {
        "max_residual": max(c.certificate["max_residual"] for c in chains.values()),
        "max_gap": max(c.certificate["max_gap"] for c in chains.values()),
        "solves": sum(c.certificate["solves"] for c in chains.values()),
        "fallbacks": sum(c.certificate["fallbacks"] for c in chains.values()),
    }
