"""Where what was bought was extracted and processed: told by suppliers, else traced.

What a supplier country ships has the origin of all that enters it (proportional mixing, see
`lodeline.network.tracing`), so a tonne bought from the Netherlands counts as the Dutch mix. What a
supplier has told goes before what the model infers. What no source explains (a net exporter
without a mine or plant on record) is not traced: the material may have come from anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lodeline.network.base_year import BaseYear
from lodeline.network.doubt import doubt_of
from lodeline.network.mines import MINE
from lodeline.network.tracing import trace
from lodeline.results.purchases import Step
from lodeline.solver.curves import Vector
from lodeline.studies.exposure.origin_shares import NOT_TRACED, Stages
from lodeline.studies.purchases.lots import Lot

__all__ = ["REST", "UNTRACED", "map_rows"]

REST = "rest"
LEAST = 1e-4
"""Shares below this are added to `REST`."""
_MOST_SEEN = 3
"""So many countries are named where untraced material is first seen."""
TOLD, TRACED, UNKNOWN = "told by the supplier", "traced through national trade", "not known"
UNTRACED = "not traced: no source says who made it"


def map_rows(lot: Lot, base: BaseYear | None) -> Iterator[dict[str, object]]:
    """Yield the rows of the map of one lot; the shares of a step and stage add up to one.

    Parameters
    ----------
    lot
        What was bought.
    base
        Base year through which supplier countries are traced; None: there is none.
    """
    primary = _primary(lot)
    if any(r.recycled_share is not None for r in lot.rows):
        yield _row(lot, Step.RECYCLED, None, None, 1.0 - sum(primary), TOLD)
    told = _told(lot, primary)
    for country, share in told.items():
        yield _row(lot, Step.EXTRACTED, MINE, country, share, TOLD)
    rest = {c: s for c, s in _untold(lot, primary).items() if s > 0.0}
    if base is None or lot.form is None:
        if rest:
            yield _row(lot, Step.EXTRACTED, MINE, None, sum(rest.values()), UNKNOWN)
        yield from _as_shipped(lot)
        return
    yield from _traced(lot, base, rest, Step.EXTRACTED)
    yield from _traced(lot, base, lot.shares("supplier_country"), Step.PROCESSED)


def _primary(lot: Lot) -> list[float]:
    """Return the share of each row in the lot that is not said to be from scrap."""
    return [
        t / lot.total * (1.0 - (r.recycled_share or 0.0))
        for r, t in zip(lot.rows, lot.tonnes, strict=True)
    ]


def _told(lot: Lot, primary: list[float]) -> dict[str, float]:
    out: dict[str, float] = {}
    for row, share in zip(lot.rows, primary, strict=True):
        if row.origin_country is not None:
            out[row.origin_country] = out.get(row.origin_country, 0.0) + share
    return out


def _untold(lot: Lot, primary: list[float]) -> dict[str, float]:
    out: dict[str, float] = {}
    for row, share in zip(lot.rows, primary, strict=True):
        if row.origin_country is None:
            out[row.supplier_country] = out.get(row.supplier_country, 0.0) + share
    return out


def _as_shipped(lot: Lot) -> Iterator[dict[str, object]]:
    for country, share in lot.shares("supplier_country").items():
        yield _row(lot, Step.SHIPPED, None, country, share, TOLD)


def _traced(
    lot: Lot, base: BaseYear, weights: dict[str, float], step: Step
) -> Iterator[dict[str, object]]:
    """Yield the traced stages of a step: the mine, or all stages after it."""
    assert lot.form is not None
    known = {c: s for c, s in weights.items() if c in base.countries}
    column = np.zeros((len(base.countries), 1))
    for country, share in known.items():
        column[base.countries.index(country), 0] = share
    stages = Stages.of(doubt_of(base))
    traced = trace(base, lot.form, column)
    names = stages.names(base, traced)
    whole = sum(weights.values())
    if step is Step.EXTRACTED and names[0] != MINE:
        if whole > 0.0:
            yield _row(lot, step, MINE, None, whole, UNKNOWN)
        return
    value, seen = stages.shares(base, traced), stages.first_seen(base, traced)
    for k, name in enumerate(names):
        if (name == MINE) is (step is Step.EXTRACTED):
            shares = dict(zip(stages.origins, value[k, :, 0].tolist(), strict=True))
            unknown = shares.pop(NOT_TRACED)
            yield from _stage(lot, step, name, shares, TRACED)
            if unknown > 0.0:
                yield _row(lot, step, name, None, unknown, _untraced(stages, seen[k, :, 0]))
            lost = whole - float(value[k].sum())
            if lost > 1e-9:
                yield _row(lot, step, name, None, lost, UNKNOWN)


def _untraced(stages: Stages, seen: Vector) -> str:
    """Return the basis of what is not traced, with the countries where it is first seen."""
    first = [o for o in np.argsort(-seen, kind="stable")[:_MOST_SEEN] if seen[o] >= LEAST]
    where = ", ".join(stages.origins[o] for o in first)
    return f"{UNTRACED}; first seen in {where}" if where else UNTRACED


def _stage(
    lot: Lot, step: Step, stage: str, shares: dict[str, float], basis: str
) -> Iterator[dict[str, object]]:
    large = {c: s for c, s in shares.items() if s >= LEAST}
    for country, share in sorted(large.items(), key=lambda item: (-item[1], item[0])):
        yield _row(lot, step, stage, country, share, basis)
    small = sum(shares.values()) - sum(large.values())
    if small > 0.0:
        yield _row(lot, step, stage, REST, small, basis)


def _row(
    lot: Lot, step: Step, stage: str | None, country: str | None, share: float, basis: str
) -> dict[str, object]:
    return {
        "material": lot.material,
        "form": lot.form,
        "year": lot.year,
        "step": step.value,
        "stage": stage,
        "country": country,
        "share": share,
        "basis": basis,
    }
