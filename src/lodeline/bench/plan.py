"""Planning beside one big problem and beside mpi-sppy: same stages, same futures, time and memory.

The menu is generated: stocks, recycling and substitutes of the countries that use most of a chain.
Curves are straight and the goal is the mean, so that the big problem is a QP (PIQP, measures
divisible) or, with curves cut into pieces, a mixed-integer linear problem (HiGHS, whole modules);
mpi-sppy gets these linear problems future by future. Every run has a process of its own, on one
core: its CPU seconds count, so that other work on the machine does not, and its largest memory is
reported. A run that takes more CPU seconds than its limit is ended: its row says how many times
longer the peer takes at least, and it is not tried with more futures. Lodeline's time counts all
from the drawn futures to the proven gap; a peer's counts its solver alone, for mpi-sppy with the
building of its models.
"""

from __future__ import annotations

import json
import math
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lodeline.bench.extensive import (
    UNIT,
    Extensive,
    extensive_form,
    in_pieces,
    solve_by_highs,
    solve_by_piqp,
)
from lodeline.bench.limited import allow, apart
from lodeline.bench.memory import peak_mb
from lodeline.errors import InputError, LodelineError
from lodeline.network.base_year import base_year
from lodeline.network.catalogue import load_chain
from lodeline.scenarios.ensemble_reading import load_ensemble
from lodeline.scenarios.measures import ActionPlan
from lodeline.solver.curves import CurveKind
from lodeline.studies.plan.bundle import Search
from lodeline.studies.plan.evaluate import Here, evaluator_of
from lodeline.studies.plan.futures import Case, case_of
from lodeline.studies.plan.master import Master

__all__ = ["PEERS", "Row", "bench_plan", "menu_for"]

PEERS = ("piqp", "highs", "mpi-sppy-lshaped", "mpi-sppy-ph")
YEAR = 2024
_TOLERANCE = 1e-6
"""Of PIQP: its own gap is relative to the turnover, of which the loss is a small part."""


@dataclass(frozen=True)
class Row:
    """One comparison.

    Attributes
    ----------
    peer, case
        Which peer on what; the case names futures and whether measures are divisible.
    futures
        Number of futures.
    ours_s, peer_s, ratio
        CPU seconds of one core, and the peer's over ours; None where the peer gave up.
    ratio_at_least
        Where the peer was ended after its CPU seconds: these over ours.
    ours_mb, peer_mb
        Largest memory of the process.
    ours_value, ours_bound, peer_value
        Proven bounds and the peer's value, USD.
    note
        Why the peer gave up.
    """

    peer: str
    case: str
    futures: int
    ours_s: float | None
    peer_s: float | None
    ratio: float | None
    ratio_at_least: float | None
    ours_mb: float | None
    peer_mb: float | None
    ours_value: float | None
    ours_bound: float | None
    peer_value: float | None
    note: str = ""


def bench_plan(
    *,
    futures: Sequence[int] = (4, 10, 100),
    countries: int = 40,
    measures: int = 30,
    gap: float = 1e-3,
    peers: Sequence[str] | None = None,
    limit: float = 300.0,
    peer_python: Path | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Return rows by peer and number of futures, and the ratio at the largest that a peer can do.

    Parameters
    ----------
    futures
        Numbers of futures, tried from the smallest on.
    countries, measures
        Size of network and menu.
    gap
        Relative gap to reach.
    peers
        Of `PEERS`; default all.
    limit
        CPU seconds that a peer's solver may take, Lodeline's own run twice that.
    peer_python
        Interpreter that has mpi-sppy; None: its rows say that there is none.
    progress
        Told what is measured.
    """
    chosen = PEERS if peers is None else tuple(peers)
    for name in chosen:
        if name not in PEERS:
            raise InputError(f"unknown peer '{name}'. Known: {', '.join(PEERS)}.")
    rows: list[Row] = []
    given_up: dict[str, str] = {}
    for count in sorted(futures):
        case = f"rare-earths, {countries} countries, {measures} measures, {count} futures"
        own: dict[bool, dict[str, Any]] = {}
        for peer in chosen:
            divisible = peer == "piqp"
            if divisible not in own:
                kind = "divisible" if divisible else "whole"
                progress(f"{count} futures, {kind} measures: Lodeline")
                own[divisible] = _measured(_ours, countries, measures, count, gap, divisible)
            other = _NOTHING | {"note": given_up.get(peer, "")}
            if peer not in given_up:
                progress(f"{count} futures: {peer}")
                asked = (countries, measures, count, gap, peer, limit, own[divisible]["value"])
                other = _measured(_theirs, *asked, peer_python, limit=limit)
                if other["seconds"] is None:
                    given_up[peer] = f"not tried: {other['note']} with {count} futures"
            rows.append(_row(peer, case, count, own[divisible], other))
    done = [r for r in rows if r.ratio is not None]
    largest = max((r.futures for r in done), default=None)
    ratios = [r.ratio for r in done if r.futures == largest and r.ratio is not None]
    return {
        "rows": [asdict(r) for r in rows],
        "geomean_ratio_to_fastest_peer": min(ratios) if ratios else None,
        "largest_case_of_peers": largest,
        "gap": gap,
        "limit_s": limit,
    }


_NOTHING: dict[str, Any] = {
    "seconds": None, "value": None, "bound": None, "mb": None, "note": "", "ended_after": None
}  # fmt: skip


def _row(peer: str, case: str, count: int, own: dict[str, Any], other: dict[str, Any]) -> Row:
    both = own["seconds"] is not None and other["seconds"] is not None
    is_ended = own["seconds"] is not None and other["ended_after"] is not None
    return Row(
        peer=peer,
        case=f"{case}, {'divisible' if peer == 'piqp' else 'whole'}",
        futures=count,
        ours_s=own["seconds"],
        peer_s=other["seconds"],
        ratio=other["seconds"] / own["seconds"] if both else None,
        ratio_at_least=other["ended_after"] / own["seconds"] if is_ended else None,
        ours_mb=own["mb"],
        peer_mb=other["mb"],
        ours_value=own["value"],
        ours_bound=own["bound"],
        peer_value=other["value"],
        note=other["note"] or own["note"],
    )


def menu_for(chain: str, year: int, *, measures: int) -> ActionPlan:
    """Return a menu of `measures` stocks, recycling plants and substitutes by the largest users."""
    base = base_year(load_chain(chain), year)
    absorbed = base.absorbed()
    value = base.prices[:, None] * base.used
    value[:, [base.countries.index(c) for c in ("CHN",) if c in base.countries]] = 0.0
    order = np.argsort(-value, axis=None)
    menu: list[dict[str, Any]] = []
    for flat in order:
        f, c = np.unravel_index(flat, value.shape)
        form, country = base.forms[f], base.countries[c]
        use, price = float(absorbed[f, c]), float(base.prices[f])
        common = {"by": ["ALL"], "chain": chain, "form": form, "country": country}
        name = f"{country.lower()}-{form}"
        plant = {"tonnes_per_year": 0.1 * use, "lead_years": 1.0}
        menu += [
            common | {"id": f"stock-{name}", "title": f"Stock {name}", "type": "stock",
                      "tonnes": use / 12.0, "modules": 3, "lead_years": 0.0,
                      "holding_share_per_year": 0.03, "release_over_price": 1.2,
                      "release_share_per_month": 0.34},
            common | plant | {"id": f"recycling-{name}", "title": f"Recycling {name}",
                              "type": "recycling", "capex_usd": 0.15 * use * price},
            common | plant | {"id": f"thrift-{name}", "title": f"Thrift {name}",
                              "type": "substitution", "capex_usd": 0.1 * use * price,
                              "opex_over_price": 1.3},
        ]  # fmt: skip
        if len(menu) >= measures:
            break
    spend = 0.05 * float(
        (base.prices @ absorbed).sum() - base.prices @ absorbed[:, base.countries.index("CHN")]
    )
    return ActionPlan.model_validate(
        {
            "id": "bench", "title": "Benchmark", "question": "How fast?",
            "futures": load_ensemble("china-dual-use-japan-2026"), "first_year": 2026,
            "interest": 0.05,
            "partners": [{"id": "ALL", "title": "All", "members": ["JPN"], "budget_usd": spend}],
            "measures": menu[:measures],
        }
    )  # fmt: skip


def _case(countries: int, measures: int, *, divisible: bool) -> Case:
    plan = menu_for("rare-earths", YEAR, measures=measures)
    case = case_of(plan.model_copy(update={"countries": countries}), year=YEAR)
    if divisible:
        none = np.zeros(case.menu.size, dtype=np.bool_)
        case = replace(case, menu=replace(case.menu, is_integer=none))
    straight = []
    for chain in case.chains:
        curve = np.full_like(chain.network.curve, CurveKind.LINEAR)
        straight.append(replace(chain, network=replace(chain.network, curve=curve)))
    case.__dict__["chains"] = tuple(straight)
    return case


def _ours(countries: int, measures: int, count: int, gap: float, divisible: bool) -> dict[str, Any]:
    case = _case(countries, measures, divisible=divisible)
    # Compile before the clock starts.
    Here(case, case.values(seed=9, count=1)).one(np.zeros(case.menu.size), 0)
    began = time.process_time()
    values = case.values(seed=0, count=count)
    master = Master(case.menu, case.plan.goal, np.full(count, 1.0 / count), mip_gap=gap / 5.0)
    with evaluator_of(case, values) as evaluator:
        found = Search(master, evaluator).best(gap=gap)
    seconds = time.process_time() - began
    return _NOTHING | {
        "seconds": seconds, "value": found.upper, "bound": found.lower, "mb": peak_mb()
    }  # fmt: skip


def _theirs(
    countries: int,
    measures: int,
    count: int,
    gap: float,
    peer: str,
    limit: float,
    value: float | None,
    python: Path | None,
) -> dict[str, Any]:
    if peer.startswith("mpi-sppy") and python is None:
        return _NOTHING | {"note": "no interpreter with mpi-sppy given"}
    case = _case(countries, measures, divisible=peer == "piqp")
    chain = case.chains[0]
    recourses = [chain.recourse(f) for f in chain.futures(case.values(seed=0, count=count))]
    try:
        if python is not None and peer.startswith("mpi-sppy"):
            singles = [extensive_form(case.menu, [r], np.ones(1)) for r in recourses]
            size = abs(value) if value is not None else UNIT
            return _by_sppy(singles, peer, gap * size / UNIT / count, limit, python)
        problem = extensive_form(case.menu, recourses, np.full(count, 1.0 / count))
        # What is Lodeline's own is none of the peer's memory.
        del recourses, chain, case
        allow(limit)
        if peer == "piqp":
            found = solve_by_piqp(problem, tolerance=_TOLERANCE)
        else:
            found = solve_by_highs(problem, gap=gap, limit=float("inf"))
    except (InputError, MemoryError) as error:
        return _NOTHING | {"note": " ".join(str(error).split()) or "out of memory"}
    return _NOTHING | {"seconds": found.seconds, "value": found.value, "mb": peak_mb()}


def _by_sppy(
    futures: Sequence[Extensive], peer: str, tolerance: float, limit: float, python: Path
) -> dict[str, Any]:
    """Return what mpi-sppy finds, in its own interpreter."""
    script = Path(__file__).with_name("sppy_peer.py")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for i, single in enumerate(futures):
            linear = in_pieces(single)
            np.savez(
                folder / f"future-{i:04d}.npz",
                cost=linear.cost, lower=linear.lower, upper=linear.upper,
                is_integer=linear.is_integer, low=linear.low, high=linear.high,
                values=linear.matrix.data, indices=linear.matrix.indices,
                starts=linear.matrix.indptr, constant=linear.constant, choices=linear.choices,
            )  # fmt: skip
        out, method = folder / "answer.json", peer.removeprefix("mpi-sppy-")
        asked = [str(python), str(script), name, method, str(tolerance), str(limit), str(out)]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        if not out.exists():
            if done.returncode == -signal.SIGXCPU:
                return _over(limit)
            said = done.stderr.strip().splitlines() or ["it was ended"]
            return _NOTHING | {"note": said[-1][:200]}
        found = json.loads(out.read_text(encoding="utf-8"))
    return _NOTHING | {
        "seconds": found["seconds"], "mb": found["mb"],
        "value": None if found["value"] is None else UNIT * found["value"],
    }  # fmt: skip


def _measured(
    function: Callable[..., dict[str, Any]], *arguments: object, limit: float = math.inf
) -> dict[str, Any]:
    """Return what a function gives in a process of its own, or why it gives nothing.

    `limit`: the CPU seconds that the function allows itself.
    """
    try:
        found = apart(function, *arguments)
    except LodelineError as error:
        return _NOTHING | {"note": " ".join(str(error).split())}
    return _over(limit) if found is None else found


def _over(limit: float) -> dict[str, Any]:
    return _NOTHING | {"note": f"over {limit:.0f} CPU s", "ended_after": limit}
