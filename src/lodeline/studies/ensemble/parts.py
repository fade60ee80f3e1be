"""An ensemble cut into parts: what each holds, and the files that keep them.

A part is a fixed range of scenarios, computed in fixed blocks, so that its bytes depend on the
plan alone: not on the number of scenarios, of workers, or on what was there before.

Folder: ``manifest.json`` (the plan), ``scenarios/part-00000.parquet`` (drawn numbers and
certificates), ``metrics/part-00000.parquet``. Files appear by renaming, the scenarios of a part
last: a part is there in full or not at all.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lodeline.errors import InputError, MachineError
from lodeline.network.base_year import BaseYear, base_year
from lodeline.network.chain import Chain
from lodeline.results.manifest import made_with, sources
from lodeline.scenarios.ensemble_spec import Ensemble
from lodeline.studies.ensemble.cells import Found, metrics_table
from lodeline.studies.ensemble.factors import Factor, factors_of, quantiles_of, sample_at
from lodeline.studies.ensemble.fitted import FittedChain

__all__ = ["Part", "Plan", "Store", "compute_part"]

Vector = NDArray[np.float64]

BLOCK = 64
"""Scenarios that are solved side by side; eight vectors of eight."""

_ROW_GROUP = 16_384


@dataclass(frozen=True)
class Plan:
    """All that decides the numbers of an ensemble.

    Attributes
    ----------
    ensemble
        The specification.
    chains
        The simulated chains in full: they may be the user's own.
    base_year
        Year of the trade data.
    seed
        Fixes the scenarios.
    part
        Scenarios a part, a multiple of `BLOCK`.
    dataset
        ``edition, sha256``.
    """

    ensemble: Ensemble
    chains: Mapping[str, Chain]
    base_year: int
    seed: int
    part: int
    dataset: Mapping[str, Any]

    def document(self) -> dict[str, Any]:
        """Return the plan as plain data."""
        return {
            "kind": "lodeline ensemble",
            **made_with(),
            "sources": sources(),
            "dataset": {k: self.dataset[k] for k in ("edition", "sha256")},
            "base_year": self.base_year,
            "seed": self.seed,
            "part": self.part,
            "ensemble": self.ensemble.document(),
            "chains": {k: c.model_dump(mode="json") for k, c in self.chains.items()},
        }

    def text(self) -> str:
        """Return the plan as JSON, for workers; equal plans give equal text."""
        return json.dumps(self.document(), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_text(cls, text: str) -> Plan:
        """Return the plan of a text made by `text`."""
        d = json.loads(text)
        return cls(
            ensemble=Ensemble.model_validate(d["ensemble"]),
            chains={k: Chain.model_validate(c) for k, c in d["chains"].items()},
            base_year=d["base_year"], seed=d["seed"], part=d["part"], dataset=d["dataset"],
        )  # fmt: skip

    def bases(self) -> dict[str, BaseYear]:
        """Return the base year of every chain, in the ensemble's order."""
        return {c: base_year(self.chains[c], self.base_year) for c in self.ensemble.simulated}

    def parts(self, n: int) -> range:
        """Return the parts of `n` scenarios."""
        return range(-(-n // self.part))

    def size(self, part: int, n: int) -> int:
        """Return the number of scenarios in a part of an ensemble of `n`."""
        return min(self.part, n - part * self.part)


@dataclass(frozen=True)
class Part:
    """The two files of a part, as bytes."""

    number: int
    scenarios: bytes
    metrics: bytes


@dataclass(frozen=True)
class Models:
    """The chains of a plan, calibrated and ready to run."""

    plan: Plan
    factors: tuple[Factor, ...]
    chains: tuple[FittedChain, ...]

    @classmethod
    def of(cls, plan: Plan, message: Callable[[str], None] | None = None) -> Models:
        """Calibrate the chains of a plan."""
        bases = plan.bases()
        factors = factors_of(plan.ensemble, bases)
        chains = [
            FittedChain.of(plan.ensemble, b, factors, message=message) for b in bases.values()
        ]
        return cls(plan, factors, tuple(chains))


_ONE_AT_A_TIME = Lock()
"""A worker with several threads still computes one part at a time: they share the models."""


@lru_cache(maxsize=1)
def _models(text: str) -> Models:
    """Return the models of a plan; a worker process keeps those of its last plan."""
    return Models.of(Plan.from_text(text))


def compute_part(text: str, number: int, count: int, quantiles: Vector) -> Part:
    """Compute the scenarios of a part in a worker.

    Parameters
    ----------
    text
        The plan, see `Plan.text`.
    number, count, quantiles
        See `compute`.
    """
    with _ONE_AT_A_TIME:
        return compute(_models(text), number, count, quantiles)


def drawn_for(models: Models, number: int, count: int) -> Vector:
    """Return the quantiles of a part, whole blocks of them; see `compute`."""
    plan = models.plan
    whole = -(-count // BLOCK) * BLOCK
    return quantiles_of(models.factors, seed=plan.seed, first=number * plan.part, count=whole)


def compute(models: Models, number: int, count: int, quantiles: Vector) -> Part:
    """Compute the scenarios of a part with models that are there already.

    Parameters
    ----------
    models
        Of the plan.
    number
        Which part.
    count
        Scenarios wanted of it: fewer than the plan's only in the last part.
    quantiles
        See `drawn_for`.
    """
    size = range(0, count, BLOCK)
    return join(models, number, [compute_block(models, number, count, quantiles, k) for k in size])


@dataclass(frozen=True)
class Computed:
    """What came of a block: its numbers and certificates, and what was found by chain."""

    columns: Mapping[str, NDArray[Any]]
    found: tuple[Found, ...]


def compute_block(
    models: Models, number: int, count: int, quantiles: Vector, offset: int
) -> Computed:
    """Compute the block that begins `offset` scenarios into a part; the rest as in `compute`."""
    first = number * models.plan.part + offset
    sample = sample_at(models.factors, first, quantiles[offset : offset + BLOCK])
    kept = min(BLOCK, count - offset)
    columns: dict[str, NDArray[Any]] = {
        "scenario": np.arange(first, first + kept, dtype=np.int32),
        **{f.key: sample.values[f.key][:kept] for f in models.factors if f.is_drawn},
    }
    every = tuple(c.simulate(sample.values, first=first, kept=kept) for c in models.chains)
    for found in every:
        columns |= {f"{found.cells.chain}.{k}": values for k, values in found.proof.items()}
    return Computed(columns, every)


def join(models: Models, number: int, blocks: Sequence[Computed]) -> Part:
    """Return the part whose blocks were computed, in order."""
    scenarios = pl.DataFrame(
        {name: np.concatenate([b.columns[name] for b in blocks]) for name in blocks[0].columns}
    )
    by_chain = list(zip(*(b.found for b in blocks), strict=True))
    metrics = metrics_table(by_chain, number * models.plan.part)
    return Part(number, _bytes(scenarios), _bytes(metrics))


def _bytes(table: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.write_parquet(buffer, compression="zstd", row_group_size=_ROW_GROUP)
    return buffer.getvalue()


class Store:
    """The folder of an ensemble.

    Parameters
    ----------
    folder
        Made if absent.
    plan
        What its numbers follow from.

    Raises
    ------
    InputError
        If the folder holds another plan, or this one and `resume` is not set.
    """

    def __init__(self, folder: Path, plan: Plan, *, resume: bool) -> None:
        self.folder, self.plan = folder, plan
        self.manifest = folder / "manifest.json"
        with _machine(folder):
            folder.mkdir(parents=True, exist_ok=True)
            self._check(resume=resume)
            # First of all: a run killed right after it can be resumed.
            write_atomic(self.manifest, _json(plan.document()))
            for name in ("scenarios", "metrics"):
                (folder / name).mkdir(exist_ok=True)

    def _check(self, *, resume: bool) -> None:
        if not self.manifest.exists():
            if any((self.folder / n).exists() for n in ("scenarios", "metrics")):
                raise InputError(
                    f"'{self.folder}' holds parts of an ensemble but no manifest.json. "
                    "Choose an empty folder with --out."
                )
            return
        try:
            found = json.loads(self.manifest.read_text(encoding="utf-8"))
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            raise InputError(
                f"'{self.manifest}' cannot be read as JSON ({error}). Choose another folder."
            ) from error
        if not isinstance(found, dict) or found.get("kind") != "lodeline ensemble":
            raise InputError(
                f"'{self.folder}' holds the result of another command. Choose another folder."
            )
        wanted = self.plan.document()
        differ = sorted(k for k in wanted if found.get(k) != json.loads(_json(wanted))[k])
        if differ == ["sources"]:
            raise InputError(
                f"'{self.folder}' holds this ensemble as other source code of Lodeline computed "
                "it: parts of both cannot be mixed. Choose another folder with --out, or go on "
                "with the code that began it."
            )
        if differ:
            raise InputError(
                f"'{self.folder}' holds another ensemble: {', '.join(differ)} differ. "
                "Choose another folder with --out, or run it as it was."
            )
        if not resume:
            raise InputError(
                f"'{self.folder}' holds this ensemble already. Add --resume to go on with it, or "
                "choose another folder with --out."
            )

    def path(self, kind: str, number: int) -> Path:
        """Return the file of a part; kind is ``scenarios`` or ``metrics``."""
        return self.folder / kind / f"part-{number:05d}.parquet"

    def is_done(self, number: int, n: int) -> bool:
        """Return whether a part is there, with as many scenarios as asked for."""
        path = self.path("scenarios", number)
        if not path.exists() or not self.path("metrics", number).exists():
            return False
        rows = pl.scan_parquet(path).select(pl.len()).collect().item()
        return int(rows) == self.plan.size(number, n)

    def keep(self, part: Part) -> None:
        """Write the files of a part, the scenarios last."""
        with _machine(self.folder):
            write_atomic(self.path("metrics", part.number), part.metrics)
            write_atomic(self.path("scenarios", part.number), part.scenarios)

    def tidy(self, n: int) -> None:
        """Remove what a killed run left half-written.

        Raises
        ------
        InputError
            If more scenarios are there than asked for: they are not thrown away.
        """
        last = len(self.plan.parts(n))
        for kind in ("scenarios", "metrics"):
            for path in (self.folder / kind).iterdir():
                if path.name.startswith("."):
                    with _machine(self.folder):
                        path.unlink()
                elif path not in {self.path(kind, k) for k in range(last)}:
                    raise InputError(
                        f"'{self.folder}' holds more than {n} scenarios ({path.name}). Ask for at "
                        "least as many with --n, or choose another folder with --out."
                    )


class _machine:  # noqa: N801  reads as a clause
    """Turns the operating system's refusals into a message."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            raise MachineError(
                f"cannot write to '{self._folder}': {error.strerror or error}. Free some space, "
                "change its permissions, or choose another folder with --out."
            ) from error


def write_atomic(path: Path, content: bytes) -> None:
    """Write a file under another name, then rename it: it is there in full or not at all."""
    hidden = path.with_name(f".{path.name}.{os.getpid()}")
    with hidden.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    hidden.replace(path)


def _json(document: Mapping[str, Any]) -> bytes:
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2)
    return (text + "\n").encode()


def sha256(path: Path) -> str:
    """Return the checksum of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
