"""Tables of the report: selected, sorted and formatted, never computed.

A value that is absent is shown as "–", and the table says under it why.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from lodeline.report import brief
from lodeline.report import format as fmt
from lodeline.report.format import Cell, absent
from lodeline.results.concentration import CONCENTRATION_LIMIT, supplier_concentration
from lodeline.results.stress import ChainResult, StressResult
from lodeline.results.users import SMALL_USER, with_world_share

__all__ = [
    "Column",
    "Table",
    "assumptions",
    "by_stage",
    "concentration",
    "costs",
    "csv_address",
    "datasets",
    "key_figures",
    "losses",
    "reconciliation",
    "supply",
]

_GAIN = "−USD: a gain"
_NO_USE = "no recorded use in the base year"
_NOT_COMPUTED = "not computed for this country"
_NEVER_SHORT = "never short, so there is nothing to recover from"
_NO_PRICE = "no price: the country does not buy this form on a market"
_NOTHING_ARRIVES = "nothing arrives"
_REMAINDER = (
    f"{brief.REMAINDER_MARK} recorded use is less than a tenth of what the country makes and takes "
    "in: a remainder of two large figures, of which a percentage or a cost says little"
)
_STATED = (
    f"{brief.REMAINDER_MARK} use of an exporter whose output nobody publishes: a small share of "
    "its net exports, assumed, of which a percentage or a cost says little"
)
_CAPPED = "price at the model’s cap, where it no longer means anything"


@dataclass(frozen=True)
class Column:
    """A column: heading, and whether it holds numbers."""

    heading: str
    is_number: bool = True


@dataclass(frozen=True)
class Table:
    """A table ready to be drawn; the first column names the row.

    Attributes
    ----------
    caption
        What it holds, with its unit.
    columns, rows
        As many cells a row as columns.
    shown
        Rows shown at once; the others open on request.
    is_narrow
        True for few short columns, which would stand too far apart at full width.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    shown: int = 1000
    is_narrow: bool = False

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why values are absent, not to be trusted, or below zero: each reason once."""
        cells = [c for row in self.rows for c in row]
        found = [_reason(c) for c in cells if c.reason]
        if any(c.text.startswith("−USD") for c in cells):
            found.append(_GAIN)
        return tuple(dict.fromkeys(found))


def _reason(cell: Cell) -> str:
    is_mark = cell.reason.startswith(("†", brief.REMAINDER_MARK))
    return cell.reason if is_mark else f"{fmt.ABSENT} {cell.reason}"


def key_figures(result: StressResult, *, most: int = 6) -> Table:
    """Return the brief's table: countries asked about, worst first."""
    picked = brief.asked_rows(result)
    kept = picked[:most]
    left = len(picked) - len(kept)
    more = f" The {left} least affected are in the tables below." if left else ""
    return Table(
        f"Countries asked about, over {fmt.months(len(result.months))}; worst first.{more}",
        (
            Column("Country", is_number=False),
            Column("Material", is_number=False),
            Column("Worst month, % of use unmet"),
            Column("Unmet in total"),
            Column("Months until short"),
            Column("Months to recover"),
            Column(f"Peak price, {result.base_year}{fmt.SPACE}={fmt.SPACE}1"),
            Column("Cost"),
        ),
        tuple(
            (
                Cell(_name(result, country)),
                Cell(brief.form_words(chain)),
                *_metric_cells(chain, row, result, unit=chain.units[chain.form]),
            )
            for chain, country, row in kept
        ),
    )


def losses(chain: ChainResult, result: StressResult, *, shown: int = 12) -> Table:
    """Return the losses of the users of the chain's form, largest loss first.

    Users below a thousandth of the world's use are counted in the caption, unless asked about.
    """
    unit = chain.units[chain.form]
    users = with_world_share(chain.metrics).filter(
        (pl.col("form") == chain.form) & (pl.col("reference_use_t") > 0)
    )
    is_ranked = pl.col("world_use_share") >= SMALL_USER
    rows = users.filter(is_ranked | pl.col("country").is_in(list(result.members)))
    rows = rows.drop("cost_usd").join(chain.costs, on="country", how="left")
    rows = rows.sort(["unmet_t_total", "reference_use_t"], descending=True, nulls_last=True)
    left = users.height - rows.height
    more = (
        f"; {fmt.count(left, 'more country', 'more countries')} with less than "
        f"{fmt.share(SMALL_USER, is_exact=True)} of the world’s use each "
        f"{'is' if left == 1 else 'are'} in the table to download"
        if left
        else ""
    )
    return Table(
        f"{brief.form_words(chain)[:1].upper()}{brief.form_words(chain)[1:]}: "
        f"{fmt.count(rows.height, 'country', 'countries')} with recorded use{more}",
        (
            Column("Country", is_number=False),
            Column(f"Use in {result.base_year}, {unit} a month"),
            Column("Worst month, % of use unmet"),
            Column(f"Unmet in total, {unit}"),
            Column("Months until short"),
            Column("Months to recover"),
            Column(f"Peak price, {result.base_year}{fmt.SPACE}={fmt.SPACE}1"),
            Column("Cost"),
        ),
        tuple(
            (
                Cell(_name(result, row["country"]), strong=row["country"] in result.members),
                _cell(row["reference_use_t"], fmt.quantity(row["reference_use_t"])),
                *_metric_cells(chain, row, result),
            )
            for row in rows.iter_rows(named=True)
        ),
        shown=shown,
    )


def by_stage(chain: ChainResult, result: StressResult) -> Table | None:
    """Return the countries asked about at each stage of a chain; None for a single stage."""
    if len(chain.units) < 2:
        return None
    rows = [
        (country, form, row)
        for country in result.asked
        for form in chain.units
        if (row := brief.metric_row(chain, country, form)) is not None
    ]
    return Table(
        "Which stage runs short",
        (
            Column("Country", is_number=False),
            Column("Form", is_number=False),
            Column(f"Use in {result.base_year}, a month"),
            Column("Worst month, % of use unmet"),
            Column("Unmet in total"),
            Column("Months until short"),
            Column("Months to recover"),
            Column(f"Peak price, {result.base_year}{fmt.SPACE}={fmt.SPACE}1"),
            Column("Cost of the stage"),
        ),
        tuple(
            (
                Cell(_name(result, country)),
                Cell(form.replace("-", " ")),
                _cell(
                    row["reference_use_t"], fmt.tonnes(row["reference_use_t"], chain.units[form])
                ),
                *_metric_cells(chain, row, result, unit=chain.units[form]),
            )
            for country, form, row in rows
        ),
    )


def costs(result: StressResult, *, shown: int = 10) -> Table:
    """Return the cost to every country over all chains, dearest first."""
    rows = result.countries.sort("cost_usd", descending=True, nulls_last=True)
    return Table(
        "Cost by country, all materials together",
        (
            Column("Country", is_number=False),
            Column("Cost"),
            Column("Worst material", is_number=False),
            Column("Worst month, % of use unmet"),
        ),
        tuple(
            (
                Cell(_name(result, row["country"]), strong=row["country"] in result.members),
                _cell(row["cost_usd"], fmt.money(row["cost_usd"])),
                _chain_cell(row["worst_chain"], result),
                _share_cell(row, result.chains.get(row["worst_chain"]), _NO_USE),
            )
            for row in rows.iter_rows(named=True)
        ),
        shown=shown,
        is_narrow=True,
    )


def supply(chain: ChainResult, result: StressResult, *, shown: int = 14) -> Table:
    """Return who supplied the countries asked about, before and during, largest first."""
    unit = chain.units[chain.form]
    wanted = (pl.col("form") == chain.form) & pl.col("importer").is_in(list(result.members))
    rows = (
        chain.supply.filter(wanted)
        .filter((pl.col("before_t") > 0) | (pl.col("during_t") > 0))
        .sort(["before_t", "during_t"], descending=True, nulls_last=True)
    )
    return Table(
        f"Suppliers of the countries asked about, {unit} a month",
        (
            Column("Supplier", is_number=False),
            Column("Buyer", is_number=False),
            Column(f"Before ({result.base_year})"),
            Column("During (mean)"),
        ),
        tuple(
            (
                Cell(_name(result, r["exporter"])),
                Cell(_buyer(r, result)),
                _cell(r["before_t"], fmt.quantity(r["before_t"])),
                _cell(r["during_t"], fmt.quantity(r["during_t"])),
            )
            for r in rows.iter_rows(named=True)
        ),
        shown=shown,
        is_narrow=True,
    )


def concentration(chain: ChainResult, result: StressResult, *, shown: int = 14) -> Table:
    """Return how concentrated the supply of the countries asked about is, before and during."""
    asked = pl.col("importer").is_in(list(result.members))
    found = supplier_concentration(chain.supply.filter(asked), chain.reconciliation)
    order = [(country, form) for country in result.members for form in chain.units]
    rows = {(r["country"], r["form"]): r for r in found.iter_rows(named=True)}
    return Table(
        "How concentrated supply is: the largest other country, and HHI (0 to 1) of all suppliers",
        (
            Column("Country", is_number=False),
            Column("Form", is_number=False),
            Column(f"Largest in {result.base_year}", is_number=False),
            Column("Its share"),
            Column("Largest during", is_number=False),
            Column("Its share"),
            Column(f"HHI in {result.base_year}"),
            Column("HHI during"),
        ),
        tuple(
            (
                Cell(_name(result, country)),
                Cell(form.replace("-", " ")),
                *_largest(rows[country, form], "before", result),
                *_largest(rows[country, form], "during", result),
                *(_hhi(rows[country, form][f"hhi_{when}"]) for when in ("before", "during")),
            )
            for country, form in order
            if (country, form) in rows
        ),
        shown=shown,
    )


def _largest(row: Mapping[str, Any], when: str, result: StressResult) -> Iterator[Cell]:
    who, part = row[f"largest_supplier_{when}"], row[f"largest_share_{when}"]
    if who is None:
        yield from (absent(_NOTHING_ARRIVES), absent(_NOTHING_ARRIVES))
        return
    yield Cell(_name(result, who))
    yield Cell(fmt.share(part), strong=part > CONCENTRATION_LIMIT)


def _hhi(value: float | None) -> Cell:
    return absent(_NOTHING_ARRIVES) if value is None else Cell(f"{value:.2f}")


def assumptions(chain: ChainResult) -> Table:
    """Return every parameter of a chain with range and source; assumed ones say so."""
    return Table(
        "Parameters; the range is what the sensitivity uses",
        (
            Column("Parameter", is_number=False),
            Column("Value"),
            Column("Range"),
            Column("Unit", is_number=False),
            Column("Basis", is_number=False),
            Column("Source or reasoning", is_number=False),
        ),
        tuple(
            (
                Cell(str(r["name"])),
                _cell(r["value"], fmt.plain(r["value"])),
                _cell(r["low"], fmt.between(r["low"], r["high"]), "no range was given"),
                Cell(_unit_words(r["unit"])),
                Cell("assumed" if r["assumed"] else "published", strong=bool(r["assumed"])),
                Cell(str(r["source"] or "")),
            )
            for r in chain.assumptions.iter_rows(named=True)
        ),
        shown=8,
    )


def reconciliation(chain: ChainResult, countries: Sequence[str], result: StressResult) -> Table:
    """Return reported beside reconciled figures of some countries, t/year."""
    rows = chain.reconciliation.filter(pl.col("country").is_in(list(countries))).to_dicts()
    order = {c: i for i, c in enumerate(countries)}
    rows.sort(key=lambda r: (order[r["country"]], list(chain.units).index(r["form"])))
    return Table(
        f"Countries asked about, restricting countries and main suppliers, {result.base_year}",
        (
            Column("Country", is_number=False),
            Column("Form", is_number=False),
            Column("Item", is_number=False),
            Column("Before balancing"),
            Column("Reconciled"),
            Column("Unit", is_number=False),
            Column("Basis", is_number=False),
        ),
        tuple(
            (
                Cell(_name(result, r["country"])),
                Cell(r["form"].replace("-", " ")),
                Cell(r["item"]),
                _cell(r["reported_t"], fmt.quantity(r["reported_t"]), "nobody reports it"),
                _cell(r["reconciled_t"], fmt.quantity(r["reconciled_t"])),
                Cell(chain.units[r["form"]]),
                Cell(str(r["basis"])),
            )
            for r in rows
        ),
        shown=16,
    )


def datasets(result: StressResult) -> Table:
    """Return the tables used, with edition, licence and attribution; equal origins in one row."""
    groups: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for t in result.dataset["tables"]:
        origin = ("source", "publisher", "edition", "licence", "attribution")
        groups.setdefault(tuple(str(t.get(k)) for k in origin), []).append(t)
    return Table(
        "Tables of the dataset that were used",
        (
            Column("Table", is_number=False),
            Column("Source", is_number=False),
            Column("Edition", is_number=False),
            Column("Licence", is_number=False),
            Column("Attribution", is_number=False),
        ),
        tuple(
            (
                Cell("; ".join(str(t.get("title") or t["name"]) for t in group)),
                _text(group[0], "source", "publisher", href=str(group[0].get("url") or "")),
                _text(group[0], "edition"),
                _text(group[0], "licence"),
                _text(group[0], "attribution"),
            )
            for group in groups.values()
        ),
    )


def csv_address(table: pl.DataFrame) -> str:
    """Return a table as a ``data:`` address that a browser saves as CSV."""
    packed = base64.b64encode(table.write_csv().encode()).decode("ascii")
    return f"data:text/csv;charset=utf-8;base64,{packed}"


def _metric_cells(
    chain: ChainResult, row: Mapping[str, Any], result: StressResult, *, unit: str = ""
) -> Iterator[Cell]:
    horizon = len(result.months)
    survive, recover = row["time_to_survive_months"], row["time_to_recover_months"]
    lost = row["unmet_t_total"]
    yield _share_cell(row, chain, strong=True)
    yield _cell(lost, fmt.tonnes(lost, unit) if unit else fmt.quantity(lost))
    if row["unmet_share_peak"] is None:
        yield from (absent(_NOT_COMPUTED), absent(_NOT_COMPUTED))
    elif survive is None:
        yield Cell(f"not within{fmt.SPACE}{horizon}")
        yield absent(_NEVER_SHORT)
    else:
        yield Cell(fmt.plain(survive))
        yield Cell(f"not within{fmt.SPACE}{horizon}" if recover is None else fmt.plain(recover))
    yield _price_cell(chain, row)
    yield _cell(row["cost_usd"], fmt.money(row["cost_usd"]))


def _share_cell(
    row: Mapping[str, Any],
    chain: ChainResult | None,
    reason: str = _NOT_COMPUTED,
    *,
    strong: bool = False,
) -> Cell:
    """Return the worst month, marked where the use is a mere remainder, or assumed small."""
    cell = _cell(row["unmet_share_peak"], brief.share_of_use(row), reason, strong=strong)
    is_marked = cell.text.endswith(brief.REMAINDER_MARK)
    if not is_marked or chain is None:
        return cell
    is_stated = chain.has_stated_use(row["country"], row.get("form", chain.form))
    return replace(cell, reason=_STATED if is_stated else _REMAINDER)


def _price_cell(chain: ChainResult, row: Mapping[str, Any]) -> Cell:
    multiple = row["price_multiple_peak"]
    if multiple is None or fmt.is_absent(multiple):
        return absent(_NO_PRICE)
    if brief.is_capped(chain, row["country"], row["form"]):
        return Cell(f"≥{fmt.SPACE}{fmt.times(multiple)}†", f"† {_CAPPED}")
    return Cell(fmt.times(multiple))


def _cell(
    value: float | None, text: str, reason: str = _NOT_COMPUTED, *, strong: bool = False
) -> Cell:
    if value is None or fmt.is_absent(value):
        return absent(reason)
    return Cell(text, strong=strong)


def _text(row: Mapping[str, Any], *keys: str, href: str = "") -> Cell:
    found = [str(row[key]) for key in keys if row.get(key)]
    return Cell(found[0], href=href) if found else absent("the data’s manifest does not say")


def _chain_cell(chain: str | None, result: StressResult) -> Cell:
    if chain is None:
        return absent(_NO_USE)
    return Cell(result.chains[chain].title if chain in result.chains else chain)


def _unit_words(unit: str | None) -> str:
    return "pure number" if unit in {None, "", "1"} else str(unit)


def _buyer(row: Mapping[str, Any], result: StressResult) -> str:
    is_own = row["exporter"] == row["importer"]
    return "itself (own output)" if is_own else _name(result, row["importer"])


def _name(result: StressResult, country: str) -> str:
    return result.country_names.get(country, country)
