"""The command ``lodeline ensemble``: thousands of futures drawn from what is uncertain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lodeline.cli.output import console, json_option, out_option, print_json, progress_bar

if TYPE_CHECKING:
    from lodeline.network.chain import Chain
    from lodeline.results.ensemble import EnsembleResult

__all__ = ["ensemble"]


@click.command(short_help="Run thousands of futures: how likely, how bad, and why.")
@click.argument("spec", metavar="SPEC")
@click.option("--n", "n", type=int, default=1000, show_default=True, help="Number of scenarios.")
@click.option("--seed", type=int, default=0, show_default=True, help="Fixes the scenarios.")
@click.option("--base-year", type=int, metavar="Y", help="Year of the trade data.")
@click.option("--lead-time", is_flag=True, help="Goods arrive months after they leave.")
@click.option("--workers", type=click.IntRange(1, 1024), metavar="K", help="Worker processes.")
@click.option(
    "--scheduler", metavar="ADDRESS", help="Dask scheduler to use, for example tcp://host:8786."
)
@click.option("--resume", is_flag=True, help="Go on with the run that --out holds.")
@click.option("--chain", "chains", multiple=True, metavar="FILE", help="A chain file of your own.")
@out_option
@json_option
def ensemble(
    spec: str,
    n: int,
    seed: int,
    base_year: int | None,
    lead_time: bool,
    workers: int | None,
    scheduler: str | None,
    resume: bool,
    chains: tuple[str, ...],
    out: Path | None,
    as_json: bool,
) -> None:
    """Run N scenarios drawn from an ensemble and sum them up.

    SPEC is a file (.yaml), or the identifier of a bundled ensemble or scenario: of a scenario all
    numbers that have a range are drawn.

    Example: lodeline ensemble china-dual-use-japan-2026 --n 1024 --out futures
    """
    from lodeline.errors import InputError
    from lodeline.network.catalogue import load_chain
    from lodeline.report.ensemble import check_and_write
    from lodeline.report.files import check_folder
    from lodeline.results.ensemble import ensemble_document
    from lodeline.scenarios.ensemble_reading import load_ensemble
    from lodeline.studies.ensemble import plan_of, run_ensemble

    if workers is not None and scheduler is not None:
        raise InputError("--workers starts processes here, --scheduler uses others. Give one.")
    own: dict[str, Chain] = {c.id: c for c in map(load_chain, chains)}
    asked = load_ensemble(spec, chains=own)
    if lead_time:
        asked = asked.model_copy(update={"lead_time": True})
    plan = plan_of(asked, seed=seed, base_year=base_year, chains=own)
    if out is not None:
        check_folder(out)
    talk = console()
    with progress_bar("scenarios") as progress:
        result = run_ensemble(
            plan,
            n=n,
            workers=workers or 0,
            scheduler=scheduler,
            folder=out,
            resume=resume,
            progress=progress,
            message=lambda text: talk.print(text, style="dim"),
        )
    if out is not None:
        check_and_write(result, out)
    if as_json:
        print_json(ensemble_document(result))
    else:
        _print(result, out)


def _print(result: EnsembleResult, out: Path | None) -> None:
    from lodeline.report.ensemble import ensemble_tables

    screen = console(stderr=False)
    for part in ensemble_tables(result):
        screen.print(part)
    if out is not None:
        console().print(
            f"Written to {out}: report.html, quantiles.csv, summary.json, manifest.json, "
            "scenarios/, metrics/"
        )
