"""A scenario: what may go wrong, why it is worth asking, and what is assumed.

A scenario is one YAML file (``scenarios/library/*.yaml``, or the user's own). The models below are
its schema. ``lodeline.scenarios.reading`` turns text into a `Scenario` and reports every problem
with its line.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, Strict, StringConstraints, model_validator

from lodeline.errors import InputError, suggest
from lodeline.scenarios.restrictions import (
    Identifier,
    MonthField,
    Place,
    Restriction,
    Spec,
    Text,
)
from lodeline.scenarios.stock_rule import Stocks
from lodeline.units import Month

__all__ = ["Assumption", "Confidence", "Evidence", "Scenario", "Source"]


class Evidence(StrEnum):
    """Whether the scenario tells what happened or what might."""

    OBSERVED = "observed"
    HYPOTHETICAL = "hypothetical"


class Confidence(StrEnum):
    """How well a source supports what is taken from it."""

    HIGH = "high"
    """Read in a primary or well-sourced text."""
    MEDIUM = "medium"
    """Read in a secondary text, an estimate, or a rounded figure."""
    LOW = "low"
    """General knowledge, not read again."""


class Assumption(Spec):
    """Something taken for granted that no source says."""

    text: Text
    """What is assumed, in a sentence."""
    why: Text
    """Why that and not something else."""


def _year_as_text(value: object) -> object:
    """Return a bare year, which YAML reads as a number, as text."""
    return str(value) if type(value) is int else value


class Source(Spec):
    """Where the facts come from."""

    key: Identifier
    """Short name that restrictions refer to."""
    title: Text
    """Publication, in words."""
    url: Annotated[str, StringConstraints(pattern=r"^https?://\S+$")] | None = None
    """Address; null where none was kept."""
    date: (
        Annotated[
            str,
            BeforeValidator(_year_as_text, json_schema_input_type=str | int),
            StringConstraints(pattern=r"^\d{4}(-\d{2}(-\d{2})?)?$"),
        ]
        | None
    ) = None
    """Date or edition: YYYY, YYYY-MM or YYYY-MM-DD; null where unknown."""
    confidence: Confidence
    """How well it supports what is taken from it."""
    says: str = ""
    """The fact that was taken from it, restated."""


class Scenario(Spec):
    """What may go wrong, from one file."""

    id: Identifier
    """Identifier, also the name of the file."""
    title: Text
    """Name for readers."""
    question: Text
    """What the reader wants to know, in one sentence."""
    summary: Text
    """What happened or might, in a few sentences."""
    kind: Evidence
    """``observed`` or ``hypothetical``."""
    asked: tuple[Place, ...] = Field(min_length=1)
    """Countries (ISO3) or groups (`EU27`, `G7`) that the brief speaks about first."""
    restrictions: tuple[Restriction, ...] = Field(min_length=1)
    """What is restricted; all of them together."""
    start: MonthField = Field(default_factory=lambda known: _earliest(known))
    """First simulated month, YYYY-MM; default: the earliest start of a restriction."""
    months: Annotated[int, Strict(), Field(ge=1, le=120)] = 24
    """Number of simulated months."""
    stocks: Stocks | None = None
    """How states release what they hold; left out, as the price rises."""
    assumptions: tuple[Assumption, ...] = ()
    """What is assumed beyond the sources."""
    sources: tuple[Source, ...] = Field(min_length=1)
    """Where the facts come from."""
    confounders: tuple[Text, ...] = ()
    """What else happened at the time and blurs a comparison with history."""
    notes: tuple[Text, ...] = ()
    """What the scenario leaves out."""

    @property
    def calendar(self) -> tuple[Month, ...]:
        """The simulated months, in order."""
        return tuple(self.start + i for i in range(self.months))

    @property
    def end(self) -> Month:
        """The last month in which something is restricted, at most the last simulated month."""
        last = self.start + (self.months - 1)
        return max(min(r.end or last, last) for r in self.restrictions)

    @property
    def chains(self) -> tuple[str, ...]:
        """Chains that are restricted, in order of first mention."""
        return tuple(dict.fromkeys(r.chain for r in self.restrictions))

    def document(self) -> dict[str, Any]:
        """Return the specification as plain data, ready for JSON."""
        return self.model_dump(mode="json")

    @model_validator(mode="before")
    @classmethod
    def _with_steps(cls, data: object) -> object:
        return _in_steps(data)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        wrong = [
            *_twice("restrictions", [r.id for r in self.restrictions]),
            *_twice("sources", [s.key for s in self.sources]),
            *_twice("asked", list(self.asked)),
        ]
        wrong += _mixed_origins(self.restrictions)
        wrong += _broken_steps(self.restrictions)
        keys = {s.key for s in self.sources}
        for r in self.restrictions:
            if r.source not in keys:
                wrong.append(
                    f"restriction '{r.id}' names source '{r.source}', which is not among the "
                    f"sources. {suggest(r.source, keys)}".rstrip(".")
                )
            if not any(r.is_in_force(month) for month in self.calendar):
                wrong.append(
                    f"restriction '{r.id}' is never in force between {self.calendar[0]} and "
                    f"{self.calendar[-1]}"
                )
        if wrong:
            raise ValueError("; ".join(wrong))
        return self


def _earliest(known: dict[str, Any]) -> Month:
    restrictions: tuple[Restriction, ...] = known["restrictions"]
    return min(r.start for r in restrictions)


def _mixed_origins(restrictions: tuple[Restriction, ...]) -> list[str]:
    """Return chains whose targeted restrictions come from different countries."""
    origins: dict[str, set[tuple[str, ...]]] = {}
    for r in restrictions:
        if r.keeps_apart:
            origins.setdefault(r.chain, set()).add(r.restrictors)
    return [
        f"chain '{chain}' has targeted restrictions by different countries; put the countries "
        "into one restriction, or make one scenario of each"
        for chain, found in origins.items()
        if len(found) > 1
    ]


def _in_steps(data: object) -> object:
    """Return a scenario with the months of those restrictions that follow another.

    A restriction with `follows` starts that many months after the start of the one it answers, and
    ends as many after its end. A chain of steps is followed; what cannot be resolved is left as it
    is, for the fields to complain about.
    """
    if not isinstance(data, dict) or not isinstance(data.get("restrictions"), list | tuple):
        return data
    items = [dict(r) if isinstance(r, dict) else r for r in data["restrictions"]]
    by_id = {str(r["id"]): r for r in items if isinstance(r, dict) and "id" in r}
    waiting = [r for r in items if isinstance(r, dict) and isinstance(r.get("follows"), dict)]
    for _ in waiting:
        for r in waiting:
            first = by_id.get(str(r["follows"].get("restriction")))
            steps = r["follows"].get("after_months")
            if first is not None and first is not r and type(steps) is int and 0 <= steps <= 120:
                for key in ("start", "end"):
                    if r.get(key) is None and (shifted := _shifted(first.get(key), steps)):
                        r[key] = shifted
    return {**data, "restrictions": items}


def _shifted(month: object, steps: int) -> str | None:
    try:
        return str(Month.parse(str(month)) + steps)
    except InputError:
        return None


def _broken_steps(restrictions: tuple[Restriction, ...]) -> list[str]:
    """Return restrictions that follow one that is not there, or too soon after it."""
    known = {r.id: r for r in restrictions}
    out = []
    for r in restrictions:
        if r.follows is None:
            continue
        first = known.get(r.follows.restriction)
        if first is None or first is r:
            out.append(
                f"restriction '{r.id}' follows '{r.follows.restriction}', which is not another "
                f"restriction. {suggest(r.follows.restriction, known)}".rstrip(".")
            )
        elif r.start != first.start + r.follows.after_months:
            out.append(
                f"restriction '{r.id}' starts {r.start}, but 'follows' says "
                f"{first.start + r.follows.after_months}; leave out its start"
            )
    return out


def _twice(place: str, names: list[str]) -> list[str]:
    doubles = sorted({n for n in names if names.count(n) > 1})
    return [f"{place}: '{name}' appears more than once" for name in doubles]
