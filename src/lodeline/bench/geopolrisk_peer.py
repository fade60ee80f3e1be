"""Run geopolrisk-py, unmodified, in an environment of its own; Lodeline never imports this file.

    PYTHON geopolrisk_peer.py QUESTION.json ANSWER.json

The question has ``materials`` (null: all), ``years``, ``countries`` (the program's own names) and
``narrow``: whether each call is given the rows of its material and year only, which changes no
figure and saves an hour. Cells go through the program's own functions, in the order of its
`gprs_calc`, without its files and progress bar.
"""

from __future__ import annotations

import json
import sys
import time
from importlib import import_module, metadata
from pathlib import Path
from typing import Any


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """Return values, seconds and memory."""
    start = time.perf_counter()
    core = import_module("geopolrisk.assessment.core")
    main = import_module("geopolrisk.assessment.main")
    utils = import_module("geopolrisk.assessment.utils")
    imported = time.perf_counter()
    trade = main.mapped_baci()
    mapped = time.perf_counter()
    core.regions()
    materials = question["materials"] or utils.default_rmlist()
    cells = []
    for material in materials:
        for year in question["years"]:
            rows = trade
            if question["narrow"]:
                rows = trade[(trade.rawMaterial == material) & (trade.period == year)]
            for country in question["countries"]:
                found = _cell(core, utils, material, year, country, rows)
                cells.append([material, year, country, *found])
    done = time.perf_counter()
    return {
        "version": metadata.version("geopolrisk-py"),
        "import_s": imported - start,
        "map_s": mapped - imported,
        "cells_s": done - mapped,
        "peak_mb": _peak_mb(),
        "columns": [
            "material",
            "year",
            "country",
            "score",
            "factor",
            "import_risk",
            "hhi",
            "price",
        ],
        "cells": cells,
    }


def _cell(core: Any, utils: Any, material: str, year: int, country: str, trade: Any) -> list[float]:  # noqa: ANN401
    members = utils.databases.regionslist[utils.cvtcountry(country, type="Name")]
    weighed, total, price = utils.aggregateTrade(year, members, material, data=trade)
    output, hhi = 0.0, 0.0
    for member in members:
        produced, hhi = core.HHI(material, year, utils.cvtcountry(member, type="Name"))
        output += produced
    score, factor, risk = core.GeoPolRisk(weighed, total, price, output, hhi)
    return [float(number) for number in (score, factor, risk, hhi, price)]


def _peak_mb() -> float | None:
    # Linux hands getrusage's peak down from the process that started this one; VmHWM begins anew.
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return float(line.split()[1]) / 1e3
    try:
        resource = import_module("resource")
    except ModuleNotFoundError:  # not on Windows
        return None
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit)


if __name__ == "__main__":
    asked = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    Path(sys.argv[2]).write_text(json.dumps(answer(asked)), encoding="utf-8")
