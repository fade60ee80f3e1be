"""What the pictures of exposure show, as tables: all arithmetic is done before drawing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import polars as pl

__all__ = [
    "CELLS",
    "EVENTS",
    "LINKS",
    "SERIES",
    "Column",
    "HeatMap",
    "History",
    "OriginMap",
    "Pictures",
    "Routes",
    "Scale",
    "Stop",
    "scale_of",
]

CELLS = {
    "material": pl.String,
    "country": pl.String,
    "year": pl.Int32,
    "stage": pl.String,
    "value": pl.Float64,
    "who": pl.String,
    "level": pl.Float64,
    "reason": pl.String,
}
"""Cells of a heat map; `level` is how dark, 0 to 1, null where there is no value."""

SERIES = {"label": pl.String, "year": pl.Int32, "value": pl.Float64, "leader": pl.String}
"""Points of a time line; `leader` is the largest supplier where the measure knows one."""

EVENTS = {"number": pl.Int64, "year": pl.Int32, "text": pl.String, "source": pl.String}
"""Restrictions and episodes; events of one year share a mark."""

LINKS = {
    "column": pl.Int64,
    "left": pl.String,
    "right": pl.String,
    "share": pl.Float64,
    "is_lead": pl.Boolean,
}
"""Bands between one column and the next; `is_lead`: the part that the leading country makes."""


class Scale(StrEnum):
    """How values of a measure are written."""

    SHARE = "share"
    """0 to 1, shown as a percentage."""
    INDEX = "index"
    """0 to 1, shown as it is."""
    MONTHS = "months"
    NUMBER = "number"
    """Anything else."""


_SHARES = ("top1", "top3", "import-reliance", "n-1", "origin")
_TIMES = ("time-to-survive",)
_INDICES = ("hhi", "geopolrisk", "eu-supply-risk", "usgs-risk", "risk-exposure-index")


def scale_of(method: str) -> Scale:
    """Return how values of a measure are written.

    Examples
    --------
    >>> str(scale_of("top3"))
    'share'
    """
    if method in _SHARES:
        return Scale.SHARE
    if method in _TIMES:
        return Scale.MONTHS
    return Scale.INDEX if method in _INDICES else Scale.NUMBER


@dataclass(frozen=True)
class HeatMap:
    """Countries by materials, one measure.

    Attributes
    ----------
    title
        The measure in words.
    scale
        How values are written.
    is_bad_low
        Whether a low value is the worrying one.
    materials, countries
        Rows and columns in their order.
    cells
        `CELLS`.
    """

    title: str
    scale: Scale
    is_bad_low: bool
    materials: tuple[str, ...]
    countries: tuple[str, ...]
    cells: pl.DataFrame


@dataclass(frozen=True)
class History:
    """Values over the years, with what happened.

    Attributes
    ----------
    title
        What is shown.
    scale
        How values are written.
    series
        `SERIES`.
    events
        `EVENTS`; `number` counts the marked years.
    note
        What a reader must know.
    """

    title: str
    scale: Scale
    series: pl.DataFrame
    events: pl.DataFrame
    note: str


@dataclass(frozen=True)
class OriginMap:
    """Where one stage of what a country uses took place.

    Attributes
    ----------
    country, material, form, stage, year
        What is shown; `stage` is ``mine`` or a form.
    shares
        Share of the country's use by ISO3, 0 to 1.
    members
        Countries to outline: the user, or those of the group; none for the world.
    untraced
        Share whose origin is not known.
    first_seen
        Where that is seen first, share of the country's use by ISO3.
    """

    country: str
    material: str
    form: str
    stage: str
    year: int
    shares: Mapping[str, float]
    members: tuple[str, ...]
    untraced: float = 0.0
    first_seen: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Stop:
    """A country in one column of a way.

    Attributes
    ----------
    code
        ISO3, a group's name, ``others``, or ``not-traced``.
    share
        Its share of the whole, 0 to 1.
    lead
        What of it the leading country makes.
    """

    code: str
    share: float
    lead: float

    @property
    def is_untraced(self) -> bool:
        """Whether it is what no source explains."""
        return self.code == "not-traced"


@dataclass(frozen=True)
class Column:
    """One column of a way: ``mine``, a form, ``arrival`` or ``use``; largest stop first."""

    key: str
    stops: tuple[Stop, ...]


@dataclass(frozen=True)
class Routes:
    """The way from the mine to use.

    Attributes
    ----------
    country, material, form, year
        Who uses what.
    stage
        Key of the column at which the form is made.
    lead
        The country that leads at the form's own stage, not counting the user; ISO3.
    columns
        From the first stage to use.
    links
        `LINKS`: bands between column k and k + 1; those of a column add up to one.
    """

    country: str
    material: str
    form: str
    year: int
    stage: str
    lead: str | None
    columns: tuple[Column, ...]
    links: pl.DataFrame


@dataclass(frozen=True)
class Pictures:
    """The pictures that suit a result; what does not suit is absent.

    Attributes
    ----------
    names
        Country names by code.
    stage_words
        What a form or ``mine`` is called in words.
    """

    names: Mapping[str, str]
    stage_words: Mapping[str, str] = field(default_factory=dict)
    heat: HeatMap | None = None
    history: History | None = None
    maps: tuple[OriginMap, ...] = ()
    routes: tuple[Routes, ...] = ()
    origin: pl.DataFrame = field(default_factory=pl.DataFrame)
    """Rows of origin behind maps and ways, as `lodeline exposure --method origin` gives them."""
