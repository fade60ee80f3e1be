"""The backtest on screen, in Markdown and as a page: the score, and told beside happened.

Charts are dot rows: a grey tick where a country stood, a ring where it was told to go, with the
80 % interval, a dot where it went. Coordinates are SVG units.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from rich import box
from rich.console import RenderableType
from rich.table import Table as Grid
from rich.text import Text

from lodeline import __version__
from lodeline.report import format as fmt
from lodeline.report.figures import Tick, nice_ticks
from lodeline.report.format import Cell
from lodeline.report.page import environment, no_address, write_texts
from lodeline.report.tables import Column, Table, csv_address
from lodeline.results.backtest import (
    BacktestResult,
    EpisodeScore,
    Estimate,
    StressScore,
    TrackScore,
    backtest_document,
)

__all__ = ["answer", "backtest_markdown", "backtest_tables", "render_backtest", "write_backtest"]

TRACKS = {
    "total-exports": "Track A: the restricting countries’ total exports are given",
    "announcement": "Track B: only the announcement is given",
}
_TRACK_NAMES = {"total-exports": "exports given", "announcement": "announcement given"}
RIVALS = {
    "no_substitution": "nothing is replaced",
    "full_substitution": "everything is replaced",
    "trend": "the trend goes on",
}
_SHORT = {
    "Forecast": "Told",
    "Stress test": "Stress",
    "None replaced": "None",
    "All replaced": "All",
}
_LEGEND = (
    "Told: the forecast; Stress: the stress test’s own market, where it can tell the episode. "
    "Rivals: None, All (nothing, everything is replaced), Trend (goes on). Skill: 1 − error over "
    "that of the rival that is best over the library."
)
_ROWS = 5
"""Countries in a chart, on each side of trade."""
_WIDTH, _LEFT, _RIGHT, _STEP, _TOP = 380.0, 46.0, 34.0, 17.0, 16.0


@dataclass(frozen=True)
class DotRow:
    """A country in a chart."""

    y: float
    label: str
    base: float
    told: float
    happened: float
    low: float | None
    high: float | None
    summary: str


@dataclass(frozen=True)
class DotPanel:
    """Told and happened of an episode and track."""

    title: str
    unit: str
    rows: tuple[DotRow, ...]
    ticks: tuple[Tick, ...]
    divider: float
    height: float
    width: float = _WIDTH
    left: float = _LEFT
    right: float = _WIDTH - _RIGHT


def write_backtest(result: BacktestResult, folder: Path) -> list[Path]:
    """Write report, countries and summary into an existing folder; return their paths.

    Raises
    ------
    MachineError
        If the disk refuses.
    """
    document = backtest_document(result, with_timings=False)
    contents = {
        "report.html": render_backtest(result),
        "countries.csv": result.countries.write_csv(),
        "summary.json": json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2) + "\n",
    }
    return write_texts(folder, contents, remedy="Free some space.")


def render_backtest(result: BacktestResult) -> str:
    """Return the report as one self-contained HTML document."""
    return (
        environment(web=no_address)
        .get_template("backtest.html.j2")
        .render(
            result=result,
            version=__version__,
            lead=answer(result),
            overall=overall_table(result),
            tracks=[
                (TRACKS[name], episode_table(result, name), _panels(result, name))
                for name in result.tracks
                if result.on(name)
            ],
            estimates=estimate_table(result.estimates),
            behaviour=behaviour_table(result.behaviour),
            stress=stress_table(result.stress_market) if result.stress_market else None,
            countries_csv=csv_address(result.countries),
        )
    )


def answer(result: BacktestResult) -> list[str]:
    """Return the verdict on every episode that was asked for, then the score of the library."""
    whole = [sentence(t) for t in result.tracks.values()]
    if len(result.episodes) >= sum(t.episodes for t in result.tracks.values()):
        return whole
    return [*(verdict(result, e) for e in result.episodes), *whole]


def verdict(result: BacktestResult, episode: EpisodeScore) -> str:
    """Return in words whether an episode was foretold better than by its best rival."""
    rivals = {
        RIVALS["no_substitution"]: episode.error_no_substitution,
        RIVALS["full_substitution"]: episode.error_full_substitution,
        RIVALS["trend"]: episode.error_trend,
    }
    best = min(rivals, key=rivals.__getitem__)
    beside = f"against {rivals[best]:.2f} of its best rival ({best})"
    won = "foretold better" if episode.error < rivals[best] else "not foretold better"
    text = f"{episode.id}, {_TRACK_NAMES[episode.track]}: {won}, {episode.error:.2f} {beside}"
    by_id = {s.id: s for s in result.stress_episodes}
    if episode.track == "total-exports" and episode.id in by_id:
        text += f"; the stress test’s own market {by_id[episode.id].error:.2f}"
    return f"{text}."


def sentence(score: TrackScore) -> str:
    """Return the score of a track in words."""
    if score.ratio_low < 1.0 < score.ratio_high:
        verdict = "The interval holds 1, so chance is not excluded"
    else:
        verdict = "The forecast beats it" if score.ratio < 1.0 else "The rival is better"
    return (
        f"{TRACKS[score.track]}: over the library’s "
        f"{fmt.count(score.episodes, 'episode')} the error is "
        f"{score.ratio:.2f} times that of the best rival ({RIVALS[score.rival]}), 95 % interval "
        f"{score.ratio_low:.2f} to {score.ratio_high:.2f}. {verdict}."
    )


def backtest_tables(result: BacktestResult) -> list[RenderableType]:
    """Return the score for a terminal of 80 columns."""
    parts: list[RenderableType] = []
    for name in result.tracks:
        if result.on(name):
            table = episode_table(result, name)
            parts += [Text(f"{TRACKS[name]}. Tonnes astray over the tonnes at stake"),
                      _grid(table, columns=len(table.columns) - 1)]  # fmt: skip
    parts.append(Text(_LEGEND))
    parts += [Text("The whole library"), _grid(overall_table(result), columns=3)]
    if result.stress_market is not None:
        table = stress_table(result.stress_market)
        parts += [Text(table.caption), _grid(table, columns=2)]
    parts += [Text(line) for line in answer(result)]
    return parts


def _grid(table: Table, *, columns: int) -> Grid:
    """Return the first columns of a table for the terminal."""
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for column in table.columns[:columns]:
        is_number = column.is_number
        grid.add_column(
            _SHORT.get(column.heading, column.heading),
            justify="right" if is_number else "left",
            no_wrap=not is_number,
        )
    for row in table.rows:
        grid.add_row(*(Text(c.text) for c in row[:columns]))
    return grid


def overall_table(result: BacktestResult) -> Table:
    """Return the score of the library, a column for each track."""
    scores = list(result.tracks.values())
    rows = [
        ("Episodes (placebos)", [f"{s.episodes} ({s.placebos})" for s in scores]),
        ("Best rival", [RIVALS[s.rival] for s in scores]),
        ("Error over that rival’s", [f"{s.ratio:.2f}" for s in scores]),
        (
            "95 % interval over episodes",
            [f"{s.ratio_low:.2f} to {s.ratio_high:.2f}" for s in scores],
        ),
        ("Without its best episode", [f"{s.ratio_without_best:.2f}" for s in scores]),
        ("With nothing fitted", [f"{s.ratio_unfitted:.2f}" for s in scores]),
        ("Without a market, reference alone", [f"{s.ratio_still:.2f}" for s in scores]),
        ("All countries counted alike", [f"{s.ratio_all:.2f}" for s in scores]),
        ("Episodes won", [f"{s.wins} of {s.episodes}" for s in scores]),
        ("Sign of the unit value right", [f"{s.signs_right} of {s.episodes}" for s in scores]),
        (
            "Error of its size (log), of no change",
            [f"{s.price_error:.2f}, {s.price_error_no_change:.2f}" for s in scores],
        ),
        ("Outcomes within 80 % intervals", [fmt.share(s.coverage) for s in scores]),
    ]
    return Table(
        "The whole library, geometric means over episodes",
        (Column("", is_number=False), *(Column(TRACKS[s.track].split(":")[0]) for s in scores)),
        tuple((Cell(name), *(Cell(v) for v in values)) for name, values in rows),
        is_narrow=True,
    )


def episode_table(result: BacktestResult, track: str) -> Table:
    """Return the errors of all episodes of a track, best first."""
    stressed = {s.id: s.error for s in result.stress_episodes}
    is_stressed = bool(stressed) and track == "total-exports"
    return Table(
        f"{TRACKS[track]}. Tonnes astray over the tonnes at stake",
        (
            Column("Episode", is_number=False),
            Column("Forecast"),
            *((Column("Stress test"),) if is_stressed else ()),
            Column("None replaced"),
            Column("All replaced"),
            Column("Trend"),
            Column("Skill"),
            Column("Unit value told, came"),
        ),
        tuple(
            tuple(Cell(text) for text in _episode_cells(e, stressed if is_stressed else None))
            for e in sorted(result.on(track), key=lambda e: -e.skill)
        ),
    )


def _episode_cells(e: EpisodeScore, stressed: Mapping[str, float] | None) -> tuple[str, ...]:
    """Return a row; with what the stress test's market makes of it where that is asked."""
    own = () if stressed is None else (_error(stressed.get(e.id)),)
    return (
        e.id + (" (placebo)" if e.is_placebo else ""),
        f"{e.error:.2f}",
        *own,
        f"{e.error_no_substitution:.2f}",
        f"{e.error_full_substitution:.2f}",
        f"{e.error_trend:.2f}",
        f"{e.skill:+.2f}".replace("-", "−"),
        f"{_percent(e.price_change_told)}, {_percent(e.price_change_came)}",
    )


def _error(value: float | None) -> str:
    return fmt.ABSENT if value is None else f"{value:.2f}"


def _percent(change: float) -> str:
    return f"{100.0 * change:+.0f}{fmt.SPACE}%".replace("-", "−")


def estimate_table(estimates: Sequence[Estimate]) -> Table:
    """Return what was learnt, a row for each parameter."""
    kinds = list(dict.fromkeys(e.kind for e in estimates))
    names = list(dict.fromkeys(e.name for e in estimates))
    found = {(e.name, e.kind): e for e in estimates}
    rows = []
    for name in names:
        first = found[name, kinds[0]]
        looked = f"{fmt.plain(first.prior_low)} to {fmt.plain(first.prior_high)}"
        values = [found[name, k] for k in kinds]
        cells = [f"{e.value:.2g} ({e.low:.2g} to {e.high:.2g})" for e in values]
        rows.append((Cell(name), Cell(looked), *(Cell(c) for c in cells)))
    return Table(
        "Parameters as the episodes speak for them: mean, and the range of 80 % of the weight",
        (Column("Parameter", is_number=False), Column("Looked in"), *(Column(k) for k in kinds)),
        tuple(rows),
    )


def behaviour_table(behaviour: Sequence[Estimate]) -> Table:
    """Return what chains take where they state nothing, a row for each number."""
    kinds = list(dict.fromkeys(e.kind for e in behaviour))
    found = {(e.name, e.kind): e for e in behaviour}
    rows = []
    for name in dict.fromkeys(e.name for e in behaviour):
        cells = []
        for e in (found[name, k] for k in kinds):
            numbers = f"{e.value:.2g} ({e.low:.2g} to {e.high:.2g})"
            cells.append(Cell(numbers if e.is_narrowed else f"prior {numbers}"))
        rows.append((Cell(name), *cells))
    return Table(
        "Defaults of chains, estimated in the stress test’s own market: middle, and the range of "
        "80 %; “prior” where the episodes do not narrow what was assumed",
        (Column("Behaviour", is_number=False), *(Column(k) for k in kinds)),
        tuple(rows),
    )


def stress_table(score: StressScore) -> Table:
    """Return the score of the stress test's own market."""
    rows = [
        ("Episodes", f"{score.episodes}"),
        (f"Error over “{RIVALS[score.rival]}”", f"{score.ratio:.2f}"),
        ("95 % interval over episodes", f"{score.ratio_low:.2f} to {score.ratio_high:.2f}"),
        ("Episodes won", f"{score.wins} of {score.episodes}"),
        ("Sign of the unit value right", f"{score.signs_right} of {score.episodes}"),
        (
            "Error of its size (log), of no change",
            f"{score.price_error:.2f}, {score.price_error_no_change:.2f}",
        ),
        ("Told less came, mean (log)", f"{score.price_bias:+.2f}".replace("-", "−")),
    ]
    return Table(
        "The stress test’s own market with the defaults of chains, totals given",
        (Column("", is_number=False), Column("Stress test")),
        tuple((Cell(name), Cell(value)) for name, value in rows),
        is_narrow=True,
    )


def backtest_markdown(result: BacktestResult) -> str:
    """Return the tables of docs/backtest.md."""
    parts = [overall_table(result)]
    parts += [stress_table(result.stress_market)] if result.stress_market else []
    parts += [behaviour_table(result.behaviour)] if result.behaviour else []
    parts += [episode_table(result, name) for name in result.tracks]
    parts.append(estimate_table(result.estimates))
    return "\n".join(_markdown(t) for t in parts)


def _markdown(table: Table) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(c.replace(fmt.SPACE, " ") for c in cells) + " |"

    rule = ["---:" if c.is_number else "---" for c in table.columns]
    head = line([c.heading for c in table.columns])
    lines = [f"{table.caption.replace(fmt.SPACE, ' ')}.", "", head, line(rule)]
    lines += [line([c.text for c in row]) for row in table.rows]
    return "\n".join(lines) + "\n"


def _panels(result: BacktestResult, track: str) -> list[DotPanel]:
    return [_panel(result, e) for e in sorted(result.on(track), key=lambda e: -e.skill)]


def _panel(result: BacktestResult, episode: EpisodeScore) -> DotPanel:
    """Return the last year told of an episode: the largest countries on each side of trade."""
    own = result.countries.filter(
        (pl.col("episode") == episode.id)
        & (pl.col("track") == episode.track)
        & (pl.col("year") == max(episode.predict_years))
    )
    sides = [
        own.filter(pl.col("side") == side)
        .sort(pl.max_horizontal("base_t", "happened_t"), descending=True)
        .head(_ROWS)
        for side in ("exporter", "importer")
    ]
    shown = pl.concat(sides)
    values = shown.select(pl.max_horizontal("base_t", "told_t", "happened_t")).to_series()
    ticks = nice_ticks(0.0, max([1e-9, *values.to_list()]), most=4)
    span = _WIDTH - _LEFT - _RIGHT

    def x(value: float) -> float:
        return round(_LEFT + span * min(value / ticks[-1], 1.04), 1)

    rows: list[DotRow] = []
    y = _TOP
    divider = 0.0
    for number, part in enumerate(sides):
        if number:
            divider, y = y + 2.0, y + _STEP
        for r in part.iter_rows(named=True):
            y += _STEP
            rows.append(_dot_row(r, y, x))
    return DotPanel(
        title=f"{episode.title} ({max(episode.predict_years)})",
        unit="t a year",
        rows=tuple(rows),
        ticks=tuple(Tick(x(t), fmt.quantity(t)) for t in ticks),
        divider=divider,
        height=y + 34.0,
    )


def _dot_row(row: Mapping[str, Any], y: float, x: Callable[[float], float]) -> DotRow:
    low, high = row["low_t"], row["high_t"]
    range_words = "" if low is None else f" ({fmt.quantity(low)} to {fmt.quantity(high)})"
    return DotRow(
        y=y,
        label=row["country"],
        base=x(row["base_t"]),
        told=x(row["told_t"]),
        happened=x(row["happened_t"]),
        low=None if low is None else x(low),
        high=None if high is None else x(high),
        summary=(
            f"{row['country']}, {row['side']}: {fmt.quantity(row['base_t'])} before, told "
            f"{fmt.quantity(row['told_t'])}{range_words}, happened "
            f"{fmt.quantity(row['happened_t'])} t"
        ),
    )
