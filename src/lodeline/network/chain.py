"""Chains as declared: the forms of a material, the recipes between them, how they behave.

A chain is one TOML file (``network/chains/*.toml``, or the user's own). The models below are its
schema: unknown keys are errors, every figure names its source, and a figure that nobody publishes
is marked ``assumed`` and carries a range.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

__all__ = [
    "Absorbed",
    "Absorption",
    "Basis",
    "Behaviour",
    "Chain",
    "Code",
    "CountryStock",
    "Exclusion",
    "Form",
    "Inferred",
    "KnownLane",
    "Neighbour",
    "NetExports",
    "Output",
    "Parameter",
    "Recipe",
    "RestOfWorld",
    "SharesOfWorld",
    "TableOutput",
]

Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")]
Country = Annotated[str, Field(pattern=r"^[A-Z0-9]{3}$")]
"""ISO 3166 alpha-3 code."""
Finite = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Year = Annotated[int, Field(strict=True, ge=1962, le=2100)]


class _Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Parameter(_Spec):
    """A number with its range and its source."""

    value: Finite
    """Central value."""
    low: Finite
    """Lower end of the range that ensembles and sensitivities use."""
    high: Finite
    """Upper end of the range."""
    source: str = Field(min_length=3)
    """Publication, or the reasoning where the value is assumed."""
    assumed: bool = Field(default=False, strict=True)
    """True where no source publishes the value."""
    lognormal: bool = Field(default=False, strict=True)
    """True where low and high hold the middle 80 % of a lognormal distribution; else they are its
    ends."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low <= self.value <= self.high:
            raise ValueError(
                f"needs low <= value <= high, got {self.low}, {self.value}, {self.high}"
            )
        if self.lognormal and self.low <= 0.0:
            raise ValueError(f"a lognormal distribution needs low > 0, got {self.low}")
        return self


def _positive(parameter: Parameter) -> Parameter:
    if parameter.low <= 0.0:
        raise ValueError(f"needs low > 0, got {parameter.low}")
    return parameter


def _not_negative(parameter: Parameter) -> Parameter:
    if parameter.low < 0.0:
        raise ValueError(f"needs low >= 0, got {parameter.low}")
    return parameter


def _share(parameter: Parameter) -> Parameter:
    if parameter.low < 0.0 or parameter.high > 1.0:
        raise ValueError(f"needs 0 <= low and high <= 1, got {parameter.low} to {parameter.high}")
    return parameter


def _in_order(years: tuple[int, int]) -> tuple[int, int]:
    if years[0] > years[1]:
        raise ValueError(f"the first year is after the last, {list(years)}")
    return years


def _more_than_one(parameter: Parameter) -> Parameter:
    if parameter.low <= 1.0:
        raise ValueError(f"needs low > 1, got {parameter.low}")
    return parameter


def _content(parameter: Parameter) -> Parameter:
    return _share(_positive(parameter))


Positive = Annotated[Parameter, AfterValidator(_positive)]
NotNegative = Annotated[Parameter, AfterValidator(_not_negative)]
Share = Annotated[Parameter, AfterValidator(_share)]
Content = Annotated[Parameter, AfterValidator(_content)]
MoreThanOne = Annotated[Parameter, AfterValidator(_more_than_one)]


class Basis(StrEnum):
    """What a tonne of a form is."""

    CONTAINED = "contained"
    """Contained element (or stated oxide equivalent)."""
    GROSS = "gross"
    """Gross weight as traded; no content is published for the code."""


class Code(_Spec):
    """An HS92 code that carries a form in trade."""

    code: str = Field(pattern=r"^\d{6}$")
    """HS6 code, revision 1992."""
    content: Content
    """Tonnes of the form's unit in a gross tonne of the code."""
    origins: dict[Country, Content] = {}
    """The same for exporters whose material differs (leaner ore, intermediates)."""

    def content_from(self, exporter: str) -> Parameter:
        """Return the content of what `exporter` (ISO3) ships under the code."""
        return self.origins.get(exporter, self.content)


class TableOutput(_Spec):
    """Output by country from a bundled production table (observed)."""

    kind: Literal["table"]
    commodity: str
    """Commodity of the production table (``lodeline.data.production``)."""
    stage: str = "mine"
    """Stage of the production table: mine, refinery, smelter."""
    factor: Positive
    """Tonnes of the form's unit in one tonne of the table.

    Years that the table does not hold take the figures of the nearest year that it does: then
    they are a prior and flagged, as with shares.
    """


class SharesOfWorld(_Spec):
    """Output by country as curated share times world output (a prior, flagged)."""

    kind: Literal["shares"]
    material: str
    """Material of the curated share table (``lodeline.data.stage_shares``)."""
    stage: str
    """Stage of the curated share table."""
    share_year: Year | None = None
    """Vintage of the shares; left out, the newest that is not after `world_year`."""
    world_t: Positive
    """World output, tonnes a year of the form's unit."""
    world_year: Year
    """Year of `world_t`; other years scale it with world trade of the form."""


class NetExports(_Spec):
    """Output by country as net exports plus stated domestic use (a prior, flagged)."""

    kind: Literal["net-exports"]
    domestic_use: NotNegative
    """Domestic use of a net exporter as a share of its net exports."""


class Absorption(_Spec):
    """Curated shares of a stage in a year, by which a form is shared out over countries."""

    material: str
    """Material of the curated share table (``lodeline.data.stage_shares``)."""
    stage: str
    """Stage of the curated share table."""
    share_year: Year
    """Vintage of the shares."""


class RestOfWorld(_Spec):
    """What curated shares leave of world output, over those who take the neighbouring stage.

    For forms without a trade code: a prior with a wide deviation, flagged. Countries that the
    shares name get nothing of it.
    """

    kind: Literal["rest"]
    countries: tuple[Country, ...] = ()
    """Countries that are known to make the form; left out, all that take the neighbouring stage."""
    shares: Absorption | None = None
    """Curated shares, of another vintage say, that share out the rest; left out, what countries
    take of the neighbouring stage."""
    source: str = Field(min_length=3)
    """Where it is said that they make it, or why nobody is named."""


Output = Annotated[
    TableOutput | SharesOfWorld | NetExports | RestOfWorld, Field(discriminator="kind")
]


class Neighbour(_Spec):
    """Trade whose lanes stand in for those of a form without a trade code."""

    form: Identifier | None = None
    """An earlier form of the chain; this or `codes`."""
    codes: tuple[Annotated[str, Field(pattern=r"^\d{6}$")], ...] = ()
    """HS92 codes of a related good, tonnes as traded; this or `form`."""
    year: Year | None = None
    """Year of the lanes; left out, the base year."""
    domestic_use: NotNegative | None = None
    """With `codes`: domestic use of a net exporter as a share of its net exports."""


class Absorbed(_Spec):
    """What a country or a group takes of a form, where a figure is published."""

    countries: tuple[Country, ...] = Field(min_length=1)
    """ISO3; within a group it is shared out like the neighbouring stage."""
    share: Share
    """Share of world output of the form that they take."""


class KnownLane(_Spec):
    """A lane of an inferred form of which a figure is published."""

    exporter: Country
    """Maker, ISO3."""
    importer: Country
    """Taker, ISO3."""
    share: Share
    """Share of what the importer takes that comes from the exporter."""


class Inferred(_Spec):
    """Lanes of a form that no trade code shows: the nearest to a neighbour's that balance."""

    neighbour: Neighbour
    """Whose lanes are the prior."""
    home: Share
    """Least weight of a maker's own country in the prior, share of what the country takes."""
    openness: Content
    """Share of the prior that is spread over all makers in proportion to their output."""
    concentration: Share
    """From the fit nearest to the neighbour's lanes (0) to the one on the fewest lanes (1)."""
    price_usd_t: Positive | None = None
    """Price, USD/t; this or `price_over_inputs`."""
    price_over_inputs: Positive | None = None
    """Price over the value of the recipe's inputs; this or `price_usd_t`."""
    taken_like: Identifier | None = None
    """An earlier form whose takers stand in for the form's; left out, the neighbour's."""
    absorption: Absorption | None = None
    """Curated shares that say who takes the form; left out, the neighbour's takers."""
    absorbed: tuple[Absorbed, ...] = ()
    """What single countries or groups take; the rest goes to the others."""
    known: tuple[KnownLane, ...] = ()
    """Lanes of which a figure is published: they are kept, the others are inferred round them."""


class Form(_Spec):
    """A material form: what a node is about."""

    id: Identifier
    title: str
    """Name in words, as reports show it."""
    stage: str
    """Stage in words: ore, concentrate, compound, metal, fuel."""
    unit: str
    """What one tonne is, in words ("t Li content")."""
    basis: Basis
    """Contained element, or gross weight."""
    codes: tuple[Code, ...] = ()
    """Codes that carry the form in trade; this or `inferred`."""
    inferred: Inferred | None = None
    """How lanes are inferred where no code carries the form; this or `codes`."""
    output: Output
    """Where the output of the form by country comes from, the first that applies."""
    fallback: Output | None = None
    """Output for years and countries that `output` does not cover; default net exports."""
    onward_price: MoreThanOne | None = None
    """Most that those who work on the form can pay, over p̄: what they make is sold on the world
    market. Left out where the form is used up as it is."""
    note: str = ""
    """What a reader should know about the form."""


class Recipe(_Spec):
    """One tonne of a form made of other forms of the chain."""

    id: Identifier
    makes: Identifier
    """Form that is made."""
    inputs: dict[Identifier, Positive] = Field(min_length=1)
    """Tonnes of each input for one tonne of output."""
    share_of_output: Share
    """Share of the form's output that this recipe makes; the rest is produced directly."""
    share_by_country: dict[Country, Share] = {}
    """The same for countries that differ (smelters without refineries of their own)."""

    def share_in(self, country: str) -> Parameter:
        """Return the share of the output of `country` (ISO3) that this recipe makes."""
        return self.share_by_country.get(country, self.share_of_output)


class Behaviour(_Spec):
    """How the chain answers to prices, all short run (months).

    What a file leaves out is taken from the estimates of the backtest for the kind of material
    (`lodeline.network.estimates`), where there is one.
    """

    demand_elasticity: Positive
    """Relative fall of use per relative rise of price, > 0."""
    supply_elasticity: Positive
    """Relative rise of output per relative rise of price, > 0."""
    processing_elasticity: Positive
    """The same for recipes, per relative rise of the value of output."""
    trade_elasticity: Positive
    """Relative rise of a lane's flow per relative rise of the margin over it, > 0."""
    surge: NotNegative
    """Output that can be added at once, as a share of base-year output."""
    lane_growth: Positive
    """Monthly growth limit of a lane, as a share of its flow the month before."""
    entry_cost: NotNegative
    """Extra cost of a lane unused in the base year, as a share of the price."""
    stock_days: NotNegative
    """Days of use held by users at the start."""
    trader_days: NotNegative | None = None
    """Days of use held between producers and users: by traders, in warehouses and at stages that
    one form pools; left out, nothing."""
    stock_elasticity: Positive
    """Relative fall of stocks held per relative rise of price, > 0."""
    rebuild: NotNegative
    """Share of the normal stock that can be rebuilt a month."""


class Exclusion(_Spec):
    """Trade rows left out, in sight, with the reason."""

    code: str = Field(pattern=r"^\d{6}$")
    """HS92 code; a form of the chain must have it."""
    exporter: Country
    """Exporter, ISO3."""
    importer: Country | None = None
    """Importer, ISO3; left out, all importers."""
    years: Annotated[tuple[Year, Year], AfterValidator(_in_order)]
    """First and last year."""
    reason: str = Field(min_length=10)
    """Why the rows are not what their code says."""


class CountryStock(_Spec):
    """Stock held by a state or by its order, on top of what users hold (`stock_days`)."""

    country: Country
    """Holder, ISO3."""
    form: Identifier | None = None
    """Form that is held; left out, every form of the chain."""
    days: NotNegative
    """Days of the country's own use in the base year. A target is not a holding."""


def inference_problem(form: Form, earlier: Sequence[str], recipes: Sequence[Recipe]) -> str | None:
    """Return in words what does not fit in how a form gets its lanes; None where all does."""
    how = form.inferred
    if how is None:
        sources = (form.output, form.fallback)
        if any(isinstance(s, RestOfWorld) for s in sources):
            return f"form '{form.id}': output of kind 'rest' needs inferred lanes"
        return None if form.codes else f"form '{form.id}' has neither codes nor inferred lanes"
    if form.codes:
        return f"form '{form.id}' has both codes and inferred lanes"
    if not isinstance(form.output, SharesOfWorld):
        return f"form '{form.id}': inferred lanes need output of kind 'shares'"
    if isinstance(form.fallback, NetExports | TableOutput):
        return f"form '{form.id}': inferred lanes need a fallback of kind 'rest' or 'shares'"
    near = how.neighbour
    if (near.form is None) == (not near.codes):
        return f"form '{form.id}': the neighbour is either a form or codes"
    if near.form is not None and near.form not in earlier:
        return f"form '{form.id}': the neighbour '{near.form}' is no earlier form"
    if how.taken_like is not None and how.taken_like not in earlier:
        return f"form '{form.id}': taken_like '{how.taken_like}' is no earlier form"
    if near.codes and near.domestic_use is None:
        return f"form '{form.id}': a neighbour given by codes needs domestic_use"
    if (how.price_usd_t is None) == (how.price_over_inputs is None):
        return f"form '{form.id}': give either price_usd_t or price_over_inputs"
    if how.price_over_inputs is not None and form.id not in [r.makes for r in recipes]:
        return f"form '{form.id}': price_over_inputs needs a recipe that makes it"
    return None


class Chain(_Spec):
    """A chain: forms in the order of the flow, recipes, behaviour."""

    id: Identifier
    title: str
    """Name in words, as reports show it."""
    material: str
    """Material that the chain is about."""
    description: str
    """What the chain holds, in one sentence."""
    forms: tuple[Form, ...] = Field(min_length=1)
    """Forms in the order of the flow; results are about the last one unless asked otherwise."""
    recipes: tuple[Recipe, ...] = ()
    """How forms are made of earlier forms."""
    behaviour: Behaviour
    """How the chain answers to prices and shocks."""
    exclusions: tuple[Exclusion, ...] = ()
    """Trade rows left out."""
    stocks: tuple[CountryStock, ...] = ()
    """Published state stocks and targets."""
    limits: tuple[str, ...] = ()
    """What the chain does not show, in sentences for the report."""

    def form(self, form_id: str) -> Form:
        """Return the form of that identifier; KeyError if the chain has none."""
        for form in self.forms:
            if form.id == form_id:
                return form
        raise KeyError(form_id)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        ids = [f.id for f in self.forms]
        if len(set(ids)) != len(ids):
            raise ValueError(
                f"forms with the same id: {sorted({i for i in ids if ids.count(i) > 1})}"
            )
        for recipe in self.recipes:
            for name in (recipe.makes, *recipe.inputs):
                if name not in ids:
                    raise ValueError(f"recipe '{recipe.id}' names form '{name}', known are {ids}")
            if any(ids.index(name) >= ids.index(recipe.makes) for name in recipe.inputs):
                raise ValueError(f"recipe '{recipe.id}': inputs must come before '{recipe.makes}'")
        for place, form in enumerate(self.forms):
            wrong = inference_problem(form, ids[:place], self.recipes)
            if wrong:
                raise ValueError(wrong)
        codes = {c.code for f in self.forms for c in f.codes}
        for rule in self.exclusions:
            if rule.code not in codes:
                raise ValueError(f"exclusion of code {rule.code}, which no form has")
        for stock in self.stocks:
            if stock.form is not None and stock.form not in ids:
                raise ValueError(f"stock of form '{stock.form}', known are {ids}")
        return self
