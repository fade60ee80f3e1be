"""Kill an ensemble at random moments, resume it, and compare every byte with an undisturbed run.

    python benchmarks/kill_and_resume.py [KILLS] [SPEC] [N]

A run is killed while it computes: after a drawn number of further parts, and a drawn share of the
time that one takes. Parts are small, so that there are many such moments. Prints with how many
parts done runs were killed, with how many files half written, and whether all bytes are equal;
exits 1 if not.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lodeline.report.ensemble import check_and_write
from lodeline.scenarios.ensemble_reading import load_ensemble
from lodeline.studies.ensemble import plan_of, run_ensemble

PART = 64


def run(spec: str, n: int, folder: Path) -> None:
    """Run an ensemble in parts of 64, or go on with it, as `lodeline ensemble --out` does."""
    plan = plan_of(load_ensemble(spec), seed=7, part=PART)
    resume = (folder / "manifest.json").exists()
    check_and_write(run_ensemble(plan, n=n, folder=folder, resume=resume), folder)


def start(spec: str, n: int, folder: Path) -> subprocess.Popen[bytes]:
    """Start a run in a process of its own."""
    return subprocess.Popen([sys.executable, __file__, "run", spec, str(n), str(folder)])


def content(folder: Path) -> dict[str, bytes]:
    """Return every file of a run."""
    files = [p for p in folder.rglob("*") if p.is_file()]
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


def parts(folder: Path) -> list[Path]:
    """Return the files of the parts that are there in full."""
    return sorted(folder.glob("scenarios/part-*.parquet"))


def undisturbed(spec: str, n: int, folder: Path) -> float:
    """Run to the end; return the mean seconds between two parts."""
    if start(spec, n, folder).wait() != 0:
        raise SystemExit("the undisturbed run failed")
    written = sorted(p.stat().st_mtime for p in parts(folder))
    return (written[-1] - written[0]) / max(len(written) - 1, 1)


def kill(child: subprocess.Popen[bytes], folder: Path, wanted: int, delay: float) -> bool:
    """Kill a run some time after it has so many parts; return whether it was on its way."""
    while len(parts(folder)) < wanted and child.poll() is None:
        time.sleep(0.001)
    time.sleep(delay)
    was_under_way = child.poll() is None
    child.send_signal(signal.SIGKILL)
    child.wait()
    return was_under_way


def main(kills: int = 20, spec: str = "china-antimony-2024", n: int = 2048) -> int:
    """Run undisturbed, then killed `kills` times, and compare."""
    rng = random.Random(1)
    total = -(-n // PART)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        undisturbed(spec, PART, place / "first")  # compiles
        pace = undisturbed(spec, n, place / "whole")
        folders, done, halves = [place / "killed-0"], [], 0
        while len(done) < kills:
            there = len(parts(folders[-1]))
            # A third of the way at most, so that a folder is killed again and again.
            wanted = rng.randint(there, min(there + total // 3, total - 1))
            child = start(spec, n, folders[-1])
            if not kill(child, folders[-1], wanted, rng.uniform(0.0, pace)):
                raise SystemExit(f"a run ended before it had {wanted} parts and a moment more")
            done.append(len(parts(folders[-1])))
            halves += bool(list(folders[-1].glob("*/.part-*")))
            print(f"killed with {done[-1]} of {total} parts", file=sys.stderr, flush=True)
            if done[-1] >= total - 1:  # nearly done: the next one begins anew
                folders.append(place / f"killed-{len(folders)}")
        for folder in folders:
            undisturbed(spec, n, folder)
        whole = content(place / "whole")
        same = [content(folder) == whole for folder in folders]
    print(f"{kills} kills, {pace:.2f} s a part; of {total} parts there were {done}, ", end="")
    print(f"{halves} times one half written")
    print(f"{sum(same)} of {len(same)} folders have every byte of the undisturbed run")
    return 0 if all(same) else 1


if __name__ == "__main__":
    given = sys.argv[1:]
    if given[:1] == ["run"]:
        run(given[1], int(given[2]), Path(given[3]))
        sys.exit(0)
    kinds = (int, str, int)
    sys.exit(main(*(kind(text) for kind, text in zip(kinds, given, strict=False))))
