"""Concentration over the years, with the restrictions and episodes that fell into them."""

from __future__ import annotations

import polars as pl

from lodeline import data
from lodeline.results.exposure import ExposureResult
from lodeline.results.pictures import EVENTS, SERIES, History, Scale
from lodeline.scenarios.episode_reading import episode_codes, episode_ids, load_episode
from lodeline.studies.exposure.concentration import concentrations
from lodeline.studies.exposure.materials import all_materials
from lodeline.studies.exposure.registry import Basis, Request, Tonnes
from lodeline.studies.exposure.suppliers import WORLD

__all__ = ["concentration_history", "events_of", "history_of"]

FEWEST_YEARS = 3
MOST_LINES = 6
_WHOLE_CODE = 6
_ALL = ("ALL", "all", "")
YEARS_AHEAD = 2
"""So many years after the last trade data may an event lie; plans further off are no events."""
MOST_MATERIALS = 2
"""A line chart of more materials has no events: they would not be those of the lines."""
_NOTE = "Missing and implausible tonnes are rebuilt from value."


def concentration_history(material: str, country: str) -> History | None:
    """Return the concentration of imports and of the world's exports, as far back as trade goes.

    None where the material has no code in trade.
    """
    known = all_materials().get(material)
    if known is None or not known.codes:
        return None
    status = data.code_status()
    span = range(int(str(status["first_year"].min())), int(str(status["last_year"].max())) + 1)
    names = data.country_names() | {WORLD: "the world"}
    asked = Request(
        "hhi", materials=(material,), years=tuple(span), of=Basis.EXPORTS, tonnes=Tonnes.SCREENED
    )
    parts = [_points(asked, "The world’s exports")]
    if country != WORLD:
        own = Request(
            "hhi", materials=(material,), countries=(country,), years=tuple(span),
            of=Basis.IMPORTS, tonnes=Tonnes.SCREENED,
        )  # fmt: skip
        parts.insert(0, _points(own, f"Imports of {names.get(country, country)}"))
    series = pl.concat(parts)
    if series["value"].drop_nulls().is_empty():
        return None
    return History(
        title="How few deliver: Herfindahl index, 1 is a single supplier",
        scale=Scale.INDEX,
        series=series,
        events=events_of((material,)),
        note=_NOTE,
    )


def _points(request: Request, label: str) -> pl.DataFrame:
    table = concentrations(request).sort("year")
    leader = pl.col("leaders").list.first()
    return table.select(
        pl.lit(label).alias("label"),
        pl.col("year").cast(pl.Int32),
        pl.col("hhi").alias("value"),
        leader.alias("leader"),
    ).cast(SERIES)  # type: ignore[arg-type]


def history_of(result: ExposureResult, scale: Scale) -> History | None:
    """Return the values of a measure over the years; None for fewer than three.

    The six lines with the largest last value are kept. A measure with several rows for a country,
    material and year (sites, origins) has no line.
    """
    keys = ["material", "country", "stage"]
    rows = result.rows.filter(pl.col("value").is_not_null() & pl.col("year").is_not_null())
    is_plain = rows.select(pl.struct([*keys, "year"]).is_unique().all()).item()
    if rows["year"].n_unique() < FEWEST_YEARS or not is_plain:
        return None
    told = [k for k in keys if rows[k].n_unique() > 1] or ["country"]
    label = pl.concat_str([pl.col(k) for k in told], separator=", ", ignore_nulls=True)
    leader = pl.col("leaders").list.first() if "leaders" in rows.columns else pl.lit(None)
    series = rows.select(
        label.alias("label"), "year", "value", leader.cast(pl.String).alias("leader")
    )
    materials = tuple(rows["material"].unique().sort())
    few = len(materials) <= MOST_MATERIALS
    last = series.sort("year").group_by("label", maintain_order=True).last()
    kept = last.sort("value", descending=True)["label"].head(MOST_LINES)
    return History(
        title=result.title,
        scale=scale,
        series=series.filter(pl.col("label").is_in(kept.to_list())).sort("label", "year"),
        events=events_of(materials if few else ()),
        note="",
    )


def events_of(materials: tuple[str, ...]) -> pl.DataFrame:
    """Return restrictions and episodes of some materials since the trade data begin, numbered.

    A restriction counts if it names the material or one of its codes in full, an episode if it is
    about one of its codes. What both tables hold (same country, same year) is told once.
    """
    codes = {c for m in materials if m in all_materials() for c in all_materials()[m].codes}
    status = data.code_status()
    first, last = int(str(status["first_year"].min())), int(str(status["last_year"].max()))
    found = _restrictions(materials, codes)
    told = {(who, start[:4]) for (who, _, start) in found}
    for name in episode_ids():
        episode = load_episode(name)
        start = str(episode.start)
        is_told = any((who, start[:4]) in told for who in episode.restricting)
        if codes & set(episode_codes(episode)) and not is_told:
            found[(name, "", start)] = (episode.title, episode.source)
    events = sorted((start, *texts) for (*_, start), texts in found.items())
    kept = [e for e in events if first <= int(e[0][:4]) <= last + YEARS_AHEAD]
    marks = {y: n + 1 for n, y in enumerate(dict.fromkeys(int(e[0][:4]) for e in kept))}
    rows = [
        (marks[int(start[:4])], int(start[:4]), f"{start} {text}", source)
        for start, text, source in kept
    ]
    return pl.DataFrame(rows, schema=EVENTS, orient="row")


def _restrictions(
    materials: tuple[str, ...], codes: set[str]
) -> dict[tuple[str, str, str], tuple[str, str]]:
    """Return text and source by country, instrument and month.

    A measure against all is told once, however many targets the table follows it to.
    """
    names = data.country_names()
    found: dict[tuple[str, str, str], tuple[str, str]] = {}
    rows = data.restrictions(acts_only=True).sort(pl.col("target").is_in(_ALL), descending=True)
    for row in rows.iter_rows(named=True):
        if not row["start"] or not _is_about(row, materials, codes):
            continue
        who = str(row["restricting_country"])
        key = (who, str(row["instrument"]), row["start"][:7])
        against = "" if row["target"] in _ALL else f" against {row['target'].replace(';', ', ')}"
        text = f"{names.get(who, who)}: {row['instrument']}{against}, {row['severity'] or ''}"
        found.setdefault(key, (text.rstrip(", "), row["source"] or "no source kept"))
    return found


def _is_about(row: dict[str, str | None], materials: tuple[str, ...], codes: set[str]) -> bool:
    named = [n.lower().replace("_", "-") for n in (row["material"] or "").split(";")]
    given = [c for c in (row["hs_codes"] or "").split(";") if len(c) >= _WHOLE_CODE]
    return any(m in name for m in materials for name in named) or bool(codes & set(given))
