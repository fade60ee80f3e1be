"""The folder of a plan's run: what it is about, and what has been evaluated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lodeline import data
from lodeline.errors import InputError
from lodeline.results.manifest import made_with, sources
from lodeline.studies.ensemble.parts import write_atomic
from lodeline.studies.plan.futures import Case

__all__ = ["check_folder", "evaluations_folder", "state_of"]

_KIND = "lodeline plan"
_STATE = "state.json"


def state_of(case: Case, seed: int) -> dict[str, Any]:
    """Return all that the evaluations follow from, as plain data."""
    identity = data.dataset_identity()
    return {
        "kind": _KIND,
        **made_with(),
        "sources": sources(),
        "dataset": {k: identity[k] for k in ("edition", "sha256")},
        "base_year": case.base_year,
        "seed": seed,
        "plan": case.plan.document(),
        "chains": {c: b.chain.model_dump(mode="json") for c, b in case.bases.items()},
    }


def evaluations_folder(folder: Path | None) -> Path | None:
    """Return where evaluations are kept."""
    return None if folder is None else folder / "evaluations"


def check_folder(folder: Path, case: Case, seed: int, *, resume: bool) -> None:
    """Make a folder ready, or check that it holds the same run.

    Raises
    ------
    InputError
        If it holds another run, or this one and `resume` is not set.
    """
    path = folder / _STATE
    wanted = json.loads(json.dumps(state_of(case, seed)))
    if path.exists():
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            raise InputError(
                f"'{path}' cannot be read as JSON ({error}). Choose another folder with --out."
            ) from error
        differ = sorted(
            k for k in wanted if not isinstance(found, dict) or found.get(k) != wanted[k]
        )
        if differ == ["sources"]:
            raise InputError(
                f"'{folder}' holds this run as other source code of Lodeline evaluated it: what "
                "both find cannot be mixed. Choose another folder with --out, or go on with the "
                "code that began it."
            )
        if differ:
            raise InputError(
                f"'{folder}' holds another run: {', '.join(differ)} differ. Choose another folder "
                "with --out, or run it as it was."
            )
        if not resume:
            raise InputError(
                f"'{folder}' holds this run already. Add --resume to go on with it, or choose "
                "another folder with --out."
            )
        return
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(wanted, ensure_ascii=False, allow_nan=False, indent=2) + "\n"
    write_atomic(path, text.encode())
