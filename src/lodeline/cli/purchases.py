"""The commands ``lodeline purchases``: a user's own purchases, read, checked and assessed."""

from __future__ import annotations

from pathlib import Path

import click

from lodeline.cli.output import (
    console,
    json_option,
    listed,
    out_option,
    print_json,
    print_text,
    progress_bar,
)

__all__ = ["purchases"]

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group(short_help="Assess your own purchases: measures, origin, risk preparedness.")
def purchases() -> None:
    """Assess your own purchases. Nothing leaves this machine.

    Start with the template: lodeline purchases template --out purchases.xlsx
    """


@purchases.command(epilog="Example: lodeline purchases template --out purchases.xlsx")
@click.option("--out", type=_FILE, required=True, metavar="FILE", help="File, .csv or .xlsx.")
@json_option
def template(out: Path, as_json: bool) -> None:
    """Write the template: headings, two example rows, and what each column means."""
    from lodeline.data.purchase_template import write_template
    from lodeline.data.purchases import COLUMNS

    write_template(out)
    if as_json:
        columns = [
            {"name": c.name, "required": c.is_required, "meaning": c.meaning} for c in COLUMNS
        ]
        print_json({"file": str(out), "columns": columns})
        return
    console().print(f"Written to {out}. Replace the example rows, then: lodeline purchases assess "
                    f"{out}")  # fmt: skip


@purchases.command(epilog="Example: lodeline purchases assess purchases.xlsx --home ITA --out risk")
@click.argument("file", type=_FILE, metavar="FILE")
@click.option(
    "--home", metavar="ISO3,...", help="Country or group that you are in, for example ITA or EU27."
)
@click.option(
    "--market/--no-market",
    default=True,
    help="Look for the worst single exporter in the national market (default: yes).",
)
@out_option
@json_option
def assess(file: Path, home: str | None, market: bool, out: Path | None, as_json: bool) -> None:
    """Assess FILE: measures, map of origin, restrictions, vulnerability.

    The order follows Article 24 of Regulation (EU) 2024/1252. Wrong cells are listed all at once.
    """
    from lodeline.report.files import check_folder
    from lodeline.report.format import wrapped
    from lodeline.report.purchases import assessment_blocks, write_assessment
    from lodeline.results.purchases import assessment_document
    from lodeline.studies.purchases import assess_purchases

    inside = listed((home or "").upper())
    if out is not None:
        check_folder(out)
    with progress_bar() as progress:
        result = assess_purchases(file, home=inside, with_market=market, progress=progress)
    if out is not None:
        write_assessment(result, out)
    if as_json:
        print_json(assessment_document(result))
        return
    first, *_ = assessment_blocks(result)
    lines = [first.heading, "", *first.text, "", *(f"- {item}" for item in first.items)]
    print_text("\n".join(part for line in lines for part in wrapped(line)))
    told = f"Written to {out}: assessment.html, .md, .json and tables" if out is not None else (
        "The whole brief and its tables: --out DIR"
    )  # fmt: skip
    console().print(told)
