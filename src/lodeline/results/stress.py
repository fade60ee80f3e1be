"""What a stress test returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from lodeline.network.outputs import STATED_USE
from lodeline.results.groups import GroupTables
from lodeline.scenarios.groups import GROUPS, expand

__all__ = [
    "BothResult",
    "ChainResult",
    "Coordination",
    "Corner",
    "SensitivityRow",
    "StressResult",
    "Untraced",
]

_ROUNDING = 1e-9
"""Below this a relative move of the balancing is the solver's rounding."""


@dataclass(frozen=True)
class ChainResult:
    """One chain under one scenario.

    Attributes
    ----------
    chain, title
        Identifier and title of the chain.
    form
        Form whose metrics are reported (the chain's last form unless asked otherwise).
    form_titles
        Title by form (``{"compounds": "Rare-earth compounds"}``).
    units
        Unit in words by form (``{"compounds": "t REO"}``).
    metrics
        One row per country and form: ``country, form, reference_use_t`` (t/month),
        ``unmet_share_peak, unmet_t_total, time_to_survive_months, time_to_recover_months,
        price_multiple_peak, cost_usd`` (of that form alone), ``is_price_capped`` (in any month),
        ``intake_t`` (own output and imports in the base year, t/month) and ``is_remainder`` (the
        use is less than a tenth of that: see `results.remainders`). Absent values are null; a time
        is null when the threshold is never crossed (survive) or not recovered within the horizon.
        Times count from the first month of a restriction.
    costs
        One row per country: ``country, cost_usd`` over all forms of the chain.
    series
        One row per country, form and month: ``month`` (YYYY-MM), ``country, form, use_t,
        reference_use_t, unmet_t, unmet_share, price_usd_t, price_multiple, is_price_capped,
        stock_before_t, stock_t, months_of_cover``; stocks are those at the start and the end of the
        month. Unmet is what users want at the reference price (the reference use, more in a demand
        surge) less their use.
    flows
        One row per activity and month: ``month, kind`` (produce, process, ship, use, ...),
        ``form, origin, destination`` (equal for what stays), ``layer`` (free, restricted, all),
        ``level_t, reference_t`` (t/month), ``unit_margin_usd_t``.
    supply
        Who supplied whom: one row per form, importer and exporter before and during: ``form,
        exporter, importer, before_t, during_t`` (mean t/month over the restricted months;
        exporter = importer for a country's own output).
    reserves
        One row per country and form with a reserve: ``country, form, opening_t, opening_days`` (of
        use and processing), ``lowest_t, lowest_month, released_share`` (at its lowest),
        ``lasts_months`` (from the first month of a restriction until 5 % are left; null: never).
    via
        Who brought restricted-origin material to whom: one row per form, importer and exporter:
        ``form, exporter, importer, is_third`` (the exporter does not restrict), ``before_t,
        during_t`` (mean t/month over the restricted months), ``third_share`` (of what the importer
        got of the form by all routes before). Empty where nothing is targeted.
    sectors
        One row per country, form and sector, where shares are published, worst first: ``country,
        form, sector, title, share, ease, unmet_share_peak, unmet_t_total,
        time_to_survive_months, region`` (of the share: the country, or WLD), ``source``.
    reconciliation
        One row per country and form: ``country, form, item`` (output, imports, exports,
        use), ``reported_t, reconciled_t`` (t/year), ``basis`` (``reported``, ``inferred`` for
        imports and exports that no trade code shows, ``left over``,
        ``observed 2022, USGS``, ``carried from 2023, USGS``, ``prior: ...``).
    max_deviation_from_reported
        Largest move of a country's reported imports, exports or output, as a share of its
        throughput; None where nothing is reported.
    assumptions
        ``name, value, low, high, unit, source, assumed`` of every parameter that was used.
    limits
        What the chain does not show, in sentences.
    certificate
        Worst over all solves: ``max_residual, max_gap, solves, fallbacks``.
    inferred
        By form without a trade code: what its lanes are inferred from (``{"magnets": "trade in
        rare-earth metals"}``). Who buys such a form from whom was not observed.
    trade
        Rows of the trade table behind the imports of the countries asked about: ``form, code, year,
        exporter, importer, value_usd, tonnes, tonnes_reported, quality, form_t, is_excluded,
        stands_in``; see `lodeline.network.trade_rows`.
    groups
        The same metrics, costs and series of the groups asked about (``EU27``), apart from the
        countries', so that no sum counts a country twice.
    """

    chain: str
    title: str
    form: str
    form_titles: Mapping[str, str]
    units: Mapping[str, str]
    metrics: pl.DataFrame
    costs: pl.DataFrame
    series: pl.DataFrame
    flows: pl.DataFrame
    supply: pl.DataFrame
    reserves: pl.DataFrame
    via: pl.DataFrame
    sectors: pl.DataFrame
    reconciliation: pl.DataFrame
    max_deviation_from_reported: float | None
    assumptions: pl.DataFrame
    limits: tuple[str, ...]
    certificate: Mapping[str, float]
    trade: pl.DataFrame
    groups: GroupTables
    inferred: Mapping[str, str] = field(default_factory=dict)

    def metrics_of(self, place: str) -> pl.DataFrame:
        """Return the metrics of a country or group, one row a form."""
        return _of_place(self.metrics, self.groups.metrics, place)

    def costs_of(self, place: str) -> pl.DataFrame:
        """Return the cost of a country or group over all forms, one row."""
        return _of_place(self.costs, self.groups.costs, place)

    def series_of(self, place: str) -> pl.DataFrame:
        """Return the months of a country or group."""
        return _of_place(self.series, self.groups.series, place)

    @property
    def is_fitted_to_trade(self) -> bool:
        """Whether trade is reported and no output observed: outputs move, trade need not."""
        what, basis = pl.col("item"), pl.col("basis")
        moved = self.max_deviation_from_reported
        is_observed = (what == "output") & basis.str.starts_with("observed")
        observed = self.reconciliation.filter(is_observed)
        return moved is not None and moved < _ROUNDING and observed.is_empty()

    def has_stated_use(self, country: str, form: str) -> bool:
        """Return whether a country's use follows from a stated share of its net exports."""
        rows = self.reconciliation.filter(
            (pl.col("country") == country) & (pl.col("form") == form) & (pl.col("item") == "output")
        )
        return STATED_USE in rows["basis"].to_list()


def _of_place(countries: pl.DataFrame, groups: pl.DataFrame, place: str) -> pl.DataFrame:
    """Return the rows of a country, or of a group."""
    table = groups if place in GROUPS else countries
    return table.filter(pl.col("country") == place)


@dataclass(frozen=True)
class SensitivityRow:
    """The headline with one number at an end of its range.

    Attributes
    ----------
    chain
        Chain whose headline moves.
    parameter
        Name in words.
    unit
        Unit of the parameter in words.
    low, high
        Ends of the parameter's range.
    at_low, at_high
        Headline metric (peak unmet share of the headline country and chain) at those ends.
    central
        Headline metric at the central value.
    inferred_form
        Form whose lanes are inferred, if the number is how concentrated they are.
    """

    chain: str
    parameter: str
    unit: str
    low: float
    high: float
    at_low: float
    at_high: float
    central: float
    inferred_form: str | None = None


@dataclass(frozen=True)
class Corner:
    """The headline with its most uncertain numbers turned together.

    Attributes
    ----------
    chain
        Chain whose headline moves.
    is_severe
        Whether each number is at the end that makes the headline worse, or at the other.
    numbers
        Parameter, unit in words, and the value that it is set to.
    value
        Headline metric.
    """

    chain: str
    is_severe: bool
    numbers: tuple[tuple[str, str, float], ...]
    value: float


@dataclass(frozen=True)
class Untraced:
    """Material of the headline's country that no source can place; it counts as free.

    Attributes
    ----------
    country, chain, form
        Whose, and of what.
    share
        Of what the country uses and processes of the form, 0 to 1.
    first_seen
        Countries where it comes to light, ISO3, largest first.
    """

    country: str
    chain: str
    form: str
    share: float
    first_seen: tuple[str, ...]


@dataclass(frozen=True)
class BothResult:
    """The same scenario in the market and under foresight.

    Attributes
    ----------
    market, foresight
        Either way of running, same stocks at both ends.
    value_by_country
        ``country, value_of_foresight_usd`` over all chains: what knowing the future would have
        saved; some countries may lose.
    value_by_group
        The same of the groups asked about: sums of their members.
    value_world
        The world's, never negative: ``as_paid`` of `studies.foresight`.
    """

    market: StressResult
    foresight: StressResult
    value_by_country: Mapping[str, float]
    value_by_group: Mapping[str, float]
    value_world: float


@dataclass(frozen=True)
class Coordination:
    """What it is worth that a coalition releases its reserves together, USD over all months.

    Cost of the market in which each member releases its own reserve on shortage, less its cost
    with joint release: the same stocks, triggers and speed.

    Attributes
    ----------
    members
        The coalition, ISO3.
    by_country
        Saved by country over all chains; a member may lose what others gain.
    coalition, world
        Sums over the members and over all countries.
    largest_holder, largest_share
        Who of them holds most of the headline's form, and its share of what all of them hold;
        absent where none holds any.
    """

    members: tuple[str, ...]
    by_country: Mapping[str, float]
    coalition: float
    world: float
    largest_holder: str | None = None
    largest_share: float | None = None


@dataclass(frozen=True)
class StressResult:
    """A scenario run on all its chains, in one mode.

    Attributes
    ----------
    scenario
        The specification as plain data: id, title, question, restrictions, assumptions, sources.
    mode
        ``market`` or ``foresight``.
    base_year, months
        Base year, and the simulated months as YYYY-MM.
    asked
        Countries (ISO3) and groups (``EU27``) the reader asked about.
    chains
        Result by chain identifier.
    countries
        One row per country over all chains: ``country, cost_usd, worst_chain,
        unmet_share_peak, time_to_survive_months, time_to_recover_months, price_multiple_peak,
        is_price_capped`` (in any chain), ``is_remainder`` (the use of the worst chain).
    groups
        The same of the groups asked about.
    sensitivity
        How the headline moves with its most uncertain numbers, widest first.
    headline
        ``country, chain, form, unmet_share_peak, low, high``: the country asked about that is hit
        hardest; the range is the span over `sensitivity` and the corner runs, None without them.
    dataset
        ``edition, sha256`` and the ``tables`` used, with source, licence and attribution.
    country_names
        English name by ISO3.
    seconds
        Wall time of the run.
    notes
        Sentences about the whole result.
    coordination
        What joint release of reserves is worth; None where there is none.
    lead_time
        Whether goods took their time at sea.
    priority
        Sectors that were served first.
    idle
        Restrictions of exports that find no trade to hold back in the base year, by id.
    corners
        The headline with the widest numbers of `sensitivity` turned together, mild and severe.
    untraced
        What of the headline's material nobody can place though a restriction looks at the origin:
        it counts as free of the restricting country. None where there is none.
    """

    scenario: Mapping[str, Any]
    mode: str
    base_year: int
    months: tuple[str, ...]
    asked: tuple[str, ...]
    chains: Mapping[str, ChainResult]
    countries: pl.DataFrame
    groups: pl.DataFrame
    sensitivity: tuple[SensitivityRow, ...]
    headline: Mapping[str, Any]
    certificate: Mapping[str, float]
    dataset: Mapping[str, Any]
    country_names: Mapping[str, str]
    seconds: float
    notes: tuple[str, ...] = field(default=())
    coordination: Coordination | None = None
    lead_time: bool = False
    priority: tuple[str, ...] = ()
    idle: tuple[str, ...] = ()
    corners: tuple[Corner, ...] = ()
    untraced: Untraced | None = None

    @property
    def members(self) -> tuple[str, ...]:
        """Countries asked about, groups written out; in order, each once."""
        return tuple(dict.fromkeys(c for name in self.asked for c in expand([name])))
