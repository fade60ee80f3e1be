"""The benchmarks: who set which limit, for which materials, from the table of policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import polars as pl

from lodeline import data
from lodeline.errors import DataError, InputError
from lodeline.scenarios.groups import EU27

__all__ = [
    "STRATEGIC",
    "Benchmark",
    "Kind",
    "Published",
    "Subject",
    "benchmarks_for",
    "published",
    "published_notes",
]


class Kind(StrEnum):
    """What a benchmark limits."""

    EXTRACTION = "extraction"
    PROCESSING = "processing"
    RECYCLING = "recycling"
    SINGLE_SUPPLIER = "single-supplier"
    STOCK_DAYS = "stock-days"


@dataclass(frozen=True)
class Subject:
    """A material that a benchmark is about.

    Attributes
    ----------
    name
        Name in the law, or of the chain.
    chains
        Chains that show it; none where the data hold no chain.
    facts
        Its names in the curated tables.
    note
        What the chain shows of it, where that is not what the law names.
    """

    name: str
    chains: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    note: str = ""


STRATEGIC = (
    Subject("bauxite, alumina, aluminium", ("aluminium",), ("aluminium",)),
    Subject("bismuth", (), ("bismuth", "Bi")),
    Subject("boron, metallurgy grade", (), ("boron", "B")),
    Subject("cobalt", ("cobalt",), ("cobalt",)),
    Subject("copper", ("copper",), ("copper",)),
    Subject("gallium", (), ("gallium", "Ga")),
    Subject("germanium", (), ("germanium", "Ge")),
    Subject("lithium, battery grade", ("lithium",), ("lithium",), "all grades"),
    Subject("magnesium metal", (), ("magnesium", "Mg")),
    Subject("manganese, battery grade", ("manganese",), ("manganese",), "ore of all grades"),
    Subject("graphite, battery grade", ("graphite",), ("graphite",), "natural, all grades"),
    Subject("nickel, battery grade", ("nickel",), ("nickel",), "ore of all grades"),
    Subject("platinum-group metals", ("platinum", "palladium", "rhodium"), ("platinum", "PGM")),
    Subject("rare earths for magnets", ("rare-earths",), ("rare_earths", "rare_earths_magnets"),
            "all rare earths"),
    Subject("silicon metal", (), ("silicon",)),
    Subject("titanium metal", ("titanium",), ("titanium", "Ti"), "mineral concentrate"),
    Subject("tungsten", ("tungsten",), ("tungsten",)),
)  # fmt: skip
"""Strategic raw materials: Regulation (EU) 2024/1252, Annex I, Section 1."""

_RARE_METALS = tuple(
    Subject(chain, (chain,))
    for chain in ("antimony", "cobalt", "fluorspar", "graphite", "lithium", "manganese", "nickel",
                  "niobium", "palladium", "platinum", "rare-earths", "rhodium", "tantalum",
                  "titanium", "tungsten", "vanadium")
)  # fmt: skip
"""Chains of minor metals that states stockpile; the lists themselves name more."""


@dataclass(frozen=True)
class Benchmark:
    """A limit that a government or union set.

    Attributes
    ----------
    id
        Row of the table of policies.
    jurisdiction, kind
        Who set it, and what it limits.
    limit
        Share, or days.
    is_ceiling
        At most (True) or at least.
    due
        Year by which; the year of the source where it has no deadline.
    subjects
        Materials it is about.
    source
        Where it stands.
    """

    id: str
    jurisdiction: str
    kind: Kind
    limit: float
    is_ceiling: bool
    due: int
    subjects: tuple[Subject, ...]
    source: str

    def is_met(self, value: float) -> bool:
        """Return whether a value keeps the limit."""
        return value <= self.limit if self.is_ceiling else value >= self.limit


_KINDS: Mapping[str, tuple[Kind, tuple[Subject, ...]]] = MappingProxyType(
    {
        "EU_CRMA_EXTR": (Kind.EXTRACTION, STRATEGIC),
        "EU_CRMA_PROC": (Kind.PROCESSING, STRATEGIC),
        "EU_CRMA_RECY": (Kind.RECYCLING, STRATEGIC),
        "EU_CRMA_DIVERS": (Kind.SINGLE_SUPPLIER, STRATEGIC),
        "JPN_TARGET_50": (
            Kind.SINGLE_SUPPLIER,
            (Subject("rare earths", ("rare-earths",), ("rare_earths",)),),
        ),
        "JPN_STOCK_BASE": (Kind.STOCK_DAYS, _RARE_METALS),
        "KOR_STOCK_RARE": (Kind.STOCK_DAYS, _RARE_METALS),
        "USA_VAULT_DAYS": (Kind.STOCK_DAYS, _RARE_METALS),
    }
)


def benchmarks_for(country: str) -> tuple[Benchmark, ...]:
    """Return the benchmarks of a country: its own, and the Union's for its members.

    Raises
    ------
    InputError
        If the table holds none for it.
    """
    setters = {country} | ({"EU27"} if country in EU27 else set())
    found = tuple(b for b in map(_benchmark, _KINDS) if b.jurisdiction in setters)
    if not found:
        known = sorted({_benchmark(i).jurisdiction for i in _KINDS})
        raise InputError(
            f"no target of policy is known for '{country}'. Known: {', '.join(known)}, and the "
            "members of the EU27 (its benchmarks, with their own figures)."
        )
    return found


def _benchmark(identifier: str) -> Benchmark:
    rows = data.stocks_and_policy().filter(pl.col("id") == identifier)
    if rows.height != 1:
        raise DataError(f"the table 'stocks_and_policy' has no row '{identifier}'. Reinstall.")
    row = rows.row(0, named=True)
    kind, subjects = _KINDS[identifier]
    return Benchmark(
        id=identifier,
        jurisdiction=row["jurisdiction"],
        kind=kind,
        limit=float(row["value"]),
        is_ceiling=kind is Kind.SINGLE_SUPPLIER,
        due=int(row["year"]),
        subjects=subjects,
        source=f"{row['source']} ({row['confidence']})",
    )


@dataclass(frozen=True)
class Published:
    """What a public source says about a benchmark's figure.

    Attributes
    ----------
    value
        Share, or days.
    bound
        ``about``, ``at least`` or ``at most``.
    year
        Year it is about.
    source
        Where it stands.
    """

    value: float
    bound: str
    year: int
    source: str


_METRICS = {
    Kind.EXTRACTION: "extraction_self_sufficiency",
    Kind.PROCESSING: "processing_self_sufficiency",
    Kind.RECYCLING: "eol_rir",
    Kind.SINGLE_SUPPLIER: "china_share_of_imports",
    Kind.STOCK_DAYS: "held_days",
}
_BOUNDS = {"_min": "at least", "_max": "at most", "": "about"}


def published(country: str, kind: Kind, subject: Subject) -> tuple[Published, ...]:
    """Return what is published about a country's figure, oldest first."""
    stem, names = _METRICS[kind], {*subject.facts, *subject.chains}
    if kind is Kind.RECYCLING:
        table = data.demand_structure().filter(pl.col("region") == country)
    else:
        table = data.stocks_and_policy().filter(pl.col("jurisdiction") == country)
    found = []
    for row in table.filter(pl.col("metric").str.starts_with(stem)).iter_rows(named=True):
        bound = _BOUNDS.get(row["metric"].removeprefix(stem))
        if bound is not None and names & set(row["material"].split(";")):
            source = f"{row['source']} ({row['confidence']})"
            found.append(Published(float(row["value"]), bound, int(row["year"]), source))
    return tuple(sorted(found, key=lambda p: p.year))


def published_notes(country: str) -> tuple[str, ...]:
    """Return what is published about a country's benchmarks as a whole, in sentences."""
    rows = data.stocks_and_policy().filter(
        (pl.col("jurisdiction") == country) & (pl.col("metric") == "count_above_65pct")
    )
    return tuple(
        f"Published for {row['year']}: {row['value']:g} {row['unit']} above the limit of 65 per "
        f"cent, among them {row['material'].replace(';', ', ')} ({row['source']})."
        for row in rows.iter_rows(named=True)
    )
