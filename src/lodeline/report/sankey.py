"""Who supplied whom, before and during: two panels of ribbons on one scale.

The only sum made here is the one that joins the small suppliers under "others".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from lodeline.report import format as fmt

__all__ = ["Bar", "Ribbon", "SankeyPanel", "like_sized", "sankey"]

WIDTH = 430.0
_BAR = 9.0
_LEFT, _RIGHT = 138.0, WIDTH - 104.0
_FLOWS = 230.0
"""Height that the larger of the two panels' flows fill."""
_SLOT = 17.0
"""Least height of a name."""
_TOP = 6.0
_OTHERS = "others"
_SPECK = 0.004
"""Suppliers of less than this share are joined under others."""

_MOST_RATIO = 8.0
"""A buyer smaller than the largest by more than this gets a scale of its own."""

Flows = Mapping[tuple[str, str], float]


@dataclass(frozen=True)
class Bar:
    """A country at one side."""

    name: str
    amount: str
    x: float
    y: float
    height: float
    label_y: float
    kind: str


@dataclass(frozen=True)
class Ribbon:
    """A flow from left to right; `kind` is restricted, own or other."""

    path: str
    kind: str
    title: str


@dataclass(frozen=True)
class SankeyPanel:
    """One panel.

    Attributes
    ----------
    title
        Before or during.
    suppliers, buyers
        Bars at the left and right.
    ribbons
        Flows between them.
    description
        The panel in words.
    width, height
        SVG units; both panels of a pair have the same.
    """

    title: str
    suppliers: tuple[Bar, ...]
    buyers: tuple[Bar, ...]
    ribbons: tuple[Ribbon, ...]
    description: str
    width: float
    height: float


def like_sized(supply: pl.DataFrame, buyers: Sequence[str]) -> list[list[str]]:
    """Return the buyers in groups that one scale can show, largest first.

    Parameters
    ----------
    supply
        ``importer, before_t`` of one form.
    buyers
        Countries asked about; those that buy nothing are left out.
    """
    bought = (
        supply.filter(pl.col("importer").is_in(list(buyers)) & (pl.col("before_t") > 0))
        .group_by("importer")
        .agg(pl.col("before_t").sum())
        .sort(["before_t", "importer"], descending=[True, False])
    )
    groups: list[list[str]] = []
    largest = 0.0
    for country, amount in bought.iter_rows():
        if not groups or amount * _MOST_RATIO < largest:
            groups.append([])
            largest = amount
        groups[-1].append(country)
    return groups


def sankey(
    supply: pl.DataFrame,
    *,
    buyers: Sequence[str],
    restricting: Sequence[str],
    name: Callable[[str], str],
    unit: str,
    titles: tuple[str, str],
    most_suppliers: int = 7,
    most_buyers: int = 4,
) -> tuple[SankeyPanel, SankeyPanel] | None:
    """Return the panels before and during, None if nothing flowed to the buyers.

    Parameters
    ----------
    supply
        ``exporter, importer, before_t, during_t`` (t/month) of one form.
    buyers
        Countries asked about.
    restricting
        Countries whose flows are marked.
    name
        Country's name by ISO3.
    unit
        Unit in words.
    titles
        Titles of the two panels.
    most_suppliers, most_buyers
        Names shown; smaller suppliers are joined, smaller buyers left to the table.
    """
    rows = supply.filter(pl.col("importer").is_in(list(buyers))).to_dicts()
    before = {(r["exporter"], r["importer"]): r["before_t"] or 0.0 for r in rows}
    during = {(r["exporter"], r["importer"]): r["during_t"] or 0.0 for r in rows}
    largest = _ranked(before, during, side=1)[:most_buyers]
    before = {k: v for k, v in before.items() if k[1] in largest}
    during = {k: v for k, v in during.items() if k[1] in largest}
    ranked = _ranked(before, during, side=0)
    if not ranked:
        return None
    shown = _shown(ranked, before, during, most_suppliers)
    joined = len(ranked) - len(shown)
    before, during = _joined(before, shown), _joined(during, shown)
    order = [*shown, _OTHERS] if joined else shown
    scale = _FLOWS / max(sum(before.values()), sum(during.values()))

    def label(code: str) -> str:
        return f"Others ({joined})" if code == _OTHERS else name(code)

    def kind(exporter: str, importer: str = "") -> str:
        if exporter == importer:
            return "own"
        return "restricted" if exporter in restricting else "other"

    panels = [
        _panel(title, flows, order, largest, scale, label, kind, unit)
        for title, flows in zip(titles, (before, during), strict=True)
    ]
    height = max(p.height for p in panels)
    first, second = (
        SankeyPanel(p.title, p.suppliers, p.buyers, p.ribbons, p.description, WIDTH, height)
        for p in panels
    )
    return first, second


def _ranked(before: Flows, during: Flows, *, side: int) -> list[str]:
    """Return the countries of one side, largest flow first, without those that move nothing."""
    size: dict[str, float] = {}
    for flows in (before, during):
        total: dict[str, float] = {}
        for pair, value in flows.items():
            total[pair[side]] = total.get(pair[side], 0.0) + value
        for code, value in total.items():
            size[code] = max(size.get(code, 0.0), value)
    least = 1e-9 * max(size.values(), default=0.0)
    return sorted((c for c in size if size[c] > least), key=lambda c: (-size[c], c))


def _shown(ranked: Sequence[str], before: Flows, during: Flows, most: int) -> list[str]:
    """Return the suppliers that get a name: the largest, if more than specks."""
    speck = _SPECK * max(sum(before.values()), sum(during.values()))
    large = [
        c
        for c in ranked
        if max(sum(v for (e, _), v in f.items() if e == c) for f in (before, during)) > speck
    ]
    if len(ranked) - len(large) == 1:
        large = list(ranked)
    return large if len(large) <= most + (len(large) == len(ranked)) else large[:most]


def _joined(flows: Flows, shown: Sequence[str]) -> dict[tuple[str, str], float]:
    out: dict[tuple[str, str], float] = {}
    for (exporter, importer), value in flows.items():
        key = (exporter if exporter in shown else _OTHERS, importer)
        out[key] = out.get(key, 0.0) + value
    return out


def _panel(
    title: str,
    flows: Flows,
    order: Sequence[str],
    buyers: Sequence[str],
    scale: float,
    label: Callable[[str], str],
    kind: Callable[..., str],
    unit: str,
) -> SankeyPanel:
    sent = {c: sum(v for (e, _), v in flows.items() if e == c) for c in order}
    got = {c: sum(v for (_, i), v in flows.items() if i == c) for c in buyers}
    left = [
        _bar(label(c), sent[c], _LEFT, y, scale, kind(c)) for c, y in _stack(order, sent, scale)
    ]
    right = [
        _bar(label(c), got[c], _RIGHT, y, scale, "buyer") for c, y in _stack(buyers, got, scale)
    ]
    at = {c: bar.y for c, bar in zip(order, left, strict=True)}
    into = {c: bar.y for c, bar in zip(buyers, right, strict=True)}
    ribbons, words = [], []
    for exporter in order:
        for importer in buyers:
            value = flows.get((exporter, importer), 0.0)
            thick = value * scale
            if thick < 0.15:
                continue
            text = f"{label(exporter)} to {label(importer)}"
            words.append(f"{text} {fmt.tonnes(value, unit)}")
            path = _ribbon(at[exporter], into[importer], thick)
            ribbons.append(Ribbon(path, kind(exporter, importer), f"{words[-1]} a month"))
            at[exporter] += thick
            into[importer] += thick
    low = max(b.y + max(b.height, _SLOT) for b in (*left, *right))
    description = f"{title}, a month: {'; '.join(words) or 'nothing'}"
    return SankeyPanel(
        title, tuple(left), tuple(right), tuple(ribbons), description, WIDTH, round(low + 4, 1)
    )


def _stack(
    codes: Sequence[str], amounts: Mapping[str, float], scale: float
) -> list[tuple[str, float]]:
    """Return each country with the height at which its bar begins."""
    out, y = [], _TOP
    for code in codes:
        out.append((code, round(y, 1)))
        y += max(amounts[code] * scale + 5, _SLOT)
    return out


def _bar(name: str, amount: float, x: float, y: float, scale: float, kind: str) -> Bar:
    height = round(amount * scale, 1)
    shown = fmt.magnitude(amount)
    return Bar(name, shown, x, y, height, round(y + max(height, _SLOT - 5) / 2 + 4, 1), kind)


def _ribbon(y0: float, y1: float, thick: float) -> str:
    x0, x1 = _LEFT + _BAR, _RIGHT
    middle = (x0 + x1) / 2
    a, b = y0 + thick / 2, y1 + thick / 2
    half = thick / 2
    return (
        f"M{x0:g} {a - half:.1f}C{middle:g} {a - half:.1f} {middle:g} {b - half:.1f} "
        f"{x1:g} {b - half:.1f}L{x1:g} {b + half:.1f}C{middle:g} {b + half:.1f} "
        f"{middle:g} {a + half:.1f} {x0:g} {a + half:.1f}Z"
    )
