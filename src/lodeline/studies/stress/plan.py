"""What a stress test runs: settings and dials by chain, months, and who asks."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lodeline import data
from lodeline.errors import InputError, UnknownNameError
from lodeline.network.base_year import base_year as balanced_year
from lodeline.network.catalogue import load_chain
from lodeline.network.chain import Chain
from lodeline.network.sectors import sector_ids
from lodeline.network.stocks import StockPolicy
from lodeline.scenarios.compile import origin_kept_apart
from lodeline.scenarios.groups import GROUPS
from lodeline.scenarios.names import known_places
from lodeline.scenarios.spec import Scenario
from lodeline.scenarios.stock_rule import Stocks, stocks_with_policy
from lodeline.studies.dials import Dial, Setting, dials_of
from lodeline.units import Month

__all__ = ["Progress", "StressPlan", "check_sectors", "default_base_year", "plan_of",
           "setting_of"]  # fmt: skip

Progress = Callable[[str, int, int], None]
"""Called with what is done, how many steps are done, and how many there are."""


def default_base_year(scenario: Scenario) -> int:
    """Return the year before the scenario starts, or the last year of the trade data."""
    return min(scenario.start.year - 1, _last_trade_year())


@dataclass(frozen=True)
class StressPlan:
    """What is run: settings and dials by chain, months, and who asks."""

    scenario: Scenario
    year: int
    calendar: tuple[Month, ...]
    countries: tuple[str, ...]
    form: str | None
    settings: Mapping[str, Setting]
    dials: Mapping[str, tuple[Dial, ...]]
    report: Progress
    started: float
    priority: tuple[str, ...] = ()


def plan_of(
    scenario: Scenario,
    base_year: int | None,
    months: int | None,
    asked: Sequence[str] | None,
    form: str | None,
    chains: Mapping[str, Chain] | None,
    policy: StockPolicy | None,
    progress: Progress | None,
) -> StressPlan:
    """Return the plan of a stress test; parameters and errors as in `run_stress`."""
    started = time.perf_counter()
    year = base_year if base_year is not None else default_base_year(scenario)
    countries = tuple(asked) if asked is not None else scenario.asked
    _check_countries(countries)
    own = dict(chains or {})
    loaded = {c: own[c] if c in own else load_chain(c) for c in scenario.chains}
    _check_form(loaded, form)
    stocks = scenario.stocks or Stocks(policy=StockPolicy.MARKET)
    if policy is not None:
        stocks = stocks_with_policy(scenario.stocks, policy, countries)
    settings = {c: setting_of(chain, year, scenario, stocks) for c, chain in loaded.items()}
    return StressPlan(
        scenario=scenario.model_copy(update={"stocks": stocks}),
        year=year,
        calendar=tuple(scenario.start + i for i in range(months or scenario.months)),
        countries=countries,
        form=form,
        settings=settings,
        dials={c: dials_of(s.base, s.restrictions, stocks) for c, s in settings.items()},
        report=progress or _silent,
        started=started,
    )


def _silent(what: str, done: int, total: int) -> None:
    del what, done, total


def _last_trade_year() -> int:
    years = data.code_status()["last_year"]
    return int(years.max())  # type: ignore[arg-type]


def _check_countries(countries: Sequence[str]) -> None:
    known = known_places() | set(GROUPS)
    for country in countries:
        if country not in known:
            remedy = f"Use ISO 3166 alpha-3 codes, or {' or '.join(GROUPS)}."
            raise UnknownNameError("country", country, known, remedy)
    if not countries:
        raise InputError("no country asked about. Name at least one, for example JPN.")


def check_sectors(names: Sequence[str]) -> None:
    """Refuse sectors that do not exist."""
    for name in names:
        if name not in sector_ids():
            raise UnknownNameError("sector", name, sector_ids(), "docs/scenarios.md lists them.")


def _check_form(chains: Mapping[str, Chain], form: str | None) -> None:
    if form is None:
        return
    known = [f.id for chain in chains.values() for f in chain.forms]
    if form not in known:
        raise UnknownNameError("form", form, known)


def setting_of(chain: Chain, year: int, scenario: Scenario, stocks: Stocks) -> Setting:
    """Return what runs of a chain start from; the origin to keep apart is traced once."""
    own = tuple(r for r in scenario.restrictions if r.chain == chain.id)
    base = balanced_year(chain, year)
    return Setting(base, own, stocks.rule(), origin=origin_kept_apart(base, own))
