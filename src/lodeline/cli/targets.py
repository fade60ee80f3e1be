"""``lodeline targets``: what policy promised, where it stands, how it moved."""

from __future__ import annotations

from pathlib import Path

import click

from lodeline.cli.output import console, json_option, out_option, print_json, print_text

__all__ = ["targets"]


@click.command(
    short_help="Hold targets of policy against the figures.",
    epilog="Example: lodeline targets --country EU27 --json",
)
@click.option(
    "--country", default="EU27", show_default=True, metavar="ISO3",
    help="Country, or EU27. Members of the EU are shown beside its benchmarks.",
)  # fmt: skip
@click.option(
    "--year", type=click.IntRange(1995, 2100), metavar="Y",
    help="Base year. Default: the last of the trade data.",
)  # fmt: skip
@out_option
@json_option
def targets(country: str, year: int | None, out: Path | None, as_json: bool) -> None:
    """Hold targets of policy against the figures: target, now, trend, met or missed.

    The EU's 10, 40, 25 and 65 per cent, Japan's limit on one supplier, days of stock. What no
    figure tells is absent, with the reason.
    """
    from lodeline.report.tabular import write_tabular
    from lodeline.report.targets import targets_text
    from lodeline.studies.targets import run_targets

    if out is not None:
        from lodeline.report.files import check_folder

        check_folder(out)
    with console().status("balancing the base years of all chains"):
        result = run_targets(country, year=year)
    if out is not None:
        paths = write_tabular(out, "targets", result.rows, result.document())
        console().print(f"Written: {', '.join(p.name for p in paths)} in {out}")
    if as_json:
        print_json(result.document())
    else:
        print_text(targets_text(result))
