"""The command ``lodeline programme``: which month a programme slips, and what would prevent it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lodeline.cli.output import (
    console,
    json_option,
    out_option,
    print_json,
    print_text,
    progress_bar,
)

if TYPE_CHECKING:
    from lodeline.network.chain import Chain

__all__ = ["programme"]


@click.command(short_help="Tell which month a programme slips, and what would prevent it.")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--scenario", required=True, metavar="ID", help="Scenario of the library, or a file.")
@click.option(
    "--begin", metavar="YYYY-MM", help="Month in which the scenario begins (default: its own)."
)
@click.option("--base-year", type=int, metavar="Y", help="Year of the trade data.")
@click.option(
    "--months",
    type=click.IntRange(1, 120),
    metavar="N",
    help="Months of the market to simulate; afterwards the last one stays.",
)
@click.option(
    "--stocks",
    type=click.Choice(["market", "none", "hold", "on-shortage", "joint"]),
    help="How reserves are released (default: as the scenario says).",
)
@click.option("--chain", "chains", multiple=True, metavar="FILE", help="A chain file of your own.")
@click.option(
    "--sensitivity/--no-sensitivity",
    default=True,
    help="Turn each uncertain number to the ends of its range (default: yes).",
)
@out_option
@json_option
def programme(
    file: Path,
    scenario: str,
    begin: str | None,
    base_year: int | None,
    months: int | None,
    stocks: str | None,
    chains: tuple[str, ...],
    sensitivity: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Tell which month a programme slips in a scenario, and what would have prevented it.

    FILE is a build schedule with a bill of materials (.yaml).

    Example: lodeline programme examples/joint-fighter-programme.yaml
    --scenario china-dual-use-japan-2026 --begin 2031-01
    """
    from lodeline.network.catalogue import load_chain
    from lodeline.network.stocks import StockPolicy
    from lodeline.report.files import check_folder
    from lodeline.report.programme import programme_text, write_programme
    from lodeline.results.programme import programme_document
    from lodeline.scenarios.library import load_scenario
    from lodeline.scenarios.programme_reading import load_programme
    from lodeline.studies.programme.study import run_programme
    from lodeline.units import Month

    own: dict[str, Chain] = {c.id: c for c in map(load_chain, chains)}
    asked = load_programme(file, chains=own)
    what = load_scenario(scenario, chains=own)
    if out is not None:
        check_folder(out)
    with progress_bar() as progress:
        result = run_programme(
            asked,
            what,
            base_year=base_year,
            begin=None if begin is None else Month.parse(begin),
            months=months,
            policy=StockPolicy(stocks) if stocks else None,
            chains=own,
            with_sensitivity=sensitivity,
            progress=progress,
        )
    if out is not None:
        names = write_programme(result, out)
        console().print(f"Written to {out}: {', '.join(names)}")
    if as_json:
        print_json(programme_document(result))
    else:
        print_text(programme_text(result))
