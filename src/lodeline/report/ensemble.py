"""The report of an ensemble: how likely, how bad, and what it depends on."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import RenderableType
from rich.text import Text

from lodeline import __version__
from lodeline.report import figures
from lodeline.report import format as fmt
from lodeline.report.clause import material
from lodeline.report.figures import COLOURS, DASHES, HEIGHT, LEFT, RIGHT, TOP, WIDTH
from lodeline.report.format import Cell
from lodeline.report.html import certificate_words
from lodeline.report.page import environment, no_address, write_texts
from lodeline.report.tables import Column, Table, csv_address
from lodeline.results.ensemble import LEAST_RANKED, EnsembleResult, chance_range, ensemble_document
from lodeline.results.metrics import UNMET_THRESHOLD

__all__ = ["check_and_write", "ensemble_tables", "render_ensemble"]

_MOST_FACTORS = 12
_MOST_LINES = 6
_DIFFERENT = 0.25
"""Share of a factor's range by which its mean must differ in the tail to be named."""
_LABEL_GAP = 13.0


def check_and_write(result: EnsembleResult, folder: Path) -> list[Path]:
    """Write report, table of quantiles and summary beside the parts; return their paths.

    Timings are left out of the files: a repeated or resumed run gives the same bytes.

    Raises
    ------
    MachineError
        If the disk refuses.
    """
    document = ensemble_document(result, with_timings=False)
    contents = {
        "report.html": render_ensemble(result),
        "quantiles.csv": result.quantiles.write_csv(),
        "summary.json": json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2) + "\n",
    }
    return write_texts(folder, contents, remedy="Free some space, then go on with --resume.")


def render_ensemble(result: EnsembleResult) -> str:
    """Return the report as one self-contained HTML document."""
    templates = environment(
        months=fmt.months, month=fmt.month, share=fmt.share, web=no_address, count=fmt.count
    )
    return templates.get_template("ensemble.html.j2").render(
        result=result,
        spec=result.specification,
        version=__version__,
        threshold=fmt.share(UNMET_THRESHOLD, is_exact=True),
        lead=lead(result),
        key=key_figures(result),
        panels=_panels(result),
        bars=_bars(result),
        noise=_noise(result),
        common=_common(result),
        tail=_tail(result),
        factors=_factors(result),
        quantiles=_all_quantiles(result),
        quantiles_csv=csv_address(result.quantiles),
        events=_events(result),
        certificate=certificate_words(result.certificate),
        command=command(result),
        fingerprint=_fingerprint(result),
    )


def lead(result: EnsembleResult) -> str:
    """Return the answer in a sentence or two."""
    head = result.headline
    futures = fmt.count(result.n, "future")
    if not head:
        return f"In {futures} none of the countries asked about uses what is restricted."
    country = fmt.location(_name(result, head["country"]))
    what = material(result.chains[head["chain"]])
    row = result.short.filter(
        (pl.col("country") == head["country"]) & (pl.col("chain") == head["chain"])
        & (pl.col("form") == head["form"])
    )  # fmt: skip
    chance = fmt.share(row["probability_short"][0])
    return (
        f"In {chance} of {futures} {country} runs short of {what}. Half of the futures lose at "
        f"least {fmt.share(head['p50'])} of use in the worst month, one in twenty at least "
        f"{fmt.share(head['p95'])}."
    )


def key_figures(result: EnsembleResult) -> Table:
    """Return the table of the countries asked about: median and middle nine tenths."""
    rows = []
    for chain, form in result.forms.items():
        for country in result.asked:
            if (found := _of(result, country, chain, form)) is not None:
                rows.append((found["unmet_share_peak"]["mean"], chain, country, found))
    rows.sort(key=lambda r: -r[0])
    return Table(
        f"Countries asked about over {fmt.months(len(result.months))}: the median of "
        f"{fmt.count(result.n, 'future')}, and the range of nine in ten",
        (
            Column("Country", is_number=False),
            Column("Material", is_number=False),
            Column("Chance to run short"),
            Column("Worst month, % of use unmet"),
            Column(f"Peak price, {result.base_year}{fmt.SPACE}={fmt.SPACE}1"),
            Column("Cost"),
        ),
        tuple(
            (
                Cell(_name(result, country)),
                Cell(material(result.chains[chain])),
                Cell(fmt.share(found["probability_short"]), strong=True),
                _range(found["unmet_share_peak"], fmt.share),
                _range(found["price_multiple_peak"], fmt.times),
                _range(found["cost_usd"], fmt.money),
            )
            for _, chain, country, found in rows
        ),
    )


def _of(result: EnsembleResult, country: str, chain: str, form: str) -> dict[str, Any] | None:
    """Return the chance and the quantiles of one country and chain by metric."""
    here = (pl.col("country") == country) & (pl.col("chain") == chain)
    short = result.short.filter(here & (pl.col("form") == form))
    if short.height == 0:
        return None
    own = result.quantiles.filter(here & pl.col("form").is_in([form, "all"]))
    found: dict[str, Any] = {"probability_short": short["probability_short"][0]}
    for row in own.iter_rows(named=True):
        if row["metric"] != "cost_usd" or row["form"] == "all":
            found[row["metric"]] = row
    return found


def _range(row: Mapping[str, Any], words: Any) -> Cell:  # noqa: ANN401  any formatter of one number
    low, middle, high = words(row["p5"]), words(row["p50"]), words(row["p95"])
    return Cell(middle if low == high else f"{middle} ({low} to {high})")


def ensemble_tables(result: EnsembleResult) -> tuple[RenderableType, ...]:
    """Return the answer for a terminal of 80 columns."""
    parts: list[RenderableType] = [
        Text(str(result.specification["title"]), style="bold"),
        Text(lead(result).replace(fmt.SPACE, " ")),
        Text(),
    ]
    for chain, form in result.forms.items():
        for country in result.asked:
            found = _of(result, country, chain, form)
            if found is None:
                continue
            parts.append(Text(f"{_name(result, country)}, {material(result.chains[chain])}",
                              style="bold"))  # fmt: skip
            for words, cell in (
                ("chance to run short", fmt.share(found["probability_short"])),
                ("worst month unmet", _range(found["unmet_share_peak"], fmt.share).text),
                ("peak price", _range(found["price_multiple_peak"], fmt.times).text),
                ("cost", _range(found["cost_usd"], fmt.money).text),
            ):
                parts.append(Text(f"  {words:<20} {cell}".replace(fmt.SPACE, " ")))
    in_brackets = "But for the chance: the median of the futures, in brackets nine in ten."
    parts += [Text(in_brackets, style="dim"), Text()]
    parts += [Text(line.replace(fmt.SPACE, " ")) for line in told(result)]
    speed = result.scenarios_per_second
    pace = f"{speed:,.0f} scenarios a second; " if speed is not None else ""
    worst = max(result.certificate["max_residual"], result.certificate["max_gap"])
    parts.append(
        Text(
            f"{pace}{result.certificate['solves']:,} markets cleared, "
            f"{result.certificate['fallbacks']:,} by the slower second method; "
            f"worst certificate {worst:.0e}",
            style="dim",
        )
    )
    return tuple(parts)


_MANY = 1000
"""Futures from which on a chance is known to some percent and needs no range of its own."""


def told(result: EnsembleResult) -> list[str]:
    """Return what the futures tell beyond their numbers, and what they are too few to tell."""
    head, n = result.headline, result.n
    if not head:
        return []
    lines = []
    if n < _MANY:
        own = _of(result, head["country"], head["chain"], head["form"])
        low, high = chance_range(own["probability_short"], n) if own else (0.0, 1.0)
        country = fmt.location(_name(result, head["country"]))
        lines.append(
            f"{fmt.count(n, 'future')} are few: of all that could be drawn {fmt.share(low)} to "
            f"{fmt.share(high)} may leave {country} short, and one in twenty are the worst "
            f"{fmt.count(math.ceil(n / 20), 'future')} here."
        )
    top = [b.label for b in _bars(result)[:5] if b.is_clear]
    if top:
        lines.append("What decides it: " + "; ".join(top))
    elif result.ranking.height:
        lines.append(f"What decides it: no number stands out from chance in {n:,} futures.")
    elif n < LEAST_RANKED:
        lines.append(f"What decides it: not to be told from fewer than {LEAST_RANKED} futures.")
    if n < _MANY:
        lines.append(f"More tell more: --n {_MANY}.")
    return lines


@dataclass(frozen=True)
class Bar:
    """One bar of the ranking.

    Attributes
    ----------
    label
        The uncertain number.
    width
        Percent of the full width.
    words
        What the bar says, for readers who do not see it.
    is_clear
        Whether it stands out from chance.
    """

    label: str
    width: float
    words: str
    is_clear: bool


def _bars(result: EnsembleResult) -> list[Bar]:
    out = []
    for row in result.ranking.head(_MOST_FACTORS).iter_rows(named=True):
        toward = "more of it: worse" if row["direction"] > 0 else "more of it: better"
        is_clear = row["pawn"] > 2.0 * row["noise"]
        says = f"{row['pawn']:.2f}" + (f", {toward}" if abs(row["direction"]) > 0.1 else "")
        out.append(Bar(row["label"], round(100.0 * row["pawn"], 1), says, is_clear))
    return out


def _noise(result: EnsembleResult) -> float | None:
    return float(result.ranking["noise"][0]) if result.ranking.height else None


def _common(result: EnsembleResult) -> list[str]:
    """Return what the worst twentieth has in common, the most telling first."""
    told = []
    for f in result.factors.iter_rows(named=True):
        width = f["high"] - f["low"]
        if f["mean_tail"] is None or width <= 0.0 or f["distribution"] == "fixed":
            continue
        moved = (f["mean_tail"] - f["mean_all"]) / width
        if abs(moved) < _DIFFERENT:
            continue
        unit = "share" if f["key"].endswith(".happens") else f["unit"]
        tail, usual = fmt.parameter(f["mean_tail"], unit), fmt.parameter(f["mean_all"], unit)
        told.append((abs(moved), f"{f['label']}: {tail} on average, {usual} over all futures"))
    return [text for _, text in sorted(told, reverse=True)]


def _tail(result: EnsembleResult) -> Table | None:
    if result.tail.height == 0:
        return None
    shown = [k for k in result.ranking["key"].to_list()[:5] if k in result.tail.columns]
    by_key = {f["key"]: f for f in result.factors.iter_rows(named=True)}
    return Table(
        "The worst futures, by number, with what was drawn for them",
        (
            Column("Future", is_number=False),
            Column("Worst month, % of use unmet"),
            Column("Cost"),
            *(Column(f"{by_key[k]['label']}, {by_key[k]['unit']}".removesuffix(", 1"))
              for k in shown),
        ),
        tuple(
            (
                Cell(str(row["scenario"])),
                Cell(fmt.share(row["unmet_share_peak"])),
                Cell(fmt.money(row["cost_usd"])),
                *(Cell(_drawn(k, row[k])) for k in shown),
            )
            for row in result.tail.iter_rows(named=True)
        ),
    )  # fmt: skip


def _drawn(key: str, value: float) -> str:
    if key.endswith(".happens"):
        return "yes" if value else "no"
    return fmt.plain(value)


def _factors(result: EnsembleResult) -> Table:
    return Table(
        "All numbers of the ensemble",
        (
            Column("Number", is_number=False),
            Column("Spread", is_number=False),
            Column("Central"),
            Column("Range"),
            Column("Unit", is_number=False),
            Column("Source", is_number=False),
        ),
        tuple(
            (
                Cell(f["label"]),
                Cell(f["distribution"] + (", assumed" if f["assumed"] else "")),
                Cell(fmt.plain(f["value"])),
                Cell(fmt.between(f["low"], f["high"])),
                Cell(f["unit"] if f["unit"] != "1" else ""),
                Cell(f["source"]),
            )
            for f in result.factors.iter_rows(named=True)
        ),
        shown=15,
    )


def _all_quantiles(result: EnsembleResult) -> Table:
    """Return the worst month of every country, the largest mean first."""
    wanted = result.quantiles.filter(pl.col("metric") == "unmet_share_peak")
    form_of = pl.DataFrame(
        {"chain": list(result.forms), "form": list(result.forms.values())},
        schema={"chain": pl.String, "form": pl.String},
    )
    rows = wanted.join(form_of, on=["chain", "form"]).sort(
        "mean", "country", "chain", descending=[True, False, False]
    )
    names = ("p5", "p25", "p50", "p75", "p95")
    return Table(
        "Worst month, % of use unmet, by country: what 5, 25, 50, 75 and 95 % of the futures stay "
        "below",
        (
            Column("Country", is_number=False),
            Column("Material", is_number=False),
            Column("Mean"),
            *(Column(f"{n[1:]}{fmt.SPACE}%") for n in names),
        ),
        tuple(
            (
                Cell(_name(result, r["country"]), strong=r["country"] in result.asked),
                Cell(material(result.chains[r["chain"]])),
                Cell(fmt.share(r["mean"])),
                *(Cell(fmt.share(r[n])) for n in names),
            )
            for r in rows.iter_rows(named=True)
        ),
        shown=15,
    )


def _events(result: EnsembleResult) -> list[str]:
    out = []
    for event in result.specification["events"]:
        name = event["id"] or event["scenario"]["id"]
        delay, lasts = event["delay_months"], event["duration_months"]
        parts = [f"{name}: {event['scenario']['title']}"]
        parts.append(f"probability {fmt.share(event['probability'])}")
        if delay["high"]:
            parts.append(f"starts {delay['low']} to {delay['high']} months later than written")
        if lasts:
            parts.append(f"lasts {lasts['low']} to {lasts['high']} months")
        out.append("; ".join(parts) + ".")
    return out


def _panels(result: EnsembleResult) -> list[figures.LinePanel]:
    out = []
    chains = list(result.forms)
    head = result.headline.get("chain")
    for chain in sorted(chains, key=lambda c: c != head)[:2]:
        title = f"Unmet use of {material(result.chains[chain])}, worst month"
        out.append(_panel(result, chain, "unmet_share_peak", title, "% of use", "share"))
        title = f"Price of {material(result.chains[chain])}, highest month"
        unit = f"{result.base_year} = 1"
        out.append(_panel(result, chain, "price_multiple_peak", title, unit, "multiple"))
    return out


def _panel(
    result: EnsembleResult, chain: str, metric: str, title: str, unit: str, kind: str
) -> figures.LinePanel:
    """Return the values of all futures, mildest first: an exceedance curve laid on its side."""
    own = result.exceedance.filter((pl.col("chain") == chain) & (pl.col("metric") == metric))
    curves = []
    for country in [c for c in result.asked if c in set(own["country"])][:_MOST_LINES]:
        rows = own.filter(pl.col("country") == country).sort("probability", descending=True)
        curves.append((_name(result, country), list(zip(rows["probability"], rows["value"],
                                                         strict=True))))  # fmt: skip
    base = 1.0 if kind == "multiple" else 0.0
    top = max([base, *(v for _, points in curves for _, v in points)])
    ticks = figures.nice_ticks(base, max(top, base + 0.05))
    low, high = ticks[0], ticks[-1]
    bottom = HEIGHT - figures.BOTTOM

    def x(probability: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (1.0 - probability), 1)

    def y(value: float) -> float:
        return round(bottom - (bottom - TOP) * (value - low) / (high - low), 1)

    lines = [_line(name, points, k, x, y, kind) for k, (name, points) in enumerate(curves)]
    label = fmt.share if kind == "share" else fmt.times
    return figures.LinePanel(
        title=title,
        unit=f"{unit}; futures from the mildest to the worst",
        lines=_apart(lines),
        x_ticks=tuple(
            figures.Tick(x(1.0 - q), f"{100 * q:.0f}{fmt.SPACE}%")
            for q in (0.0, 0.25, 0.5, 0.75, 1.0)
        ),
        y_ticks=tuple(figures.Tick(y(t), label(t)) for t in ticks),
        band=None,
        threshold=y(UNMET_THRESHOLD) if kind == "share" else None,
        whisker=None,
        has_marks=False,
        description="; ".join(line.summary for line in lines),
    )


def _line(
    name: str,
    points: Sequence[tuple[float, float]],
    number: int,
    x: Any,  # noqa: ANN401
    y: Any,  # noqa: ANN401
    kind: str,
) -> figures.Line:
    words = fmt.share if kind == "share" else fmt.times
    at = [(x(p), y(v)) for p, v in points]
    path = "M" + "L".join(f"{a:g} {b:g}" for a, b in at) if at else ""
    worst = f"{words(points[-1][1])} in the worst {fmt.share(points[-1][0])}" if points else "none"
    return figures.Line(
        label=name, colour=COLOURS[number % len(COLOURS)], dash=DASHES[number % len(DASHES)],
        path=path, marks=(), end=at[-1] if at else None, label_y=at[-1][1] if at else 0.0,
        summary=f"{name}: {worst}",
    )  # fmt: skip


def _apart(lines: Sequence[figures.Line]) -> tuple[figures.Line, ...]:
    """Move labels apart, from the top down, in the order of the lines' ends."""
    last = TOP - _LABEL_GAP
    heights: dict[str, float] = {}
    for line in sorted(lines, key=lambda e: e.label_y):
        last = max(line.label_y, last + _LABEL_GAP)
        heights[line.label] = last
    return tuple(replace(line, label_y=heights[line.label]) for line in lines)


def command(result: EnsembleResult) -> str:
    """Return the command that repeats the run."""
    lead = "--lead-time " if result.specification["lead_time"] else ""
    return (
        f"lodeline ensemble {result.specification['id']} --n {result.n} --seed {result.seed} "
        f"--base-year {result.base_year} {lead}--out futures"
    )


def _fingerprint(result: EnsembleResult) -> str:
    text = json.dumps(result.specification, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _name(result: EnsembleResult, country: str) -> str:
    return result.country_names.get(country, country)
