"""The report of a stress test: one HTML file that asks nothing of any network.

Charts are inline SVG and there is no script, so the file works from a memory stick, prints as it
shows, and its content policy forbids every request.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from jinja2 import Environment

from lodeline import __version__
from lodeline.report import brief, figures, sankey, tables, worldmap
from lodeline.report import format as fmt
from lodeline.report.beside import corner_words
from lodeline.report.clause import restricted_span, restriction_sentences, restrictors
from lodeline.report.page import environment, web_address
from lodeline.results.concentration import CONCENTRATION_LIMIT
from lodeline.results.metrics import UNMET_THRESHOLD
from lodeline.results.stress import ChainResult, StressResult

__all__ = ["render_stress"]

_MOST_LINES = 6
_MOST_PANELS = 2
_MOST_BARS = 8
_MOST_PARTNERS = 4
_LINE, _TITLE, _DETAIL = 95, 70, 45
"""Letters of a source in the brief; the data table has it in full."""

_GOOD_ENOUGH = 1e-8
"""Residual and gap that every published result keeps."""


def render_stress(result: StressResult, *, world: Mapping[str, Any]) -> str:
    """Return the report of a stress test as one self-contained HTML document.

    Parameters
    ----------
    result
        What the study returned.
    world
        GeoJSON feature collection; features carry an ISO3 code as ``id`` and a property ``name``
        (``lodeline.data.world_map()``).
    """
    template = _templates().get_template("report.html.j2")
    chains = _ordered(result)
    return template.render(
        result=result,
        scenario=result.scenario,
        version=__version__,
        answer=brief.answer(result),
        key_figures=tables.key_figures(result),
        brief_panels=[_unmet_panel(c, result) for c in chains[:_MOST_PANELS]],
        restrictions=restriction_sentences(result),
        sources=_sources(result),
        rests_on=brief.rests_on(result),
        changes=brief.changes(result),
        leaves_out=brief.leaves_out(result),
        outlines=worldmap.outlines(world),
        map=worldmap,
        chains=[_section(chain, result, world) for chain in chains],
        tornado=figures.tornado(
            result.sensitivity[:_MOST_BARS],
            {c.chain: c.title for c in chains},
            [r.unit for r in result.sensitivity[:_MOST_BARS]],
        ),
        costs=tables.costs(result),
        costs_csv=tables.csv_address(_named(result.countries, result)),
        datasets=tables.datasets(result),
        certificate=certificate_words(result.certificate),
        command=command(result),
        threshold=fmt.share(UNMET_THRESHOLD, is_exact=True),
        limit=fmt.share(CONCENTRATION_LIMIT, is_exact=True),
        corners=[
            f"{'Severe' if c.is_severe else 'Mild'}: {corner_words(c)} give {fmt.share(c.value)}."
            for c in result.corners
            if c.numbers
        ],
        without_bars=max(len(result.sensitivity) - _MOST_BARS, 0),
        asked=fmt.join([fmt.location(_name(result, c)) for c in result.asked]),
    )


@dataclass(frozen=True)
class ChainSection:
    """All that the analyst's part shows of one chain."""

    chain: ChainResult
    words: str
    unit: str
    map_shades: dict[str, worldmap.Shade]
    map_values: dict[str, str]
    asked: tuple[str, ...]
    restricting: tuple[str, ...]
    too_small: tuple[str, ...]
    flows: tuple[tuple[sankey.SankeyPanel, sankey.SankeyPanel], ...]
    supply: tables.Table
    supply_csv: str
    concentration: tables.Table
    panels: tuple[figures.LinePanel, ...]
    stages: tables.Table | None
    losses: tables.Table
    losses_csv: str
    series_csv: str
    assumptions: tables.Table
    reconciliation: tables.Table


def certificate_words(certificate: Mapping[str, float]) -> list[str]:
    """Return what the certificate proves, in plain words."""
    residual, gap = certificate["max_residual"], certificate["max_gap"]
    out = [
        f"{fmt.count(certificate['solves'], 'market')} were cleared. In the worst of them what "
        "flows in and what flows out of a country differ by "
        f"{_power(residual)} of what passes through it.",
        f"The prices and flows found are within {_power(gap)} of the best possible ones, as a "
        "share of the money that changes hands.",
    ]
    fallbacks = certificate["fallbacks"]
    if fallbacks:
        out.append(
            f"{fmt.count(fallbacks, 'market')} needed the slower second method; the proof holds "
            "for them as well."
        )
    if max(residual, gap) > _GOOD_ENOUGH:
        out.append(
            f"This does not meet Lodeline’s own standard of {_power(_GOOD_ENOUGH)}. "
            "Do not use these figures before the cause is found."
        )
    else:
        out.append(
            "The check uses only the data and the answer, not the method that found it. It proves "
            "that the arithmetic is right, not that the assumptions are."
        )
    return out


def command(result: StressResult) -> str:
    """Return the command that repeats the run."""
    stocks = result.scenario.get("stocks") or {}
    options = f" --stocks {stocks['policy']}" if stocks else ""
    options += " --lead-time" if result.lead_time else ""
    options += f" --priority {','.join(result.priority)}" if result.priority else ""
    return (
        f"lodeline stress {result.scenario['id']} --base-year {result.base_year} "
        f"--months {len(result.months)} --mode {result.mode} "
        f"--countries {','.join(result.asked)}{options} --out report"
    )


def _templates() -> Environment:
    return environment(
        month=fmt.month, months=fmt.months, count=fmt.count, join_words=fmt.join,
        share=fmt.share, web=web_address,
    )  # fmt: skip


def _ordered(result: StressResult) -> list[ChainResult]:
    """Return the chains: the headline's, then by the worst month of the countries asked about."""
    first = [result.headline["chain"]] if result.headline else []
    worst = [chain.chain for chain, *_ in brief.asked_rows(result)]
    names = dict.fromkeys([*first, *worst, *result.chains])
    return [result.chains[name] for name in names]


def _section(chain: ChainResult, result: StressResult, world: Mapping[str, Any]) -> ChainSection:
    rows = chain.metrics.filter((pl.col("form") == chain.form) & (pl.col("reference_use_t") > 0))
    peaks = dict(zip(rows["country"], rows["unmet_share_peak"], strict=True))
    shades = worldmap.shades(peaks)
    drawn = {o.iso3 for o in worldmap.outlines(world)}
    hidden = [c for c, s in shades.items() if c not in drawn and s.low > 0]
    hidden.sort(key=lambda c: -peaks[c])
    form = chain.supply.filter(pl.col("form") == chain.form)
    restricting = restrictors(result, chain.chain)
    return ChainSection(
        chain=chain,
        words=brief.form_words(chain),
        unit=chain.units[chain.form],
        map_shades=shades,
        map_values={c: fmt.share(peaks[c]) for c in shades},
        asked=result.members,
        restricting=restricting,
        too_small=tuple(f"{_name(result, c)} ({fmt.share(peaks[c])})" for c in hidden),
        flows=_flows(form, restricting, chain.units[chain.form], result),
        supply=tables.supply(chain, result),
        supply_csv=tables.csv_address(chain.supply),
        concentration=tables.concentration(chain, result),
        panels=(
            _unmet_panel(chain, result),
            _panel(chain, result, "price_multiple"),
            _panel(chain, result, "months_of_cover"),
        ),
        stages=tables.by_stage(chain, result),
        losses=tables.losses(chain, result),
        losses_csv=tables.csv_address(_named(chain.metrics, result)),
        series_csv=tables.csv_address(
            chain.series.filter(pl.col("country").is_in(list(result.members)))
        ),
        assumptions=tables.assumptions(chain),
        reconciliation=tables.reconciliation(chain, _partners(chain, result), result),
    )


@dataclass(frozen=True)
class SourceLine:
    """A source as the brief names it; `says` is None for a table of the dataset."""

    text: str
    href: str
    edition: str
    says: str | None


def _sources(result: StressResult) -> list[SourceLine]:
    out = [
        SourceLine(
            fmt.shorten(s["title"], _LINE),
            str(s.get("url") or ""),
            f"{s.get('date') or 'no date'} (confidence: {s['confidence']})",
            str(s.get("says") or ""),
        )
        for s in result.scenario["sources"]
    ]
    by_publisher: dict[str, Mapping[str, Any]] = {}
    for table in sorted(result.dataset["tables"], key=lambda t: -int(t.get("rows") or 0)):
        by_publisher.setdefault(str(table.get("publisher") or table.get("source")), table)
    for publisher, t in by_publisher.items():
        title = fmt.shorten(str(t.get("source") or t.get("title") or t["name"]), _TITLE)
        edition, licence = (
            fmt.shorten(_clause(str(t.get(key) or "not stated")), _DETAIL)
            for key in ("edition", "licence")
        )
        name = title if title.startswith(publisher) else f"{publisher}, {title}"
        line = f"edition {edition}; licence {licence}"
        out.append(SourceLine(name, str(t.get("url") or ""), line, None))
    return out


def _clause(text: str) -> str:
    """Return the first clause of a text."""
    return re.split(r"[:;(]", text, maxsplit=1)[0].strip()


def _flows(
    supply: pl.DataFrame, restricting: Sequence[str], unit: str, result: StressResult
) -> tuple[tuple[sankey.SankeyPanel, sankey.SankeyPanel], ...]:
    pairs = [
        sankey.sankey(
            supply,
            buyers=buyers,
            restricting=restricting,
            name=lambda c: _name(result, c),
            unit=unit,
            titles=(f"Before: {result.base_year}", "During the restriction"),
        )
        for buyers in sankey.like_sized(supply, result.members)
    ]
    return tuple(p for p in pairs if p is not None)[:_MOST_PANELS]


_MEASURES = {
    "price_multiple": ("multiple", "Price", "{year} = 1"),
    "months_of_cover": ("months", "Stocks", "months of use covered"),
}


def _panel(chain: ChainResult, result: StressResult, measure: str) -> figures.LinePanel:
    kind, title, unit = _MEASURES[measure]
    return figures.line_panel(
        title,
        unit.format(year=result.base_year),
        _series(chain, result, measure),
        months=result.months,
        kind=kind,
        band=restricted_span(result),
    )


def _unmet_panel(chain: ChainResult, result: StressResult) -> figures.LinePanel:
    words = brief.form_words(chain)
    return figures.line_panel(
        f"Unmet use: {words}",
        "% of use",
        _series(chain, result, "unmet_share"),
        months=result.months,
        kind="share",
        band=restricted_span(result),
        threshold=UNMET_THRESHOLD,
        whisker=_headline_range(chain, result),
    )


def _headline_range(chain: ChainResult, result: StressResult) -> tuple[int, float, float] | None:
    head = result.headline
    if not head or not result.sensitivity:
        return None
    low, high = head.get("low"), head.get("high")
    if (head["chain"], head["form"]) != (chain.chain, chain.form) or low is None or high is None:
        return None
    rows = _of(chain, head["country"]).drop_nulls("unmet_share")
    if rows.is_empty():
        return None
    at_peak = rows.filter(pl.col("unmet_share").round(2) == pl.col("unmet_share").max().round(2))
    return result.months.index(at_peak["month"].min()), low, high


def _series(chain: ChainResult, result: StressResult, measure: str) -> list[figures.Series]:
    """Return the lines of the countries asked about; if they are many, of the worst."""
    worst = [country for c, country, _ in brief.asked_rows(result) if c.chain == chain.chain]
    kept = [c for c in result.asked if c in worst[:_MOST_LINES]]
    out = []
    for country in kept:
        rows = {r["month"]: r for r in _of(chain, country).iter_rows(named=True)}
        values = [rows[m][measure] if m in rows else None for m in result.months]
        capped = [bool(m in rows and rows[m]["is_price_capped"]) for m in result.months]
        marks = capped if measure == "price_multiple" else ()
        out.append(figures.Series(_name(result, country), values, marks))
    return out


def _of(chain: ChainResult, country: str) -> pl.DataFrame:
    return chain.series_of(country).filter(pl.col("form") == chain.form)


def _partners(chain: ChainResult, result: StressResult) -> Sequence[str]:
    """Return the countries asked about, who restricts, and the largest suppliers of the former."""
    bought = chain.supply.filter(
        (pl.col("form") == chain.form) & pl.col("importer").is_in(list(result.members))
    ).sort("before_t", descending=True, nulls_last=True)
    largest = list(dict.fromkeys(bought["exporter"]))
    named = [*result.members, *restrictors(result, chain.chain)]
    known = set(chain.reconciliation["country"])
    others = [c for c in largest if c not in named][:_MOST_PARTNERS]
    return [c for c in dict.fromkeys([*named, *others]) if c in known]


def _named(table: pl.DataFrame, result: StressResult) -> pl.DataFrame:
    """Return a table with the country's name beside its code."""
    names = pl.DataFrame(
        {"country": list(result.country_names), "name": list(result.country_names.values())},
        schema={"country": pl.String, "name": pl.String},
    )
    joined = table.join(names, on="country", how="left")
    return joined.select("country", "name", pl.exclude("country", "name"))


def _name(result: StressResult, country: str) -> str:
    return result.country_names.get(country, country)


def _power(value: float) -> str:
    """Return a small number as a power of ten that bounds it: ``less than 10⁻¹¹``."""
    if value == 0:
        return "nothing"
    exponent = next(e for e in range(40) if value > 10.0 ** -(e + 1) or e == 39)
    digits = str(exponent).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"less than 10⁻{digits}" if exponent else fmt.magnitude(value)
