"""An episode: a restriction that really happened, or was announced and did not bite.

An episode is one YAML file (``scenarios/episodes/*.yaml``, or the user's own). It names the years
before that a forecast may see, the years after that it has to tell, and what it is given. The
models below are the schema; `lodeline.scenarios.episode_reading` turns text into an `Episode`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, Strict, StringConstraints, model_validator

from lodeline.scenarios.groups import expand
from lodeline.scenarios.restrictions import (
    ALL,
    Identifier,
    MonthField,
    Place,
    Share,
    Spec,
    Text,
)
from lodeline.scenarios.spec import Confidence
from lodeline.units import MONTHS_PER_YEAR, Month

__all__ = ["HS6_DIGITS", "Cited", "Episode", "Given", "Instrument"]

HS6_DIGITS = 6
"""Length of a code of the Harmonised System at the level that all countries share."""


class Given(StrEnum):
    """What a forecast is told about the time after the start."""

    TOTAL_EXPORTS = "total-exports"
    """The restricting countries' total exports; who replaces them is to be told."""
    ANNOUNCEMENT = "announcement"
    """Only what was announced: instrument, month, declared severity."""


class Instrument(StrEnum):
    """What was done, or announced."""

    BAN = "ban"
    QUOTA = "quota"
    LICENCE = "licence"
    TAX = "tax"
    OUTAGE = "outage"
    SANCTION = "sanction"
    """Buyers refuse, by law or of their own accord; `restricting` is where the material is from."""


def _as_list(value: object) -> object:
    """Return a bare word as a list of one."""
    return [value] if isinstance(value, str) else value


def _code(value: object) -> object:
    """Return an HS6 code as text; YAML reads a bare one as a number."""
    text = str(value) if type(value) is int else value
    if not (isinstance(text, str) and len(text) == HS6_DIGITS and text.isdecimal()):
        raise ValueError(f"{value!r} is no HS6 code; write six digits, for example 260400")
    return text


Year = Annotated[int, Strict(), Field(ge=1990, le=2100)]
Url = Annotated[str, StringConstraints(pattern=r"^https?://\S+$")]
HsCode = Annotated[str, BeforeValidator(_code, json_schema_input_type=str | int)]


class Cited(Spec):
    """A statement and who makes it."""

    text: Text
    """The fact, restated."""
    source: Text
    """Publication, in words."""
    url: Url | None = None
    """Address; null where none was kept."""
    confidence: Confidence = Confidence.LOW
    """How well the source supports it."""


class Episode(Spec):
    """A restriction that happened or was announced, from one file."""

    id: Identifier
    """Identifier, also the name of the file."""
    title: Text
    """Name for readers."""
    source: Text
    """Publication that documents the restriction."""
    url: Url | None = None
    """Its address; null where none was kept."""
    confidence: Confidence = Confidence.LOW
    """How well it documents the restriction; low: general knowledge, not read again."""
    chain: Identifier | None = None
    """Chain of the form; left out where no chain has it, and then `codes` are needed."""
    form: Identifier
    """Form that was restricted: of the chain, or a name for what `codes` carry."""
    codes: tuple[HsCode, ...] = ()
    """HS6 codes (1992 revision) that are watched; default those of the chain's form."""
    restricting: tuple[Place, ...] = Field(min_length=1)
    """Where the material comes from: countries (ISO3) or groups."""
    target: tuple[Place, ...] | Literal["all"] = ALL
    """Who was to get less: countries (ISO3) or groups, or ``all``."""
    instrument: Instrument
    """What was done or announced."""
    start: MonthField
    """First month in force, YYYY-MM."""
    end: MonthField | None = None
    """Last month, YYYY-MM, as declared at the start; null: none was declared. What came later
    belongs into `note`: a forecast may not know it."""
    base_years: tuple[Year, ...] = Field(min_length=1)
    """Years that the forecast starts from, all before the year of `start`."""
    predict_years: tuple[Year, ...] = Field(min_length=1)
    """Years to tell."""
    given: Annotated[
        tuple[Given, ...],
        BeforeValidator(_as_list, json_schema_input_type=Given | list[Given]),
        Field(min_length=1),
    ]
    """``total-exports``, ``announcement``, or both: the episode is run once for each."""
    severity: Share | None = None
    """Declared severity: share of the flow to the targets that the announcement takes away while
    in force; left out: all of it."""
    placebo: Annotated[bool, Strict()] = False
    """True where it was announced or feared and took no tonnes away."""
    note: str = ""
    """What the reader should know, the choice of years included."""
    facts: tuple[Cited, ...] = ()
    """What was observed."""
    confounders: tuple[Cited, ...] = ()
    """What else happened at the time and blurs the comparison."""

    @property
    def restrictors(self) -> tuple[str, ...]:
        """Restricting countries, groups written out, ISO3."""
        return expand(self.restricting)

    @property
    def targets(self) -> tuple[str, ...] | None:
        """Countries that were to get less, ISO3; None: all but the restrictors."""
        if self.target == ALL:
            return None
        return tuple(c for c in expand(self.target) if c not in self.restrictors)

    @property
    def declared(self) -> Share:
        """Declared severity; where the file states none, all of the flow, marked as assumed."""
        if self.severity is not None:
            return self.severity
        why = "The episode declares no severity: the whole flow is taken"
        return Share(value=1.0, low=1.0, high=1.0, assumed=True, source=why)

    def in_force(self, year: int) -> float:
        """Return the share of a year's months from `start` to the declared `end`, 0 to 1."""
        months = (Month(year, m) for m in range(1, MONTHS_PER_YEAR + 1))
        active = sum(
            self.start <= month and (self.end is None or month <= self.end) for month in months
        )
        return active / MONTHS_PER_YEAR

    def document(self) -> dict[str, Any]:
        """Return the episode as plain data, ready for JSON."""
        return self.model_dump(mode="json")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        wrong = [*_order_of_years(self)]
        if self.chain is None and not self.codes:
            wrong.append("neither a chain nor codes are given; name the HS6 codes to watch")
        if (
            self.instrument is Instrument.TAX
            and Given.ANNOUNCEMENT in self.given
            and self.severity is None
        ):
            wrong.append("a tax declares no share; add severity, or give total-exports only")
        if self.end is not None and self.end < self.start:
            wrong.append(f"end {self.end} lies before start {self.start}")
        if self.target == ():
            wrong.append("'target' is empty; name at least one country or write all")
        elif self.targets == ():
            wrong.append("'target' names only restricting countries; nobody else is left")
        for name in ("restricting", "codes", "given", "base_years", "predict_years"):
            values = getattr(self, name)
            if len(set(values)) < len(values):
                wrong.append(f"'{name}' names something twice")
        if wrong:
            raise ValueError("; ".join(wrong))
        return self


def _order_of_years(episode: Episode) -> list[str]:
    """Return what is wrong with the years: base before the start, forecasts not before it."""
    wrong = []
    late = [y for y in episode.base_years if y >= episode.start.year]
    if late:
        wrong.append(
            f"base year {late[0]} is not before the year of the start, {episode.start.year}"
        )
    early = [y for y in episode.predict_years if y < episode.start.year]
    if early:
        wrong.append(f"year {early[0]} to predict lies before the start, {episode.start}")
    return wrong
