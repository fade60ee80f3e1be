"""The command ``lodeline backtest``: would it have foretold what really happened."""

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
    from lodeline.scenarios.episode import Episode

__all__ = ["backtest"]


@click.command(
    short_help="Foretell restrictions that really happened, and score it.",
    epilog="Example: lodeline backtest --episode indonesia-bauxite-2014",
)
@click.option(
    "--episode",
    "names",
    multiple=True,
    metavar="ID|FILE",
    help="An episode of the library, or a file (.yaml); repeat for more. Default: all.",
)
@click.option("--sets", type=click.IntRange(8, 65536), default=128, show_default=True,
              help="Sets of parameters to try.")  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, help="Fixes sets and resampling.")
@click.option("--list", "as_list", is_flag=True, help="List the episodes of the library.")
@click.option("--detect", is_flag=True, help="Propose episodes: sudden stops in the trade data.")
@click.option("--markdown", is_flag=True, help="Print the tables of docs/backtest.md.")
@out_option
@json_option
def backtest(
    names: tuple[str, ...],
    sets: int,
    seed: int,
    as_list: bool,
    detect: bool,
    markdown: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Foretell real restrictions from the years before them, and score it.

    Every episode is foretold with parameters learnt from the other events, and set beside three
    rivals: nothing is replaced, everything is replaced, the trend goes on.
    """
    if as_list:
        _list(as_json=as_json)
        return
    if detect:
        _detect(out, as_json=as_json)
        return
    from lodeline.report.backtest import backtest_markdown, backtest_tables, write_backtest
    from lodeline.report.files import check_folder
    from lodeline.results.backtest import backtest_document
    from lodeline.scenarios.episode_reading import load_episode
    from lodeline.studies.backtest.study import run_backtest

    episodes = [load_episode(name) for name in names] or None
    if out is not None:
        check_folder(out)
    with progress_bar("episodes") as progress:
        result = run_backtest(episodes, sets=sets, seed=seed, progress=progress)
    if out is not None:
        write_backtest(result, out)
    if as_json:
        print_json(backtest_document(result))
    elif markdown:
        print_text(backtest_markdown(result))
    else:
        screen = console(stderr=False)
        for part in backtest_tables(result):
            screen.print(part)
    if out is not None:
        console().print(f"Written to {out}: report.html, countries.csv, summary.json")


def _library() -> tuple[Episode, ...]:
    from lodeline.studies.backtest.study import library

    return library()


def _list(*, as_json: bool) -> None:
    """Print the episodes of the library."""
    from lodeline.cli.output import print_table

    episodes = _library()
    if as_json:
        print_json({"episodes": [e.document() for e in episodes]})
        return
    print_table(
        ("Episode", "Start", "Instrument", "Given"),
        [
            (
                e.id + (" (placebo)" if e.placebo else ""),
                e.start,
                e.instrument,
                ", ".join(e.given),
            )
            for e in episodes
        ],
    )


def _detect(out: Path | None, *, as_json: bool) -> None:
    """Print or write what the trade data propose."""
    import polars as pl

    from lodeline.cli.output import print_table
    from lodeline.report.files import check_folder
    from lodeline.studies.backtest.detector import detect

    found = detect()
    if out is not None:
        check_folder(out)
        found.write_csv(out / "proposals.csv")
        console().print(f"Written to {out}: proposals.csv")
    if as_json:
        print_json({"proposals": found.to_dicts()})
        return
    shown = found.filter(pl.col("verdict") == "candidate") if out is None else found.head(0)
    print_table(shown.columns, shown.head(_MOST_PROPOSALS).iter_rows())
    console().print(f"{found.height} stops found; --json or --out gives them all.")


_MOST_PROPOSALS = 40
