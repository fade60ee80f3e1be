"""A made-up stress result in the real shape: two chains, 60 countries, 24 months."""

import math
import random
from dataclasses import replace

import polars as pl
import pytest

from lodeline.results.groups import GroupTables
from lodeline.results.stress import ChainResult, SensitivityRow, StressResult
from lodeline.units import Month

NAMES = {
    "CHN": "China", "JPN": "Japan", "ITA": "Italy", "USA": "United States", "DEU": "Germany",
    "FRA": "France", "GBR": "United Kingdom", "KOR": "South Korea", "VNM": "Viet Nam",
    "THA": "Thailand", "MYS": "Malaysia", "AUS": "Australia", "IND": "India", "RUS": "Russia",
    "EST": "Estonia", "NLD": "Netherlands", "BEL": "Belgium", "AUT": "Austria", "ESP": "Spain",
    "PRT": "Portugal", "POL": "Poland", "CZE": "Czechia", "SWE": "Sweden", "FIN": "Finland",
    "NOR": "Norway", "DNK": "Denmark", "CHE": "Switzerland", "CAN": "Canada", "MEX": "Mexico",
    "BRA": "Brazil", "ARG": "Argentina", "CHL": "Chile", "PER": "Peru", "ZAF": "South Africa",
    "EGY": "Egypt", "MAR": "Morocco", "TUR": "Türkiye", "SAU": "Saudi Arabia", "ISR": "Israel",
    "ARE": "United Arab Emirates", "IDN": "Indonesia", "PHL": "Philippines", "SGP": "Singapore",
    "TWN": "Taiwan", "HKG": "Hong Kong", "MMR": "Myanmar", "LAO": "Laos", "KAZ": "Kazakhstan",
    "UKR": "Ukraine", "ROU": "Romania", "HUN": "Hungary", "BGR": "Bulgaria", "GRC": "Greece",
    "IRL": "Ireland", "SVN": "Slovenia", "SVK": "Slovakia", "LUX": "Luxembourg",
    "NZL": "New Zealand", "PAK": "Pakistan", "BOL": "Bolivia (Plurinational State of)",
}  # fmt: skip

MONTHS = tuple(str(Month(2026, 1) + i) for i in range(24))
METRICS = [
    "country", "form", "reference_use_t", "unmet_share_peak", "unmet_t_total",
    "time_to_survive_months", "time_to_recover_months", "price_multiple_peak", "cost_usd",
    "is_price_capped", "intake_t", "is_remainder",
]  # fmt: skip

SUPPLIERS = {
    "metals": {
        "JPN": {"CHN": 410.0, "VNM": 228.0, "THA": 41.0, "JPN": 96.0, "PHL": 12.0, "EST": 6.0,
                "USA": 4.0, "GBR": 2.5, "LAO": 1.0, "KOR": 0.4},
        "ITA": {"CHN": 9.0, "EST": 3.1, "GBR": 2.0, "DEU": 1.2, "AUT": 0.9, "NLD": 0.3},
    },
    "powder": {
        "JPN": {"CHN": 85.0, "JPN": 160.0, "KOR": 22.0, "AUT": 14.0, "USA": 9.0, "DEU": 8.0},
        "ITA": {"CHN": 12.0, "AUT": 18.0, "DEU": 21.0, "JPN": 4.0, "USA": 2.0, "BEL": 1.0},
    },
}  # fmt: skip


def shock(country, form, scale):
    """Share of use that is lacking by month, in the shape of a real run."""
    hit = {"JPN": 0.374, "ITA": 0.021}.get(country)
    if hit is None:
        hit = random.Random(f"{country}{form}").random() ** 4 * 0.12
    hit *= scale
    out = []
    for i in range(24):
        build = 1 - math.exp(-max(i - 2, 0) / 2.0) if country == "JPN" else min(1.0, i / 5)
        out.append(max(0.0, hit * build * (1 - 0.028 * max(i - 8, 0))))
    return out


def country_series(country, form, scale, use):
    rows = []
    for i, lacking in enumerate(shock(country, form, scale)):
        multiple = 1 + 5.6 * lacking
        rows.append({
            "month": MONTHS[i], "country": country, "form": form, "use_t": use * (1 - lacking),
            "reference_use_t": use, "unmet_t": use * lacking, "unmet_share": lacking,
            "price_usd_t": 61000.0 * multiple, "price_multiple": multiple,
            "is_price_capped": False,
            "stock_before_t": use * max(0.0, 1.5 - 0.25 * max(i - 1, 0) * (lacking > 0)),
            "stock_t": use * max(0.0, 1.5 - 0.25 * i * (lacking > 0)),
            "months_of_cover": max(0.0, 1.5 - (0.35 * i if country == "JPN" else 0.02 * i)),
        })  # fmt: skip
    return rows


def recovery(short, count):
    """Months from the first short one until none is: 0 if never short, None if not in time."""
    if not short:
        return 0
    return None if short[-1] == count - 1 else short[-1] + 1 - short[0]


def metrics_of(rows):
    shares = [r["unmet_share"] for r in rows]
    short = [i for i, s in enumerate(shares) if s > 0.05]
    return {
        "country": rows[0]["country"], "form": rows[0]["form"],
        "reference_use_t": rows[0]["reference_use_t"], "unmet_share_peak": max(shares),
        "unmet_t_total": sum(r["unmet_t"] for r in rows),
        "time_to_survive_months": short[0] if short else None,
        "time_to_recover_months": recovery(short, len(shares)),
        "price_multiple_peak": max(r["price_multiple"] for r in rows),
        "cost_usd": sum(r["unmet_t"] for r in rows) * 70000.0 - 2e5 * (rows[0]["country"] == "CHN"),
        "is_price_capped": any(r["is_price_capped"] for r in rows),
        "intake_t": 2.0 * rows[0]["reference_use_t"], "is_remainder": False,
    }  # fmt: skip


def use_of(country, form):
    given = {"JPN": 805.0, "ITA": 16.5, "CHN": 5200.0, "USA": 61.0, "DEU": 55.0}
    return given.get(country, round(random.Random(country + form).random() ** 3 * 40, 2))


def assumptions():
    rows = [
        ("demand elasticity", 0.25, 0.1, 0.5, "1", "small input of large products", True),
        ("supply elasticity", 0.3, 0.1, 0.7, "1", "by-products answer slowly", True),
        ("trade elasticity", 3.0, 1.0, 8.0, "1", "no short-run estimate", True),
        ("stock of users", 45.0, 15.0, 90.0, "days of use", "a target is not a holding", True),
        ("metal per oxide", 0.85, 0.83, 0.857, "t/t", "stoichiometry of Nd₂O₃", False),
        ("growth of lanes", 0.25, 0.1, 0.6, "a month", "Viet Nam 2010-2014", True),
    ]
    columns = ["name", "value", "low", "high", "unit", "source", "assumed"]
    return pl.DataFrame([dict(zip(columns, r, strict=True)) for r in rows])


def supply_of(form):
    lost = {"JPN": 0.15, "ITA": 0.9}
    grown = {"JPN": 1.35, "ITA": 1.0}
    return [
        {"form": form, "exporter": e, "importer": i, "before_t": t,
         "during_t": t * (lost[i] if e == "CHN" else grown[i])}
        for i, given in SUPPLIERS[form].items()
        for e, t in given.items()
    ]  # fmt: skip


def reserves_of(form):
    row = {
        "country": "JPN",
        "form": form,
        "opening_t": 650.0,
        "opening_days": 30.0,
        "lowest_t": 0.0,
        "lowest_month": "2026-10",
        "released_share": 1.0,
        "lasts_months": 9,
    }
    return pl.DataFrame([row])  # fmt: skip


def via_of(form):
    rows = [("CHN", "JPN", False, 500.0, 70.0), ("VNM", "JPN", True, 90.0, 30.0),
            ("DEU", "JPN", True, 10.0, 5.0)]  # fmt: skip
    names = ["exporter", "importer", "is_third", "before_t", "during_t"]
    table = pl.DataFrame([dict(zip(names, r, strict=True)) for r in rows])
    return table.with_columns(form=pl.lit(form), third_share=pl.lit(1.0 / 6.0))


def sectors_of(form):
    rows = [("JPN", "other_uses", "other uses of magnets", 0.8, 0.33, 1),
            ("JPN", "electric_vehicles", "electric vehicles", 0.2, 0.17, 3)]  # fmt: skip
    names = ["country", "sector", "title", "share", "unmet_share_peak", "time_to_survive_months"]
    table = pl.DataFrame([dict(zip(names, r, strict=True)) for r in rows])
    fixed = {"form": form, "ease": 1.0, "unmet_t_total": 10.0, "region": "WLD", "source": "s"}
    return table.with_columns(**{k: pl.lit(v) for k, v in fixed.items()})


def chain_of(chain, title, units, scale):
    form = list(units)[-1]
    rows, metrics = [], []
    for each in units:
        for country in NAMES:
            use = use_of(country, each)
            series = country_series(country, each, scale if each == form else 0.3 * scale, use)
            rows += series
            metrics.append(metrics_of(series))
    reconciliation = [
        {"country": c, "form": f, "item": item, "reported_t": None if item == "use" else 12.0 * t,
         "reconciled_t": 12.05 * t,
         "basis": "prior: curated share" if item == "output" else "observed"}
        for c in ("JPN", "ITA", "CHN", "VNM", "AUT", "DEU")
        for f in units
        for item, t in (("output", 96.0), ("imports", 709.0), ("exports", 3.2), ("use", 802.0))
    ]  # fmt: skip
    return ChainResult(
        chain=chain, title=title, form=form, form_titles={f: f for f in units}, units=units,
        metrics=pl.DataFrame(metrics, infer_schema_length=None).select(METRICS),
        costs=pl.DataFrame(metrics, infer_schema_length=None)
        .group_by("country", maintain_order=True)
        .agg(pl.col("cost_usd").sum()),
        series=pl.DataFrame(rows), flows=pl.DataFrame(),
        supply=pl.DataFrame(supply_of(form)),
        reserves=reserves_of(form),
        via=via_of(form),
        sectors=sectors_of(form),
        reconciliation=pl.DataFrame(reconciliation, infer_schema_length=None),
        max_deviation_from_reported=0.183,
        assumptions=assumptions(),
        limits=(
            "Magnets are not in the trade data: Chinese metal inside a magnet is not seen.",
            "Light and heavy rare earths are one: a shortage of dysprosium alone is not seen.",
        ),
        certificate={"max_residual": 3.1e-12, "max_gap": 4.4e-13, "solves": 312, "fallbacks": 0},
        trade=pl.DataFrame(
            [("metals", "280530", 2024, "CHN", "JPN", 5e6, 800.0, None, "imputed", 780.0, False,
              False)],
            schema=["form", "code", "year", "exporter", "importer", "value_usd", "tonnes",
                    "tonnes_reported", "quality", "form_t", "is_excluded", "stands_in"],
            orient="row",
        ).with_columns(pl.lit(form).alias("form")),
        groups=GroupTables(
            metrics=pl.DataFrame(schema=dict.fromkeys(METRICS, pl.String)),
            costs=pl.DataFrame(schema={"country": pl.String, "cost_usd": pl.Float64}),
            series=pl.DataFrame(rows).clear(),
        ),
    )  # fmt: skip


def scenario():
    leak = {"value": 0.3, "low": 0.1, "high": 0.6, "source": "observed 2010", "assumed": True}
    cut = {"value": 1.0, "low": 0.5, "high": 1.0, "source": "three months at zero", "assumed": True}
    both = [
        {"id": f"{c}-ban", "type": "ban", "by": ["CHN"], "on": ["JPN"], "chain": c, "forms": "all",
         "start": "2026-01", "end": None, "severity": cut, "leakage": leak, "source": "mofcom",
         "note": ""}
        for c in ("rare-earths", "tungsten")
    ]  # fmt: skip
    return {
        "id": "china-dual-use-japan-2026",
        "title": "China’s dual-use controls on Japan, January 2026",
        "question": "What do Japan and Italy lose if China’s controls of January 2026 on dual-use "
        "goods bound for Japan become a full stop of rare earths and tungsten?",
        "summary": "On 6 January 2026 China banned exports of dual-use goods to Japanese military "
        "users; civil licences were reported halted as well.",
        "kind": "hypothetical",
        "asked": ["JPN", "ITA"],
        "restrictions": both,
        "start": "2026-01",
        "months": 24,
        "assumptions": [
            {"text": "The ban covers civil buyers too.",
             "why": "Civil licences were reported halted for three months."},
            {"text": "It lasts longer than the two years looked at.",
             "why": "No end was announced."},
            {"text": "30 % of what is lost slips round through third countries (range 10–60 %).",
             "why": "Close to what the two months of 2010 let through."},
        ],
        "sources": [
            {"key": "mofcom", "title": "Announcement 1 of 2026 (Geopolitechs)",
             "url": "https://www.geopolitechs.org/p/china-plans-to-reimpose-rare-earth",
             "date": "2026-01-06", "confidence": "medium", "says": "dual-use items banned"},
            {"key": "flows", "title": "ExportFlows, exports of controlled goods to Japan",
             "url": None, "date": "2026-06-23", "confidence": "medium",
             "says": "zero for 3 months"},
        ],
        "confounders": [],
        "notes": ["Gallium, germanium and magnets are not in the trade data."],
    }  # fmt: skip


DATASET = {
    "edition": "2026.1",
    "sha256": "4f1c0a7be3a94bd5b6d0f3a6d0a5b2d1c4e8f9a7b6c5d4e3f2a1b0c9d8e7f6a5",
    "tables": [
        {"name": "trade", "title": "Bilateral trade by product", "source": "CEPII BACI, HS92",
         "edition": "202601 (1995–2024)", "licence": "Etalab Open Licence 2.0",
         "attribution": "BACI, CEPII (Gaulier & Zignago 2010)", "url": "https://www.cepii.fr/"},
        {"name": "production", "title": "Mine and refinery output",
         "source": "USGS Mineral Commodity Summaries", "edition": "2022–2024",
         "licence": "public domain", "attribution": "U.S. Geological Survey", "url": None},
    ],
}  # fmt: skip


@pytest.fixture(scope="session")
def result():
    """China stops rare earths and tungsten to Japan; Japan and Italy ask."""
    chains = {
        "rare-earths": chain_of(
            "rare-earths", "Rare earths", {"compounds": "t REO", "metals": "t metal"}, 1.0
        ),
        "tungsten": chain_of("tungsten", "Tungsten", {"powder": "t W"}, 0.52),
    }
    columns = {"unmet_share_peak", "time_to_survive_months", "time_to_recover_months"}
    countries = [
        {"country": c, "worst_chain": "rare-earths",
         "cost_usd": sum(_metric(k, c)["cost_usd"] for k in chains.values()),
         **{k: _metric(chains["rare-earths"], c)[k] for k in (*columns, "price_multiple_peak")},
         "is_price_capped": False, "is_remainder": False}
        for c in NAMES
    ]  # fmt: skip
    return StressResult(
        scenario=scenario(), mode="market", base_year=2024, months=MONTHS, asked=("JPN", "ITA"),
        chains=chains, countries=pl.DataFrame(countries, infer_schema_length=None),
        groups=pl.DataFrame(countries, infer_schema_length=None).clear(),
        sensitivity=(
            SensitivityRow(
                "rare-earths", "leakage", "share of lost flow", 0.1, 0.6, 0.47, 0.21, 0.356
            ),
            SensitivityRow(
                "rare-earths", "demand elasticity", "1", 0.1, 0.5, 0.43, 0.29, 0.356
            ),
            SensitivityRow(
                "rare-earths", "growth of lanes", "share a month", 0.1, 0.6, 0.40, 0.33, 0.356
            ),
            SensitivityRow(
                "tungsten", "stock of users", "days of use", 15.0, 90.0, 0.37, 0.34, 0.356
            ),
        ),
        headline={"country": "JPN", "chain": "rare-earths", "form": "metals",
                  "unmet_share_peak": 0.356, "low": 0.21, "high": 0.52},
        certificate={"max_residual": 3.1e-12, "max_gap": 4.4e-13, "solves": 624, "fallbacks": 0},
        dataset=DATASET, country_names=NAMES, seconds=2.4,
        notes=("Hong Kong’s trade is shown as reported; it mostly passes goods on.",),
    )  # fmt: skip


def _metric(chain, country):
    rows = chain.metrics.filter((pl.col("country") == country) & (pl.col("form") == chain.form))
    return rows.to_dicts()[0]


def square(iso3, name, west, south):
    ring = [[west, south], [west + 9, south], [west + 9, south + 9], [west, south + 9]]
    return {
        "type": "Feature",
        "properties": {"iso3": iso3, "name": name},
        "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]},
    }


@pytest.fixture(scope="session")
def world():
    """A world of squares; Singapore and Hong Kong are too small to be in it."""
    drawn = [c for c in NAMES if c not in {"SGP", "HKG"}]
    features = [
        square(c, NAMES[c], -175 + 10 * (i % 34), 60 - 20 * (i // 34)) for i, c in enumerate(drawn)
    ]
    return {"type": "FeatureCollection", "features": features}


@pytest.fixture
def changed(result):
    """Return a result with some fields replaced: ``changed(asked=("JPN",))``."""
    return lambda **fields: replace(result, **fields)
