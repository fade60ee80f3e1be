"""What can go wrong, and with which exit code it leaves the program.

LodelineError            root; never raised itself
├── InputError           the user's input is wrong: exit code 2
│   ├── SpecError        one or more problems in a file, gathered and reported together
│   └── UnknownNameError a name that does not exist, with the nearest ones that do
├── DataError            a bundled or imported table is damaged or absent: exit code 1
└── MachineError         the machine refuses (disk full, read-only folder): exit code 1
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType

__all__ = [
    "DataError",
    "InputError",
    "LodelineError",
    "MachineError",
    "Problem",
    "SpecError",
    "UnknownNameError",
]


class LodelineError(Exception):
    """Root of all errors that Lodeline raises on purpose."""

    exit_code = 1


class InputError(LodelineError):
    """The input is wrong; the message names the place and the remedy."""

    exit_code = 2


class DataError(LodelineError):
    """A data file is damaged or absent."""


class MachineError(LodelineError):
    """The machine refuses: disk, permissions, memory."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a file.

    Parameters
    ----------
    place
        Where: a path into the document, with a line where known (``restrictions[1].start``).
    what
        What is wrong, with the offending value.
    remedy
        What to do about it.
    line
        Line in the file, counted from 1; ``None`` where unknown.
    """

    place: str
    what: str
    remedy: str
    line: int | None = None

    def __str__(self) -> str:
        """Return the problem as one line."""
        where = f"line {self.line}, {self.place}" if self.line else self.place
        return f"{where}: {self.what}. {self.remedy}"


class SpecError(InputError):
    """Problems in one file, gathered and reported once.

    Parameters
    ----------
    source
        The file, or another name of the document.
    problems
        At least one problem.
    """

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        self.source = source
        self.problems = tuple(problems)
        count = len(self.problems)
        head = f"{source}: {count} problem{'s' if count != 1 else ''}"
        super().__init__("\n".join([head, *(f"  - {p}" for p in self.problems)]))


class UnknownNameError(InputError):
    """A name that does not exist.

    Parameters
    ----------
    kind
        What the name should name ("scenario", "chain", "country").
    name
        The name as given.
    known
        The names that exist; the nearest are suggested.
    remedy
        How to list them all.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], remedy: str = "") -> None:
        self.kind, self.name = kind, name
        message = f"unknown {kind} '{name}'. {suggest(name, known)}"
        super().__init__(f"{message} {remedy}".strip())


_OTHER_CODES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "AE": ("ARE",), "AU": ("AUS",), "BE": ("BEL",), "BR": ("BRA",), "CA": ("CAN",),
        "CH": ("CHE", "CHN"), "CHI": ("CHN", "CHL", "CHE"), "CL": ("CHL",), "CN": ("CHN",),
        "DE": ("DEU",), "DEN": ("DNK",), "DRC": ("COD",), "ES": ("ESP",), "EU": ("EU27",),
        "FR": ("FRA",), "GB": ("GBR",), "GER": ("DEU",), "GRE": ("GRC",), "ID": ("IDN",),
        "INA": ("IDN",), "IT": ("ITA",), "JAP": ("JPN",), "JP": ("JPN",), "KR": ("KOR",),
        "KSA": ("SAU",), "MAS": ("MYS",), "NED": ("NLD",), "NL": ("NLD",), "PHI": ("PHL",),
        "POR": ("PRT",), "PRC": ("CHN",), "ROC": ("TWN",), "ROK": ("KOR",), "RSA": ("ZAF",),
        "RU": ("RUS",), "S19": ("TWN",), "SUI": ("CHE",), "SWI": ("CHE",), "TPE": ("TWN",),
        "TW": ("TWN",), "UAE": ("ARE",), "UK": ("GBR",), "US": ("USA",), "VIE": ("VNM",),
        "ZAM": ("ZMB",), "ZIM": ("ZWE",),
        "AUSTRALIA": ("AUS",), "CHILE": ("CHL",), "CHINA": ("CHN",), "CONGO": ("COD", "COG"),
        "GERMANY": ("DEU",), "INDONESIA": ("IDN",), "JAPAN": ("JPN",), "KOREA": ("KOR", "PRK"),
        "NETHERLANDS": ("NLD",), "RUSSIA": ("RUS",), "SPAIN": ("ESP",), "TAIWAN": ("TWN",),
        "VIETNAM": ("VNM",),
    }
)  # fmt: skip
"""What people write instead of ISO 3166 alpha-3: nearness of letters misleads there."""


def suggest(name: str, known: Iterable[str]) -> str:
    """Return a sentence with the names nearest to `name`, or with all if there are few.

    Examples
    --------
    >>> suggest("litium", ["lithium", "cobalt"])
    "Did you mean 'lithium'?"
    """
    names = sorted(set(known))
    near = [code for code in _OTHER_CODES.get(name.upper(), ()) if code in names]
    near = near or get_close_matches(name.lower(), names, n=3, cutoff=0.6)
    if not near:
        lowered = {n.lower(): n for n in names}
        near = [lowered[n] for n in get_close_matches(name.lower(), lowered, n=3, cutoff=0.6)]
    if near:
        return "Did you mean " + " or ".join(f"'{n}'" for n in near) + "?"
    if len(names) <= 12:
        return "Known: " + ", ".join(names) + "."
    return f"{len(names)} are known."
