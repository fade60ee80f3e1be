"""Every picture of exposure as SVG: for the page, and as a file of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from lodeline.report import format as fmt
from lodeline.report import worldmap
from lodeline.report.heat import heat
from lodeline.report.history import years
from lodeline.report.page import environment
from lodeline.report.routes import way
from lodeline.results.pictures import History, OriginMap, Pictures, Routes

__all__ = ["Figure", "WorldFigure", "environment", "figures_of"]


Macros = Mapping[str, Callable[..., str]]
"""Drawing macros of the templates by name."""


@dataclass(frozen=True)
class Figure:
    """A picture.

    Attributes
    ----------
    id
        File name without ending.
    kind
        ``heat``, ``history``, ``way`` or ``map``.
    title, note
        Above and below.
    inline, file
        SVG for the page (outlines and style are the page's), and on its own.
    events
        What the numbers in a time line say: number, text and source.
    of
        The way that a map belongs to.
    """

    id: str
    kind: str
    title: str
    note: str
    inline: str
    file: str
    events: tuple[tuple[int, str, str], ...] = ()
    of: str = ""

    def _repr_svg_(self) -> str:
        """Return the picture for notebooks."""
        return self.file


@dataclass(frozen=True)
class WorldFigure:
    """A world map: classes and words by country."""

    title: str
    description: str
    shades: Mapping[str, worldmap.Shade]
    values: Mapping[str, str]
    asked: tuple[str, ...]


_UNTRACED = (
    "Not traced: countries ship or use more than they take in, and no source says that they make "
    "it; it may come from stocks, scrap, feed under other codes, or from anywhere."
)
_HEAD = 24
"""Letters over a column."""
_LEAST_TOLD = 0.005
"""Share below which nothing is said of what is not traced."""


def figures_of(pictures: Pictures, outlines: tuple[worldmap.Outline, ...]) -> tuple[Figure, ...]:
    """Return the figures in the order of the page.

    Parameters
    ----------
    pictures
        Tables, see `lodeline.results.pictures`.
    outlines
        Shapes of countries, see `lodeline.report.worldmap.outlines`.
    """
    module = environment(location=fmt.location).get_template("exposure_figures.svg.j2").module
    draw: Macros = {name: getattr(module, name) for name in ("way", "world", "history", "heat")}
    out: list[Figure] = []
    for routes in pictures.routes:
        out.append(_way(draw, routes, pictures))
        out += _maps(draw, routes, pictures, outlines)
    if pictures.history is not None:
        out.append(_history(draw, pictures.history, pictures))
    if pictures.heat is not None:
        drawn = heat(pictures.heat, name=partial(_name, pictures))
        both = partial(draw["heat"], drawn, pictures.heat.title)
        note = "A cell is the last year’s most worrying answer; beneath it the country behind it."
        if drawn.left_out:
            note += f" {drawn.left_out} more countries are in the table."
        out.append(
            Figure("heatmap", "heat", pictures.heat.title, note, str(both()), str(both(True)))
        )
    return tuple(out)


def _name(pictures: Pictures, code: str) -> str:
    words = code.replace("-", " ")
    return pictures.names.get(code, words[:1].upper() + words[1:] if code.islower() else code)


def _form(pictures: Pictures, form: str) -> str:
    return pictures.stage_words.get(form, form)


def _way(draw: Macros, routes: Routes, pictures: Pictures) -> Figure:
    name = partial(_name, pictures)
    form = _form(pictures, routes.form)
    words = {
        **{c.key: (fmt.shorten(_form(pictures, c.key), _HEAD), "made in") for c in routes.columns},
        "mine": ("", "mined in"), "arrival": ("", "arrives from"), "use": ("", "used in"),
    }  # fmt: skip
    drawn = way(routes, name=name, words=words)
    title = f"{form} used in {fmt.location(name(routes.country))}, {routes.year}"
    verb = "mined" if routes.stage == "mine" else "made"
    lead = f"{verb} in {fmt.location(name(routes.lead))}" if routes.lead else ""
    both = partial(draw["way"], drawn, title, lead)
    note = (
        "Shares of what the country uses and processes. Material mixes in proportion in every "
        "country (assumed)."
    )
    if lead:
        note = f"Coloured: {form.lower()} {lead}, whoever delivers. {note}"
    if any(stop.is_untraced for column in routes.columns for stop in column.stops):
        note += f" {_UNTRACED}"
    key = _key("way", routes, pictures)
    return Figure(key, "way", f"From the mine to use: {title}", note, str(both()), str(both(True)))


def _key(kind: str, of: Routes | OriginMap, pictures: Pictures, stage: str = "") -> str:
    """Return a file name that tells pictures of one result apart."""
    several = {r.material for r in pictures.routes}, {r.country for r in pictures.routes}
    parts = [kind]
    parts += [of.material] if len(several[0]) > 1 else []
    parts += [of.country] if len(several[1]) > 1 else []
    parts += [of.form, *([stage] if stage else [])]
    return "-".join(parts)


def _maps(
    draw: Macros, routes: Routes, pictures: Pictures, outlines: tuple[worldmap.Outline, ...]
) -> Iterator[Figure]:
    for table in pictures.maps:
        if (table.country, table.material, table.form) != (
            routes.country, routes.material, routes.form,
        ):  # fmt: skip
            continue
        form, who = _form(pictures, table.form), fmt.location(_name(pictures, table.country))
        verb = "mined" if table.stage == "mine" else "made"
        title = f"Where it was {verb}: {form.lower()} used in {who}, {table.year}"
        values = {c: fmt.share(v) for c, v in table.shares.items()}
        ranked = sorted(table.shares, key=lambda c, t=table: -t.shares[c])[:5]  # type: ignore[misc]
        said = ", ".join(f"{_name(pictures, c)} {values[c]}" for c in ranked)
        note = f"{said}." if said else ""
        if table.untraced >= _LEAST_TOLD:
            seen = sorted(table.first_seen, key=lambda c, t=table: -t.first_seen[c])  # type: ignore[misc]
            where = (
                f", first seen in {fmt.join([fmt.location(_name(pictures, c)) for c in seen[:4]])}"
            )
            amount = fmt.share(table.untraced)
            note += f" Not traced, and not on the map: {amount}{where if seen else ''}."
        figure = WorldFigure(title, said, worldmap.shades(table.shares), values, table.members)
        both = partial(draw["world"], figure, worldmap, outlines)
        yield Figure(
            _key("map", table, pictures, "mine" if table.stage == "mine" else "made"),
            "map", title, note.strip(),
            str(both()), str(both(True)), of=_key("way", routes, pictures),
        )  # fmt: skip


def _history(draw: Macros, table: History, pictures: Pictures) -> Figure:
    drawn = years(table, name=partial(_name, pictures))
    both = partial(draw["history"], drawn, table.title)
    events = tuple((row["number"], row["text"], row["source"]) for row in table.events.to_dicts())
    later = " Grey: no trade data yet." if drawn.no_data else ""
    return Figure(
        "history", "history", table.title, f"{table.note}{later}".strip(), str(both()),
        str(both(True)), events,
    )  # fmt: skip
