"""Trade flows by HS6 code: values as reported, tonnes as screened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import polars as pl

from lodeline.data.bundle import read_table, scan_table
from lodeline.data.places import countries
from lodeline.data.screening import Quality
from lodeline.errors import InputError, UnknownNameError

__all__ = ["code_status", "ended_countries", "products", "quality_table", "trade", "unit_values"]

_LIST_CODES = "See lodeline.data.products() for all codes."


def products() -> pl.DataFrame:
    """Return ``code, description`` of every HS92 code in the trade table."""
    return read_table("products")


def code_status() -> pl.DataFrame:
    """Return how long each code lives.

    Returns
    -------
    polars.DataFrame
        ``code, first_year, last_year, died, note``: first and last year with meaningful trade,
        and whether the series stopped before the last year of the dataset.
    """
    return read_table("code_status")


def _codes(codes: str | Sequence[str]) -> list[str]:
    wanted = [codes] if isinstance(codes, str) else list(codes)
    known = products()["code"].to_list()
    for code in wanted:
        if code not in known:
            raise UnknownNameError("HS92 code", str(code), known, _LIST_CODES)
    return list(dict.fromkeys(wanted))


def _in_years(years: tuple[int, int] | None) -> pl.Expr:
    if years is None:
        return pl.lit(value=True)
    first, last = years
    if first > last:
        raise InputError(f"years {first}-{last}: the first year lies after the last. Swap them.")
    return pl.col("year").is_between(first, last)


def _rows(codes: str | Sequence[str], years: tuple[int, int] | None) -> pl.DataFrame:
    numbers = [int(code) for code in _codes(codes)]
    return scan_table("trade", pl.col("code").is_in(numbers) & _in_years(years))


def trade(codes: str | Sequence[str], *, years: tuple[int, int] | None = None) -> pl.DataFrame:
    """Return the flows of one or more HS92 codes.

    Parameters
    ----------
    codes
        HS6 codes of the 1992 revision (``"284690"``).
    years
        First and last year; all by default.

    Returns
    -------
    polars.DataFrame
        ``code`` (str), ``year`` (Int16), ``exporter, importer`` (ISO3 or the source's own code),
        ``value_usd`` (USD, FOB), ``tonnes`` (t gross weight, after screening),
        ``tonnes_reported`` (t or null), ``quality`` (see `lodeline.data.Quality`).
        Sorted by code, year, exporter, importer.

    Raises
    ------
    UnknownNameError
        If a code is not in the dataset.
    InputError
        If the first year lies after the last.
    DataError
        If the bundled table is damaged.

    Examples
    --------
    >>> flows = trade("284690", years=(2024, 2024))
    >>> flows.columns[:4]
    ['code', 'year', 'exporter', 'importer']
    """
    return _rows(codes, years).select(
        pl.col("code").cast(pl.String).str.zfill(6),
        "year",
        pl.col("exporter").cast(pl.String),
        pl.col("importer").cast(pl.String),
        value_usd=pl.col("value_usd").cast(pl.Float64),
        tonnes=pl.coalesce("tonnes_rebuilt", "tonnes_reported"),
        tonnes_reported=pl.col("tonnes_reported"),
        quality=pl.col("quality").cast(pl.String),
    )


@cache
def ended_countries(year: int) -> frozenset[str]:
    """Return the former countries (`lodeline.data.countries`) that no longer trade in a year.

    Examples
    --------
    >>> "ANT" in ended_countries(2006), "ANT" in ended_countries(2024)
    (False, True)
    """
    former = countries().filter(pl.col("kind") == "former")["iso3"].to_list()
    later = scan_table("trade", pl.col("year") >= year)
    living = {str(c) for column in ("exporter", "importer") for c in later[column].unique()}
    return frozenset(former) - living


def unit_values(
    codes: str | Sequence[str], *, years: tuple[int, int] | None = None
) -> pl.DataFrame:
    """Return the usual unit values that the screening used.

    Returns
    -------
    polars.DataFrame
        ``code, year, low_usd_per_t, median_usd_per_t, high_usd_per_t, flows_used``. See
        `lodeline.data.screening.code_year_unit_values`.
    """
    return read_table("unit_values").filter(pl.col("code").is_in(_codes(codes)), _in_years(years))


def quality_table(form_codes: Mapping[str, Sequence[str]] | None = None) -> pl.DataFrame:
    """Return how much of the world's trade is observed, imputed or kept with a doubt.

    Parameters
    ----------
    form_codes
        HS92 codes by form; by default every code by itself.

    Returns
    -------
    polars.DataFrame
        ``form, year, value_usd, tonnes, flows`` and, for each quality,
        ``value_share_<quality>`` and ``tonnes_share_<quality>`` (shares of value and of screened
        tonnes, 0-1), and ``flows_without_tonnes`` (left out: neither reported nor rebuildable)
        with ``value_share_left_out``.
    """
    forms = form_codes or {code: [code] for code in products()["code"]}
    pairs = [(form, code) for form, codes in forms.items() for code in _codes(codes)]
    labels = pl.DataFrame(pairs, schema={"form": pl.String, "code": pl.String}, orient="row")
    flows = trade(labels["code"].unique(maintain_order=True).to_list())
    shares = []
    for quality in Quality:
        chosen = pl.col("quality") == quality.value
        for column, name in (("value_usd", "value"), ("tonnes", "tonnes")):
            share = pl.col(column).filter(chosen).sum() / pl.col(column).sum()
            shares.append(share.alias(f"{name}_share_{quality.value}"))
    absent = pl.col("tonnes").is_null()
    return (
        labels.join(flows, on="code")
        .group_by("form", "year", maintain_order=True)
        .agg(
            pl.col("value_usd").sum(),
            pl.col("tonnes").sum(),
            *shares,
            flows=pl.len(),
            flows_without_tonnes=absent.sum(),
            value_share_left_out=pl.col("value_usd").filter(absent).sum()
            / pl.col("value_usd").sum(),
        )
        .sort("form", "year")
    )
