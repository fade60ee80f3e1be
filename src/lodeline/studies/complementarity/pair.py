"""The figures of one form for a helper and a receiver."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lodeline.network.base_year import outputs
from lodeline.network.chain import NetExports, Parameter
from lodeline.network.doubt import Doubt
from lodeline.network.mines import mine_output
from lodeline.network.tracing import trace
from lodeline.network.trade_lanes import rows_of_form
from lodeline.results.complementarity import Item
from lodeline.studies.exposure.origin_shares import FormOrigin

__all__ = ["FormView", "figures_of_pair"]

Vector = NDArray[np.float64]
Row = dict[str, Any]
_BALANCED = "balanced base year {year}: trade and output reconciled"
_DAYS = 365.0

LEAST_SHARE = 1e-3
"""Share at risk below which there is nothing to cover."""


@dataclass(frozen=True)
class FormView:
    """One form of a base year, as two partners see it.

    Attributes
    ----------
    doubt
        The base year, and what of it nobody observed.
    form
        Form.
    origin
        Origin of what the partners use; None where none of them uses any.
    members
        Countries of each partner and of the restricting side, by name.
    against
        Name of the restricting country or group.
    """

    doubt: Doubt
    form: str
    origin: FormOrigin | None
    members: Mapping[str, tuple[str, ...]]
    against: str

    @property
    def index(self) -> int:
        """Position of the form in the chain."""
        return self.doubt.base.forms.index(self.form)

    def inside(self, name: str) -> NDArray[np.bool_]:
        """Return which countries belong to a partner, shape (country,)."""
        return np.array([c in self.members[name] for c in self.doubt.base.countries])

    def absorbed(self, name: str) -> float:
        """Return use and processing, t/year."""
        return float(self.doubt.base.absorbed()[self.index][self.inside(name)].sum())

    def listed_output(self) -> Vector:
        """Return output by country where a source lists it, t/year, shape (country,)."""
        base, f = self.doubt.base, self.index
        return np.where(self.doubt.is_untraced[f], 0.0, outputs(base)[f])

    def untraced_output(self, name: str) -> float:
        """Return what a partner ships or uses beyond its imports without a source, t/year."""
        f = self.index
        made = np.where(self.doubt.is_untraced[f], self.doubt.base.produced[f], 0.0)
        return float(made[self.inside(name)].sum())

    def user(self, name: str) -> int | None:
        """Return the position of a partner among the users of the form; None if it uses none."""
        names = [t.name for t in self.origin.targets] if self.origin is not None else []
        return names.index(name) if name in names else None

    def share_at_risk(self, name: str) -> tuple[float, float, float]:
        """Return the share of a partner's material made in the restricting country; low, high."""
        found, user = self.origin, self.user(name)
        if found is None or user is None:
            return 0.0, 0.0, 0.0
        span = found.share_of(self.members[self.against], len(found.stages) - 1, user)
        return span.value, span.low, span.high


def figures_of_pair(view: FormView, helper: str, receiver: str) -> Iterator[Row]:
    """Yield what a helper could do for a receiver; nothing where the receiver needs nothing."""
    need = view.absorbed(receiver)
    if need <= 0.0:
        return
    year = view.doubt.base.year
    source = _BALANCED.format(year=year)
    share, low, high = view.share_at_risk(receiver)
    at_risk = share * need
    yield _row(Item.NEED, need, mark="reconciled", source=source)
    yield _row(Item.AT_RISK_SHARE, share, low, high, mark="imputed", source=f"origin, {source}")
    yield _row(
        Item.AT_RISK, at_risk, low * need, high * need, mark="imputed", source=f"origin, {source}"
    )
    spare_free = yield from _output(view, helper, receiver, source)
    yield _passed(view, receiver, source)
    exports, most = _free_exports(view, helper, receiver)
    yield _row(
        Item.EXPORTS_FREE, exports, exports, most, mark="imputed", source=f"origin, {source}"
    )
    if share >= LEAST_SHARE:
        cover = (exports + (spare_free or 0.0)) / at_risk
        yield _row(Item.COVER, cover, mark="assumed", source="the figures beside it")
    else:
        yield _absent(Item.COVER, f"less than {LEAST_SHARE:.1%} of the receiver's was made there")
    if view.index == 0:
        yield from _ore(view, helper)
    yield from _stocks(view, helper)
    yield from _trade(view, helper, receiver, source)


def _passed(view: FormView, receiver: str, source: str) -> Row:
    """Return what of the receiver's has been in the restricting country at any stage."""
    found, user, side = view.origin, view.user(receiver), view.members[view.against]
    if found is None or user is None or len(side) != 1:
        return _absent(Item.PASSED_SHARE, "told for one restricting country only")
    position = found.origins.index(side[0]) if side[0] in found.origins else None
    share = float(found.passed[position, user]) if position is not None else 0.0
    return _row(Item.PASSED_SHARE, share, mark="imputed", source=f"origin, {source}")


def _output(
    view: FormView, helper: str, receiver: str, source: str
) -> Generator[Row, None, float | None]:
    """Yield output, what the receiver lacks, and spare output; return the free spare output."""
    base = view.doubt.base
    listed = view.listed_output()
    own = np.where(view.inside(helper), listed, 0.0)
    output = float(own.sum())
    if output <= 0.0:
        reason = "no source lists output of this form"
        shipped = view.untraced_output(helper)
        if shipped > 0.0:
            reason += f"; {shipped:.2g} t that it ships or uses are not traced"
        for item in (Item.OUTPUT, Item.LACKED, Item.SPARE, Item.SPARE_FREE):
            yield _absent(item, reason)
        return None
    lists_makers = not isinstance(base.chain.form(view.form).output, NetExports)
    mark = "reconciled" if lists_makers else "imputed"
    told_by = source if lists_makers else f"{source}; output from net exports, no source lists it"
    yield _row(Item.OUTPUT, output, mark=mark, source=told_by)
    has_none = float(listed[view.inside(receiver)].sum()) <= 0.0
    if has_none:
        yield _row(Item.LACKED, output, mark=mark, source=told_by)
    else:
        yield _absent(Item.LACKED, "the receiver makes this form itself")
    surge = base.chain.behaviour.surge
    free = 1.0 - _input_share(view, own / output)
    told = f"output times surge: {surge.source}"
    yield _of(Item.SPARE, surge, output, told)
    yield _of(Item.SPARE_FREE, surge, output * free, f"{told}; inputs by origin")
    return surge.value * output * free


def _input_share(view: FormView, weights: Vector) -> float:
    """Return the largest share over earlier forms of what the restricting country made of them."""
    base = view.doubt.base
    column = weights[:, None]
    traced = trace(base, view.form, np.zeros_like(column), made=column)
    there = view.inside(view.against)
    earlier = [made for name, made in traced.made.items() if name != view.form]
    return max((float(made[there].sum()) for made in earlier), default=0.0)


def _free_exports(view: FormView, helper: str, receiver: str) -> tuple[float, float]:
    """Return what a helper ships to third parties that was not made in the restricting country.

    The second figure holds what is not traced too: it may have come from there.
    """
    base, f = view.doubt.base, view.index
    inside = view.inside(helper)
    third = ~(inside | view.inside(receiver) | view.inside(view.against))
    chosen = (base.lane_form == f) & inside[base.lane_origin] & third[base.lane_destination]
    shipped = np.zeros(inside.size)
    np.add.at(shipped, base.lane_origin[chosen], base.lane_level[chosen])
    if shipped.sum() <= 0.0:
        return 0.0, 0.0
    made = trace(base, view.form, shipped[:, None]).made[view.form][:, 0]
    free = ~view.inside(view.against)
    return float(made[free & ~view.doubt.is_untraced[f]].sum()), float(made[free].sum())


def _ore(view: FormView, helper: str) -> Iterator[Row]:
    """Yield the helper's mine output where the chain begins after the mine."""
    base = view.doubt.base
    ore = mine_output(base.chain, base.year)
    if ore is None:
        return
    mined = sum(
        float(t) for c, t in zip(ore.miners, ore.tonnes, strict=True) if c in view.members[helper]
    )
    if mined > 0.0:
        told = f"production: mine output of {base.chain.id}, {ore.year}"
        yield _row(Item.ORE, mined, mark=None, source=told)
    else:
        yield _absent(Item.ORE, "no source lists a mine")


def _stocks(view: FormView, helper: str) -> Iterator[Row]:
    base = view.doubt.base
    daily = view.absorbed(helper) / _DAYS
    held = [
        (s.days, float(base.absorbed()[view.index][base.countries.index(s.country)]) / _DAYS)
        for s in base.chain.stocks
        if s.country in view.members[helper]
        and s.country in base.countries
        and s.form in (None, view.form)
    ]
    if held:
        low, value, high = (
            sum(getattr(days, end) * use for days, use in held) for end in ("low", "value", "high")
        )
        mark = "assumed" if any(days.assumed for days, _ in held) else None
        told = "; ".join(dict.fromkeys(days.source for days, _ in held))
        yield _row(Item.STOCK_STATE, value, low, high, mark=mark, source=told, unit="t")
    else:
        yield _absent(Item.STOCK_STATE, "no holding and no target is published for this material")
    if daily > 0.0:
        yield _of(Item.STOCK_USERS, base.chain.behaviour.stock_days, daily, None, unit="t")
    else:
        yield _absent(Item.STOCK_USERS, "it uses nothing of this form")


def _trade(view: FormView, helper: str, receiver: str, source: str) -> Iterator[Row]:
    base, f = view.doubt.base, view.index
    chosen = (
        (base.lane_form == f)
        & view.inside(helper)[base.lane_origin]
        & view.inside(receiver)[base.lane_destination]
    )
    yield _row(Item.TRADE, float(base.lane_level[chosen].sum()), mark="reconciled", source=source)
    rows = rows_of_form(base.chain.form(view.form), base.chain.exclusions).filter(
        (pl.col("year") == base.year)
        & ~pl.col("is_excluded")
        & pl.col("exporter").is_in(view.members[helper])
        & pl.col("importer").is_in(view.members[receiver])
    )
    usd = float(rows["value_usd"].sum())
    yield _row(Item.TRADE_USD, usd, mark=None, source=f"trade, {base.year}", unit="USD/year")


_SHARES = (Item.AT_RISK_SHARE, Item.PASSED_SHARE, Item.COVER)


def _of(
    item: Item, parameter: Parameter, times: float, source: str | None, unit: str = "t/year"
) -> Row:
    mark = "assumed" if parameter.assumed else None
    return _row(
        item, parameter.value * times, parameter.low * times, parameter.high * times,
        mark=mark, source=source or parameter.source, unit=unit,
    )  # fmt: skip


def _row(
    item: Item,
    value: float,
    low: float | None = None,
    high: float | None = None,
    *,
    mark: str | None,
    source: str,
    unit: str = "t/year",
) -> Row:
    if item in _SHARES:
        unit = "share"
    return {"item": item.value, "value": value, "low": low, "high": high, "unit": unit,
            "mark": mark, "source": source, "reason": None}  # fmt: skip


def _absent(item: Item, reason: str) -> Row:
    unit = "share" if item in _SHARES else "t" if item.value.startswith("stock") else "t/year"
    return {"item": item.value, "value": None, "low": None, "high": None, "unit": unit,
            "mark": None, "source": None, "reason": reason}  # fmt: skip
