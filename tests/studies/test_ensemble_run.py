"""Runs: the same bytes however they were made, stopped, or divided; figures that add up."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from ensemble_cases import SPEC, YEAR

from lodeline.errors import InputError
from lodeline.report.ensemble import check_and_write, render_ensemble
from lodeline.results.ensemble import LEVELS, ensemble_document
from lodeline.results.metrics import UNMET_THRESHOLD
from lodeline.scenarios.ensemble_reading import parse_ensemble
from lodeline.studies.ensemble import plan_of, run_ensemble

N = 150
ENSEMBLE = parse_ensemble(SPEC.encode(), source="small.yaml")


def plan(seed=5, part=64):
    return plan_of(ENSEMBLE, seed=seed, base_year=YEAR, part=part)


def run(folder, **options):
    options = {"n": N} | options
    result = run_ensemble(options.pop("plan", plan()), folder=folder, **options)
    check_and_write(result, folder)
    return result


def content(folder):
    files = [p for p in Path(folder).rglob("*") if p.is_file()]
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return run(folder), folder


def metrics(folder):
    return pl.read_parquet(sorted((folder / "metrics").iterdir()))


def test_parts_hold_every_scenario_once(whole):
    _, folder = whole
    scenarios = pl.read_parquet(sorted((folder / "scenarios").iterdir()))
    assert scenarios["scenario"].to_list() == list(range(N))


def test_a_scenario_does_not_depend_on_how_many_there_are(whole, tmp_path):
    run(tmp_path / "few", n=70)
    few, all_ = metrics(tmp_path / "few"), metrics(whole[1])
    keys = ["country", "chain", "form", "scenario"]
    assert few.sort(keys).equals(all_.filter(pl.col("scenario") < 70).sort(keys))


def test_size_of_parts_changes_no_number(whole, tmp_path):
    result = run(tmp_path / "large", plan=plan(part=128))
    assert result.quantiles.equals(whole[0].quantiles)
    assert result.tail.equals(whole[0].tail)


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_change_no_byte(threads, whole, tmp_path):
    """The folder `whole` was made by as many threads as this machine has processors."""
    run(tmp_path / "other", threads=threads)
    assert content(tmp_path / "other") == content(whole[1])


def test_more_scenarios_go_on_from_those_that_are_there(whole, tmp_path):
    run(tmp_path / "grown", n=70)
    run(tmp_path / "grown", resume=True)
    assert content(tmp_path / "grown") == content(whole[1])


def test_a_finished_run_resumed_computes_nothing(whole, tmp_path):
    run(tmp_path / "again")
    result = run(tmp_path / "again", resume=True)
    assert (result.computed, result.scenarios_per_second) == (0, None)
    assert content(tmp_path / "again") == content(whole[1])


_CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_ensemble_run import plan, run
run(Path(sys.argv[1]), resume=True)
"""


def test_killed_and_resumed_it_ends_with_the_same_bytes(whole, tmp_path):
    folder = tmp_path / "killed"
    code = _CHILD.format(tests=str(Path(__file__).parent))
    child = subprocess.Popen([sys.executable, "-c", code, str(folder)])
    first = folder / "metrics" / "part-00000.parquet"
    deadline = time.monotonic() + 60.0
    while not first.exists() and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    (folder / "metrics" / ".part-00001.parquet.1").write_bytes(b"half")
    run(folder, resume=True)
    assert content(folder) == content(whole[1])


@pytest.mark.slow
def test_worker_processes_change_no_byte(whole, tmp_path):
    run(tmp_path, workers=2)
    assert content(tmp_path) == content(whole[1])


@pytest.mark.parametrize("workers", [1, 3])
def test_a_cluster_of_any_size_changes_no_byte(whole, tmp_path, workers):
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=workers, threads_per_worker=2, processes=False, dashboard_address=None
    ) as cluster:
        run(tmp_path, scheduler=cluster.scheduler_address)
    assert content(tmp_path) == content(whole[1])


def test_a_scheduler_that_does_not_answer_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("lodeline.studies.ensemble.run._PATIENCE", "1s")
    with pytest.raises(InputError, match=r"tcp://127\.0\.0\.1:9"):
        run(tmp_path, scheduler="tcp://127.0.0.1:9")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"plan": plan(seed=6), "resume": True}, "seed differ"),
        ({"plan": plan(part=128), "resume": True}, "part differ"),
        ({}, "Add --resume"),
        ({"n": 10, "resume": True}, "holds more than 10"),
    ],
)
def test_a_folder_is_not_overwritten(whole, options, says):
    before = content(whole[1])
    with pytest.raises(InputError, match=says):
        run(whole[1], **options)
    assert content(whole[1]) == before


def test_parts_of_other_source_code_are_not_mixed_in(whole, monkeypatch):
    before = content(whole[1])
    monkeypatch.setattr("lodeline.studies.ensemble.parts.sources", lambda: "other")
    with pytest.raises(InputError, match="as other source code of Lodeline computed it"):
        run(whole[1], resume=True)
    assert content(whole[1]) == before


def test_resume_needs_a_folder():
    with pytest.raises(InputError, match="--out"):
        run_ensemble(plan(), n=8, resume=True)


def test_quantiles_are_values_of_scenarios(whole):
    result, folder = whole
    table = metrics(folder).filter(pl.col("country") == "JPN")
    for metric in ("unmet_share_peak", "time_to_survive_months", "price_multiple_peak"):
        values = table[metric].cast(pl.Float64).fill_null(np.inf).to_numpy()
        row = result.quantiles.filter(
            (pl.col("country") == "JPN")
            & (pl.col("metric") == metric)
            & (pl.col("form") == "metal")
        )
        expected = np.quantile(values, LEVELS, method="inverted_cdf")
        got = [row[f"p{100 * q:.0f}"][0] for q in LEVELS]
        assert got == [v if np.isfinite(v) else None for v in expected]


def test_costs_over_all_chains_are_added_scenario_by_scenario(whole):
    result, folder = whole
    added = (
        metrics(folder)
        .filter(pl.col("country") == "JPN")
        .group_by("scenario")
        .agg(pl.col("cost_usd").cast(pl.Float64).sum())
    )
    row = result.quantiles.filter((pl.col("country") == "JPN") & (pl.col("chain") == "all"))
    assert row["mean"][0] == pytest.approx(added["cost_usd"].mean())


def test_the_tail_holds_the_worst_scenarios(whole):
    result, folder = whole
    head = result.headline
    values = metrics(folder).filter(
        (pl.col("country") == head["country"]) & (pl.col("form") == head["form"])
    )["unmet_share_peak"]
    assert result.tail["unmet_share_peak"][0] == pytest.approx(values.max())
    assert result.tail["unmet_share_peak"].is_sorted(descending=True)


def test_how_often_a_share_is_exceeded_is_counted(whole):
    result = whole[0]
    for (country, chain), rows in result.above.group_by("country", "chain"):
        probability = rows["probability"].to_numpy()
        assert (np.diff(probability) <= 0.0).all()
        own = (pl.col("country") == country) & (pl.col("chain") == chain)
        short = result.short.filter(own & (pl.col("form") == result.forms[chain]))
        # The first share is the one above which a country counts as short.
        assert rows["unmet_share"][0] == UNMET_THRESHOLD
        assert probability[0] == short["probability_short"][0]
        curve = result.exceedance.filter(own & (pl.col("metric") == "unmet_share_peak"))
        for limit, share in rows.select("unmet_share", "probability").iter_rows():
            exceeded = curve.filter(pl.col("value") > limit)["probability"]
            assert share >= exceeded.max() if exceeded.len() else True


def test_exceedance_falls_as_the_value_rises(whole):
    for _, curve in whole[0].exceedance.group_by("country", "chain", "metric"):
        by_probability = curve.sort("probability", descending=True)
        assert by_probability["value"].is_sorted()


def test_what_decides_the_headline_stands_out_from_a_number_without_meaning(whole):
    ranking = whole[0].ranking
    assert ranking["pawn"][0] > ranking["noise"][0]
    assert ranking["pawn"].is_between(0.0, 1.0).all()
    assert ranking["direction"].is_between(-1.0, 1.0).all()


def test_every_solve_is_certified(whole):
    certificate = whole[0].certificate
    assert certificate["solves"] == N * ENSEMBLE.months
    assert max(certificate["max_residual"], certificate["max_gap"]) <= 1e-8
    assert certificate["max_spot_residual"] <= 1e-8


def test_the_document_follows_the_contract(whole):
    document = json.loads(json.dumps(ensemble_document(whole[0]), allow_nan=False))
    japan = document["chains"]["rhodium"]["countries"]["JPN"]
    assert list(japan["unmet_share_peak"]) == ["mean", "p5", "p25", "p50", "p75", "p95"]
    assert document["scenarios_per_second"] > 0
    assert document["certificate"]["max_residual"] <= 1e-8
    assert document["countries"]["JPN"]["cost_usd"]["p50"] is not None


def test_the_report_asks_nothing_of_the_network(whole):
    text = render_ensemble(whole[0])
    assert "<script" not in text
    assert "http" not in text.replace("http-equiv", "")
    assert "In " in text


def test_files_hold_no_timings(whole):
    summary = json.loads((whole[1] / "summary.json").read_text(encoding="utf-8"))
    assert not {"seconds", "scenarios_per_second"} & set(summary)
