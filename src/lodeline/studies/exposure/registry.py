"""The measures of exposure by name, and what may be asked of them. Nothing heavy is imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, cast

from lodeline.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["METHODS", "Basis", "Measure", "Method", "Request", "Tonnes", "Weight", "check_request"]


class Basis(StrEnum):
    """Whose shares a concentration is about."""

    PRODUCTION = "production"
    EXPORTS = "exports"
    IMPORTS = "imports"


class Weight(StrEnum):
    """What traded shares are shares of."""

    QUANTITY = "quantity"
    VALUE = "value"


class Tonnes(StrEnum):
    """Which traded tonnes are used."""

    REPORTED = "reported"
    """As published; a missing figure is left out."""
    SCREENED = "screened"
    """Missing and implausible figures rebuilt from value (docs/data.md)."""


@dataclass(frozen=True)
class Request:
    """What is asked of a measure; a field that is None or empty was not given.

    Attributes
    ----------
    method
        A key of `METHODS`.
    materials
        Identifiers; none: all that the measure knows.
    countries
        ISO3 codes and names of groups (``EU27``), upper case; none: as the measure says.
    years
        None: the last year that the measure has.
    stage
        Form or stage, where a measure tells stages apart.
    of, by, tonnes
        Basis and weight of shares; which tonnes.
    missing_governance
        Score (0-1) for suppliers without a governance score; not given: the value is absent.
    corrected
        Mend the slips of the reference implementation.
    """

    method: str
    materials: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    years: tuple[int, ...] = ()
    stage: str | None = None
    of: Basis | None = None
    by: Weight | None = None
    tonnes: Tonnes | None = None
    missing_governance: float | None = None
    corrected: bool | None = None

    def given_options(self) -> frozenset[str]:
        """Return the names of the measure's own options that were given."""
        common = {"method", "materials", "countries", "years"}
        return frozenset(
            f.name for f in fields(self) if f.name not in common and getattr(self, f.name)
            is not None
        )  # fmt: skip


class Measure(Protocol):
    """A module of `METHODS`."""

    def measure(self, request: Request) -> pl.DataFrame:
        """Return rows as `lodeline.results.exposure.arranged` takes them."""
        ...


@dataclass(frozen=True)
class Method:
    """One measure.

    Attributes
    ----------
    module
        Where it lives; the module has ``measure(request)`` and may have ``NOTES``.
    title
        What it says, in a line.
    options
        Fields of `Request` that it understands beside materials, countries and years.
    """

    module: str
    title: str
    options: frozenset[str] = frozenset()

    @property
    def has_published(self) -> bool:
        """Whether it shows published shares and figures too, of years without trade data."""
        return self.module.rsplit(".", 1)[-1] in _PUBLISHED

    def load(self) -> Measure:
        """Return the module, imported now."""
        return cast(Measure, import_module(self.module))


_PUBLISHED = ("hhi", "top1", "top3", "import_reliance", "n_minus_1")
"""Modules of measures that show published shares and figures beside the data."""


def _method(name: str, title: str, *options: str) -> Method:
    return Method(f"lodeline.studies.exposure.{name}", title, frozenset(options))


_SHARES = ("of", "by", "tonnes", "stage")

METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "hhi": _method("hhi", "Herfindahl-Hirschman index: how few supply", *_SHARES),
        "top1": _method("top1", "Share of the largest supplier", *_SHARES),
        "top3": _method("top3", "Share of the three largest suppliers", *_SHARES),
        "import-reliance": _method("import_reliance", "Net imports as a part of what is absorbed",
                                   "stage"),
        "geopolrisk": _method("geopolrisk", "Concentration of output times unstable imports",
                              "tonnes", "missing_governance", "corrected"),
        "n-1": _method("n_minus_1", "What the others have if the largest supplier stops",
                       "stage"),
        "eu-supply-risk": _method("eu_supply_risk", "Supply risk of the EU's 2017 method", "stage"),
        "usgs-risk": _method("usgs_risk", "Risk triangle of the USGS, as far as public", "stage"),
        "time-to-survive": _method("risk_exposure", "Time to survive: months until the loss of a "
                                   "supplier is felt", "stage"),
        "risk-exposure-index": _method("risk_exposure", "Risk exposure index: loss if a supplier "
                                       "stops, over the worst", "stage"),
        "origin": _method("origin", "Origin: where it was mined and processed in the end", "stage"),
        "beside": _method("beside", "All measures of one material and country, side by side",
                          "missing_governance"),
    }
)  # fmt: skip
"""The measures by name, in the order in which they are listed."""


def check_request(request: Request) -> Method:
    """Return the measure that is asked for.

    Raises
    ------
    UnknownNameError
        If there is no such measure.
    InputError
        If an option is given that it does not understand.
    """
    if request.method not in METHODS:
        raise UnknownNameError("method", request.method, METHODS, f"Known: {', '.join(METHODS)}.")
    method = METHODS[request.method]
    for option in sorted(request.given_options() - method.options):
        able = [name for name, other in METHODS.items() if option in other.options]
        raise InputError(
            f"--{option.replace('_', '-')} means nothing to '{request.method}'. It is for: "
            f"{', '.join(able) or 'no method'}. Leave it out."
        )
    return method
