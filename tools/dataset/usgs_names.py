"""How the USGS files name commodities and countries, and what Lodeline calls them.

`SERIES`: file stem, pattern on the file's type column, then commodity, stage, product, content.
The first pattern that matches counts. A pattern ``None`` drops the rows, with the reason in
`DROPPED`.
"""

from __future__ import annotations

__all__ = ["COUNTRIES", "DROPPED", "SERIES", "UNITS"]

UNITS = {
    "t": ("t", 1.0),
    "kt": ("t", 1e3),
    "Mt": ("t", 1e6),
    "mmt": ("t", 1e6),
    "kg": ("t", 1e-3),
    "kct": ("carat", 1e3),
    "mct": ("carat", 1e6),
    "mcm": ("m3", 1e6),
}
"""Unit of the column's name: unit of the table and factor."""

GROSS = "gross weight"

SERIES: dict[str, list[tuple[str, str, str, str, str]]] = {
    "abras": [
        ("silicon carbide", "silicon-carbide", "plant", "", GROSS),
        ("fused aluminum", "fused-aluminium-oxide", "plant", "", GROSS),
    ],
    "alumi": [("", "aluminium", "smelter", "", "aluminium metal")],
    "antim": [("", "antimony", "mine", "", "contained antimony")],
    "arsen": [("", "arsenic", "plant", "", "arsenic trioxide")],
    "asbes": [("", "asbestos", "mine", "", GROSS)],
    "barit": [("", "barite", "mine", "", GROSS)],
    "bauxi": [
        ("bauxite", "bauxite", "mine", "", "dry gross weight"),
        ("alumina", "alumina", "refinery", "", "calcined equivalent"),
    ],
    "beryl": [("", "beryllium", "mine", "", "contained beryllium")],
    "bismu": [("", "bismuth", "refinery", "", "bismuth metal")],
    "boron": [("", "boron", "mine", "by-type", "gross weight, as published by product")],
    "bromi": [("", "bromine", "plant", "", "contained bromine")],
    "cadmi": [("", "cadmium", "refinery", "", "cadmium metal")],
    "cemen": [("clinker", "clinker", "plant", "", GROSS), ("", "cement", "plant", "", GROSS)],
    "chrom": [("", "chromium", "mine", "", "gross weight of marketable chromite ore")],
    "clays": [
        ("bentonite", "bentonite", "mine", "", GROSS),
        ("fuller", "fullers-earth", "mine", "", GROSS),
        ("kaolin", "kaolin", "mine", "", GROSS),
    ],
    "cobal": [("", "cobalt", "mine", "", "contained cobalt")],
    "coppe": [
        ("mine", "copper", "mine", "", "recoverable copper content"),
        ("refinery", "copper-refined", "refinery", "", "copper metal"),
    ],
    "diamo": [("", "diamond-industrial", "mine", "", "natural industrial diamond")],
    "diato": [("", "diatomite", "mine", "", GROSS)],
    "felds": [("", "feldspar", "mine", "", GROSS)],
    "feore": [
        ("usable", "iron-ore", "mine", "", "gross weight of usable ore"),
        ("iron content", "iron-ore-content", "mine", "", "contained iron"),
    ],
    "fepig": [("", "iron-oxide-pigments", "mine", "", GROSS)],
    "feste": [
        ("pig iron", "pig-iron", "plant", "", "pig iron"),
        ("raw steel", "raw-steel", "plant", "", "raw steel"),
    ],
    "fluor": [("", "fluorspar", "mine", "", GROSS)],
    "galli": [("", "gallium", "refinery", "", "gallium metal, low purity primary")],
    "garne": [("", "garnet-industrial", "mine", "", GROSS)],
    "gemst": [("", "diamond-gem", "mine", "", "gem-quality diamond")],
    "germa": [("", "germanium", "refinery", "", "contained germanium, primary and secondary")],
    "gold": [("", "gold", "mine", "", "contained gold")],
    "graph": [("", "graphite", "mine", "", "gross weight, natural graphite")],
    "gypsu": [("", "gypsum", "mine", "", GROSS)],
    "heliu": [("", "helium", "mine", "by-country", "helium gas")],
    "indiu": [("", "indium", "refinery", "", "indium metal")],
    "iodin": [("", "iodine", "mine", "", "elemental iodine")],
    "kyani": [("", "kyanite-minerals", "mine", "by-type", GROSS)],
    "lead": [("", "lead", "mine", "", "contained lead")],
    "lime": [("", "lime", "plant", "", GROSS)],
    "lithi": [("", "lithium", "mine", "", "contained lithium")],
    "manga": [("", "manganese", "mine", "", "contained manganese")],
    "mercu": [("", "mercury", "mine", "", "contained mercury")],
    "mgcomp": [
        ("gross weight", "magnesite", "mine", "", "gross weight of magnesite"),
        ("magnesium oxide", "magnesium-compounds", "mine", "", "contained magnesium oxide"),
    ],
    "mgmet": [("", "magnesium", "smelter", "", "magnesium metal")],
    "mica": [
        ("sheet", "mica-sheet", "mine", "", GROSS),
        ("scrap", "mica-scrap-and-flake", "mine", "", GROSS),
    ],
    "molyb": [("", "molybdenum", "mine", "", "contained molybdenum")],
    "nicke": [("", "nickel", "mine", "", "contained nickel")],
    "niobi": [("", "niobium", "mine", "", "contained niobium")],
    "nitro": [("", "ammonia", "plant", "", "contained nitrogen")],
    "peat": [("", "peat", "mine", "", GROSS)],
    "perli": [("", "perlite", "mine", "", GROSS)],
    "phosp": [("", "phosphate-rock", "mine", "", GROSS)],
    "plati": [
        ("palladium", "palladium", "mine", "", "contained palladium"),
        ("platinum", "platinum", "mine", "", "contained platinum"),
    ],
    "potas": [("", "potash", "mine", "", "potassium oxide equivalent")],
    "pumic": [("", "pumice", "mine", "", GROSS)],
    "raree": [("", "rare-earths", "mine", "", "rare-earth-oxide equivalent")],
    "rheni": [("", "rhenium", "mine", "", "contained rhenium")],
    "salt": [("", "salt", "mine", "", GROSS)],
    "sandi": [("", "industrial-sand", "mine", "", GROSS)],
    "selen": [("", "selenium", "refinery", "", "contained selenium")],
    "silve": [("", "silver", "mine", "", "contained silver")],
    "simet": [
        ("combined", "silicon-all", "plant", "", "silicon content, ferrosilicon and metal"),
        ("ferrosilicon", "ferrosilicon", "plant", "", "silicon content"),
        ("silicon metal", "silicon-metal", "plant", "", "silicon metal"),
    ],
    "sodaa": [
        ("total", "soda-ash-all", "plant", "", GROSS),
        ("synthetic", "soda-ash-synthetic", "plant", "", GROSS),
        ("natural", "soda-ash-natural", "mine", "", GROSS),
    ],
    "stond": [("", "dimension-stone", "mine", "", GROSS)],
    "stron": [("", "strontium", "mine", "", "contained strontium")],
    "sulfu": [("", "sulfur", "plant", "", "contained sulfur, all forms")],
    "talc": [("", "talc", "mine", "", "gross weight, talc and pyrophyllite")],
    "tanta": [("", "tantalum", "mine", "", "contained tantalum")],
    "tellu": [("", "tellurium", "refinery", "", "contained tellurium")],
    "timin": [
        (r"il\w+ and rutile", "", "", "", "the sum of two series that are in the table"),
        ("ilmenite", "titanium-mineral", "mine", "ilmenite", "contained titanium dioxide"),
        ("rutile", "titanium-mineral", "mine", "rutile", "contained titanium dioxide"),
    ],
    "tin": [("", "tin", "mine", "", "contained tin")],
    "titan": [("", "titanium-sponge", "plant", "", "titanium sponge metal")],
    "tungs": [("", "tungsten", "mine", "", "contained tungsten")],
    "vanad": [("", "vanadium", "mine", "", "contained vanadium")],
    "vermi": [("", "vermiculite", "mine", "", GROSS)],
    "wolla": [("", "wollastonite", "mine", "", GROSS)],
    "zeoli": [("", "zeolites", "mine", "", GROSS)],
    "zinc": [("", "zinc", "mine", "", "contained zinc")],
    "zirco": [("", "zirconium-mineral", "mine", "", GROSS)],
}

DROPPED = "the sum of two series that are in the table"

COUNTRIES = {
    "Afghanistan": "AFG", "Algeria": "DZA", "Angola": "AGO", "Argentina": "ARG", "Armenia": "ARM",
    "Australia": "AUS", "Austria": "AUT", "Azerbaijan": "AZE", "Bahrain": "BHR", "Belarus": "BLR",
    "Belgium": "BEL", "Bhutan": "BTN", "Bolivia": "BOL", "Botswana": "BWA", "Brazil": "BRA",
    "Bulgaria": "BGR", "Burkina Faso": "BFA", "Burma": "MMR", "Burundi": "BDI", "Cameroon": "CMR",
    "Canada": "CAN", "Central African Republic": "CAF", "Chile": "CHL", "China": "CHN",
    "Colombia": "COL", "Congo (Kinshasa)": "COD", "Congo (Brazzaville)": "COG", "Cuba": "CUB",
    "Cyprus": "CYP", "Czechia": "CZE", "Côte d'Ivoire": "CIV", "Denmark": "DNK", "Ecuador": "ECU",
    "Egypt": "EGY", "Estonia": "EST", "Ethiopia": "ETH", "Finland": "FIN", "France": "FRA",
    "Gabon": "GAB", "Georgia": "GEO", "Germany": "DEU", "Ghana": "GHA", "Greece": "GRC",
    "Greenland": "GRL", "Guadeloupe": "GLP", "Guatemala": "GTM", "Guinea": "GIN", "Hungary": "HUN",
    "Iceland": "ISL", "India": "IND", "Indonesia": "IDN", "Iran": "IRN", "Ireland": "IRL",
    "Israel": "ISR", "Italy": "ITA", "Jamaica": "JAM", "Japan": "JPN", "Jordan": "JOR",
    "Kazakhstan": "KAZ", "Kenya": "KEN", "Korea, North": "PRK", "Korea, Republic of": "KOR",
    "Kuwait": "KWT", "Kyrgyzstan": "KGZ", "Laos": "LAO", "Latvia": "LVA", "Lesotho": "LSO",
    "Lithuania": "LTU", "Madagascar": "MDG", "Malaysia": "MYS", "Mali": "MLI", "Mauritania": "MRT",
    "Mexico": "MEX", "Mongolia": "MNG", "Morocco": "MAR", "Mozambique": "MOZ", "Namibia": "NAM",
    "Netherlands": "NLD", "New Caledonia": "NCL", "New Zealand": "NZL", "Nigeria": "NGA",
    "Norway": "NOR", "Oman": "OMN", "Pakistan": "PAK", "Papua New Guinea": "PNG", "Peru": "PER",
    "Philippines": "PHL", "Poland": "POL", "Portugal": "PRT", "Qatar": "QAT", "Romania": "ROU",
    "Russia": "RUS", "Rwanda": "RWA", "Saudi Arabia": "SAU", "Senegal": "SEN",
    "Sierra Leone": "SLE", "Slovakia": "SVK", "Slovenia": "SVN", "South Africa": "ZAF",
    "Spain": "ESP", "Sri Lanka": "LKA", "Sudan": "SDN", "Sweden": "SWE", "Syria": "SYR",
    "Taiwan": "TWN", "Tajikistan": "TJK", "Tanzania": "TZA", "Thailand": "THA", "Togo": "TGO",
    "Trinidad and Tobago": "TTO", "Tunisia": "TUN", "Turkey": "TUR", "Turkmenistan": "TKM",
    "Uganda": "UGA", "Ukraine": "UKR", "United Arab Emirates": "ARE", "United Kingdom": "GBR",
    "United States": "USA", "Uzbekistan": "UZB", "Venezuela": "VEN", "Vietnam": "VNM",
    "Zambia": "ZMB", "Zimbabwe": "ZWE", "Other countries": "ROW", "Other": "ROW",
    "World total": "WLD",
}  # fmt: skip
