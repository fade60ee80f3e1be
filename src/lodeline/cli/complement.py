"""``lodeline complement``: who could help whom, with what."""

from __future__ import annotations

from pathlib import Path

import click

from lodeline.cli.output import console, each_of, json_option, out_option, print_json, print_text

__all__ = ["complement"]


@click.command(
    short_help="What partners could do for each other.",
    epilog="Example: lodeline complement JPN ITA --against CHN",
)
@click.argument("partners", nargs=-1, required=True, metavar="PARTNERS...")
@click.option(
    "--against", metavar="ISO3",
    help="Restricting country or group. Default: for each form, the largest maker outside.",
)  # fmt: skip
@click.option("--material", "materials", multiple=True, callback=each_of, metavar="ID,...",
              help="Chain, or several. Default: all.")  # fmt: skip
@click.option(
    "--year", type=click.IntRange(1995, 2100), metavar="Y",
    help="Base year. Default: the last of the trade data.",
)  # fmt: skip
@out_option
@json_option
def complement(
    partners: tuple[str, ...],
    against: str | None,
    materials: tuple[str, ...],
    year: int | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Show what partners could do for each other if a third country restricts.

    PARTNERS are two or more countries (ISO3) or groups such as EU27. For every material and form,
    both ways: what is at risk, spare output, exports, stocks, what the other lacks, trade now.
    """
    from lodeline.report.complementarity import complementarity_text
    from lodeline.report.tabular import write_tabular
    from lodeline.studies.complementarity import run_complementarity

    if out is not None:
        from lodeline.report.files import check_folder

        check_folder(out)
    with console().status("balancing the base year of all chains"):
        result = run_complementarity(partners, against=against, year=year, materials=materials)
    if out is not None:
        paths = write_tabular(out, "complement", result.rows, result.document())
        console().print(f"Written: {', '.join(p.name for p in paths)} in {out}")
    if as_json:
        print_json(result.document())
    else:
        print_text(complementarity_text(result))
