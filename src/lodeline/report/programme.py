"""A programme's result in sentences: for a terminal of 80 columns, and as a brief."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from lodeline.report.blocks import Block, BriefNames, write_brief
from lodeline.report.figures import LinePanel, Series, line_panel
from lodeline.report.format import wrapped
from lodeline.results.programme import ProgrammeResult, SlipFigures, programme_document

__all__ = ["programme_blocks", "programme_lines", "programme_text", "write_programme"]

_RANGES_SHOWN = 5


def programme_text(result: ProgrammeResult) -> str:
    """Return the answer for a terminal."""
    return "\n".join(part for line in programme_lines(result) for part in wrapped(line))


def programme_blocks(result: ProgrammeResult) -> Iterator[Block]:
    """Yield the parts of the brief: the answer, what each form does, what is assumed."""
    yield Block(
        str(result.programme["title"]),
        level=1,
        text=(
            " ".join(_answer(result)),
            str(result.programme["question"]),
            f"Scenario: {result.scenario['title']}, from {result.begin}.",
            *_inferred(result),
        ),
    )
    yield Block("Month by month", charts=tuple(_charts(result)))
    if result.slip.slip_month is not None:
        told = tuple(_prevention(result))
        yield Block("What would have prevented it, each kind by itself", items=told)
    yield Block("The forms", items=tuple(_form(row) for row in result.forms.to_dicts()))
    if result.ranges:
        head, *rows = _range(result)
        yield Block("The range", text=(head,), items=tuple(rows))
    yield Block("What is assumed", items=tuple(_assumed(result)))
    if result.limits:
        yield Block("What the chains do not show", items=tuple(result.limits))
    edition = result.dataset["edition"]
    data = f"Dataset {edition}; base year {result.base_year}. See docs/programmes.md."
    yield Block("Notes", items=(*result.notes, data))


def write_programme(result: ProgrammeResult, folder: Path) -> list[str]:
    """Write brief, document and tables into a folder; return the names."""
    return write_brief(
        folder,
        programme_blocks(result),
        kind="programme",
        names=BriefNames("report.html", "programme.md"),
        document=programme_document(result),
        tables={"months": result.months, "forms": result.forms, "supply": result.supply},
    )


def _charts(result: ProgrammeResult) -> Iterator[LinePanel]:
    """Yield the schedule beside what is built, and how far users of each form are served."""
    months = result.months["month"].to_list()
    yield line_panel(
        "Units",
        "since the start of the schedule",
        [
            Series("scheduled", result.months["units_total"].to_list()),
            Series("built", result.months["built_total"].to_list()),
        ],
        months=months,
        kind="units",
    )
    served = [
        Series(f"{form}", rows["served_share"].to_list())
        for (_, form), rows in result.supply.group_by(["chain", "form"], maintain_order=True)
    ]
    yield line_panel("Users served", "% of their use", served, months=months, kind="share")


def programme_lines(result: ProgrammeResult) -> list[str]:
    """Return title, question, answer, prevention, forms, range and notes: a line each."""
    scenario = result.scenario
    lines = [str(result.programme["title"]), "", str(result.programme["question"]), ""]
    lines += [f"Scenario: {scenario['title']}, from {result.begin}.", ""]
    answer, *calm = _answer(result)
    lines += [f"Answer: {answer[:1].lower()}{answer[1:]}", *calm, ""]
    if result.slip.slip_month is not None:
        kinds = _marked(_prevention(result))
        lines += ["What would have prevented it, each kind by itself:", *kinds, ""]
    lines += ["The forms:", *_marked(map(_form, result.forms.to_dicts())), ""]
    if result.ranges:
        head, *rows = _range(result)
        lines += [head, *_marked(rows), ""]
    return [*lines, *(f"Note: {note}" for note in (*_inferred(result), *result.notes))]


def _marked(items: Iterable[str]) -> Iterator[str]:
    return (f"- {item}" for item in items)


def _answer(result: ProgrammeResult) -> Iterator[str]:
    slip = result.slip
    idle = ", ".join(result.untouched)
    used = {line["chain"] for line in result.programme["bill"]}
    if used <= set(result.untouched):
        yield f"This tests nothing: the scenario restricts none of its materials ({idle})."
    elif slip.slip_month is None:
        yield "It does not slip."
    else:
        yield f"It {_slip(slip)} The bottleneck is {result.bottleneck}."
    if idle and not used <= set(result.untouched):
        yield f"The scenario restricts nothing of: {idle}."
    calm = result.slip_without
    if calm is not None:
        told = "does not slip." if calm.slip_month is None else f"{_slip(calm)}"
        yield f"Without the scenario, with its own demand added to the country's, it {told}"


def _slip(slip: SlipFigures) -> str:
    late = f"slips in {slip.slip_month}"
    if slip.days_to_slip is not None:
        late += f" (short of material {slip.days_to_slip:.0f} days after {slip.days_from} began)"
    late += f"; at most {_units(slip.units_late_peak)} units behind in {slip.peak_month}"
    if slip.months_late_peak is not None:
        late += f", no unit later than {slip.months_late_peak:.1f} months"
    if slip.recovery_month is not None:
        return f"{late}; on schedule again from {slip.recovery_month}."
    return f"{late}; {_units(slip.units_late_end)} units are missing when the schedule ends."


def _prevention(result: ProgrammeResult) -> Iterator[str]:
    rows = [r for r in result.forms.to_dicts() if r["slip_month_alone"] is not None]
    told = [
        f"{row['chain']}/{row['form']} {_kg(row['buffer_kg_needed'])}, "
        f"{row['buffer_days_needed']:.0f} days of need (now {row['buffer_days']:.0f})"
        if row["buffer_days_needed"] is not None
        else f"{row['chain']}/{row['form']}: no buffer is enough"
        for row in rows
    ]
    yield f"Buffers: {'; '.join(told)}."
    share = result.priority_needed
    if share is None:
        yield "Priority: not even all of its need served before others is enough."
    else:
        now = f"{result.programme['priority']:.0%}".replace("%", " %")
        yield (f"Priority: {share:.0%} of its need served before others (now {now}).").replace(
            "% of", " % of"
        )
    for row in rows:
        given = f"Release to it alone: {_kg(row['release_kg_needed'])} of {row['form']} in all"
        if row["reserve_kg"] is None:
            yield f"{given}; the state is not known to hold any."
        else:
            yield (
                f"{given}, out of {_kg(row['reserve_kg'])} that the state is assumed to hold at "
                f"the start; in the market {_kg(row['reserve_left_kg'])} are left at the lowest."
            )


def _form(row: Mapping[str, Any]) -> str:
    share = f"{row['share_of_use']:.1%}".replace("%", " %")
    served = f"{row['served_share_lowest']:.0%}".replace("%", " %")
    how = "added to the country's use" if row["is_added"] else "part of the country's use"
    held = f"buffer {row['buffer_days']:.0f} days ({_kg(row['buffer_kg'])})"
    return (
        f"{row['chain']}/{row['form']}: {row['kg_per_unit']:g} kg a unit ({row['unit']}); need at "
        f"most {share} of the country's use, {how}; {held}; users are served to {served} at the "
        f"worst, {_price(row)}; held the line up in "
        f"{row['months_binding']} months."
    )


def _price(row: Mapping[str, Any]) -> str:
    if row["is_price_capped"]:
        return "at prices that reach the model’s cap, where a price no longer means anything"
    return f"at {row['price_multiple_peak']:.1f} times the price"


def _inferred(result: ProgrammeResult) -> Iterator[str]:
    """Yield which forms have lanes that nobody observed."""
    for row in result.forms.filter(pl.col("inferred_from").is_not_null()).to_dicts():
        yield (
            f"Who buys {row['chain']}/{row['form']} from whom is inferred from "
            f"{row['inferred_from']}, not observed."
        )


def _range(result: ProgrammeResult) -> Iterator[str]:
    assert result.low is not None
    assert result.high is not None
    yield (
        f"Range of the most units behind: {_units(result.low)} to {_units(result.high)}. "
        "What moves it most:"
    )
    for row in result.ranges[:_RANGES_SHOWN]:
        yield (
            f"{row.parameter} from {row.low:g} to {row.high:g}{_unit(row.unit)}: "
            f"{_units(row.at_low)} to {_units(row.at_high)}"
        )


def _assumed(result: ProgrammeResult) -> Iterator[str]:
    for item in result.programme["assumptions"]:
        yield f"{item['text']} {item['why']}"
    for line in result.programme["bill"]:
        for name in ("kg_per_unit", "buffer_days", "buffer_kg"):
            number = line[name]
            if number is not None and number["source"]:
                mark = ", assumed" if number["assumed"] else ""
                yield (
                    f"{line['form']}, {name}: {number['value']:g} ({number['low']:g} to "
                    f"{number['high']:g}{mark}). {number['source']}"
                )
    catch = result.programme["catch_up"]
    mark = " (assumed)" if catch["assumed"] else ""
    yield f"It can build and order {catch['value']:g} of the schedule more when behind{mark}."


def _unit(words: str) -> str:
    return "" if words == "1" else f" {words}"


def _units(value: float) -> str:
    return f"{value:,.0f}" if value >= 100.0 else f"{value:.1f}" if value >= 0.1 else f"{value:.2g}"


def _kg(value: float) -> str:
    return f"{value:,.0f} kg" if value >= 10.0 else f"{value:.2g} kg"
