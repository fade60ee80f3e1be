"""Supply risk of the USGS for the United States: disruption, exposure, vulnerability.

    SR = (DP · TE · EV)^(1/3)
    DP = Σ_c s_c² · ASI_c · WSI_c     s_c   share of world output; ASI_c = 1 - policy index / 100
                                      WSI_c willingness to supply the United States
    TE = net import reliance, 0-1     EV    value added at risk over profits, by industry

Source: Nassar et al. (2020), Science Advances 6, eaay8647; Nassar and Fortier (2021), USGS Open-
File Report 2021-1045. Only TE and the squared shares can be had from public figures: the policy
index of the Fraser Institute may not be passed on, the willingness index is not published as a
formula, and the input-output accounts behind EV are not bundled. So the value is absent, and the
parts that are known stand beside it.
"""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from lodeline.studies.exposure import import_reliance
from lodeline.studies.exposure.registry import Request
from lodeline.studies.exposure.suppliers import members

__all__ = ["NOTES", "measure"]

NOTES = ("Only trade exposure is computed; the measure itself is absent.",)
REASON = (
    "ability to supply (Fraser policy index), willingness to supply and economic vulnerability "
    "have no public figures; trade_exposure is known"
)


def measure(request: Request) -> pl.DataFrame:
    """Return absent values with the trade exposure beside them.

    Extra column: ``trade_exposure`` (0-1, net import reliance).

    Raises
    ------
    UnknownNameError
        If a material, country or form does not exist.
    """
    named = list(members(request.countries)) or ["USA"]
    rows = import_reliance.measure(replace(request, countries=tuple(named)))
    elsewhere = pl.lit("the measure is about the United States: ask for USA")
    return rows.select(
        "country", "material", "stage", "year", "unit", "inputs",
        value=pl.lit(None, pl.Float64),
        reason=pl.when(pl.col("country") != "USA").then(elsewhere)
        .otherwise(pl.coalesce("reason", pl.lit(REASON))),
        trade_exposure=pl.when(pl.col("country") == "USA").then("value"),
    )  # fmt: skip
