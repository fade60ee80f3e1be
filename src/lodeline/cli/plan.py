"""The command ``lodeline plan``: which measures, when, paid by whom."""

from __future__ import annotations

from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

import click

from lodeline.cli.output import (
    PIPE_WIDTH,
    console,
    json_option,
    out_option,
    print_json,
    print_table,
    print_text,
)

if TYPE_CHECKING:
    from lodeline.network.chain import Chain
    from lodeline.results.plan import PlanResult

__all__ = ["plan"]


@click.command(short_help="Find the plan that buys the most security for a budget.")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--n", type=click.IntRange(1, 100_000), help="Futures; default the file's.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Fixes them.")
@click.option(
    "--gap",
    type=click.FloatRange(1e-7, 1.0),
    default=0.001,
    show_default=True,
    help="Relative gap at which to stop.",
)
@click.option(
    "--gap-of-saving",
    type=click.FloatRange(1e-6, 1.0),
    default=0.01,
    show_default=True,
    help="Largest gap as a share of what the plan saves.",
)
@click.option("--base-year", type=int, metavar="Y", help="Year of the trade data.")
@click.option("--workers", type=click.IntRange(1, 1024), metavar="K", help="Worker processes.")
@click.option("--coalitions/--no-coalitions", default=True, help="Solve for every coalition.")
@click.option("--frontier/--no-frontier", default=True, help="Solve for other budgets.")
@click.option(
    "--own-loss", is_flag=True, help="Look also for a plan for the partners' own loss; no bound."
)
@click.option("--resume", is_flag=True, help="Go on with the run that --out holds.")
@click.option("--chain", "chains", multiple=True, metavar="FILE", help="A chain file of your own.")
@out_option
@json_option
def plan(
    file: Path,
    n: int | None,
    seed: int,
    gap: float,
    gap_of_saving: float,
    base_year: int | None,
    workers: int | None,
    coalitions: bool,
    frontier: bool,
    own_loss: bool,
    resume: bool,
    chains: tuple[str, ...],
    out: Path | None,
    as_json: bool,
) -> None:
    """Choose measures and their years against hundreds of futures, with a proven gap.

    FILE is an action plan (.yaml): menu, budgets, partners, futures.

    Example: lodeline plan examples/japan-italy-action-plan.yaml --workers 2 --out plan
    """
    from lodeline.errors import InputError
    from lodeline.network.catalogue import load_chain
    from lodeline.report.plan_page import write_plan
    from lodeline.results.plan import plan_document
    from lodeline.scenarios.plan_reading import load_plan
    from lodeline.studies.plan.futures import case_of
    from lodeline.studies.plan.study import Settings, run_plan

    if resume and out is None:
        raise InputError("--resume needs the folder to go on with. Name it with --out.")
    own: dict[str, Chain] = {c.id: c for c in map(load_chain, chains)}
    asked = load_plan(file, chains=own)
    if n is not None:
        asked = asked.model_copy(update={"n": n})
    talk = console()

    def say(text: str) -> None:
        talk.print(text, style="dim")

    case = case_of(asked, year=base_year, chains=own, message=say)
    result = run_plan(
        case,
        Settings(
            seed,
            gap,
            gap_of_saving,
            workers or 0,
            coalitions=coalitions,
            frontier=frontier,
            own_loss=own_loss,
        ),
        folder=out,
        resume=resume,
        chains=own,
        message=say,
    )
    if out is not None:
        write_plan(result, out)
    if as_json:
        print_json(plan_document(result))
    else:
        _print(result, out)


def _print(result: PlanResult, out: Path | None) -> None:
    from lodeline.report.plan import plan_lines, plan_tables

    for line in plan_lines(result):
        print_text(fill(line, PIPE_WIDTH))
    for title, headings, rows, numbers in plan_tables(result):
        print_text("")
        print_text(fill(title, PIPE_WIDTH))
        print_table(headings, rows, numbers=numbers)
    if out is not None:
        console().print(f"Written to {out}: report.html, measures.csv, summary.json, state.json")
