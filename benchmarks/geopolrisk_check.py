"""Compare GeoPolRisk with geopolrisk-py 2.0.1, unmodified, in all its materials and years.

    python benchmarks/geopolrisk_check.py [--peer-python FILE | --wheel FILE] [--keep FILE]

Makes an environment outside the repository, installs the program there, imports World Mining Data
from it into a temporary folder, and compares score, import risk, HHI, price and characterisation
factor for Japan, Italy, the United States, Germany and the European Union. Takes about five minutes
and 2 GB.
Exit code 1 if a figure differs by more than 1e-9 (relative).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import polars as pl

from lodeline.bench.exposure import YEARS, ask_peer, make_peer, peer_tables
from lodeline.data import import_world_mining_data
from lodeline.studies.exposure import Request
from lodeline.studies.exposure.frame import run_exposure
from lodeline.studies.exposure.materials import traded_materials

TOLERANCE = 1e-9
COUNTRIES = {"Japan": "JPN", "Italy": "ITA", "USA": "USA", "Germany": "DEU", "EU": "EU27"}
FIGURES = {
    "score": "value",
    "import_risk": "import_risk",
    "hhi": "hhi",
    "price": "price_usd_per_kg",
    "factor": "characterisation_factor",
}
KEY = ["material", "year", "country"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer-python", type=Path, help="interpreter that has geopolrisk-py 2.0.1")
    parser.add_argument("--wheel", type=Path, help="wheel to install; default: pip finds it")
    parser.add_argument(
        "--keep", type=Path, help="keep the peer's answer here, or take it from here"
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lodeline-check-") as name:
        folder = Path(name)
        python = given.peer_python or make_peer(folder / "peer", given.wheel)
        os.environ["LODELINE_DATA"] = str(folder / "data")
        import_world_mining_data(peer_tables(python) / "world_mining_data.db")
        if given.keep is not None and given.keep.is_file():
            answer = json.loads(given.keep.read_text(encoding="utf-8"))
        else:
            answer = ask_peer(python, question(), folder)
            if given.keep is not None:
                given.keep.write_text(json.dumps(answer), encoding="utf-8")
        return report(answer)


def question() -> dict[str, Any]:
    return {"materials": None, "years": YEARS, "countries": list(COUNTRIES), "narrow": True}


def peer_rows(answer: dict[str, Any]) -> pl.DataFrame:
    """Return the peer's figures under Lodeline's names of materials and countries."""
    ids = {material.name: material.id for material in traded_materials()}
    table = pl.DataFrame(answer["cells"], schema=answer["columns"], orient="row")
    return table.with_columns(
        pl.col("material").replace_strict(ids),
        pl.col("country").replace_strict(COUNTRIES),
        pl.col("year").cast(pl.Int32),
    )


def ours(*, corrected: bool) -> pl.DataFrame:
    request = Request(
        "geopolrisk",
        countries=tuple(COUNTRIES.values()),
        years=YEARS,
        missing_governance=0.5,
        corrected=corrected or None,
    )
    names = {column: f"our_{figure}" for figure, column in FIGURES.items()}
    return run_exposure(request).rows.select(*KEY, "reason", *FIGURES.values()).rename(names)


def report(answer: dict[str, Any]) -> int:
    """Print what was compared; return the exit code."""
    peer = peer_rows(answer)
    both = peer.join(ours(corrected=False), on=KEY, how="left")
    known = both.filter(pl.col("our_score").is_not_null())
    print(f"geopolrisk-py {answer['version']}: {both.height} cells, {known.height} compared")
    worst = 0.0
    for figure in FIGURES:
        difference = (pl.col(f"our_{figure}") - pl.col(figure)).abs()
        relative = pl.when(difference > 0.0).then(difference / pl.col(figure).abs()).otherwise(0.0)
        largest = float(known.select(relative.max()).item() or 0.0)
        worst = max(worst, largest)
        print(f"  {figure:12} worst relative difference {largest:.1e}")
    print_absent(both.filter(pl.col("our_score").is_null()))
    print_corrected(peer)
    return 0 if worst <= TOLERANCE and known.height else 1


def print_absent(absent: pl.DataFrame) -> None:
    """Print cells without a value of ours, and what the peer says there."""
    for reason, count, low, high in (
        absent.group_by("reason")
        .agg(pl.len(), low=pl.col("score").min(), high=pl.col("score").max())
        .sort("reason")
        .iter_rows()
    ):
        print(f"Absent here, {count} cells ({reason}); the peer's score is {low:g} to {high:g}.")


def print_corrected(peer: pl.DataFrame) -> None:
    """Print how far the peer's slips move scores, where `corrected` mends them."""
    both = peer.join(ours(corrected=True), on=KEY, how="left")
    change = (pl.col("our_score") / pl.col("score") - 1.0).alias("change")
    moved = both.select(*KEY, "score", "our_score", change)
    moved = moved.filter(pl.col("change").is_finite() & (pl.col("change").abs() > TOLERANCE))
    print(f"With --corrected {moved.height} of {both.height} scores move; most:")
    for row in moved.sort(pl.col("change").abs(), descending=True).head(5).iter_rows():
        print(f"  {row[0]}, {row[2]}, {row[1]}: {row[3]:.4f} to {row[4]:.4f}")


if __name__ == "__main__":
    sys.exit(main())
