"""Hold the benchmarks of policy against the figures, now and over time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import polars as pl

from lodeline import data
from lodeline.network.catalogue import load_chain
from lodeline.network.mines import MINE
from lodeline.results.targets import COLUMNS, Status, TargetsResult
from lodeline.scenarios.groups import EU27
from lodeline.studies.exposure.origin import trade_year
from lodeline.studies.exposure.suppliers import members
from lodeline.studies.targets.benchmarks import (
    Benchmark,
    Kind,
    Published,
    Subject,
    benchmarks_for,
    published,
    published_notes,
)
from lodeline.studies.targets.figures import (
    Figure,
    Supplier,
    balanced,
    imports_by_year,
    self_sufficiency,
    suppliers,
)

__all__ = ["NOTES", "TREND_YEARS", "run_targets"]

DRAWS = 50
"""Base years drawn for the range of shares by origin."""

TREND_YEARS = (10, 5, 0)
"""Years back for which base years are balanced; imports have every year."""

NOTES = (
    "Output over use: what the country makes over what it uses and processes of the form. Above "
    "one, it makes more than it uses.",
    "The Union's benchmarks hold for the Union and each strategic material together; beside a "
    "member they are for comparison only.",
    "Output is counted where a source lists the maker. Sources that name the largest only give the "
    "least there is: below the limit the target is then open.",
    "Before 2020 output by country is carried back with trade: earlier points are imputed.",
    "A published figure decides only where the data hold none.",
)
_NO_CHAIN = "the data hold no trade under a code of its own: who supplies and uses it is not seen"
Row = dict[str, Any]


def run_targets(country: str, *, year: int | None = None) -> TargetsResult:
    """Return the targets that concern a country or group, and where they stand.

    Parameters
    ----------
    country
        ISO3, or ``EU27``.
    year
        Base year; the last year of the trade data by default.

    Raises
    ------
    UnknownNameError
        If there is no such country.
    InputError
        If no target is known for it, or the year has no trade.
    """
    [(name, inside)] = members((country,)).items()
    benchmarks = benchmarks_for(name)
    now = trade_year(year)
    study = _Study(name, inside, now)
    rows = [row for b in benchmarks for s in b.subjects for row in study.rows(b, s)]
    return TargetsResult(
        country=name,
        year=now,
        rows=pl.DataFrame(rows, schema=COLUMNS, orient="row"),
        notes=(*NOTES, *published_notes(name)),
        dataset=data.dataset_identity(),
    )


class _Study:
    """Figures of one country; base years are balanced once."""

    def __init__(self, country: str, inside: tuple[str, ...], year: int) -> None:
        self.country, self.inside, self.year = country, inside, year
        # For a member state a third country is one outside the Union.
        self.home = EU27 if set(inside) <= set(EU27) else inside
        self._base = cache(balanced)
        self._figures = cache(self._self_sufficiency)
        self._suppliers = cache(self._largest_suppliers)

    def rows(self, benchmark: Benchmark, subject: Subject) -> Iterator[Row]:
        """Yield the rows of a benchmark for one material."""
        told = published(self.country, benchmark.kind, subject)
        if benchmark.kind is Kind.RECYCLING:
            yield self._told(benchmark, subject, told, "recycling input rate", _NO_RECYCLING)
        elif benchmark.kind is Kind.STOCK_DAYS:
            yield self._stock(benchmark, subject, told)
        elif not subject.chains:
            yield self._told(benchmark, subject, told, _MEASURES[benchmark.kind], _NO_CHAIN)
        elif benchmark.kind is Kind.SINGLE_SUPPLIER:
            for chain in subject.chains:
                yield from self._single_supplier(benchmark, subject, chain, told)
        else:
            found = [r for c in subject.chains for r in self._output(benchmark, subject, c, told)]
            reason = f"{_NO_STAGE[benchmark.kind]} in the data for {', '.join(subject.chains)}"
            missing = self._told(benchmark, subject, told, _MEASURES[benchmark.kind], reason)
            yield from found or [missing]

    def _output(
        self,
        benchmark: Benchmark,
        subject: Subject,
        chain: str,
        told: tuple[Published, ...],
    ) -> Iterator[Row]:
        is_extraction = benchmark.kind is Kind.EXTRACTION
        for now in self._figures(chain, self.year):
            if (now.stage == MINE) is not is_extraction or _is_guess(chain, now.stage):
                continue
            trend = [
                {"year": year, "value": f.value, "leader": None}
                for year in self._years()
                for f in self._figures(chain, year)
                if f.stage == now.stage and f.value is not None
                if f.value > 0.0 or not f.is_least  # nobody listed is not nobody there
            ]
            row = self._row(benchmark, subject, told) | {
                "material": chain,
                "stage": now.stage,
                "measure": _MEASURES[benchmark.kind],
                "mark": now.mark,
                "trend": trend,
                "where": "production, stage_shares, trade: balanced base year",
            }
            if now.is_least and now.value is not None:
                row = row | {"low": now.value, "high": None}
                yield _of_least(benchmark, row, now.value, self.year, told)
            else:
                yield _judged(benchmark, row, now.value, self.year, now.reason)

    def _single_supplier(
        self, benchmark: Benchmark, subject: Subject, chain: str, told: tuple[Published, ...]
    ) -> Iterator[Row]:
        found = self._suppliers(chain, self.year)
        for form in load_chain(chain).forms:
            row = self._row(benchmark, subject, told) | {"material": chain, "stage": form.id}
            trend = imports_by_year(load_chain(chain), form.id, self.inside, home=self.home)
            now = {p["year"]: p for p in trend}.get(self.year)
            last = row | {
                "measure": "share of imports", "trend": trend, "where": "trade",
                "leader": now["leader"] if now else None,
            }  # fmt: skip
            yield _judged(
                benchmark, last, now["value"] if now else None, self.year, "no imports in the year"
            )
            for s in found:
                if s.form == form.id:
                    yield self._by_origin(benchmark, row, chain, s)

    def _by_origin(self, benchmark: Benchmark, row: Row, chain: str, now: Supplier) -> Row:
        trend = [
            {"year": year, "value": s.share, "leader": s.country}
            for year in self._years()
            for s in self._suppliers(chain, year)
            if (s.form, s.stage) == (now.form, now.stage)
        ]
        measure = "share of use" if now.stage is None else f"share by origin: {now.stage}"
        more = {
            "measure": measure, "trend": trend, "mark": now.mark, "leader": now.country,
            "low": now.low, "high": now.high,
            "where": "production, stage_shares, trade: balanced base year",
        }  # fmt: skip
        return _judged(benchmark, row | more, now.share, self.year, "")

    def _stock(self, benchmark: Benchmark, subject: Subject, told: tuple[Published, ...]) -> Row:
        assumed = [
            s.days
            for chain in subject.chains
            for s in load_chain(chain).stocks
            if s.country == self.country
        ]
        reason = "what is held is not published"
        if assumed:
            days = assumed[0]
            reason += f"; stress tests assume {days.value:g} days ({days.low:g} to {days.high:g})"
        return self._told(benchmark, subject, told, "days held", reason)

    def _told(
        self,
        benchmark: Benchmark,
        subject: Subject,
        told: tuple[Published, ...],
        measure: str,
        reason: str,
    ) -> Row:
        """Return a row that rests on what is published, if anything is."""
        row = self._row(benchmark, subject, told) | {"measure": measure, "stage": None}
        row["trend"] = [
            {"year": p.year, "value": p.value, "leader": None} for p in told if p.bound == "about"
        ]
        if not told:
            return _judged(benchmark, row, None, None, reason)
        row["where"] = "demand_structure" if benchmark.kind is Kind.RECYCLING else _POLICY
        latest = told[-1]
        if latest.bound == "about":
            return _judged(benchmark, row, latest.value, latest.year, "")
        status = _decided(benchmark, latest) or Status.OPEN
        return row | {"year": latest.year, "status": status.value, "reason": reason}

    def _row(self, benchmark: Benchmark, subject: Subject, told: tuple[Published, ...]) -> Row:
        latest = told[-1] if told else None
        note = f"shown: {subject.note}" if subject.note else None
        return dict.fromkeys(COLUMNS) | {
            "target": benchmark.id,
            "jurisdiction": benchmark.jurisdiction,
            "country": self.country,
            "material": subject.name,
            "limit": benchmark.limit,
            "is_ceiling": benchmark.is_ceiling,
            "due": benchmark.due,
            "unit": "days" if benchmark.kind is Kind.STOCK_DAYS else "share",
            "reason": note,
            "trend": [],
            "published": latest.value if latest else None,
            "published_as": f"{latest.bound}, {latest.year}: {latest.source}" if latest else None,
            "source": benchmark.source,
        }

    def _years(self) -> tuple[int, ...]:
        return tuple(self.year - back for back in TREND_YEARS)

    def _self_sufficiency(self, chain: str, year: int) -> tuple[Figure, ...]:
        doubt = self._base(chain, year)
        return tuple(self_sufficiency(doubt, self.inside)) if doubt is not None else ()

    def _largest_suppliers(self, chain: str, year: int) -> tuple[Supplier, ...]:
        doubt = self._base(chain, year)
        if doubt is None:
            return ()
        draws = DRAWS if year == self.year else 0
        return tuple(suppliers(doubt, self.country, self.inside, home=self.home, draws=draws))


_POLICY = "stocks_and_policy"
_NO_RECYCLING = "no recycling input rate is published for this country and material"
_MEASURES: Mapping[Kind, str] = {
    Kind.EXTRACTION: "output over use",
    Kind.PROCESSING: "output over use",
    Kind.SINGLE_SUPPLIER: "share of imports",
}
_NO_STAGE: Mapping[Kind, str] = {
    Kind.EXTRACTION: "no stage of extraction",
    Kind.PROCESSING: "no stage of processing",
}


def _is_guess(chain: str, stage: str) -> bool:
    """Return whether the stage's output is nothing but net exports: no source lists makers."""
    forms = {f.id: f for f in load_chain(chain).forms}
    return stage in forms and forms[stage].output.kind == "net-exports"


def _judged(
    benchmark: Benchmark, row: Row, value: float | None, year: int | None, reason: str
) -> Row:
    """Return the row with its value and whether the limit is kept over its whole range."""
    if value is None:
        return row | {"value": None, "year": year, "status": Status.ABSENT.value, "reason": reason}
    ends = [value if row[end] is None else row[end] for end in ("low", "high")]
    verdicts = {benchmark.is_met(end) for end in ends}
    status = Status.MET if verdicts == {True} else Status.MISSED
    if len(verdicts) > 1:
        status = Status.OPEN
    return row | {"value": value, "year": year, "status": status.value}


def _of_least(
    benchmark: Benchmark, row: Row, least: float, year: int, told: tuple[Published, ...]
) -> Row:
    """Return the row of an output that is the least there is: what is published may decide."""
    if benchmark.is_met(least):
        return row | {"value": least, "year": year, "status": Status.MET.value}
    status = (_decided(benchmark, told[-1]) if told else None) or Status.OPEN
    reason = _LEAST if status is Status.OPEN else row["reason"]
    value = least if least > 0.0 else None
    return row | {"value": value, "year": year, "status": status.value, "reason": reason}


def _decided(benchmark: Benchmark, told: Published) -> Status | None:
    """Return what a published figure decides; None where its bound leaves both open."""
    is_met = benchmark.is_met(told.value)
    if (told.bound == "at least" and not is_met) or (told.bound == "at most" and is_met):
        return None
    return Status.MET if is_met else Status.MISSED


_LEAST = "the source of output names the largest makers only: there may be more"
