"""Who could help whom, with what: every material and stage, both ways."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations
from typing import Any

import numpy as np
import polars as pl

from lodeline import data
from lodeline.errors import InputError
from lodeline.network.base_year import base_year
from lodeline.network.catalogue import chain_ids, load_chain
from lodeline.network.doubt import Doubt, doubt_of
from lodeline.results.complementarity import COLUMNS, ComplementarityResult
from lodeline.studies.complementarity.pair import FormView, figures_of_pair
from lodeline.studies.exposure.origin import targets_of, trade_year
from lodeline.studies.exposure.origin_shares import NOT_TRACED, FormOrigin, origin_of_form
from lodeline.studies.exposure.suppliers import WORLD, members

__all__ = ["NOTES", "run_complementarity"]

DRAWS = 50
"""Base years drawn for the range of what is at risk."""

NOTES = (
    "At risk: what the receiver uses and processes that was made in the restricting country, "
    "whoever delivered it (docs/origin.md).",
    "Spare output and stocks are assumed where no figure is published; their ranges and reasons "
    "are in the rows. Stocks of users are theirs: they help nobody unless sold.",
    "Exports to others are theirs as well: turning them to a partner takes them from somebody.",
    "Output counts where a source lists it. What a net exporter that none lists ships is not "
    "traced: it may have come from the restricting country.",
    "Without --material a form that several chains share is told once, in the material's own.",
)


def run_complementarity(
    partners: Sequence[str],
    *,
    against: str | None = None,
    year: int | None = None,
    materials: Sequence[str] = (),
) -> ComplementarityResult:
    """Return what partners could do for each other if a third country restricts.

    Parameters
    ----------
    partners
        Two or more countries (ISO3) or groups that do not overlap.
    against
        The restricting country or group; by default, for each form, the country outside the
        partners in which most of what they use was made.
    year
        Base year; the last year of the trade data by default.
    materials
        Chains; all by default.

    Raises
    ------
    UnknownNameError
        If a country or chain does not exist.
    InputError
        If partners overlap, or one of them is the restricting country.
    """
    named = dict(members(partners))
    _check_apart(partners, named, against)
    if against is not None:
        [(against, side)] = members((against,)).items()
        named[against] = side
    now = trade_year(year)
    names = tuple(n for n in named if n != against)
    rows: list[dict[str, Any]] = []
    titles: dict[str, str] = {}
    told_elsewhere = set() if materials else _told_elsewhere(chain_ids())
    for chain_id in materials or chain_ids():
        chain = load_chain(chain_id)
        try:
            doubt = doubt_of(base_year(chain, now))
        except InputError:
            if materials:
                raise
            continue  # no trade of this chain in that year: nothing to compare
        for form in chain.forms:
            if (chain.id, form.id) in told_elsewhere:
                continue
            titles[f"{chain.id}/{form.id}"] = f"{form.title}, {form.unit}"
            rows += _of_form(doubt, form.id, names, named, against)
    return ComplementarityResult(
        partners=names,
        year=now,
        rows=pl.DataFrame(rows, schema=COLUMNS, orient="row"),
        titles=titles,
        notes=NOTES,
        dataset=data.dataset_identity(),
    )


def _told_elsewhere(chains: Sequence[str]) -> set[tuple[str, str]]:
    """Return forms with the same trade as another chain's: they are told once.

    Of chains that share a form, that of the material itself tells it (`rare-earths`, and not
    `rare-earth-magnets`), else the first.
    """
    shared: dict[tuple[tuple[str, ...], str], list[tuple[bool, str, str]]] = {}
    for chain in map(load_chain, chains):
        is_other = chain.id != chain.material.replace(" ", "-")
        for form in chain.forms:
            if form.codes:
                key = (tuple(sorted(code.code for code in form.codes)), form.unit)
                shared.setdefault(key, []).append((is_other, chain.id, form.id))
    return {(c, f) for found in shared.values() for _, c, f in sorted(found)[1:]}


def _check_apart(
    partners: Sequence[str], named: dict[str, tuple[str, ...]], against: str | None
) -> None:
    if len(named) < 2:
        raise InputError(f"name at least two partners, got {', '.join(partners) or 'none'}.")
    if WORLD in named:
        raise InputError("the world has no partner: name countries or groups.")
    seen: dict[str, str] = {}
    sides = dict(named) | (members((against,)) if against is not None else {})
    if against is not None and len(sides) == len(named):
        raise InputError(f"--against {against}: it is one of the partners.")
    for name, inside in sides.items():
        for country in inside:
            if country in seen:
                raise InputError(
                    f"{country} is on two sides, {seen[country]} and {name}. Name sides that do "
                    "not overlap."
                )
            seen[country] = name


def _of_form(
    doubt: Doubt,
    form: str,
    names: tuple[str, ...],
    named: dict[str, tuple[str, ...]],
    against: str | None,
) -> Iterator[dict[str, Any]]:
    targets = targets_of(doubt.base, form, {name: named[name] for name in names})
    if not targets:
        return
    found = origin_of_form(doubt.base, form, targets, doubt=doubt, draws=DRAWS)
    side = against or _largest_outside(found, {c for name in names for c in named[name]})
    if side is None:
        return
    view = FormView(doubt, form, found, {side: (side,)} | named, side)
    for helper, receiver in permutations(names, 2):
        keys = {
            "material": doubt.base.chain.id, "form": form, "receiver": receiver,
            "helper": helper, "against": side,
        }  # fmt: skip
        for row in figures_of_pair(view, helper, receiver):
            yield keys | row


def _largest_outside(found: FormOrigin, inside: set[str]) -> str | None:
    """Return the country outside the partners that made most of what they use; None if nobody."""
    tonnes = found.value[-1] @ np.array([t.tonnes for t in found.targets])
    by_country = {
        country: float(amount)
        for country, amount in zip(found.origins, tonnes, strict=True)
        if country not in {*inside, NOT_TRACED} and amount > 0.0
    }
    return max(by_country, key=lambda c: by_country[c], default=None)
