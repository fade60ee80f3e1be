"""How far a programme's slip moves within the ranges of its uncertain numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lodeline.results.programme import RangeRow
from lodeline.scenarios.programme import BillLine, Programme
from lodeline.studies.dials import Dial
from lodeline.studies.programme.build import Build, slip_of
from lodeline.studies.programme.supply import supply_of

if TYPE_CHECKING:
    from lodeline.studies.programme.study import Case

__all__ = ["ranges_of"]

CORNER_NUMBERS = 3
"""So many of the widest numbers are turned together for the corners of the range."""

Builder = Callable[["Case"], Build]


@dataclass(frozen=True)
class _Number:
    """One number that can be turned: of the market's chain, or of the programme."""

    label: str
    unit: str
    low: float
    high: float
    turn: Callable[[Case, float], Case]


def ranges_of(
    case: Case,
    chain: str,
    dials: Sequence[Dial],
    builder: Builder,
    report: Callable[[str, int, int], None],
) -> tuple[tuple[RangeRow, ...], float, float]:
    """Turn each number to its ends, then the widest together; return rows and the span.

    Parameters
    ----------
    case
        The programme in the scenario.
    chain
        Chain whose numbers are turned: the bottleneck's.
    dials
        Its numbers.
    builder
        Builds a case.
    report
        Called as the work goes on.

    Returns
    -------
    tuple
        Rows, widest first; lowest and highest of the most units behind.
    """

    def peak(at: Case) -> float:
        return slip_of(builder(at)).peak

    central = peak(case)
    numbers = [
        *(_of_market(chain, d) for d in dials if d.high > d.low),
        *_of_programme(case.programme),
    ]
    rows: list[tuple[_Number, RangeRow]] = []
    for k, number in enumerate(numbers):
        report(f"sensitivity: {number.label}", k, len(numbers))
        at_low, at_high = (peak(number.turn(case, x)) for x in (number.low, number.high))
        row = RangeRow(number.label, number.unit, number.low, number.high, at_low, at_high, central)
        rows.append((number, row))
    rows.sort(key=lambda r: abs(r[1].at_high - r[1].at_low), reverse=True)
    mild = severe = case
    for number, row in rows[:CORNER_NUMBERS]:
        worse, better = (
            (number.high, number.low) if row.at_high > row.at_low else (number.low, number.high)
        )
        severe, mild = number.turn(severe, worse), number.turn(mild, better)
    values = [central, peak(mild), peak(severe)]
    values += [v for _, row in rows for v in (row.at_low, row.at_high)]
    return tuple(row for _, row in rows), min(values), max(values)


def _of_market(chain: str, dial: Dial) -> _Number:
    def turn(case: Case, value: float) -> Case:
        setting = dial.turn(case.settings[chain], value)
        found = supply_of(setting, case.programme, case.clock)
        return replace(
            case,
            settings={**case.settings, chain: setting},
            supply={**case.supply, **{(chain, form): there for form, there in found.items()}},
        )

    return _Number(dial.label, dial.unit, dial.low, dial.high, turn)


def _of_programme(programme: Programme) -> Iterator[_Number]:
    """Yield buffers, kilograms a unit and the rate of catching up, where they have a range."""
    fields = (
        ("kg_per_unit", "kilograms a unit", "kg"),
        ("buffer_days", "buffer", "days of need"),
        ("buffer_kg", "buffer", "kg"),
    )
    for k, line in enumerate(programme.bill):
        for field, words, unit in fields:
            number = getattr(line, field)
            if number is not None and number.high > number.low:
                label = f"{words}, {line.form} ({line.chain})"
                yield _Number(label, unit, number.low, number.high, _turn_line(k, field))
    if programme.catch_up.high > programme.catch_up.low:
        yield _Number(
            "catching up", "share of the schedule", programme.catch_up.low,
            programme.catch_up.high, _turn_catch_up,
        )  # fmt: skip


def _turn_line(k: int, field: str) -> Callable[[Case, float], Case]:
    def turn(case: Case, value: float) -> Case:
        bill = list(case.programme.bill)
        number = getattr(bill[k], field)
        fixed = number.model_copy(update={"value": value, "low": value, "high": value})
        bill[k] = bill[k].model_copy(update={field: fixed})
        changed = replace(case, programme=case.programme.model_copy(update={"bill": tuple(bill)}))
        return _with_need(changed, bill[k]) if field == "kg_per_unit" else changed

    return turn


def _with_need(case: Case, line: BillLine) -> Case:
    """Return the case with what there is of a line's chain under its changed need."""
    found = supply_of(case.settings[line.chain], case.programme, case.clock)
    again = {(line.chain, form): there for form, there in found.items()}
    return replace(case, supply={**case.supply, **again})


def _turn_catch_up(case: Case, value: float) -> Case:
    number = case.programme.catch_up
    fixed = number.model_copy(update={"value": value, "low": value, "high": value})
    return replace(case, programme=case.programme.model_copy(update={"catch_up": fixed}))
