"""Kill an ensemble at random moments, resume it, and compare every byte with an undisturbed run.

    python benchmarks/kill_and_resume.py [KILLS] [SPEC] [N]

Parts are small, so that there are many moments between which a run may die. Prints how many runs
were killed on their way, with how many parts done, and whether the files are equal; exits 1 if not.
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


def undisturbed(spec: str, n: int, folder: Path) -> float:
    """Run to the end; return the seconds."""
    started = time.monotonic()
    if start(spec, n, folder).wait() != 0:
        raise SystemExit("the undisturbed run failed")
    return time.monotonic() - started


def main(kills: int = 20, spec: str = "china-antimony-2024", n: int = 512) -> int:
    """Run undisturbed, then killed `kills` times, and compare."""
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        undisturbed(spec, PART, place / "first")  # compiles
        length = undisturbed(spec, n, place / "whole")
        folders, done = [place / "killed-0"], []
        for _ in range(kills):
            child = start(spec, n, folders[-1])
            time.sleep(rng.uniform(0.0, length))
            if child.poll() is None:
                child.send_signal(signal.SIGKILL)
                child.wait()
                done.append(len(list(folders[-1].glob("scenarios/part-*.parquet"))))
                print(f"killed with {done[-1]} parts", file=sys.stderr, flush=True)
            else:  # it came to its end: the next one begins anew
                folders.append(place / f"killed-{len(folders)}")
        undisturbed(spec, n, folders[-1])
        whole = content(place / "whole")
        same = [content(folder) == whole for folder in folders]
    print(
        f"{kills} runs, undisturbed {length:.1f} s; {len(done)} killed, with so many parts: {done}"
    )
    print(f"{sum(same)} of {len(same)} folders have every byte of the undisturbed run")
    return 0 if all(same) else 1


if __name__ == "__main__":
    given = sys.argv[1:]
    if given[:1] == ["run"]:
        run(given[1], int(given[2]), Path(given[3]))
        sys.exit(0)
    kinds = (int, str, int)
    sys.exit(main(*(kind(text) for kind, text in zip(kinds, given, strict=False))))
