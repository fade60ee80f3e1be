"""The report of an ensemble: how likely, how bad, and what it depends on."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import RenderableType
from rich.text import Text

from lodeline import __version__
from lodeline.report import format as fmt
from lodeline.report.clause import material
from lodeline.report.ensemble_charts import panels
from lodeline.report.format import Cell
from lodeline.report.html import certificate_words
from lodeline.report.page import environment, no_address, write_texts
from lodeline.report.tables import Column, Table, csv_address
from lodeline.results.ensemble import LEAST_RANKED, EnsembleResult, chance_range, ensemble_document
from lodeline.results.metrics import PRICE_CAP, UNMET_THRESHOLD

__all__ = ["check_and_write", "ensemble_tables", "render_ensemble"]

_MOST_FACTORS = 12
_DIFFERENT = 0.25
"""Share of a factor's range by which its mean must differ in the tail to be named."""
_LIMITS = (0.1, 0.2, 0.5)
"""Unmet shares of which the terminal says how often they are exceeded."""
_AT_CAP = 0.999 * PRICE_CAP
_CAPPED = "† price at the model’s cap, where it no longer means anything"
_GAIN = (
    "− cost: a gain. What is made or held there sells dearer, and that outweighs what users lose; "
    "they are short all the same."
)


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
        above=_above(result),
        marks=[m.replace("− cost: a gain. What", "A gain: what") for m in _marks(result)],
        panels=panels(result),
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
                _range(found["price_multiple_peak"], _times),
                _range(found["cost_usd"], fmt.money),
            )
            for _, chain, country, found in rows
        ),
    )


def _above(result: EnsembleResult) -> Table:
    """Return how often more than round shares of use are unmet, by country and material."""
    limits = list(dict.fromkeys(result.above["unmet_share"]))
    return Table(
        "Share of futures in which more than this part of use is unmet in the worst month",
        (
            Column("Country", is_number=False),
            Column("Material", is_number=False),
            *(Column(fmt.share(limit, is_exact=True)) for limit in limits),
        ),
        tuple(
            (
                Cell(_name(result, country)),
                Cell(material(result.chains[chain])),
                *(Cell(fmt.share(p)) for p in rows["probability"]),
            )
            for (country, chain), rows in result.above.group_by(
                "country", "chain", maintain_order=True
            )
        ),
    )


def _often(result: EnsembleResult, country: str, chain: str) -> str:
    """Return the same for one country and material in a line."""
    here = (pl.col("country") == country) & (pl.col("chain") == chain)
    rows = result.above.filter(here & pl.col("unmet_share").is_in(_LIMITS))
    if not rows["probability"].sum():
        return f"never above {fmt.share(_LIMITS[0], is_exact=True)}"
    told = (
        f"{fmt.share(r['probability'])} above {fmt.share(r['unmet_share'], is_exact=True)}"
        for r in rows.iter_rows(named=True)
    )
    return ", ".join(told)


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


def _times(multiple: float) -> str:
    """Return a multiple of the price, marked where it is the cap."""
    return f"≥{fmt.SPACE}{fmt.times(multiple)}†" if multiple >= _AT_CAP else fmt.times(multiple)


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
                ("how often", _often(result, country, chain)),
                ("peak price", _range(found["price_multiple_peak"], _times).text),
                ("cost", _range(found["cost_usd"], fmt.money).text),
            ):
                parts.append(Text(f"  {words:<20} {cell}".replace(fmt.SPACE, " ")))
    in_brackets = "But for the chance: the median of the futures, in brackets nine in ten."
    parts += [Text(in_brackets, style="dim"), Text()]
    lines = (*_drawn_events(result), *_marks(result), *told(result))
    parts += [Text(line.replace(fmt.SPACE, " ")) for line in lines]
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


def _drawn_events(result: EnsembleResult) -> list[str]:
    """Return in a line which specification this is, and how likely what it holds."""
    spec = result.specification
    told = (
        f"{e['id'] or e['scenario']['id']} ({fmt.share(e['probability'], is_exact=True)})"
        for e in spec["events"]
    )
    return [f"Drawn from “{spec['id']}”, probabilities of its events: {', '.join(told)}."]


def _marks(result: EnsembleResult) -> list[str]:
    """Return what marks in the figures of the countries asked about mean."""
    of = [
        found
        for chain, form in result.forms.items()
        for country in result.asked
        if (found := _of(result, country, chain, form)) is not None
    ]
    marks = []
    if any(f["price_multiple_peak"]["p95"] >= _AT_CAP for f in of):
        marks.append(_CAPPED + ".")
    # What is too small to be told is no gain that needs a word.
    if any(fmt.money(f["cost_usd"][p]).startswith("−") for f in of for p in ("p5", "p50", "p95")):
        marks.append(_GAIN)
    return marks


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
