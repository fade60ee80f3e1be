"""Kill an ensemble at random moments, resume it, and compare every byte with an undisturbed run.

    python benchmarks/kill_and_resume.py [KILLS] [SPEC] [N]

Prints how many runs were killed on their way and whether the files are equal; exits 1 if not.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def command(spec: str, n: int, out: Path, *, resume: bool) -> list[str]:
    """Return the command of a run."""
    program = str(Path(sys.executable).with_name("lodeline"))
    base = [program, "ensemble", spec, "--n", str(n), "--seed", "7", "--out", str(out)]
    return [*base, "--resume"] if resume else base


def content(folder: Path) -> dict[str, bytes]:
    """Return every file of a run."""
    files = [p for p in folder.rglob("*") if p.is_file()]
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


def main(kills: int = 20, spec: str = "china-antimony-2024", n: int = 2048) -> int:
    """Run undisturbed, then killed `kills` times, and compare."""
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as name:
        whole, killed = Path(name) / "whole", Path(name) / "killed"
        started = time.monotonic()
        subprocess.run(command(spec, n, whole, resume=False), check=True, capture_output=True)
        length = time.monotonic() - started
        on_the_way = 0
        for _ in range(kills):
            run = command(spec, n, killed, resume=(killed / "manifest.json").exists())
            child = subprocess.Popen(run, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(rng.uniform(0.0, length))
            if child.poll() is None:
                child.send_signal(signal.SIGKILL)
                on_the_way += 1
            child.wait()
        subprocess.run(command(spec, n, killed, resume=True), check=True, capture_output=True)
        first, second = content(whole), content(killed)
        same = first == second
        differ = [k for k in first.keys() | second.keys() if first.get(k) != second.get(k)]
    print(f"{kills} runs, {on_the_way} killed on their way, undisturbed {length:.1f} s")
    print("every byte the same" if same else f"different: {', '.join(sorted(differ))}")
    return 0 if same else 1


if __name__ == "__main__":
    given = sys.argv[1:]
    kinds = (int, str, int)
    sys.exit(main(*(kind(text) for kind, text in zip(kinds, given, strict=False))))
