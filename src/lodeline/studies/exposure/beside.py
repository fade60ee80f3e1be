"""One material and one country, all measures beside each other, with what each sees.

No formula of its own: the measures are run as they are, and their largest answer is shown. They
differ because they look at different things: the world's output or a country's own imports, who
delivers or who mined, today's shares or what happens when one falls out.
"""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from lodeline.errors import InputError
from lodeline.network.mines import MINE
from lodeline.studies.exposure.origin import REST
from lodeline.studies.exposure.origin_shares import NOT_TRACED
from lodeline.studies.exposure.registry import METHODS, Basis, Request
from lodeline.studies.exposure.suppliers import WORLD, members

__all__ = ["NOTES", "SEES", "measure"]

SEES = {
    "origin": "Lodeline's own: the largest origin abroad, followed back through processing and "
    "re-exporters; the others stop at the border",
    "time-to-survive": "Lodeline's own: the shortest time until demand is missed if one site "
    "stops; stocks and spare capacity count, which no share knows",
    "import-reliance": "how much is bought abroad, net, whoever sells it",
    "top3": "who delivers, as customs see it; a re-exporter counts as the source",
    "hhi": "how few deliver; the same for a friend and a rival",
    "geopolrisk": "the world's output and the stability of suppliers, whatever the country could "
    "do instead",
    "eu-supply-risk": "the European Union only: output, sourcing, governance, recycling and "
    "substitution in one figure",
    "n-1": "the world without its largest supplier; the same for every country",
}
"""What each measure sees, in the order in which they are shown."""

NOTES = (
    "Units differ: the figures are not to be compared with each other, but with themselves over "
    "time and over materials.",
    "not-traced: what a country ships or uses beyond its imports although no source says that it "
    "makes it; it may come from anywhere, and the ranges hold it.",
)
_NOTHING = 1e-9
_OF_WORLD = ("n-1",)
_PARTS = ["country", "material", "stage", "year", "value", "unit", "inputs", "reason"]
_RANGE = ["low", "high"]


def measure(request: Request) -> pl.DataFrame:
    """Return one row per measure and stage.

    Extra columns: ``measure``; ``who``: the country behind the figure where there is one;
    ``low``, ``high``: its range where the measure has one; ``sees``. Of `origin` there is a second
    row with what is not traced, where anything is.

    Raises
    ------
    InputError
        If not one material and one country are given.
    """
    if len(request.materials) != 1 or len(request.countries) != 1:
        raise InputError("--method beside needs one --material and one --country.")
    parts = [_measured(request, name) for name in SEES]
    return pl.concat(parts, how="diagonal")


def _abroad(rows: pl.DataFrame, request: Request) -> pl.DataFrame:
    """Return of each form the origins abroad of two stages: the mine and the form's own."""
    inside = [c for found in members(request.countries).values() for c in found]
    known = rows.filter(~pl.col("origin").is_in([*inside, REST]).fill_null(value=False))
    is_told = (pl.col("origin") != NOT_TRACED).fill_null(True) | (pl.col("value") > _NOTHING)
    known = known.filter(is_told)
    is_mine = (pl.col("stage") == MINE).fill_null(value=False)
    has_own = (pl.col("stage") == pl.col("form")).any().over("form")
    is_asked = is_mine | (pl.col("stage") == pl.col("form")) | pl.col("stage").is_null()
    stage = pl.when(is_mine & has_own).then(pl.format("{}: mined", "form")).otherwise("form")
    return known.filter(is_asked).with_columns(stage=stage)


def _measured(request: Request, name: str) -> pl.DataFrame:
    """Return the rows of one measure, the largest (of times: the shortest) of each stage."""
    asked = replace(request, method=name)
    if name in _OF_WORLD:
        asked = replace(asked, countries=())
    if name in ("hhi", "top3"):
        is_world = set(request.countries) <= {WORLD, "WORLD"}
        asked = replace(asked, of=Basis.PRODUCTION if is_world else Basis.IMPORTS)
    if "missing_governance" not in METHODS[name].options:
        asked = replace(asked, missing_governance=None)
    rows = METHODS[name].load().measure(asked)
    if name == "origin":
        rows = _abroad(rows, request)
    who = [c for c in ("origin", "site", "largest") if c in rows.columns]
    person = pl.col(who[0]) if who else pl.lit(None, pl.String)
    if "leaders" in rows.columns:
        person = pl.col("leaders").list.first()
    kept = [pl.col(c) if c in rows.columns else pl.lit(None).alias(c) for c in _PARTS]
    ends = [pl.col(c) if c in rows.columns else pl.lit(None, pl.Float64).alias(c) for c in _RANGE]
    table = rows.select(*kept, *ends, who=person.cast(pl.String)).with_columns(
        is_untraced=(pl.col("who") == NOT_TRACED).fill_null(False) & (name == "origin")
    )
    down = name != "time-to-survive"
    worst = pl.coalesce("value", "low")
    ranked = table.sort(worst, descending=down, nulls_last=True, maintain_order=True)
    first = ranked.unique(["material", "stage", "year", "country", "is_untraced"], keep="first",
                          maintain_order=True)  # fmt: skip
    return (
        first.sort("is_untraced", maintain_order=True)
        .drop("is_untraced")
        .with_columns(
            pl.col("stage").cast(pl.String),
            pl.col("year").cast(pl.Int32),
            pl.col("value").cast(pl.Float64),
            pl.col("reason").cast(pl.String),
            who=pl.when(worst.is_not_null()).then("who"),
            measure=pl.lit(name),
            sees=pl.lit(SEES[name]),
        )
    )
