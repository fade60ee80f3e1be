"""The market: mass is conserved, nothing leaks that may not, stricter is never better."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lodeline.network.catalogue import chain_ids
from lodeline.network.network import ActivityKind, Layer, RowKind
from lodeline.network.stocks import StockPolicy
from lodeline.results.metrics import metric_table, series_table
from lodeline.results.welfare import cost_by_country, world_cost
from lodeline.scenarios.compile import compile_schedule
from lodeline.scenarios.library import load_scenario, scenario_ids
from lodeline.scenarios.restrictions import Ban, Outage, Tax
from lodeline.scenarios.stock_rule import Stocks
from lodeline.studies.market import ACCEPTED, UnsolvedError, run_market
from lodeline.units import Month

START = Month(2026, 1)


def ban(chain, forms, *, by="CHN", on="all", severity=1.0, leakage=0.0, end=None):
    return Ban.model_validate(
        {
            "type": "ban", "id": "ban", "by": (by,), "on": on if on == "all" else (on,),
            "chain": chain, "forms": forms, "start": "2026-01", "end": end, "source": "s",
            "severity": severity, "leakage": leakage,
        }
    )  # fmt: skip


def run(base, *restrictions, months=12, **options):
    calendar = [START + i for i in range(months)]
    return run_market(compile_schedule(base, restrictions, calendar), **options)


def largest_producer(base):
    output = base.produced[0].copy()
    for r, recipe in enumerate(base.chain.recipes):
        if recipe.makes == base.forms[0]:
            output += base.processed[r]
    return base.countries[int(np.argmax(output))]


@pytest.mark.parametrize("chain", chain_ids())
def test_mass_is_conserved_over_the_run_stocks_included(chain, balanced_base):
    base = balanced_base(chain)
    shock = ban(chain, (base.forms[0],), by=largest_producer(base), end="2026-06")
    result = run(base, shock, months=10)
    network = result.network
    flows = network.kind != ActivityKind.STORE
    net = np.zeros(network.row_kind.size)
    disposed = np.zeros(network.row_kind.size)
    for t in range(len(result.schedule.months)):
        net += network.incidence[:, flows] @ result.levels[t, flows]
        disposed += result.disposed(t)
    np.add.at(net, network.store_rows(), result.stocks[0] - result.stocks[-1])
    balances = network.row_kind != RowKind.LIMIT
    scale = network.row_scale[balances]
    assert (np.abs(net - disposed)[balances] / scale).max() < 1e-9
    assert (disposed[balances] / scale).min() > -1e-8


def test_nothing_of_restricted_origin_arrives_when_nothing_leaks(balanced_base):
    base = balanced_base("rare-earths")
    result = run(base, ban("rare-earths", "all", on="JPN"))
    network = result.network
    jpn = network.countries.index("JPN")
    into = (
        (network.kind == ActivityKind.SHIP)
        & (network.destination == jpn)
        & (network.layer == Layer.RESTRICTED)
    )
    assert network.reference[into].sum() > 100.0
    assert result.levels[:, into].max() == 0.0
    chn = network.countries.index("CHN")
    direct = (network.origin == chn) & (network.destination == jpn)
    assert result.levels[:, direct].max() == 0.0


def test_a_ban_that_leaks_wholly_changes_nothing(balanced_base):
    base = balanced_base("rare-earths")
    result = run(base, ban("rare-earths", "all", on="JPN", leakage=1.0))
    network = result.network
    known = network.reference > 0
    scale = np.abs(network.incidence).T @ network.row_scale
    moved = np.abs(result.levels - network.reference) / scale
    assert moved[:, known].max() < 1e-8


def test_a_glut_has_no_price_below_zero(balanced_base):
    base = balanced_base("rare-earths")
    result = run(base, ban("rare-earths", "all"))
    assert result.prices[:, result.network.row_kind != RowKind.SERVICE].min() >= 0.0


@pytest.mark.parametrize("scenario", scenario_ids())
def test_every_scenario_of_the_library_is_solved_and_costs_add_up(scenario, balanced_base):
    specification = load_scenario(scenario)
    for chain in specification.chains:
        base = balanced_base(chain, min(2024, specification.start.year - 1))
        own = [r for r in specification.restrictions if r.chain == chain]
        rule = (specification.stocks or Stocks(policy=StockPolicy.MARKET)).rule()
        result = run_market(compile_schedule(base, own, specification.calendar, stocks=rule))
        assert max(result.max_residual, result.max_gap) <= ACCEPTED
        total = world_cost(result)
        parts = cost_by_country(result)
        assert parts.sum() == pytest.approx(total, abs=1e-6 * np.abs(parts).sum() + 1.0)
        assert total >= -1e-6 * np.abs(parts).sum() - 1.0


def test_nothing_restricted_costs_nothing(balanced_base):
    result = run(balanced_base("nickel"), months=3)
    turnover = float((result.network.row_price * result.network.row_scale).sum())
    assert np.abs(cost_by_country(result)).max() < 1e-9 * turnover


def test_a_tax_is_a_transfer_and_still_costs_the_world(balanced_base):
    base = balanced_base("nickel")
    tax = Tax.model_validate(
        {
            "type": "tax", "id": "tax", "by": ("PHL",), "on": "all", "chain": "nickel",
            "forms": "all", "start": "2026-01", "source": "s", "rate": 0.3,
        }
    )  # fmt: skip
    result = run(base, tax)
    cost = cost_by_country(result).sum(axis=0)
    assert cost.sum() > 0.0
    assert cost[base.countries.index("CHN")] > 0.0


def test_an_outage_ends_and_use_comes_back(balanced_base):
    base = balanced_base("lng")
    outage = Outage.model_validate(
        {
            "type": "outage", "id": "outage", "by": ("QAT",), "chain": "lng", "forms": "all",
            "start": "2026-01", "end": "2026-03", "source": "s", "severity": 1.0,
            "recovery_months": 2,
        }
    )  # fmt: skip
    result = run(base, outage, months=24)
    series = series_table(result)
    last = series.filter(series["month"] == "2027-12")
    assert last["unmet_share"].max() < 0.02
    assert series["unmet_share"].max() > 0.02
    metrics = metric_table(result, series)
    assert metrics["time_to_survive_months"].drop_nulls().len() > 0


def target_use(base, severity, leakage):
    """Use of the target in a month without stocks: a single form and month."""
    result = run(base, ban("nickel", "all", by="PHL", severity=severity, leakage=leakage), months=1)
    series = series_table(result)
    row = series.filter(series["country"] == "CHN")
    return float(row["use_t"].item()), float(row["price_usd_t"].item())


@settings(max_examples=12, deadline=None)
@given(st.tuples(st.floats(0, 1), st.floats(0, 1)), st.floats(0, 0.9))
def test_a_stricter_ban_never_gives_the_buyer_more_or_cheaper(severities, leakage):
    from lodeline.network.base_year import base_year
    from lodeline.network.catalogue import load_chain

    base = _cached_base(base_year, load_chain)
    low, high = sorted(severities)
    use_mild, price_mild = target_use(base, low, leakage)
    use_strict, price_strict = target_use(base, high, leakage)
    assert use_strict <= use_mild * (1 + 1e-9)
    assert price_strict >= price_mild * (1 - 1e-9)


_BASES = {}


def _cached_base(base_year, load_chain):
    if "nickel" not in _BASES:
        _BASES["nickel"] = base_year(load_chain("nickel"), 2024)
    return _BASES["nickel"]


def test_straight_curves_are_solved_too(balanced_base):
    result = run(balanced_base("cobalt"), ban("cobalt", "all", by="COD"), months=6, bent=False)
    assert result.max_residual <= ACCEPTED


def test_an_unsolved_month_does_not_leave_the_program(balanced_base):
    from lodeline.solver import newton

    def lazy(problem, start):
        return newton.solve(problem, start, newton.Settings(max_iterations=1))

    with pytest.raises(UnsolvedError, match="2026-01"):
        run(balanced_base("cobalt"), ban("cobalt", "all", by="COD"), months=3, solver=lazy)
