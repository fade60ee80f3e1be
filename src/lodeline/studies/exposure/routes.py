"""The way from the mine to use, column by column, and the shares for a map.

Between two columns stand joint shares: P(made in c and, one stage on, in d). Material mixes in
proportion in every country, so what country d makes has one origin whoever takes it: the joint
share of the last stage and an earlier one is the trace of each maker's output by itself, and the
joint share with the last exporter is the trace of each exporter's shipments (see `origin_shares`).
What is not traced is a stop of its own: a country that no source calls a maker is none.
Every column and all bands between two columns add up to one; tests hold the code to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lodeline.errors import InputError
from lodeline.network.base_year import base_year
from lodeline.network.chain import Chain
from lodeline.network.doubt import doubt_of
from lodeline.network.tracing import Traced, arrivals, trace
from lodeline.results.pictures import LINKS, Column, OriginMap, Routes, Stop
from lodeline.studies.exposure.origin import targets_of
from lodeline.studies.exposure.origin_shares import NOT_TRACED, FormOrigin, origin_of_form

__all__ = ["ARRIVAL", "OTHERS", "USE", "maps_of", "routes_of", "traced_forms"]

Vector = NDArray[np.float64]
Joint = dict[tuple[str, str], float]

ARRIVAL, USE = "arrival", "use"
OTHERS = "others"
MOST_STOPS = 7
LEAST_STOP = 0.02
"""Smaller shares, and all beyond the largest seven of a column, are joined under others."""


def traced_forms(
    chain: Chain, year: int, named: Mapping[str, tuple[str, ...]]
) -> Iterator[FormOrigin]:
    """Yield the origin of each form that the countries use, without ranges."""
    try:
        base = base_year(chain, year)
    except InputError:
        return
    doubt = doubt_of(base)
    for form in base.forms:
        targets = targets_of(base, form, dict(named))
        if targets:
            yield origin_of_form(base, form, targets, doubt=doubt, draws=0)


def maps_of(found: FormOrigin, t: int) -> Iterator[OriginMap]:
    """Yield the shares by country of the first stage and of the form's own."""
    target = found.targets[t]
    inside = (
        ()
        if target.members.all()
        else tuple(c for c, m in zip(found.base.countries, target.members, strict=True) if m)
    )
    for s in dict.fromkeys((0, len(found.stages) - 1)):
        value = found.value[s, :, t]
        yield OriginMap(
            country=target.name,
            material=found.base.chain.id,
            form=found.form,
            stage=found.stages[s],
            year=found.base.year,
            shares={
                c: float(v)
                for c, v in zip(found.origins, value, strict=True)
                if v > 0.0 and c != NOT_TRACED
            },
            members=inside,
            untraced=float(value[-1]),
            first_seen={
                c: float(v)
                for c, v in zip(found.origins, found.first_seen[s, :, t], strict=True)
                if v >= LEAST_STOP
            },
        )


def routes_of(found: FormOrigin, t: int) -> Routes:
    """Return the way of one form to one country or group.

    Columns: the first stage, the chain's first form where that is a stage of its own, the form,
    the last exporter, and use. The world has no exporter.
    """
    target = found.targets[t]
    joints = [*_stages(found, t)]
    keys = [found.stages[k] for k in _shown(found)]
    last = dict(zip(found.origins, found.value[-1, :, t], strict=True))
    final = last
    if not target.members.all():
        arriving = _arriving(found, t)
        joints.append(arriving)
        keys.append(ARRIVAL)
        final = _marginal(arriving, 1)
    joints.append({(code, target.name): float(v) for code, v in final.items()})
    inside = {c for c, m in zip(found.base.countries, target.members, strict=True) if m}
    home = set() if target.members.all() else inside
    foreign = {c: v for c, v in last.items() if c not in home and c != NOT_TRACED}
    lead = max(foreign, key=lambda c: float(foreign[c]), default=None)
    if lead is not None and foreign[lead] <= 0.0:
        lead = None
    columns, links = _drawn(joints, [*keys, USE], keys.index(found.stages[-1]), lead)
    return Routes(
        country=target.name,
        material=found.base.chain.id,
        form=found.form,
        year=found.base.year,
        stage=found.stages[-1],
        lead=lead,
        columns=columns,
        links=links,
    )


def _shown(found: FormOrigin) -> list[int]:
    """Return the stages that get a column: mine, first form, the form itself."""
    last = len(found.stages) - 1
    after_mine = [1] if found.split.ore is not None and last > 1 else []
    return list(dict.fromkeys([0, *after_mine, last]))


def _stages(found: FormOrigin, t: int) -> Iterator[Joint]:
    """Yield the joint shares between the columns of stages."""
    shown = _shown(found)
    if len(shown) == 1:
        return
    base, target = found.base, found.targets[t]
    traced = trace(base, found.form, target.weights[:, None])
    if found.split.ore is not None:
        first = base.forms[0]
        each = Traced(
            {first: np.diag(traced.made[first][:, 0])},
            {form: np.diag(part[:, 0]) for form, part in traced.entered.items()},
            np.zeros(len(base.countries)),
        )
        yield _joint(found, found.split.shares(base, each)[0], base.countries, is_mine=True)
        if len(shown) == 2:
            return
    nothing = np.zeros((len(base.countries),) * 2)
    own = trace(base, found.form, nothing, made=np.diag(traced.made[found.form][:, 0]))
    is_untraced = found.split.is_untraced[base.forms.index(found.form)]
    makers = [
        NOT_TRACED if unknown else c for c, unknown in zip(base.countries, is_untraced, strict=True)
    ]
    yield _joint(found, found.split.shares(base, own)[shown[-2]], makers)


def _arriving(found: FormOrigin, t: int) -> Joint:
    """Return the joint shares of the maker and the last exporter; own output stays at home.

    What is not traced at home has arrived from nowhere that is known.
    """
    base, target = found.base, found.targets[t]
    came = arrivals(base, found.form, target.weights, target.members)
    senders = np.flatnonzero(came.lane > 0.0)
    weights = np.zeros((len(base.countries), senders.size))
    weights[senders, np.arange(senders.size)] = came.lane[senders]
    sent = found.split.shares(base, trace(base, found.form, weights))[-1]
    joint = _joint(found, sent, [base.countries[j] for j in senders])
    home = found.value[-1, :, t] - sent.sum(axis=1)
    return joint | {
        (code, NOT_TRACED if code == NOT_TRACED else target.name): float(v)
        for code, v in zip(found.origins, home, strict=True)
        if v > _ROUNDING
    }


_ROUNDING = 1e-12


def _joint(
    found: FormOrigin, shares: Vector, right: Sequence[str], *, is_mine: bool = False
) -> Joint:
    """Return shares by pair; what has no known mine has no known maker of the first form either."""
    out: Joint = {}
    for i, j in zip(*np.nonzero(shares > _ROUNDING), strict=True):
        left = found.origins[i]
        pair = (left, NOT_TRACED if is_mine and left == NOT_TRACED else right[j])
        out[pair] = out.get(pair, 0.0) + float(shares[i, j])
    return out


def _marginal(joint: Joint, side: int) -> dict[str, float]:
    out: dict[str, float] = {}
    for pair, share in joint.items():
        out[pair[side]] = out.get(pair[side], 0.0) + share
    return out


def _drawn(
    joints: list[Joint], keys: list[str], form: int, lead: str | None
) -> tuple[tuple[Column, ...], pl.DataFrame]:
    """Return columns and bands with the small countries joined; `form` is the form's column."""
    sizes = [_marginal(joints[0], 0), *(_marginal(joint, 1) for joint in joints)]
    parts = _led(joints, sizes, form, lead)
    kept = [_largest(size, lead) for size in sizes]
    columns = []
    for key, size, part, names in zip(keys, sizes, parts, kept, strict=True):
        stops = [Stop(c, size[c], size[c] * part[c]) for c in names]
        others = [c for c in size if c not in names]
        rest = sum(size[c] for c in others)
        if rest > _ROUNDING:
            stops.append(Stop(OTHERS, rest, sum(size[c] * part[c] for c in others)))
        columns.append(Column(key, tuple(stops)))
    rows: dict[tuple[int, str, str, bool], float] = {}
    for k, joint in enumerate(joints):
        for (left, right), share in joint.items():
            led = parts[k + 1].get(right, 0.0) if k < form else parts[k].get(left, 0.0)
            ends = (left if left in kept[k] else OTHERS, right if right in kept[k + 1] else OTHERS)
            for is_lead, thick in ((True, share * led), (False, share * (1.0 - led))):
                if thick > _ROUNDING:
                    rows[(k, *ends, is_lead)] = rows.get((k, *ends, is_lead), 0.0) + thick
    table = [(k, left, right, share, is_lead) for (k, left, right, is_lead), share in rows.items()]
    return tuple(columns), pl.DataFrame(table, schema=LINKS, orient="row").sort("column")


def _led(
    joints: list[Joint], sizes: list[dict[str, float]], form: int, lead: str | None
) -> list[dict[str, float]]:
    """Return by column what part of each country's material the leading country makes.

    Where the material comes from and where it goes on are independent given the country between
    them (proportional mixing), so parts are carried on column by column in both directions.
    """
    parts: list[dict[str, float]] = [{} for _ in sizes]
    parts[form] = {c: float(c == lead) for c in sizes[form]}
    for k in range(form - 1, -1, -1):
        parts[k] = _carried(joints[k], sizes[k], parts[k + 1], near=0)
    for k in range(form, len(joints)):
        parts[k + 1] = _carried(joints[k], sizes[k + 1], parts[k], near=1)
    return parts


def _carried(
    joint: Joint, size: Mapping[str, float], known: Mapping[str, float], *, near: int
) -> dict[str, float]:
    led = dict.fromkeys(size, 0.0)
    for pair, share in joint.items():
        # What rounding left out of a column is in none of its parts.
        led[pair[near]] = led.get(pair[near], 0.0) + share * known.get(pair[1 - near], 0.0)
    return {c: min(led[c] / size[c], 1.0) if size[c] > 0.0 else 0.0 for c in size}


def _largest(size: Mapping[str, float], lead: str | None) -> list[str]:
    ranked = sorted(size, key=lambda c: (-size[c], c))
    large = [c for c in ranked if size[c] >= LEAST_STOP and c != NOT_TRACED][:MOST_STOPS]
    if lead is not None and lead not in large and size.get(lead, 0.0) > _ROUNDING:
        large.append(lead)
    if size.get(NOT_TRACED, 0.0) > _ROUNDING:
        large.append(NOT_TRACED)
    return large
