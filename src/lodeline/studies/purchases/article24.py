"""What European law asks of large firms, and which part of an assessment answers it.

Regulation (EU) 2024/1252 (Critical Raw Materials Act), Article 24 and Annex I, Section 1; Official
Journal L, 2024/1252, 3.5.2024. Restated in our own words; the text of the law decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["LAW", "SINGLE_COUNTRY_BENCHMARK", "STRATEGIC"]

SINGLE_COUNTRY_BENCHMARK = 0.65
"""Article 5(1)(b): by 2030 the Union wants at most 65 % of its use of a strategic raw material, at
any stage, from one third country. It binds no firm; here it is a yardstick."""

_PLATINUM_GROUP = "platinum group metals"
_RARE_EARTHS = "rare earths for permanent magnets (Nd, Pr, Tb, Dy, Gd, Sm, Ce)"
_GRAPHITE = "graphite, battery grade"
_TITANIUM = "titanium metal"

STRATEGIC: Mapping[str, str] = MappingProxyType(
    {
        "aluminium": "bauxite, alumina and aluminium",
        "battery-anodes": _GRAPHITE,
        "bauxite": "bauxite, alumina and aluminium",
        "bismuth": "bismuth",
        "boron": "boron, metallurgy grade",
        "cobalt": "cobalt",
        "copper": "copper",
        "gallium": "gallium",
        "germanium": "germanium",
        "graphite": _GRAPHITE,
        "heavy-rare-earths": _RARE_EARTHS,
        "lithium": "lithium, battery grade",
        "magnesium": "magnesium metal",
        "manganese": "manganese, battery grade",
        "nickel": "nickel, battery grade",
        "palladium": _PLATINUM_GROUP,
        "platinum": _PLATINUM_GROUP,
        "rare-earths": _RARE_EARTHS,
        "rhodium": _PLATINUM_GROUP,
        "silicon-metal": "silicon metal",
        "titanium": _TITANIUM,
        "titanium-sponge": _TITANIUM,
        "tungsten": "tungsten",
    }
)
"""Entry of Annex I, Section 1, by material. Entries that name a grade or metal cover only that."""

LAW: Mapping[str, object] = MappingProxyType(
    {
        "source": "Regulation (EU) 2024/1252, Article 24, OJ L, 2024/1252, 3.5.2024",
        "url": "https://eur-lex.europa.eu/eli/reg/2024/1252/oj",
        "who": "Large companies that member states name, because they use strategic raw materials "
        "to make, among others, batteries, hydrogen and renewable-energy equipment, aircraft, "
        "traction motors, heat pumps, data and mobile devices, robots, drones, rockets, satellites "
        "or advanced chips.",
        "asks": {
            "map": "24(2)(a): where the strategic raw materials they use are extracted, processed "
            "or recycled.",
            "factors": "24(2)(b): what might affect their supply.",
            "vulnerability": "24(2)(c): how vulnerable they are to disruptions.",
        },
        "how": "At least every three years, as far as the information is available to them; where "
        "suppliers do not answer, published information will do (24(3)). A report goes to the "
        "board; significant vulnerabilities call for efforts to mitigate, diversification and "
        "substitution among them.",
        "limits": "This summary is an aid. It rests on the file, on public statistics and on a "
        "model; it replaces neither answers of suppliers nor legal advice, and does not show that "
        "a duty is met.",
    }
)
