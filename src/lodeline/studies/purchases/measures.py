"""The measures of exposure with a user's own shares.

With s_c the share of supplier country c in the tonnes of a lot, and g_c its political instability:

    HHI = Σ s_c²        top-k = the k largest        reliance = 1 − Σ_{c at home} s_c
    GeoPolRisk = HHI_world · Σ_{c abroad} g_c s_c      g = clip((2.5 − PV) / 5, 0, 1)

HHI_world is that of world output; purchases at home carry no import risk, as in the national
method (`lodeline.studies.exposure.geopolrisk`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from lodeline import data
from lodeline.studies.exposure.frame import run_exposure
from lodeline.studies.exposure.materials import all_materials
from lodeline.studies.exposure.registry import Basis, Request
from lodeline.studies.purchases.lots import Lot

__all__ = ["governance_scores", "measure_rows", "world_concentration"]

_SHARE = "1 (0-1)"


def measure_rows(lot: Lot, home: Sequence[str]) -> Iterator[dict[str, object]]:
    """Yield the measures of one lot: columns of `PurchaseAssessment.measures`.

    Parameters
    ----------
    lot
        What was bought.
    home
        Countries that are no imports; none: not told.
    """
    shares = lot.shares("supplier_country")
    ranked = list(shares.values())

    def row(
        name: str,
        value: float | None,
        unit: str = _SHARE,
        reason: str | None = None,
        of: str | None = None,
    ) -> dict[str, object]:
        return {
            "material": lot.material, "form": lot.form, "year": lot.year, "measure": name,
            "value": value, "unit": unit, "reason": reason, "vintage": of,
        }  # fmt: skip

    yield row("quantity", lot.total, lot.unit)
    values = [r.value_usd for r in lot.rows if r.value_usd is not None]
    whole = len(values) == len(lot.rows)
    lacking = f"{len(lot.rows) - len(values)} rows have no value_usd"
    yield row("value", sum(values) if whole else None, "USD", None if whole else lacking)
    yield row("supplier-countries", len(shares), "countries")
    yield row("hhi", sum(s * s for s in ranked))
    yield row("top1", ranked[0])
    yield row("top3", sum(ranked[:3]))
    inside = sum(s for c, s in shares.items() if c in home)
    yield row("import-reliance", 1.0 - inside if home else None,
              reason=None if home else "needs the country you are in (--home)")  # fmt: skip
    world, why = world_concentration(lot.material, lot.year)
    output_of = None if world is None else f"world output of {world[1]}"
    yield row("hhi-world-output", None if world is None else world[0], reason=why, of=output_of)
    risk, missing = _import_risk(shares, home, lot.year)
    scores_of = None if risk is None else f"governance of {risk[1]}"
    yield row("import-risk", None if risk is None else risk[0], reason=missing, of=scores_of)
    if world is None or risk is None:
        yield row("geopolrisk", None, reason=why or missing)
    else:
        yield row("geopolrisk", world[0] * risk[0], of=f"{output_of}, {scores_of}")


def world_concentration(material: str, year: int) -> tuple[tuple[float, int] | None, str | None]:
    """Return the HHI of world output and its year, the last up to `year`, or why there is none."""
    if material not in all_materials():
        return None, "no output table for this material"
    years = tuple(range(year - 3, year + 1))
    rows = run_exposure(
        Request("hhi", materials=(material,), years=years, of=Basis.PRODUCTION)
    ).rows.filter(pl.col("value").is_not_null())
    if rows.is_empty():
        return None, f"no output by country from {years[0]} to {years[-1]}"
    last = rows.sort("year").row(-1, named=True)
    return (float(last["value"]), int(last["year"])), None


def governance_scores(countries: Sequence[str], year: int) -> dict[str, tuple[float, int]]:
    """Return instability (0 stable - 1 unstable) and its year, the last one up to `year`."""
    table = data.governance().filter(
        pl.col("country").is_in(list(countries)) & (pl.col("year") <= year)
    )
    last = table.sort("year").group_by("country", maintain_order=True).last()
    score = ((2.5 - pl.col("estimate")) / 5.0).clip(0.0, 1.0)
    return {
        country: (float(value), int(when))
        for country, value, when in last.select("country", score, "year").iter_rows()
    }


def _import_risk(
    shares: dict[str, float], home: Sequence[str], year: int
) -> tuple[tuple[float, str] | None, str | None]:
    abroad = {c: s for c, s in shares.items() if c not in home}
    scores = governance_scores(list(abroad), year)
    lacking = [c for c in abroad if c not in scores]
    if lacking:
        return None, f"no governance score for {', '.join(lacking)}"
    years = sorted({scores[c][1] for c in abroad})
    told = "-".join(dict.fromkeys(str(y) for y in (*years[:1], *years[-1:]))) or "no country"
    return (sum(s * scores[c][0] for c, s in abroad.items()), told), None
