"""A programme: so many units a month, made of so many kilograms, with a buffer of each form.

A programme is one YAML file. Its schedule and its bill of materials may stand in sheets (CSV or
XLSX) beside it. `lodeline.scenarios.programme_reading` turns files into a `Programme`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Any, Self

from pydantic import Field, Strict, model_validator

from lodeline.scenarios.numbers import (
    Identifier,
    Iso3,
    MonthField,
    NonNegative,
    PositiveNumber,
    ShareNumber,
    Spec,
    Text,
)
from lodeline.scenarios.spec import Assumption, Source
from lodeline.units import Month

__all__ = ["BillLine", "Programme", "Step"]

MOST_MONTHS = 360
"""Longest schedule: thirty years."""


class Step(Spec):
    """From a month on, so many units a month, until the next step."""

    start: MonthField
    """First month of the step, YYYY-MM."""
    units_per_month: PositiveNumber
    """Units to be finished in each month; fractions are allowed."""


class BillLine(Spec):
    """One form that every unit needs."""

    chain: Identifier
    """Chain of the form."""
    form: Identifier
    """Form of the chain."""
    kg_per_unit: NonNegative
    """Kilograms a unit, in the unit of the form (content or gross, as the chain says)."""
    buffer_days: NonNegative = NonNegative(value=0.0, low=0.0, high=0.0)
    """Stock of the programme's own, days of need at the highest rate of the schedule."""
    buffer_kg: NonNegative | None = None
    """The same in kilograms, instead of `buffer_days`."""
    note: str = ""
    """Anything the reader should know."""

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.kg_per_unit.low <= 0.0:
            raise ValueError("'kg_per_unit' must be above zero, at the low end too")
        if self.buffer_kg is not None and self.buffer_days.high > 0.0:
            raise ValueError("give 'buffer_days' or 'buffer_kg', not both")
        return self


class Programme(Spec):
    """What is to be built, of what, and how it stands against others who want the same."""

    id: Identifier
    """Identifier."""
    title: Text
    """Name for readers."""
    question: Text
    """What the reader wants to know, in one sentence."""
    country: Iso3
    """Country whose users the programme shares with."""
    schedule: tuple[Step, ...] = Field(min_length=1)
    """Steps in the order of time, or the name of a sheet beside the file."""
    end: MonthField
    """Last month of the schedule, YYYY-MM."""
    bill: tuple[BillLine, ...] = Field(min_length=1, max_length=50)
    """What a unit is made of, or the name of a sheet beside the file."""
    priority: ShareNumber = 0.0
    """Share of its need that is served before the country's other users; the rest as they are."""
    catch_up: NonNegative = NonNegative(
        value=0.25, low=0.0, high=0.5, assumed=True,
        source="No figure is published; a line that works on weekdays can add a shift",
    )  # fmt: skip
    """Most that is built and ordered above the schedule to catch up, share of the schedule."""
    lead_months: Annotated[int, Strict(), Field(ge=0, le=120)] = 0
    """Months from taking the material to finishing the unit."""
    illustrative: Annotated[bool, Strict()] = False
    """Whether the file shows how it is done, and claims nothing about a real programme."""
    assumptions: tuple[Assumption, ...] = ()
    """What is assumed beyond the numbers marked so."""
    sources: tuple[Source, ...] = ()
    """Where the facts come from."""
    notes: tuple[Text, ...] = ()
    """What the file leaves out."""

    @property
    def start(self) -> Month:
        """First month of the schedule."""
        return self.schedule[0].start

    @property
    def months(self) -> tuple[Month, ...]:
        """All months of the schedule."""
        return tuple(self.start + i for i in range(self.end - self.start + 1))

    @property
    def units(self) -> tuple[float, ...]:
        """Units to be finished in each of `months`."""
        return tuple(
            next(s.units_per_month for s in reversed(self.schedule) if s.start <= month)
            for month in self.months
        )

    @property
    def chains(self) -> tuple[str, ...]:
        """Chains of the bill, in order of first mention."""
        return tuple(dict.fromkeys(line.chain for line in self.bill))

    def document(self) -> dict[str, Any]:
        """Return the specification as plain data, ready for JSON."""
        return self.model_dump(mode="json")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        wrong = [*self._wrong_times(), *self._wrong_lines()]
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    def _wrong_times(self) -> Iterator[str]:
        starts = [s.start for s in self.schedule]
        if any(b <= a for a, b in pairwise(starts)):
            yield "the steps of 'schedule' are not in the order of time, each later than the last"
        if self.end < max(starts):
            yield f"end {self.end} lies before the last step of 'schedule', {max(starts)}"
        elif self.end - min(starts) >= MOST_MONTHS:
            yield f"the schedule is longer than {MOST_MONTHS} months"
        if not any(s.units_per_month > 0.0 for s in self.schedule):
            yield "'schedule' builds nothing: every step has 0 units a month"

    def _wrong_lines(self) -> Iterator[str]:
        places = [(line.chain, line.form) for line in self.bill]
        for chain, form in sorted({p for p in places if places.count(p) > 1}):
            yield f"bill: {chain}, {form} appears more than once; add the kilograms up"
