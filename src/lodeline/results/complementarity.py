"""What two partners could do for each other, in figures that each have a source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import polars as pl

__all__ = ["COLUMNS", "ComplementarityResult", "Item", "complementarity_document"]


class Item(StrEnum):
    """What a figure is about. Tonnes are in the form's unit; flows are a year's."""

    NEED = "need"
    """What the receiver uses and processes."""
    AT_RISK = "at-risk"
    """Of that, what was made in the restricting country."""
    AT_RISK_SHARE = "at-risk-share"
    """The same as a share of the need."""
    PASSED_SHARE = "passed-share"
    """Share of the need that has been in the restricting country at any stage, ports included."""
    OUTPUT = "output"
    """What the helper makes, where a source lists it."""
    LACKED = "lacked"
    """The helper's output, where the receiver makes nothing of the form itself."""
    SPARE = "spare"
    """What the helper could add at once: its output times the chain's surge."""
    SPARE_FREE = "spare-free"
    """Of that, what does not draw on inputs from the restricting country."""
    EXPORTS_FREE = "exports-free"
    """What the helper ships to others that was not made in the restricting country."""
    ORE = "ore"
    """What the helper mines, where the chain begins after the mine: with the first form."""
    COVER = "cover"
    """Free spare output and free exports over what is at risk."""
    STOCK_STATE = "stock-state"
    """What the helper's state holds, or has held."""
    STOCK_USERS = "stock-users"
    """What the helper's users hold for themselves."""
    TRADE = "trade"
    """What the helper ships to the receiver now."""
    TRADE_USD = "trade-usd"
    """The same in US dollars, as reported."""


COLUMNS: Mapping[str, Any] = {
    "material": pl.String,
    "form": pl.String,
    "receiver": pl.String,
    "helper": pl.String,
    "against": pl.String,
    "item": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "unit": pl.String,
    "mark": pl.String,
    "source": pl.String,
    "reason": pl.String,
}
"""Columns of the table; one figure a row.

`mark` is null for observed figures, else ``reconciled``, ``imputed`` or ``assumed``; an absent
`value` has a `reason`.
"""


@dataclass(frozen=True)
class ComplementarityResult:
    """Figures of what partners could do for each other.

    Attributes
    ----------
    partners
        ISO3 codes or groups.
    year
        Base year.
    rows
        `COLUMNS`, sorted by material, form, receiver and helper.
    titles
        Title by chain and form, and unit, as ``material/form``.
    notes
        What holds for all rows.
    dataset
        ``edition, sha256``.
    """

    partners: tuple[str, ...]
    year: int
    rows: pl.DataFrame
    titles: Mapping[str, str]
    notes: tuple[str, ...]
    dataset: Mapping[str, str]

    def matrix(self) -> pl.DataFrame:
        """Return one row per material, form, receiver and helper, items as columns."""
        keys = ["material", "form", "receiver", "helper", "against"]
        wide = self.rows.pivot("item", index=keys, values="value", maintain_order=True)
        missing = [pl.lit(None, pl.Float64).alias(i) for i in Item if i.value not in wide.columns]
        return wide.with_columns(missing).select(*keys, *(i.value for i in Item))

    def document(self) -> dict[str, Any]:
        """Return the document that ``--json`` prints."""
        return complementarity_document(self)

    def _repr_html_(self) -> str:
        """Return the matrix for notebooks."""
        head = " and ".join(self.partners)
        return f"<p><b>{head}</b>, {self.year}</p>{self.matrix()._repr_html_()}"


def complementarity_document(result: ComplementarityResult) -> dict[str, Any]:
    """Return ``partners, year, matrix, rows, titles, notes, dataset``; absent values are None."""
    return {
        "partners": list(result.partners),
        "year": result.year,
        "matrix": result.matrix().fill_nan(None).to_dicts(),
        "rows": result.rows.fill_nan(None).to_dicts(),
        "titles": dict(result.titles),
        "notes": list(result.notes),
        "dataset": dict(result.dataset),
    }
