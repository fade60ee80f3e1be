"""Worker processes: what dies is handed out again, and nobody stays behind."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections import deque
from concurrent.futures.process import BrokenProcessPool

import psutil
import pytest
from ensemble_cases import SPEC, YEAR

from lodeline.errors import LodelineError
from lodeline.scenarios.ensemble_reading import parse_ensemble
from lodeline.studies.ensemble import crew, plan_of, run_ensemble
from lodeline.studies.ensemble.parts import Models

PLAN = plan_of(parse_ensemble(SPEC.encode(), source="small.yaml"), seed=5, base_year=YEAR, part=64)
N = 300


def parts(folder):
    return {p.name: p.read_bytes() for p in folder.glob("*/*.parquet")}


def test_a_worker_that_dies_changes_no_byte_and_is_told_of(tmp_path):
    run_ensemble(PLAN, n=N, folder=tmp_path / "here", threads=1)
    told, killed = [], []

    def kill(*_):
        if not killed:
            killed.append(multiprocessing.active_children()[0].pid)
            os.kill(killed[0], signal.SIGKILL)

    run_ensemble(
        PLAN, n=N, folder=tmp_path / "there", workers=2, progress=kill, message=told.append
    )
    assert parts(tmp_path / "there") == parts(tmp_path / "here")
    assert any("a worker was lost" in text for text in told)


def test_workers_that_die_again_and_again_end_the_run(monkeypatch):
    def die(*given):
        given[4].append(given[1].popleft())
        yield from ()

    monkeypatch.setattr(crew, "_by_one_crew", die)
    models = Models.of(PLAN)
    found = crew.compute_by_crew(models, [0, 1], N, workers=1, message=lambda _: None)
    with pytest.raises(LodelineError, match="workers died 20 times"):
        list(found)


_PARENT = """
import multiprocessing, os, sys, time
from concurrent.futures import ProcessPoolExecutor
from lodeline.studies.ensemble import crew
crew.call_crew()
context = multiprocessing.get_context(crew.method())
pool = ProcessPoolExecutor(1, mp_context=context, initializer=crew.begin)
print(pool.submit(os.getpid).result(), flush=True)
pool.submit(time.sleep, 60)
time.sleep(60)
"""


def test_a_worker_leaves_with_its_parent(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(f"if __name__ == '__main__':\n    exec({_PARENT!r})\n", encoding="utf-8")
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    worker = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 30.0
    while worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_broken_pool_hands_back_what_was_on_the_way(monkeypatch):
    def broken(*_):
        raise BrokenProcessPool

    monkeypatch.setattr(crew.ProcessPoolExecutor, "submit", broken)
    lost, waiting = [], deque([4, 7])
    assert list(crew._by_one_crew(Models.of(PLAN), waiting, 64 * 8, 1, lost)) == []
    assert sorted([*lost, *waiting]) == [4, 7]
