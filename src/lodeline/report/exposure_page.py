"""The page of a measure of exposure: one HTML file with its pictures, no script, no network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from lodeline import __version__
from lodeline.report import format as fmt
from lodeline.report.exposure_figures import Figure
from lodeline.report.history import written
from lodeline.report.origin import is_inferred, legend, origin_cells
from lodeline.report.page import environment
from lodeline.report.worldmap import CLASSES
from lodeline.results.exposure import ExposureResult
from lodeline.results.pictures import Pictures, Scale, scale_of

__all__ = ["OriginTable", "answer", "render_exposure"]

MOST_ROWS = 300
"""More rows than this stand in the files only."""


@dataclass(frozen=True)
class MeasureLine:
    """One measure of one stage, as a reader sees it."""

    measure: str
    is_first: bool
    stage: str
    value: str
    who: str
    sees: str
    reasons: tuple[str, ...]
    span: int


@dataclass(frozen=True)
class OriginTable:
    """Origins of one form."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left_out: int


def render_exposure(
    result: ExposureResult,
    pictures: Pictures,
    figures: tuple[Figure, ...],
    *,
    outlines: tuple[Any, ...],
    command: str,
) -> str:
    """Return the page as one self-contained HTML document.

    Parameters
    ----------
    result, pictures
        Rows, and the tables behind the figures.
    figures
        As `lodeline.report.exposure_figures.figures_of` returns them.
    outlines
        Shapes that the maps on the page share.
    command
        What repeats the run.
    """
    lines = answer(pictures)
    return (
        environment(location=fmt.location)
        .get_template("exposure.html.j2")
        .render(
            result=result,
            title=_title(result, pictures),
            lead=lines[:1],
            rest=lines[1:],
            measures=_measures(result, pictures),
            rows=_rows(result, pictures),
            more=max(result.rows.height - MOST_ROWS, 0),
            figures=figures,
            origins=_origins(pictures),
            legend="" if pictures.origin.is_empty() else legend(pictures.origin),
            classes=CLASSES,
            outlines=outlines if pictures.maps else (),
            command=command,
            version=__version__,
        )
    )


def answer(pictures: Pictures) -> list[str]:
    """Return what the origin of one country's material says, the last form first."""
    rows = pictures.origin
    out: list[str] = []
    if rows.is_empty() or rows["country"].n_unique() > 1 or rows["material"].n_unique() > 1:
        return out
    year = rows["year"].max()
    for routes in reversed(pictures.routes):
        stage = rows.filter(
            (pl.col("form") == routes.form)
            & (pl.col("stage") == routes.stage)
            & (pl.col("year") == year)
        )
        own = stage.filter(pl.col("origin") == routes.lead).to_dicts()
        verb = "mined" if routes.stage == "mine" else "made"
        if own and routes.lead:
            text = _sentence(own[0], verb, routes.form, pictures)
            out.append(text + _untraced(stage, verb, pictures))
    return out


def _sentence(row: Mapping[str, Any], verb: str, form: str, pictures: Pictures) -> str:
    names = pictures.names
    lead = fmt.location(names.get(row["origin"], row["origin"]))
    words = pictures.stage_words.get(form, form)
    text = (
        f"{words} used in {fmt.location(names.get(row['country'], row['country']))} in "
        f"{row['year']}: {fmt.share_range(row['value'], row['low'], row['high'])} {verb} in {lead}"
    )
    if row["inferred_from"] is not None:
        return (
            f"{text}. No trade code shows who delivers: it is inferred from "
            f"{row['inferred_from']}, and the range holds what else would fit."
        )
    if row["direct"] is None:
        return f"{text}."
    via = [fmt.location(names.get(c, c)) for c in (row["via"] or ())[:2]]
    is_more = row["value"] - row["direct"] > _VISIBLE
    through = f"; more comes by way of {fmt.join(via)}" if via and is_more else ""
    return f"{text}. Customs show {fmt.share(row['direct'])} arriving from there{through}."


_VISIBLE = 0.005
"""Less than this beyond what arrives from a country is not said to come by other ways."""


_MUCH = 0.02


def _untraced(rows: pl.DataFrame, verb: str, pictures: Pictures) -> str:
    """Return what of a form at its own stage nobody can place."""
    unknown = rows.filter(pl.col("origin") == "not-traced").to_dicts()
    if not unknown or unknown[0]["value"] < _MUCH:
        return ""
    seen = [pictures.names.get(c, c) for c in (unknown[0]["first_seen"] or ())[:3]]
    where = f" where it is first seen ({fmt.join(seen)})" if seen else ""
    return (
        f" Not traced: {fmt.share(unknown[0]['value'])}. No source says that it was {verb}{where}; "
        "it may come from anywhere, and the upper end of the range holds all of it."
    )


def _title(result: ExposureResult, pictures: Pictures) -> str:
    """Return what the page is about."""
    rows = result.rows
    if result.method not in ("beside", "origin") or rows["material"].n_unique() > 1:
        return result.title
    who = [c for c in rows["country"].unique(maintain_order=True) if c != "WLD"] or ["WLD"]
    material = str(rows["material"][0]).replace("-", " ")
    named = fmt.join([pictures.names.get(c, c) for c in who])
    year = max((int(y) for y in rows["year"].drop_nulls()), default=None)
    topic = f"{material[:1].upper()}{material[1:]}{f' in {year}' if year else ''}"
    return f"{topic}: on whom does {fmt.location(named)} depend?"


def _measures(result: ExposureResult, pictures: Pictures) -> list[MeasureLine]:
    """Return the measures beside each other, a measure's stages one after the other."""
    if "sees" not in result.rows.columns:
        return []
    found: dict[str, list[dict[str, Any]]] = {}
    for row in result.rows.iter_rows(named=True):
        found.setdefault(row["measure"], []).append(row)
    order = dict.fromkeys([*(m for m in _ORDER if m in found), *found])
    out: list[MeasureLine] = []
    for measure in order:
        for i, row in enumerate(found[measure]):
            value = _with_range(row, scale_of(measure))
            months = " months" if measure == "time-to-survive" and value != fmt.ABSENT else ""
            out.append(
                MeasureLine(
                    measure=_WORDS.get(measure, measure),
                    is_first=i == 0,
                    stage=_stage(row["stage"], pictures),
                    value=f"{value}{months}",
                    who=pictures.names.get(row["who"] or "", (row["who"] or "").replace("-", " ")),
                    sees=_sentence_case(row["sees"]),
                    reasons=tuple(
                        dict.fromkeys(
                            _sentence_case(r["reason"]) for r in found[measure] if r["reason"]
                        )
                    ),
                    span=len(found[measure]),
                )
            )
    return out


def _with_range(row: Mapping[str, Any], scale: Scale) -> str:
    """Return a value with its range, or the range alone where there is no value."""
    value, low, high = (row.get(k) for k in ("value", "low", "high"))
    text = written(value, scale)
    if low is None:
        return text
    ends = written(low, scale), "never" if high is None else written(high, scale)
    if ends[0] == ends[1]:
        return text
    span = f"{ends[0].removesuffix(f'{fmt.SPACE}%')}–{ends[1]}"
    return span if value is None else f"{text} ({span})"


def _sentence_case(text: str) -> str:
    """Return a text as a sentence."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _stage(stage: str | None, pictures: Pictures) -> str:
    """Return a stage in words; ``metals: mined`` is the mine behind a form."""
    if stage is None:
        return "as a whole"
    form, colon, rest = stage.partition(":")
    return f"{pictures.stage_words.get(form, form)}{colon}{rest}"


_ORDER = (
    "origin", "time-to-survive", "top3", "hhi", "import-reliance", "geopolrisk", "eu-supply-risk",
    "n-1",
)  # fmt: skip
_WORDS = {
    "origin": "Origin (largest abroad)",
    "time-to-survive": "Time to survive (shortest)",
    "import-reliance": "Net import reliance",
    "geopolrisk": "GeoPolRisk",
    "eu-supply-risk": "EU supply risk",
    "n-1": "N-1 (IEA)",
    "top3": "Top 3 suppliers (share)",
    "hhi": "Herfindahl index",
}


def _rows(result: ExposureResult, pictures: Pictures) -> list[Mapping[str, str]]:
    """Return the rows of any other measure as texts."""
    if "sees" in result.rows.columns or result.method == "origin":
        return []
    who = next((c for c in ("site", "largest") if c in result.rows.columns), None)
    scale = scale_of(result.method)
    out: list[Mapping[str, str]] = []
    for row in result.rows.head(MOST_ROWS).iter_rows(named=True):
        person = row[who] if who else (row.get("leaders") or [None])[0]
        out.append(
            {
                "material": row["material"],
                "country": pictures.names.get(row["country"], row["country"]),
                "stage": row["stage"] or "",
                "year": str(row["year"] or ""),
                "value": written(row["value"], scale),
                "who": pictures.names.get(person, person) if person else "",
                "reason": row["reason"] or "",
            }
        )
    return out


def _origins(pictures: Pictures) -> list[OriginTable]:
    rows = pictures.origin
    if rows.is_empty():
        return []
    known = rows.filter(pl.col("value").is_not_null())
    out = []
    for (country, _, form, year), part in known.group_by(
        ["country", "material", "form", "year"], maintain_order=True
    ):
        heads, lines, left_out = origin_cells(part)
        words = pictures.stage_words
        title = f"{words.get(str(form), form)} used in {pictures.names.get(str(country), country)}"
        title += ", inferred" if is_inferred(part) else ""
        shown = [
            (pictures.names.get(line[0], line[0]), *(cell or fmt.ABSENT for cell in line[1:]))
            for line in lines
        ]
        stages = [h if h == "mined" else f"{words.get(h, h)}: made" for h in heads]
        columns = ("Origin", "Arrives from", *stages, "Been there", "By way of")
        out.append(OriginTable(f"{title}, {year}", columns, tuple(shown), left_out))
    return out
