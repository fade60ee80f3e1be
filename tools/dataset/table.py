"""What a built table carries, and how it is written."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

__all__ = ["BuildError", "BuiltTable", "Change", "write_dataset"]

COMPRESSION_LEVEL = 19
ROW_GROUP = 32_768


class BuildError(Exception):
    """An input is not what the tool expects; the message names file, place and remedy."""


@dataclass(frozen=True)
class Change:
    """Rows that a step dropped, changed or imputed."""

    what: str
    rows: int
    reason: str


@dataclass(frozen=True)
class BuiltTable:
    """A table, or a file of bytes, with its provenance."""

    name: str
    title: str
    publisher: str
    source: str
    edition: str
    licence: str
    attribution: str
    url: str
    unit: str
    columns: Mapping[str, str]
    content: pl.DataFrame | bytes
    steps: Sequence[str]
    changes: Sequence[Change] = ()
    coverage: Mapping[str, Any] = field(default_factory=dict)
    rows: int | None = None
    """Rows of a file of bytes; a table counts its own."""

    @property
    def file(self) -> str:
        """Return the file's name."""
        return f"{self.name}.{'json' if isinstance(self.content, bytes) else 'parquet'}"

    def to_bytes(self) -> bytes:
        """Return the file's content, the same for the same table."""
        if isinstance(self.content, bytes):
            return self.content
        if list(self.columns) != self.content.columns:
            raise BuildError(f"{self.name}: columns {self.content.columns} are not those described")
        buffer = io.BytesIO()
        self.content.write_parquet(
            buffer,
            compression="zstd",
            compression_level=COMPRESSION_LEVEL,
            row_group_size=ROW_GROUP,
            statistics=True,
        )
        return buffer.getvalue()

    def entry(self, payload: bytes) -> dict[str, Any]:
        """Return the manifest's entry."""
        rows = self.rows if isinstance(self.content, bytes) else self.content.height
        return {
            "name": self.name,
            "file": self.file,
            "title": self.title,
            "publisher": self.publisher,
            "source": self.source,
            "edition": self.edition,
            "licence": self.licence,
            "attribution": self.attribution,
            "url": self.url,
            "unit": self.unit,
            "rows": rows,
            "bytes": len(payload),
            "sha256": hashlib.sha256(payload).hexdigest(),
            "columns": dict(self.columns),
            "steps": list(self.steps),
            "changes": [vars(change) for change in self.changes],
            "coverage": dict(self.coverage),
        }


def write_dataset(
    tables: Sequence[BuiltTable], *, edition: str, inputs: Mapping[str, str], out: Path
) -> dict[str, Any]:
    """Write the files and ``manifest.json``; files of an earlier run that are no more, go."""
    out.mkdir(parents=True, exist_ok=True)
    entries = []
    for table in sorted(tables, key=lambda t: t.name):
        payload = table.to_bytes()
        (out / table.file).write_bytes(payload)
        entries.append(table.entry(payload))
    document = {"edition": edition, "inputs": dict(inputs), "tables": entries}
    text = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
    (out / "manifest.json").write_text(text, encoding="utf-8")
    kept = {entry["file"] for entry in entries} | {"manifest.json"}
    for path in out.iterdir():
        if path.name not in kept:
            path.unlink()
    return document
