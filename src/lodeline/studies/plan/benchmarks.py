"""Own output and the largest supplier, before and after, beside the EU's benchmarks.

Regulation (EU) 2024/1252, Article 5: by 2030 at least 10 % of what the Union uses from its own
extraction, 40 % from its own processing, 25 % from its own recycling, and at most 65 % of any
strategic material at any stage of processing from one third country.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lodeline.network.chain import Form
from lodeline.network.doubt import Doubt, doubt_of
from lodeline.results.plan import Benchmark
from lodeline.scenarios.groups import EU27
from lodeline.scenarios.measures import Capacity, Offtake, Recycling
from lodeline.studies.plan.futures import Case
from lodeline.studies.plan.levels import supply_of

__all__ = ["LARGEST_SUPPLIER", "RECYCLING", "TARGETS", "benchmarks_of"]

Vector = NDArray[np.float64]

TARGETS = {"mine": 0.10, "ore": 0.10, "concentrate": 0.10}
"""Own share by stage; every other stage counts as processing."""
PROCESSING = 0.40
RECYCLING = 0.25
LARGEST_SUPPLIER = 0.65


def benchmarks_of(case: Case, plan: Vector) -> tuple[Benchmark, ...]:
    """Return own shares and dependence: of the EU for all forms, of partners for those acted on."""
    groups: dict[str, Sequence[str]] = {"EU27": EU27}
    groups |= {p.id: p.members for p in case.plan.partners}
    modules = np.zeros(len(case.plan.measures))
    np.add.at(modules, case.menu.measure, plan)
    out = []
    for chain in case.plan.chains:
        doubt = doubt_of(case.whole[chain])
        acted = {m.form for m in case.plan.measures if m.chain == chain}
        for who, members in groups.items():
            for form in doubt.base.chain.forms:
                if who == "EU27" or form.id in acted:
                    out += _benchmark(case, modules, doubt, who, members, form)
    return tuple(out)


def _benchmark(
    case: Case, modules: Vector, doubt: Doubt, who: str, members: Sequence[str], form: Form
) -> list[Benchmark]:
    base, chain = doubt.base, doubt.base.chain.id
    supply = supply_of(doubt, form.id, members)
    if supply.used <= 0.0 or supply.total <= 0.0:
        return []
    top = int(np.argmax(supply.bought))
    made = recycled = contracted = 0.0
    for m, count in zip(case.plan.measures, modules, strict=True):
        if (m.chain, m.form) != (chain, form.id) or m.country not in members:
            continue
        if isinstance(m, Capacity | Recycling):
            made += count * m.tonnes_per_year.value
        if isinstance(m, Recycling):
            recycled += count * m.tonnes_per_year.value
        if isinstance(m, Offtake) and m.origin not in {*members, base.countries[top]}:
            contracted += count * m.tonnes_per_year.value
    bought = float(supply.bought[top])
    return [
        Benchmark(
            who=who,
            chain=chain,
            form=form.id,
            stage=form.stage,
            own_before=supply.own / supply.used,
            own_after=(supply.own + made) / supply.used,
            untraced=supply.untraced / supply.used,
            own_target=TARGETS.get(form.stage, PROCESSING) if who == "EU27" else None,
            recycled_added=recycled / supply.used,
            top_supplier=base.countries[top],
            top_before=bought / supply.total,
            top_after=max(bought - made - contracted, 0.0) / supply.total,
        )
    ]
