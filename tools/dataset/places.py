"""Every country code that the other tables use, with an English name."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from .table import BuildError, BuiltTable

__all__ = ["build_countries"]

PLAIN_NAMES = {
    "BES": "Bonaire", "BIH": "Bosnia and Herzegovina", "BOL": "Bolivia", "BRN": "Brunei",
    "CAF": "Central African Republic", "CCK": "Cocos Islands", "COD": "DR Congo", "COG": "Congo",
    "COK": "Cook Islands", "CPV": "Cabo Verde", "CXR": "Christmas Island", "CYM": "Cayman Islands",
    "DOM": "Dominican Republic", "FLK": "Falkland Islands", "FSM": "Micronesia", "HKG": "Hong Kong",
    "IOT": "British Indian Ocean Territory", "KOR": "South Korea", "LAO": "Laos", "MAC": "Macao",
    "MDA": "Moldova", "MHL": "Marshall Islands", "MNP": "Northern Mariana Islands",
    "MYT": "Mayotte", "NFK": "Norfolk Island", "PRK": "North Korea", "PSE": "Palestine",
    "RUS": "Russia", "SLB": "Solomon Islands", "SWZ": "Eswatini",
    "ATF": "French Southern Territories", "TCA": "Turks and Caicos Islands", "TUR": "Türkiye",
    "TZA": "Tanzania", "USA": "United States", "VGB": "British Virgin Islands",
    "WLF": "Wallis and Futuna", "BEL": "Belgium", "SDN": "Sudan", "DEU": "Germany",
    "PUS": "US Pacific islands", "STP": "São Tomé and Príncipe",
}  # fmt: skip
EXTRA_NAMES = {
    "ATA": "Antarctica", "ESH": "Western Sahara", "PRI": "Puerto Rico", "XKX": "Kosovo",
    "GLP": "Guadeloupe", "LIE": "Liechtenstein", "MCO": "Monaco", "REU": "Réunion",
    "MTQ": "Martinique", "GUF": "French Guiana", "VIR": "US Virgin Islands", "JEY": "Jersey",
}  # fmt: skip
GROUPS = {
    "ROW": "Other countries", "WLD": "World", "EU27": "European Union (27)", "EUR": "Europe",
    "G7": "G7", "R20": "Europe (EFTA), not specified",
}  # fmt: skip
FORMER = {
    "ANT": "Netherlands Antilles (to 2010)", "SCG": "Serbia and Montenegro (to 2005)",
    "ZA1": "Southern African Customs Union (to 1999)", "SUN": "Soviet Union (to 1990)",
    "CSK": "Czechoslovakia (to 1992)", "DDR": "East Germany (to 1990)",
}  # fmt: skip
NOTES = {
    "TWN": "the trade source's 'Other Asia, nes' (490, S19)",
    "BEL": "Belgium-Luxembourg (58) to 1998",
    "ZA1": "South Africa and its customs union, reported together to 1999",
    "SDN": "includes South Sudan to 2011",
    "ROW": "only in tables of production and shares: what their publisher adds up",
    "WLD": "only in tables of production and shares: the printed total",
}
NEWEST = {56: "BEL", 729: "SDN", 276: "DEU"}
"""Which number counts where a code has several."""


def build_countries(trade_codes: pl.DataFrame, used: Iterable[str]) -> BuiltTable:
    """Return the table countries: codes of the trade source and those other tables `used`."""
    numbers: dict[str, int] = {}
    names: dict[str, str] = {}
    for number, name, iso3 in trade_codes.select("numeric", "name", "iso3").iter_rows():
        if iso3 not in numbers or NEWEST.get(number) == iso3:
            numbers[iso3], names[iso3] = number, name
    rows = []
    for iso3 in sorted(set(names) | set(used) | set(GROUPS)):
        label = {**names, **PLAIN_NAMES, **EXTRA_NAMES, **GROUPS, **FORMER}.get(iso3)
        if label is None:
            raise BuildError(f"country code '{iso3}' has no name; add it to tools/dataset/places.")
        kind = "group" if iso3 in GROUPS else "former" if iso3 in FORMER else "country"
        rows.append((iso3, label, numbers.get(iso3), kind, NOTES.get(iso3, "")))
    schema = {
        "iso3": pl.String, "name": pl.String, "numeric": pl.Int16, "kind": pl.String,
        "note": pl.String,
    }  # fmt: skip
    return BuiltTable(
        name="countries",
        title="Country codes and names",
        publisher="CEPII; Lodeline",
        source="code list of BACI (V202401b), completed for the other tables",
        edition="V202401b",
        licence="Etalab Open Licence 2.0",
        attribution="CEPII, BACI country codes; names made plain by Lodeline.",
        url="https://www.cepii.fr/CEPII/en/bdd_modele/bdd_modele_item.asp?id=37",
        unit="none",
        columns={
            "iso3": "ISO 3166 alpha-3, or the source's code",
            "name": "English name",
            "numeric": "number in the trade source (not always that of ISO 3166)",
            "kind": "country, former or group",
            "note": "remark",
        },
        content=pl.DataFrame(rows, schema=schema, orient="row"),
        steps=["names read as Latin-1 by the source repaired", "plain names", "S19 is TWN"],
    )
