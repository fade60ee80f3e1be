"""Times count from the first month of a restriction; costs leave the behaviour of stocks out."""

import numpy as np
import pytest

from lodeline.network.network import ActivityKind
from lodeline.results.metrics import _times
from lodeline.results.welfare import Costs, cost_by_country, world_cost
from lodeline.scenarios.compile import compile_schedule
from lodeline.scenarios.library import load_scenario
from lodeline.studies.market import run_market


@pytest.mark.parametrize(
    ("shares", "onset", "survive", "recover"),
    [
        ([0, 0, 0, 0], 0, None, 0),
        ([0, 0.06, 0.06, 0], 0, 1, 2),
        ([0, 0.06, 0.06, 0], 1, 0, 2),
        ([0, 0, 0.06, 0.06], 1, 1, None),
        ([0.06, 0, 0.06, 0], 0, 0, 3),
        ([0.05, 0.05], 0, None, 0),
    ],
)
def test_times_by_hand(shares, onset, survive, recover):
    assert _times(np.array(shares, dtype=float), onset) == (survive, recover)


@pytest.fixture(scope="module")
def run(balanced_base):
    scenario = load_scenario("indonesia-nickel-2020")
    base = balanced_base("nickel", 2019)
    return run_market(compile_schedule(base, scenario.restrictions, scenario.calendar))


@pytest.mark.parametrize("costs", list(Costs))
def test_costs_of_countries_add_up_to_the_world_s(run, costs):
    parts = cost_by_country(run, costs=costs)
    assert parts.sum() == pytest.approx(world_cost(run, costs=costs), rel=1e-9)


def test_planned_costs_differ_by_what_running_low_is_said_to_cost(run):
    stores = run.network.of_kind(ActivityKind.STORE)
    curves = run.network.curves()
    low = sum(curves.adjustment(level)[stores].sum() for level in run.levels)
    difference = world_cost(run, costs=Costs.AS_PLANNED) - world_cost(run)
    assert difference == pytest.approx(low, rel=1e-9)
    assert low > 0.0


def test_stock_that_is_used_up_costs_its_value_and_no_more(run):
    # Holders release at the market's price and count what they held at the reference price.
    stores = run.network.of_kind(ActivityKind.STORE)
    rows = run.network.store_rows()
    price = run.network.row_price[rows]
    earned = 0.0
    for t in range(len(run.schedule.months)):
        released = run.stocks[t] - run.stocks[t + 1]
        earned += float(((run.prices[t, rows] - price) * released).sum())
    assert stores.size
    assert earned > 0.0
