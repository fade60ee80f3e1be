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
    last = series.sort("year").group_by("label", maintain_order=True).last()
    kept = last.sort("value", descending=True)["label"].head(MOST_LINES)
    return History(
        title=result.title,
        scale=scale,
        series=series.filter(pl.col("label").is_in(kept.to_list())).sort("label", "year"),
        events=events_of(tuple(rows["material"].unique().sort())),
        note="",
    )


def events_of(materials: tuple[str, ...]) -> pl.DataFrame:
    """Return restrictions and episodes of some materials since the trade data begin, numbered.

    A restriction counts if it names the material or one of its codes in full, an episode if it is
    about one of its codes. What both tables hold (same country, same year) is told once.
    """
    codes = {c for m in materials if m in all_materials() for c in all_materials()[m].codes}
    first = int(str(data.code_status()["first_year"].min()))
    found: dict[tuple[str, int], tuple[str, str, str]] = {}
    names = data.country_names()
    for row in data.restrictions().sort("start").iter_rows(named=True):
        if not row["start"] or not _is_about(row, materials, codes):
            continue
        who, year = str(row["restricting_country"]), int(row["start"][:4])
        against = "" if row["target"] in _ALL else f" against {row['target']}"
        text = f"{names.get(who, who)}: {row['instrument']}{against}, {row['severity'] or ''}"
        key = (f"{who}{row['target']}{row['instrument']}", year)
        found.setdefault(key, (row["start"][:7], text.rstrip(", "), row["source"] or ""))
    told = {(key[:3], year) for key, year in found}
    for name in episode_ids():
        episode = load_episode(name)
        year = episode.start.year
        if codes & set(episode_codes(episode)) and not any(
            (who, year) in told for who in episode.restricting
        ):
            found[(name, year)] = (str(episode.start), episode.title, episode.source)
    dated = sorted((start, text, source) for start, text, source in found.values())
    kept = [event for event in dated if int(event[0][:4]) >= first]
    marks = {y: n + 1 for n, y in enumerate(dict.fromkeys(int(e[0][:4]) for e in kept))}
    rows = [
        (marks[int(start[:4])], int(start[:4]), f"{start} {text}", source)
        for start, text, source in kept
    ]
    return pl.DataFrame(rows, schema=EVENTS, orient="row")


def _is_about(row: dict[str, str | None], materials: tuple[str, ...], codes: set[str]) -> bool:
    named = [n.lower().replace("_", "-") for n in (row["material"] or "").split(";")]
    given = [c for c in (row["hs_codes"] or "").split(";") if len(c) >= _WHOLE_CODE]
    return any(m in name for m in materials for name in named) or bool(codes & set(given))
