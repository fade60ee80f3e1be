"""The assessment of a user's own purchases as a brief: text for Markdown, HTML, the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from lodeline.report.blocks import Block, BriefNames, write_brief
from lodeline.report.format import count, money, share, tonnes
from lodeline.results.purchases import PurchaseAssessment, Step, Vulnerability, assessment_document

__all__ = ["assessment_blocks", "write_assessment"]

_MOST_PLACES = 6
_MOST_RESTRICTIONS = 12

_MARKS = (
    "Told: by the supplier. Not traced: no source says who made it, it may come from anywhere; "
    "first seen where a country ships or uses more than it takes in. The rest is traced through "
    "the supplier country's own mix."
)


def write_assessment(result: PurchaseAssessment, folder: Path) -> list[str]:
    """Write brief, document and tables into a folder; return the names."""
    tables = ("lots", "measures", "map", "restrictions", "governance")
    return write_brief(
        folder,
        assessment_blocks(result),
        kind="purchases",
        names=BriefNames("assessment.html", "assessment.md", "assessment.json"),
        document=assessment_document(result),
        tables={name: getattr(result, name) for name in tables},
    )


def assessment_blocks(result: PurchaseAssessment) -> Iterator[Block]:
    """Yield the parts of the brief, in order."""
    law = result.law
    yield Block(_title(result), level=1, text=(_lead(result),), items=tuple(_headlines(result)))
    yield _overview(result)
    yield Block("Where it comes from", text=(_asks(result, "map"), _MARKS))
    yield from _maps(result)
    yield Block("What may affect supply", text=(_asks(result, "factors"),))
    yield _restrictions(result)
    yield _governance(result)
    yield Block("How vulnerable we are", text=(_asks(result, "vulnerability"),))
    for entry in result.vulnerability:
        yield _vulnerability(entry)
    yield Block("What the law asks", text=(f"{law['source']}. {law['who']}", str(law["how"]),
                                           str(law["limits"])))  # fmt: skip
    yield Block("How to read this", items=(*result.notes, *_coverage(result)))


def _title(result: PurchaseAssessment) -> str:
    return f"Raw-material risk summary: {result.source}"


def _asks(result: PurchaseAssessment, part: str) -> str:
    asks: Any = result.law["asks"]
    return f"Article {asks[part]}"


def _name(result: PurchaseAssessment, code: str | None) -> str:
    if code is None:
        return "not known"
    return "others" if code == "rest" else result.country_names.get(code, code)


def _what(material: str, form: str | None) -> str:
    return f"{material}, {form}" if form else material


def _lead(result: PurchaseAssessment) -> str:
    c: Mapping[str, Any] = result.coverage
    listed = sorted(m for m, entry in result.strategic.items() if entry)
    strategic = f"On the list of strategic raw materials: {', '.join(listed)}." if listed else (
        "None of the materials is on the list of strategic raw materials."
    )  # fmt: skip
    return (
        f"{count(c['rows'], 'purchase')} of {count(c['materials'], 'material')}, worth "
        f"{money(_number(c['value_usd']))}. {strategic}"
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _headlines(result: PurchaseAssessment) -> Iterator[str]:
    for entry in result.vulnerability:
        for finding in entry.findings:
            if finding.kind not in ("stock", "no-stock-told"):
                yield f"{_what(entry.material, entry.form)}: {finding.text}"


def _overview(result: PurchaseAssessment) -> Block:
    found = {
        (r["material"], r["form"], r["year"], r["measure"]): r["value"]
        for r in result.measures.iter_rows(named=True)
    }
    rows = []
    for lot in result.lots.iter_rows(named=True):
        key = (lot["material"], lot["form"], lot["year"])
        score = found[(*key, "geopolrisk")]
        rows.append((
            _what(lot["material"], lot["form"]), str(lot["year"]),
            tonnes(lot["tonnes"], lot["unit"]), money(lot["value_usd"]),
            f"{found[(*key, 'hhi')]:.3f}", share(found[(*key, "top1")]),
            share(found[(*key, "import-reliance")]),
            "–" if score is None else f"{score:.3f}",
        ))  # fmt: skip
    columns = ("material", "year", "quantity", "value", "HHI", "largest", "imported", "GeoPolRisk")
    return Block("What was bought", columns=columns, rows=tuple(rows), numbers=columns[2:])


def _maps(result: PurchaseAssessment) -> Iterator[Block]:
    keys = ["material", "form", "year"]
    for (material, form, year), rows in result.map.group_by(keys, maintain_order=True):
        lines = []
        for (step, stage), part in rows.group_by(["step", "stage"], maintain_order=True):
            label = f"{step}: {stage}" if stage and stage != "mine" else str(step)
            if step == Step.RECYCLED.value:
                lines.append((label, f"{share(float(part['share'].sum()))} (place not known)"))
                continue
            lines.append((label, _places(result, part)))
        name = _what(str(material), None if form is None else str(form))
        yield Block(f"{name}, {year}", level=3, columns=("step", "where"), rows=tuple(lines))


def _places(result: PurchaseAssessment, rows: pl.DataFrame) -> str:
    summed = rows.group_by("country", "basis", maintain_order=True).agg(pl.col("share").sum())
    named = summed.sort("share", descending=True, maintain_order=True)
    shown = [
        f"{_place(result, country, basis)} {share(part)}{_mark(basis)}"
        for country, basis, part in named.head(_MOST_PLACES).iter_rows()
    ]
    left = float(named["share"][_MOST_PLACES:].sum())
    return "; ".join([*shown, f"others {share(left)}"] if left > 0.0 else shown)


def _place(result: PurchaseAssessment, country: str | None, basis: str) -> str:
    return "not traced" if basis.startswith("not traced") else _name(result, country)


def _mark(basis: str) -> str:
    if basis.startswith("told"):
        return " (told)"
    _, found, where = basis.partition("; first seen in ")
    return f" (first seen in {where})" if found else ""


def _restrictions(result: PurchaseAssessment) -> Block:
    shown = result.restrictions.head(_MOST_RESTRICTIONS).iter_rows(named=True)
    rows = tuple(_restriction(result, row) for row in shown)
    if not rows:
        return Block("Restrictions", level=3, text=("None in the ledger concerns these lots.",))
    left = result.restrictions.height - len(rows)
    more = (f"{left} more are in the tables.",) if left > 0 else ()
    columns = ("material", "covers", "who, against whom", "kind", "in force", "shipped", "made",
               "mined", "source")  # fmt: skip
    numbers = ("shipped", "made", "mined")
    return Block("Restrictions", level=3, text=more, columns=columns, rows=rows, numbers=numbers)


def _restriction(result: PurchaseAssessment, row: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        row["material"],
        row["covers"].replace(";", "; ").replace("_", " "),
        f"{_name(result, row['restricting_country'])} → {row['target']}"
        f"{' (through origin)' if row['through_origin'] else ''}",
        f"{row['instrument']}: {row['severity'] or 'no details'}",
        f"{row['start']} to {row['end'] or 'no end known'}",
        share(row["share_supplied"]),
        share(row["share_processed"]),
        share(row["share_extracted"]),
        row["source"] or "",
    )


def _governance(result: PurchaseAssessment) -> Block:
    rows = tuple(
        (
            _what(r["material"], r["form"]), str(r["year"]), _name(result, r["country"]),
            share(r["share"]),
            "no score" if r["instability"] is None else f"{r['instability']:.2f}",
        )
        for r in result.governance.iter_rows(named=True)
    )  # fmt: skip
    text = (
        "Political instability, 0 stable to 1 unstable: (2.5 − estimate)/5 of the World Bank's "
        "indicator of political stability. Share: the larger of shipped and mined.",
    )
    columns = ("material", "year", "country", "share", "instability")
    numbers = ("share", "instability")
    return Block("Governance", level=3, text=text, columns=columns, rows=rows, numbers=numbers)


def _vulnerability(entry: Vulnerability) -> Block:
    text = () if entry.market_reason is None else (f"No market simulation: {entry.market_reason}.",)
    return Block(
        f"{_what(entry.material, entry.form)}, {entry.year}",
        level=3,
        text=text,
        items=tuple(f"{f.text} (Rule: {f.rule}.)" for f in entry.findings),
    )


def _coverage(result: PurchaseAssessment) -> Iterator[str]:
    c = result.coverage
    yield (
        f"Of {c['rows']} rows, {c['rows_traced']} were traced through national trade; for "
        f"{c['rows_with_origin_told']} the supplier told where it was mined; "
        f"{c['rows_with_content_of_chain']} took their content from the chain; "
        f"{c['rows_without_value']} have no value."
    )
    if result.base_years:
        told = ", ".join(f"{lot}: {year}" for lot, year in result.base_years.items())
        yield f"Base years of trade, by material and year of purchase: {told}."
    yield f"Dataset {result.dataset['edition']}."
