"""Memory of the summary: some tens of bytes for another scenario, however many cells there are."""

import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from ensemble_cases import SPEC, YEAR

from lodeline.scenarios.ensemble_reading import parse_ensemble
from lodeline.studies.ensemble import plan_of, reader, run_ensemble, summary
from lodeline.studies.ensemble.reader import Reader

CELLS, SIZE = 30, 10_000

GROWTH = """
import sys
from lodeline.bench.memory import peak_mb
from lodeline.studies.ensemble import summary
from lodeline.studies.ensemble.reader import Reader
import polars as pl
metrics, scenarios, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
cells = pl.read_parquet(metrics).select("country", "chain", "form").unique()
reference = cells.with_columns(reference_use_t=1.0)
head = {"country": "C00", "chain": "chain", "form": "form"}
peaks = []
for count in (1, 20):
    reader = Reader([metrics] * count, [scenarios] * count, [size] * count)
    summary.quantiles(reader, reference)
    summary.exceedance(reader, ["C00"], {"chain": "form"})
    summary.tail(reader, head, [], 0)
    summary.certificate(reader, ["chain"], 6)
    peaks.append(peak_mb())
print(peaks[1] - peaks[0])
"""


@pytest.fixture
def part(tmp_path):
    """Write one large part of invented numbers; a Reader may be given it many times."""
    rng = np.random.default_rng(1)
    rows = CELLS * SIZE
    cells = {
        "country": np.repeat([f"C{k:02d}" for k in range(CELLS)], SIZE),
        "chain": np.repeat("chain", rows),
        "form": np.repeat("form", rows),
        "scenario": np.tile(np.arange(SIZE, dtype=np.int32), CELLS),
    }
    numbers = {m: rng.random(rows, dtype=np.float32) for m in summary.METRICS}
    pl.DataFrame(cells | numbers).write_parquet(tmp_path / "metrics.parquet")
    proof = dict.fromkeys(("max_residual", "max_gap", "spot_residual"), np.full(SIZE, 1e-10))
    proof["fallbacks"] = np.zeros(SIZE, dtype=np.int16)
    own = pl.DataFrame({f"chain.{k}": v for k, v in proof.items()})
    own.write_parquet(tmp_path / "scenarios.parquet")
    return tmp_path / "metrics.parquet", tmp_path / "scenarios.parquet"


def test_memory_hardly_grows_with_the_number_of_scenarios(part):
    code = [sys.executable, "-c", GROWTH, *map(str, part), str(SIZE)]
    done = subprocess.run(code, capture_output=True, text=True, check=True)
    # 190,000 scenarios of 30 cells more: 137 MB in single precision if they were all held.
    assert float(done.stdout) < 60.0


def test_it_makes_no_difference_how_many_numbers_are_read_at_once(tmp_path, monkeypatch):
    ensemble = parse_ensemble(SPEC.encode(), source="small.yaml")
    plan = plan_of(ensemble, seed=5, base_year=YEAR, part=64)
    whole = run_ensemble(plan, n=70, folder=tmp_path / "whole")
    monkeypatch.setattr(reader, "VALUES_AT_ONCE", 150)
    bit_by_bit = run_ensemble(plan, n=70, folder=tmp_path / "whole", resume=True)
    assert bit_by_bit.quantiles.equals(whole.quantiles)
    assert bit_by_bit.short.equals(whole.short)


def test_a_certificate_that_is_not_a_number_is_not_lost(part):
    metrics, scenarios = part
    proof = pl.read_parquet(scenarios)
    values = proof["chain.max_gap"].to_numpy().copy()
    values[7] = np.nan
    proof.with_columns(pl.Series("chain.max_gap", values)).write_parquet(scenarios)
    found = summary.certificate(Reader([metrics], [scenarios], [SIZE]), ["chain"], 6)
    assert np.isnan(found["max_gap"])
    assert found["max_residual"] == 1e-10
