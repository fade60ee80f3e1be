"""Repeat a run from its manifest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lodeline.errors import InputError

if TYPE_CHECKING:
    from lodeline.network.chain import Chain
    from lodeline.scenarios.spec import Scenario

__all__ = ["is_manifest", "read_manifest"]


def is_manifest(name: str) -> bool:
    """Return whether a name is that of a manifest: a file that ends in .json."""
    return name.endswith(".json")


def read_manifest(
    path: Path, given: dict[str, Any]
) -> tuple[Scenario, dict[str, Chain], dict[str, Any]]:
    """Return scenario, chains and options of an earlier run.

    Raises
    ------
    InputError
        If the file is no manifest, was made from other data, or other options are given too.
    """
    from pydantic import ValidationError

    from lodeline import data
    from lodeline.network.chain import Chain
    from lodeline.scenarios.spec import Scenario

    if any(v is not None for k, v in given.items() if k != "with_sensitivity"):
        raise InputError(
            f"'{path}' repeats a run as it was: leave out --base-year, --months, --countries, "
            "--form, --mode, --stocks and --lead-time, or run the scenario itself with them."
        )
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"'{path}' does not exist. Name the manifest.json of a run.") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"'{path}' cannot be read as JSON ({error}).") from error
    if not isinstance(document, dict) or document.get("kind") != "lodeline stress":
        raise InputError(
            f"'{path}' is no manifest of a stress test. Name the manifest.json of one."
        )
    try:
        made_from = document["dataset"]["sha256"]
        scenario = Scenario.model_validate(document["scenario"])
        chains = {k: Chain.model_validate(v) for k, v in document["chains"].items()}
        options = {k: document["options"][k] for k in given}
    except (KeyError, TypeError, AttributeError, ValidationError) as error:
        raise InputError(
            f"'{path}' is damaged ({type(error).__name__}). Run the scenario again."
        ) from error
    here = data.dataset_identity()["sha256"]
    if made_from != here:
        raise InputError(
            f"'{path}' was made from the dataset {made_from[:12]}, this installation holds "
            f"{here[:12]}. Repeat it with lodeline {document.get('lodeline')} and the same "
            "imports: set LODELINE_DATA to an empty folder to leave imported data out."
        )
    return scenario, chains, options
