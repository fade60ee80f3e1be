"""Run mpi-sppy, unmodified, in an environment of its own; Lodeline never imports this file.

    PYTHON sppy_peer.py FOLDER METHOD TOLERANCE LIMIT ANSWER.json

The folder has one ``future-N.npz`` for each future: a linear problem with its first-stage columns
in front (see `lodeline.bench.extensive.Pieces`). METHOD is ``lshaped`` or ``ph``; both solve with
HiGHS, in one process. TOLERANCE is absolute, millions of USD a future; LIMIT is in CPU seconds,
after which the process is ended by the system. Building the Pyomo models is part of the time.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

SOLVER = "highs"
LOWEST = 1e5
"""No mean loss is below minus that, millions of USD."""


def answer(folder: Path, method: str, tolerance: float, limit: float) -> dict[str, Any]:
    """Return seconds, memory and the value that was reached."""
    np = import_module("numpy")
    pyo = import_module("pyomo.environ")
    sputils = import_module("mpisppy.utils.sputils")
    paths = {p.stem: p for p in sorted(folder.glob("future-*.npz"))}

    def create(scenario_name: str, **_: Any) -> Any:
        with np.load(paths[scenario_name]) as kept:
            data = {name: kept[name] for name in kept.files}
        model = _model(pyo, data)
        model._mpisppy_probability = 1.0 / len(paths)
        sputils.attach_root_node(model, model.first, [model.x])
        return model

    began, cpu = time.perf_counter(), time.process_time()
    resource.setrlimit(resource.RLIMIT_CPU, (int(cpu + limit) + 1, int(cpu + limit) + 60))
    run = _lshaped if method == "lshaped" else _progressive_hedging
    value, rounds = run(list(paths), create, tolerance)
    return {
        "version": metadata.version("mpi-sppy"),
        "seconds": time.process_time() - cpu,
        "wall": time.perf_counter() - began,
        "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0,
        "value": value,
        "rounds": rounds,
    }


def _model(pyo: Any, data: Any) -> Any:
    """Return a future as a Pyomo model: columns x (first stage) and z."""
    sparse = import_module("scipy.sparse")
    choices = int(data["choices"])
    matrix = sparse.csr_matrix((data["values"], data["indices"], data["starts"]))
    lower, upper, cost = data["lower"], data["upper"], data["cost"]

    def bounds(j: int) -> tuple[float | None, float | None]:
        return _finite(lower[j]), _finite(upper[j])

    linear = import_module("pyomo.core.expr.numeric_expr").LinearExpression
    model = pyo.ConcreteModel()
    model.x = pyo.Var(range(choices), bounds=lambda _, j: bounds(j))
    for j in range(choices):
        if data["is_integer"][j]:
            model.x[j].domain = pyo.Integers
    model.z = pyo.Var(range(choices, cost.size), bounds=lambda _, j: bounds(j))
    column = [*(model.x[j] for j in range(choices)), *model.z.values()]

    def expression(weights: Any, at: Any) -> Any:
        return linear(
            constant=0.0,
            linear_coefs=list(map(float, weights)),
            linear_vars=[column[j] for j in at],
        )

    model.first = pyo.Expression(expr=expression(cost[:choices], range(choices)))
    rest = expression(cost[choices:], range(choices, cost.size))
    # The L-shaped method takes the constant of one future for that of all: a column carries it.
    model.one = pyo.Var(bounds=(1.0, 1.0))
    model.objective = pyo.Objective(expr=model.first + rest + float(data["constant"]) * model.one)
    model.rows = pyo.ConstraintList()
    for i in range(matrix.shape[0]):
        part = slice(matrix.indptr[i], matrix.indptr[i + 1])
        low, high = float(data["low"][i]), float(data["high"][i])
        body = expression(matrix.data[part], matrix.indices[part])
        limits = (_finite(low), _finite(high))
        if part.start < part.stop and limits != (None, None):
            model.rows.add(body == low if low == high else (limits[0], body, limits[1]))
    return model


def _finite(value: float) -> float | None:
    return float(value) if abs(value) < 1e30 else None


def _lshaped(names: list[str], create: Any, tolerance: float) -> tuple[float, int]:
    """Return the value of the last master: a lower bound that no cut raises by the tolerance."""
    module = import_module("mpisppy.opt.lshaped")
    options = {
        "root_solver": SOLVER, "sp_solver": SOLVER, "max_iter": 1000, "tol": tolerance,
        "relax_root": False, "verbose": False,
        "valid_eta_lb": dict.fromkeys(names, -LOWEST / len(names)),
    }  # fmt: skip
    method = module.LShapedMethod(options, names, create)
    method.lshaped_algorithm()
    return float(import_module("pyomo.environ").value(method.root.obj)), int(method.iter)


def _progressive_hedging(names: list[str], create: Any, tolerance: float) -> tuple[float, int]:
    """Return the mean value once all futures decide the same to a thousandth of a module.

    Progressive hedging has no proof: with whole modules what it ends at need not be the best.
    """
    del tolerance
    module = import_module("mpisppy.opt.ph")
    options = {
        "solver_name": SOLVER, "PHIterLimit": 1000, "defaultPHrho": 1.0, "convthresh": 1e-3,
        "verbose": False, "display_progress": False, "display_timing": False,
        "iter0_solver_options": {}, "iterk_solver_options": {}, "asynchronousPH": False,
        "linearize_proximal_terms": True,
    }  # fmt: skip
    method = module.PH(options, names, create)
    _, expected, _ = method.ph_main()
    return float(expected), int(method._PHIter)


if __name__ == "__main__":
    folder, method, tolerance, limit, out = sys.argv[1:]
    found = answer(Path(folder), method, float(tolerance), float(limit))
    Path(out).write_text(json.dumps(found), encoding="utf-8")
