"""Run one measure of exposure: the same way in and out for all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from lodeline import data
from lodeline.errors import InputError
from lodeline.network.catalogue import chain_ids, load_chain
from lodeline.network.likeness import inferred_forms
from lodeline.results.exposure import ExposureResult, arranged
from lodeline.studies.exposure.registry import Request, check_request

__all__ = ["run_exposure"]

_SOURCE = ("title", "publisher", "edition", "licence", "attribution", "sha256")


def run_exposure(request: Request) -> ExposureResult:
    """Return the values of a measure.

    Raises
    ------
    UnknownNameError
        If the measure, a material or a country does not exist.
    InputError
        If an option does not suit the measure, or no year is covered.

    Examples
    --------
    >>> run_exposure(Request("hhi", materials=("cobalt",), years=(2023,))).rows.height
    1
    """
    method = check_request(request)
    _check_years(request.years, has_published=method.has_published)
    module = method.load()
    rows = arranged(module.measure(request), request.method)
    return ExposureResult(
        method=request.method,
        title=method.title,
        rows=rows,
        sources=_sources(rows),
        dataset=data.dataset_identity(),
        notes=(*getattr(module, "NOTES", ()), *_inferred(rows, request.method)),
    )


_ON_LANES = frozenset(
    {"origin", "time-to-survive", "risk-exposure-index", "import-reliance", "eu-supply-risk",
     "n-1", "beside"}
)  # fmt: skip
"""Measures that rest on who delivers to whom in a balanced base year."""


def _inferred(rows: pl.DataFrame, method: str) -> Iterator[str]:
    """Yield which materials have lanes that nobody observed, and what they are inferred from."""
    if method not in _ON_LANES:
        return
    for name in rows["material"].unique(maintain_order=True):
        if name not in chain_ids():
            continue
        chain = load_chain(name)
        for form, source in inferred_forms(chain).items():
            title = chain.form(form).title
            yield (
                f"{title}: who delivers to whom is inferred from {source}, not observed; all that "
                "rests on it is inferred too."
            )


def _check_years(years: Sequence[int], *, has_published: bool) -> None:
    """Check that there are data of every year.

    Raises
    ------
    InputError
        If there are none; it names the years that there are.
    """
    status = data.code_status()
    first, last = int(str(status["first_year"].min())), int(str(status["last_year"].max()))
    known = set(range(first, last + 1))
    told = f"The trade data cover {first}-{last}"
    if has_published:
        tables = (data.stage_shares(), data.demand_structure())
        published = {int(y) for table in tables for y in table["year"].drop_nulls()} - known
        known |= published
        told += f"; there are published figures for {', '.join(map(str, sorted(published)))}"
    unknown = [year for year in years if year not in known]
    if unknown:
        raise InputError(f"--year {unknown[0]}: no data. {told}. Choose one of them.")


def _sources(rows: pl.DataFrame) -> Mapping[str, Mapping[str, Any]]:
    """Return where the tables come from that the inputs name."""
    named = set(
        rows.select(
            pl.col("inputs").list.eval(pl.element().struct.field("table").unique()).explode()
        )["inputs"].drop_nulls()
    )
    return {
        table["name"]: {key: table.get(key) for key in _SOURCE}
        for table in data.info()["tables"]
        if table["name"] in named
    }
