"""Groups of countries that a scenario may name instead of listing their members.

Members as of 2026. The European Union is the EU27 without the United Kingdom (Council of the EU,
list of member states, from 1 February 2020); a study of an earlier year keeps the same 27, so that
years can be compared. The G7 is the list of its communiqués, without the European Union as such.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

__all__ = ["EU27", "G7", "GROUPS", "expand"]

EU27 = (
    *("AUT", "BEL", "BGR", "CYP", "CZE", "DEU", "DNK", "ESP", "EST"),
    *("FIN", "FRA", "GRC", "HRV", "HUN", "IRL", "ITA", "LTU", "LUX"),
    *("LVA", "MLT", "NLD", "POL", "PRT", "ROU", "SVK", "SVN", "SWE"),
)
"""European Union since 1 February 2020 (Council of the European Union, member states)."""

G7 = ("CAN", "DEU", "FRA", "GBR", "ITA", "JPN", "USA")
"""Group of Seven since 2014 (G7 Brussels declaration, without Russia)."""

GROUPS = MappingProxyType({"EU27": EU27, "G7": G7})
"""Members by the group's name, as a scenario writes it."""


def expand(names: Iterable[str]) -> tuple[str, ...]:
    """Return countries for countries and groups, sorted, each once.

    Examples
    --------
    >>> expand(["NOR", "G7"])
    ('CAN', 'DEU', 'FRA', 'GBR', 'ITA', 'JPN', 'NOR', 'USA')
    """
    return tuple(sorted({iso3 for name in names for iso3 in GROUPS.get(name, (name,))}))
