"""Own output and the largest supplier, before and after, beside the EU's benchmarks.

Regulation (EU) 2024/1252, Article 5: by 2030 at least 10 % of what the Union uses from its own
extraction, 40 % from its own processing, 25 % from its own recycling, and at most 65 % of any
strategic material at any stage of processing from one third country.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lodeline.network import BaseYear
from lodeline.network.base_year import base_year
from lodeline.results.plan import Benchmark
from lodeline.scenarios.groups import EU27
from lodeline.scenarios.measures import Capacity, Offtake, Recycling
from lodeline.studies.plan.futures import Case

__all__ = ["LARGEST_SUPPLIER", "TARGETS", "benchmarks_of"]

Vector = NDArray[np.float64]

TARGETS = {"mine": 0.10, "ore": 0.10, "concentrate": 0.10, "recycling": 0.25}
"""Own share by stage; every other stage counts as processing."""
PROCESSING = 0.40
LARGEST_SUPPLIER = 0.65


def benchmarks_of(case: Case, plan: Vector) -> tuple[Benchmark, ...]:
    """Return own shares and dependence of the EU and of every partner, for all forms acted on."""
    groups: dict[str, Sequence[str]] = {"EU27": EU27}
    groups |= {p.id: p.members for p in case.plan.partners}
    out = []
    for chain in case.plan.chains:
        whole = base_year(case.bases[chain].chain, case.base_year)
        acted = {m.form for m in case.plan.measures if m.chain == chain}
        for who, members in groups.items():
            for form in whole.chain.forms:
                if form.id in acted:
                    out += _benchmark(case, plan, whole, who, members, form.id, form.stage)
    return tuple(out)


def _benchmark(
    case: Case,
    plan: Vector,
    base: BaseYear,
    who: str,
    members: Sequence[str],
    form: str,
    stage: str,
) -> list[Benchmark]:
    f = base.forms.index(form)
    inside = np.isin(base.countries, members)
    used = float(base.absorbed()[f, inside].sum())
    if used <= 0.0:
        return []
    output = base.produced[f].copy()
    for r, recipe in enumerate(base.chain.recipes):
        if recipe.makes == form:
            output += base.processed[r]
    own = float(output[inside].sum())
    lanes = (base.lane_form == f) & inside[base.lane_destination] & ~inside[base.lane_origin]
    bought = np.bincount(
        base.lane_origin[lanes], weights=base.lane_level[lanes], minlength=inside.size
    )
    top = int(np.argmax(bought))
    supply = own + float(bought.sum())
    modules = np.zeros(len(case.plan.measures))
    np.add.at(modules, case.menu.measure, plan)
    made = added = 0.0
    for m, count in zip(case.plan.measures, modules, strict=True):
        if (m.chain, m.form) != (base.chain.id, form) or m.country not in members:
            continue
        if isinstance(m, Capacity | Recycling):
            made += count * m.tonnes_per_year.value
        if isinstance(m, Offtake) and m.origin != base.countries[top]:
            added += count * m.tonnes_per_year.value
    return [
        Benchmark(
            who=who,
            chain=base.chain.id,
            form=form,
            stage=stage,
            own_before=own / used,
            own_after=(own + made) / used,
            own_target=TARGETS.get(stage, PROCESSING) if who == "EU27" else None,
            top_supplier=base.countries[top],
            top_before=float(bought[top]) / supply,
            top_after=max(float(bought[top]) - made - added, 0.0) / supply,
        )
    ]
