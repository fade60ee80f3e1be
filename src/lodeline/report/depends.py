"""What carries a country through, and who goes without: routes, reserve, sectors."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from lodeline.report import format as fmt
from lodeline.report.clause import material, restrictors
from lodeline.results.stress import ChainResult, StressResult
from lodeline.results.users import hit_elsewhere

__all__ = ["cautions", "depends"]

_LITTLE = 0.01
"""Below this share of what comes, or of use, nothing is said."""


def depends(result: StressResult) -> Iterator[str]:
    """Yield sentences on the headline's country: third countries, its reserve, its sectors."""
    head = result.headline
    if not head or head["unmet_share_peak"] is None:
        return
    chain = result.chains[head["chain"]]
    yield from _third_countries(result, chain, head["country"], head["form"])
    yield from _reserve(result, chain, head["country"], head["form"])
    yield from _joint(result, chain.form_titles[head["form"]])
    yield from _sectors(chain, head["country"], head["form"])
    yield from _inferred(result, chain, head["country"])
    yield from _elsewhere(result, chain, head["form"])


def cautions(result: StressResult) -> Iterator[str]:
    """Yield what a reader must know before believing it: idle restrictions, inferred lanes."""
    for name in result.idle:
        yield (f"“{name}” holds nothing back: no such exports are recorded in {result.base_year}.")
    yield from _not_observed(result)


def _not_observed(result: StressResult) -> Iterator[str]:
    """Yield which forms have lanes that nobody observed, and what they are inferred from."""
    forms: dict[str, list[str]] = {}
    for chain in result.chains.values():
        for form, source in chain.inferred.items():
            forms.setdefault(source, []).append(material(chain.form_titles[form]))
    for source, names in forms.items():
        yield (
            f"Who buys {fmt.join(list(dict.fromkeys(names)))} from whom is inferred from {source}, "
            "not observed."
        )


def _inferred(result: StressResult, chain: ChainResult, country: str) -> Iterator[str]:
    """Yield what the most concentrated fit of inferred lanes says, and the least."""
    for row in result.sensitivity:
        if row.inferred_form is not None:
            what = material(chain.form_titles[row.inferred_form])
            who = fmt.location(_name(result, country))
            yield (
                f"With the inferred lanes of {what} at their most concentrated {who} would lack up "
                f"to {fmt.share(row.at_high)}, at their least {fmt.share(row.at_low)}, against "
                f"{fmt.share(row.central)} as told."
            )


def _elsewhere(result: StressResult, chain: ChainResult, form: str) -> Iterator[str]:
    """Yield the large user that is hit harder than those asked about."""
    worst = max(result.headline["unmet_share_peak"], _LITTLE)
    row = hit_elsewhere(chain.metrics, form, result.members, worst)
    if row is not None:
        yield (
            f"Of the large users that were not asked about, "
            f"{fmt.location(_name(result, row['country']))} would lack most: up to "
            f"{fmt.share(row['unmet_share_peak'])} of its {material(chain.form_titles[form])}."
        )


def _of(table: pl.DataFrame, country: str, form: str, column: str = "country") -> pl.DataFrame:
    return table.filter((pl.col(column) == country) & (pl.col("form") == form))


def _third_countries(
    result: StressResult, chain: ChainResult, country: str, form: str
) -> Iterator[str]:
    rows = _of(chain.via, country, form, "importer").filter("is_third").to_dicts()
    if not rows or rows[0]["third_share"] < _LITTLE:
        return
    unit = chain.units[form]
    names = [
        f"{fmt.location(_name(result, r['exporter']))} ({fmt.tonnes(r['before_t'], unit)} a month "
        f"before, {fmt.quantity(r['during_t'])} during)"
        for r in rows[:2]
    ]
    origin = fmt.join([fmt.location(_name(result, c)) for c in restrictors(result, chain.chain)])
    yield (
        f"Of what reached {fmt.location(_name(result, country))} from {origin}, "
        f"{fmt.share(rows[0]['third_share'])} came through third countries, most through "
        f"{fmt.join(names)}."
    )


def _reserve(result: StressResult, chain: ChainResult, country: str, form: str) -> Iterator[str]:
    for row in _of(chain.reserves, country, form).to_dicts():
        who = fmt.possessive(fmt.location(_name(result, country)))
        text = f"{who} reserve, taken to be {row['opening_days']:.0f} days of use,"
        if row["lasts_months"] is not None:
            yield f"{text} would be empty after {fmt.months(row['lasts_months'])}."
        elif row["released_share"] < _LITTLE:
            yield f"{text} would not be touched."
        else:
            yield f"{text} would fall by at most {fmt.share(row['released_share'])}."


def _joint(result: StressResult, form: str) -> Iterator[str]:
    """Yield what joint release is worth, and why it may be little."""
    shared = result.coordination
    if shared is None:
        return
    members = fmt.join([fmt.location(_name(result, c)) for c in shared.members])
    saves = "save" if shared.coalition >= 0 else "cost"
    text = (
        f"Joint release of reserves by {members} would {saves} them "
        f"{fmt.money(abs(shared.coalition))} against each for itself"
    )
    if shared.largest_holder is not None and shared.largest_share is not None:
        owner = fmt.location(_name(result, shared.largest_holder))
        text += (
            f": of what they hold of {material(form)}, {fmt.share(shared.largest_share)} "
            f"lies in {owner} already"
        )
    yield f"{text}."


def _sectors(chain: ChainResult, country: str, form: str) -> Iterator[str]:
    rows = _of(chain.sectors, country, form).to_dicts()
    if len(rows) < 2 or rows[0]["unmet_share_peak"] < _LITTLE:
        return
    first, last = rows[0], rows[-1]
    basis = " (shares of the world’s use)" if first["region"] != country else ""
    title = f"{first['title'][:1].upper()}{first['title'][1:]}"
    yield (
        f"{title} would stop first{basis}, lacking up to {fmt.share(first['unmet_share_peak'])}; "
        f"{last['title']} last, lacking up to {fmt.share(last['unmet_share_peak'])}."
    )


def _name(result: StressResult, country: str) -> str:
    return result.country_names.get(country, country)
