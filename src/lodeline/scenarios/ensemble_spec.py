"""An ensemble: which scenarios may come, how likely, when, how long, and how uncertain the rest is.

An ensemble is one YAML file (``scenarios/ensembles/*.yaml``, or the user's own). Every number of
its scenarios and chains that has a range (a *dial*) is drawn; the file says only what differs from
that.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, Strict, model_validator

from lodeline.errors import suggest
from lodeline.network.stocks import StockPolicy
from lodeline.scenarios.groups import expand
from lodeline.scenarios.restrictions import (
    Identifier,
    MonthField,
    Number,
    Place,
    Restriction,
    ShareNumber,
    Spec,
    Text,
)
from lodeline.scenarios.spec import Assumption, Scenario
from lodeline.scenarios.stock_rule import Stocks
from lodeline.units import Month

__all__ = ["Distribution", "Ensemble", "Event", "MonthRange", "Spread", "ensemble_of"]

LONGEST = 120
"""Months that an ensemble may simulate, delay or last."""

WholeMonths = Annotated[int, Strict(), Field(ge=0, le=LONGEST)]


class Distribution(StrEnum):
    """How a number is spread over its range."""

    FIXED = "fixed"
    """The central value, always."""
    UNIFORM = "uniform"
    """Every value of the range equally likely."""
    TRIANGULAR = "triangular"
    """Most likely at the central value, falling straight to both ends."""
    PERT = "pert"
    """As triangular but smooth: beta with weight 4 on the central value."""
    LOGNORMAL = "lognormal"
    """The range holds the middle 80 %; one in a hundred at either end is not drawn."""


class Spread(Spec):
    """How a dial is drawn, where it differs from its range. A bare number fixes it."""

    distribution: Distribution | None = None
    """fixed, uniform, triangular, pert or lognormal; default the ensemble's."""
    value: Number | None = None
    """Central value; default the dial's."""
    low: Number | None = None
    """Lower end; default the dial's."""
    high: Number | None = None
    """Upper end; default the dial's."""
    note: str = ""
    """Why it differs from the dial's own range."""

    @model_validator(mode="before")
    @classmethod
    def _from_number(cls, data: object) -> object:
        if isinstance(data, int | float) and not isinstance(data, bool):
            return {"distribution": "fixed", "value": data, "low": data, "high": data}
        return data


class MonthRange(Spec):
    """Whole months, each of the range equally likely. A bare number fixes them."""

    low: WholeMonths
    """Fewest months."""
    high: WholeMonths
    """Most months."""
    note: str = ""
    """Why this range."""

    @model_validator(mode="before")
    @classmethod
    def _from_number(cls, data: object) -> object:
        if isinstance(data, int) and not isinstance(data, bool):
            return {"low": data, "high": data}
        return data

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"needs low <= high, got {self.low} and {self.high}")
        return self


class Event(Spec):
    """Something that may happen: a scenario, or some of its restrictions, with a probability."""

    id: Identifier | None = None
    """Name of the event, unique in the ensemble; default the scenario's."""
    scenario: Scenario
    """Identifier of a library scenario, path of a file, or a whole scenario written out."""
    restrictions: tuple[Identifier, ...] | None = None
    """Those of the scenario's restrictions that are meant; default all."""
    probability: ShareNumber = 1.0
    """Probability that it happens, 0 to 1; its restrictions come together or not at all."""
    delay_months: MonthRange = MonthRange(low=0, high=0)
    """Months by which it starts later than the scenario says."""
    duration_months: MonthRange | None = None
    """Months it lasts; default as the scenario says."""

    @property
    def name(self) -> str:
        """Name of the event."""
        return self.id or self.scenario.id

    @property
    def chosen(self) -> tuple[Restriction, ...]:
        """The restrictions that are meant."""
        wanted = self.restrictions
        return tuple(r for r in self.scenario.restrictions if wanted is None or r.id in wanted)

    @model_validator(mode="after")
    def _known_restrictions(self) -> Self:
        known = [r.id for r in self.scenario.restrictions]
        for name in self.restrictions or ():
            if name not in known:
                raise ValueError(
                    f"scenario '{self.scenario.id}' has no restriction '{name}'. "
                    f"{suggest(name, known)}"
                )
        if self.duration_months is not None and self.duration_months.low < 1:
            raise ValueError("duration_months must be 1 or more; for 'not at all' use probability")
        return self


class Ensemble(Spec):
    """What may go wrong, and how uncertain all of it is."""

    id: Identifier
    """Identifier, also the name of the file."""
    title: Text
    """Name for readers."""
    question: Text
    """What the reader wants to know, in one sentence."""
    events: tuple[Event, ...] = Field(min_length=1)
    """What may happen, each by its own draw."""
    asked: tuple[Place, ...] = ()
    """Countries (ISO3) that the report speaks about, a group (`EU27`) for each of its members;
    default those of the scenarios."""
    chains: tuple[Identifier, ...] = ()
    """Chains to simulate; default all that the events restrict."""
    stocks: Stocks | None = None
    """How states release reserves; default as the scenarios say, else as their price rises."""
    lead_time: Annotated[bool, Strict()] = False
    """Whether goods arrive some months after they leave, by where they go."""
    base_year: Annotated[int, Strict(), Field(ge=1990, le=2100)] | None = None
    """Year of the trade data; default the year before the first month, as far as there are data."""
    start: MonthField = Field(default_factory=lambda known: _earliest(known))
    """First simulated month, YYYY-MM; default the earliest start of a scenario."""
    months: Annotated[int, Strict(), Field(ge=1, le=LONGEST)] = 36
    """Number of simulated months."""
    distribution: Distribution = Distribution.PERT
    """How dials are drawn unless `dials` says otherwise."""
    dials: dict[str, Spread] = Field(default_factory=dict)
    """Dials that are drawn otherwise, by name: all of it, or the part after the first dot."""
    assumptions: tuple[Assumption, ...] = ()
    """What is assumed about likelihood, timing and length, and why."""

    @property
    def calendar(self) -> tuple[Month, ...]:
        """The simulated months, in order."""
        return tuple(self.start + i for i in range(self.months))

    @property
    def countries(self) -> tuple[str, ...]:
        """Countries that the report speaks about, groups written out."""
        own = self.asked or tuple(c for e in self.events for c in e.scenario.asked)
        return tuple(dict.fromkeys(c for name in own for c in expand([name])))

    @property
    def reserves(self) -> Stocks:
        """The rule by which states release reserves."""
        return self.stocks or next(iter(_rules(self.events)), Stocks(policy=StockPolicy.MARKET))

    @property
    def simulated(self) -> tuple[str, ...]:
        """Chains that are simulated, in order of first mention."""
        return self.chains or _restricted(self.events)

    def document(self) -> dict[str, Any]:
        """Return the specification as plain data, scenarios written out."""
        return self.model_dump(mode="json")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        wrong = []
        names = [e.name for e in self.events]
        for name in sorted({n for n in names if names.count(n) > 1}):
            wrong.append(f"event '{name}' appears more than once; give each an 'id' of its own")
        if self.stocks is None and len(_rules(self.events)) > 1:
            wrong.append(
                "the scenarios release reserves by different rules; write the one that is meant "
                "under 'stocks' of the ensemble"
            )
        restricted = _restricted(self.events)
        for chain in self.chains:
            if chain not in restricted:
                wrong.append(
                    f"chain '{chain}' is not restricted by any event. {suggest(chain, restricted)}"
                )
        for event in self.events:
            first = min(r.start for r in event.chosen) + event.delay_months.low
            if first > self.calendar[-1]:
                wrong.append(
                    f"event '{event.name}' starts in {first} at the earliest, after the last "
                    f"simulated month {self.calendar[-1]}"
                )
        if wrong:
            raise ValueError("; ".join(w.rstrip(".") for w in wrong))
        return self


def ensemble_of(scenario: Scenario) -> Ensemble:
    """Return the ensemble of one scenario: it happens as written, and all its dials are drawn."""
    return Ensemble(
        id=scenario.id,
        title=scenario.title,
        question=scenario.question,
        events=(Event(scenario=scenario),),
        start=scenario.start,
        months=scenario.months,
    )


def _restricted(events: tuple[Event, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(r.chain for e in events for r in e.chosen))


def _rules(events: tuple[Event, ...]) -> list[Stocks]:
    """Return the rules of reserves that the scenarios of events state, each once."""
    rules: list[Stocks] = []
    for event in events:
        if event.scenario.stocks is not None and event.scenario.stocks not in rules:
            rules.append(event.scenario.stocks)
    return rules


def _earliest(known: dict[str, Any]) -> Month:
    events: tuple[Event, ...] = known["events"]
    return min(e.scenario.start for e in events)
