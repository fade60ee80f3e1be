"""What every column of a stress test's workbook holds: its unit and its meaning in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import polars as pl

__all__ = ["COLUMNS", "UNDESCRIBED", "column_sheet"]

_FORM = "t of the form's unit"
_MONTHLY = f"{_FORM} a month"
_YEARLY = f"{_FORM} a year"
_SHARE = "share, 0 to 1 (shown as %)"
_MONTH = "YYYY-MM"
UNDESCRIBED = ("", "")
"""What a column without a description has; a test refuses it."""

COLUMNS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "chain": ("", "Identifier of the chain"),
        "unit": ("", "What one tonne of the form is"),
        "country": ("ISO3", "Country, or group of countries"),
        "country_name": ("", "Name in English"),
        "exporter": ("ISO3", "Country that sells; equal to the importer for its own output"),
        "exporter_name": ("", "Name in English"),
        "importer": ("ISO3", "Country that buys"),
        "importer_name": ("", "Name in English"),
        "form": ("", "Form of the material"),
        "month": (_MONTH, "Month"),
        "basis": ("", "What the figure rests on"),
        "use_t": (_MONTHLY, "Use in the month"),
        "reference_use_t": (_MONTHLY, "Use of the base year, a twelfth of it"),
        "intake_t": (_MONTHLY, "Own output and imports of the base year, a twelfth of them"),
        "world_use_share": (_SHARE, "Part of the world's use of the form in the base year"),
        "is_remainder": ("true or false", "Use is a small remainder of two large figures"),
        "unmet_t": (_MONTHLY, "What users want at the reference price and do not get"),
        "unmet_t_total": (_FORM, "The same over all months"),
        "unmet_share": (_SHARE, "Unmet use over what is wanted"),
        "unmet_share_peak": (_SHARE, "The same in the worst month"),
        "time_to_survive_months": ("months", "From the first restricted month until more than 5 % "
                                   "of use is unmet; empty: never"),
        "time_to_recover_months": ("months", "From then until 5 % and less is unmet for good; "
                                   "empty: not within the months that were run"),
        "price_usd_t": ("USD per t of the form's unit", "Price, at most the cap"),
        "price_multiple": ("times the base year's price", "Price, at most the cap"),
        "price_multiple_peak": ("times the base year's price", "Highest price, at most the cap"),
        "is_price_capped": ("true or false", "Price at the cap, where it means nothing"),
        "cost_usd": ("USD of the base year, all months", "Surplus lost; minus is a gain"),
        "stock_before_t": (_FORM, "Held by users and state at the start of the month"),
        "stock_t": (_FORM, "Held by users and state at the end of the month"),
        "months_of_cover": ("months", "The same over use and processing of the base year"),
        "short_from": (_MONTH, "First month with more than 5 % of use unmet"),
        "short_until": (_MONTH, "Last such month"),
        "stock_empty_from": (_MONTH, "First month that ends with less than 5 % of the most held"),
        "stock_lowest_t": (_FORM, "Least that is held at the end of a month"),
        "price_peak_month": (_MONTH, "Month of the highest price; empty: it never rises"),
        "before_t": (_MONTHLY, "Flow of the base year, a twelfth of it"),
        "during_t": (_MONTHLY, "Flow in the restricted months, mean"),
        "supply_t_before": (_MONTHLY, "All that reaches the country, own output included"),
        "supply_t_during": (_MONTHLY, "The same in the restricted months, mean"),
        "own_share_before": (_SHARE, "Part of it that is own output"),
        "own_share_during": (_SHARE, "The same in the restricted months"),
        "largest_supplier_before": ("ISO3", "Other country that supplies most"),
        "largest_supplier_during": ("ISO3", "The same in the restricted months"),
        "largest_share_before": (_SHARE, "Its part of all that reaches the country"),
        "largest_share_during": (_SHARE, "The same in the restricted months"),
        "hhi_before": ("index, 0 to 1", "Sum of the squared shares of all suppliers"),
        "hhi_during": ("index, 0 to 1", "The same in the restricted months"),
        "is_own_untraced": ("true or false", "No source says that the country makes what counts "
                            "as its own"),
        "is_third": ("true or false", "The exporter is not among those who restrict"),
        "third_share": (_SHARE, "Restricted-origin material by third countries, over all that the "
                        "importer got of the form by all routes before"),
        "opening_t": (_FORM, "Reserve of the state at the start"),
        "opening_days": ("days of use and processing", "The same"),
        "lowest_t": (_FORM, "Least that is left"),
        "lowest_month": (_MONTH, "When"),
        "released_share": (_SHARE, "Part that is released by then"),
        "lasts_months": ("months", "From the first restricted month until 5 % are left; "
                         "empty: never"),
        "sector": ("", "Identifier of the use"),
        "title": ("", "Name in words"),
        "share": (_SHARE, "Part of the use of the form in the region"),
        "ease": ("pure number", "How readily the sector does without, against the others"),
        "region": ("ISO3 or WLD", "Whose shares: the country's, or the world's"),
        "source": ("", "Source, or reasoning where nobody publishes a figure"),
        "worst_chain": ("", "Chain with the worst month"),
        "parameter": ("", "Number that was turned"),
        "name": ("", "Name"),
        "value": ("see unit", "Central value"),
        "low": ("see unit", "Low end of the range"),
        "high": ("see unit", "High end of the range"),
        "at_low": (_SHARE, "Headline (worst month) with the number at its low end"),
        "at_high": (_SHARE, "Headline (worst month) with the number at its high end"),
        "central": (_SHARE, "Headline (worst month) with all numbers at their central values"),
        "assumed": ("true or false", "Nobody publishes it: a judgement"),
        "item": ("", "Output, imports, exports or use of the base year"),
        "reported_t": (_YEARLY, "Before balancing: see basis"),
        "reconciled_t": (_YEARLY, "After balancing: what the model starts from"),
        "code": ("HS6, revision 1992", "Code of the trade table"),
        "year": ("", "Calendar year"),
        "value_usd": ("USD a year, FOB", "Value as reported"),
        "tonnes": ("t gross weight a year", "Quantity as used, after screening"),
        "tonnes_reported": ("t gross weight a year", "Quantity as reported; empty where none"),
        "quality": ("", "Observed; imputed: tonnes missing or impossible, rebuilt from the value"),
        "form_t": (_YEARLY, "Tonnes times the content of the code"),
        "is_excluded": ("true or false", "Left out: the chain says why, no tonnes are known, or "
                        "less than a hundred-millionth of world trade"),
        "stands_in": ("true or false", "No code carries the form: rows of a related good, whose "
                      "lanes stand in for its own"),
        "publisher": ("", "Publisher"),
        "edition": ("", "Edition"),
        "licence": ("", "Licence"),
        "attribution": ("", "Attribution that the licence asks for"),
        "url": ("", "Address"),
        "date": ("", "Date or edition of the source"),
        "confidence": ("", "How well the source supports what is taken from it"),
        "says": ("", "What was taken from it, restated"),
        "kind": ("", "Limit of the chain, left out by the scenario, assumed by the scenario, note"),
        "text": ("", "In a sentence"),
        "why": ("", "Why that and not something else"),
    }
)  # fmt: skip
"""Unit and meaning by name of the column, the same in every sheet."""


def column_sheet(sheets: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return one row for each column of each sheet: ``sheet, column, unit, meaning``."""
    rows = [
        (sheet, column, *COLUMNS.get(column, UNDESCRIBED))
        for sheet, table in sheets.items()
        for column in table.columns
    ]
    names = ("sheet", "column", "unit", "meaning")
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
