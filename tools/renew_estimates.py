"""Estimate the behaviour of stress tests from the episodes, and write the table that chains read.

Runs every episode that gives totals with all sets of behaviour (about a quarter of an hour of CPU
time), keeps the scores, and writes ``network/estimates.toml`` from them. Run it after a change of
episodes, trade data, chains or the monthly market; then run tools/renew_backtest_page.py, and
say in the changelog what has moved.

    .venv/bin/python tools/renew_estimates.py                 run the episodes, write both files
    .venv/bin/python tools/renew_estimates.py --from-scores   write the table from the scores kept
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import polars as pl

from lodeline.studies.backtest.behaviour import (
    SCORES,
    behaviour_sets,
    estimates_table,
    kept_scores,
    run_sets,
    score_rows,
)
from lodeline.studies.backtest.case import prepare
from lodeline.studies.backtest.stressed import StressMarket, can_be_stressed
from lodeline.studies.backtest.study import library

PACKAGE = Path(__file__).parents[1] / "src" / "lodeline"


def main() -> None:
    """Write the scores, unless they are there, and the table."""
    if "--from-scores" not in sys.argv[1:]:
        sets, started = behaviour_sets(), time.perf_counter()
        parts = []
        for episode in filter(can_be_stressed, library()):
            parts.append(score_rows(run_sets(StressMarket(prepare(episode)), sets)))
            print(f"{time.perf_counter() - started:6.0f} s  {episode.id}", flush=True)
        rows = pl.concat(parts).with_columns(pl.col("error", "price_error").round_sig_figs(8))
        rows.write_csv(PACKAGE / "studies" / "backtest" / SCORES)
    table = estimates_table(kept_scores())
    (PACKAGE / "network" / "estimates.toml").write_text(table, encoding="utf-8")


if __name__ == "__main__":
    main()
