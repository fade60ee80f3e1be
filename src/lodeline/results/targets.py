"""What the benchmarks of policy say: the target, where it stands now, and the way there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import polars as pl

__all__ = ["COLUMNS", "POINT", "Status", "TargetsResult", "targets_document"]


class Status(StrEnum):
    """Whether a target is met now."""

    MET = "met"
    MISSED = "missed"
    OPEN = "open"
    """The range holds the limit, or only one end of it is known."""
    ABSENT = "absent"
    """No figure tells; the reason says why."""


POINT = pl.Struct({"year": pl.Int32, "value": pl.Float64, "leader": pl.String})
"""One year of a trend; `leader` is the largest supplier where the target is about one."""

COLUMNS: Mapping[str, Any] = {
    "target": pl.String,
    "jurisdiction": pl.String,
    "country": pl.String,
    "material": pl.String,
    "stage": pl.String,
    "measure": pl.String,
    "limit": pl.Float64,
    "is_ceiling": pl.Boolean,
    "due": pl.Int32,
    "unit": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "year": pl.Int32,
    "leader": pl.String,
    "status": pl.String,
    "reason": pl.String,
    "mark": pl.String,
    "trend": pl.List(POINT),
    "published": pl.Float64,
    "published_as": pl.String,
    "source": pl.String,
    "where": pl.String,
}
"""Columns of the table.

`jurisdiction` set the target, `country` is whom the row is about. `measure` says what is compared
(``output over use``, ``recycling input rate``, ``share of imports``, ``share of use``, ``share by
origin``, ``days held``); `mark` is null for observed figures, else ``reconciled`` or ``imputed``.
`low` and `high` are the range of `value`, null where an end is not known: output that a source
lists is the least there is. `published` is what a public source says, `published_as` how
(``about``, ``at least``, ``at most``) with year and source. `where` names the tables behind it.
"""


@dataclass(frozen=True)
class TargetsResult:
    """Targets and where they stand.

    Attributes
    ----------
    country
        Whom it is about: ISO3 or a group.
    year
        Base year of the values.
    rows
        `COLUMNS`, in the order of targets, materials and stages.
    notes
        What holds for all rows.
    dataset
        ``edition, sha256``.
    """

    country: str
    year: int
    rows: pl.DataFrame
    notes: tuple[str, ...]
    dataset: Mapping[str, str]

    def counts(self) -> dict[str, dict[str, int]]:
        """Return how many rows are met, missed and absent, by target."""
        out: dict[str, dict[str, int]] = {}
        for target, status in self.rows.select("target", "status").iter_rows():
            counts = out.setdefault(target, {s.value: 0 for s in Status})
            counts[status] += 1
        return out

    def document(self) -> dict[str, Any]:
        """Return the document that ``--json`` prints."""
        return targets_document(self)

    def _repr_html_(self) -> str:
        """Return a table for notebooks."""
        shown = self.rows.drop("trend", "source", "where")
        return f"<p><b>{self.country}</b>, {self.year}</p>{shown._repr_html_()}"


def targets_document(result: TargetsResult) -> dict[str, Any]:
    """Return ``country, year, rows, counts, notes, dataset``; absent values are None."""
    return {
        "country": result.country,
        "year": result.year,
        "rows": result.rows.fill_nan(None).to_dicts(),
        "counts": result.counts(),
        "notes": list(result.notes),
        "dataset": dict(result.dataset),
    }
