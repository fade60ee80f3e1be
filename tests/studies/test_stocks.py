"""Reserves: each rule does what its name says, and together they do better than alone."""

import numpy as np
import pytest

from lodeline.network.network import ActivityKind, RowKind
from lodeline.network.stocks import StockPolicy, StockRule
from lodeline.report.depends import depends
from lodeline.results.reserves import reserve_table
from lodeline.results.welfare import cost_by_country, world_cost
from lodeline.scenarios.compile import compile_schedule
from lodeline.scenarios.library import load_scenario
from lodeline.scenarios.stock_rule import Stocks, stocks_with_policy
from lodeline.studies.market import ACCEPTED, run_market
from lodeline.studies.stress import run_stress

DEMO = load_scenario("china-dual-use-japan-2026")
MEMBERS = ("ITA", "JPN", "KOR")
RULES = {
    policy: StockRule(
        policy=policy,
        coalition=MEMBERS if policy is StockPolicy.JOINT else (),
        hold_days=15.0,
        release_share=0.34,
    )
    for policy in StockPolicy
}
_RUNS = {}


@pytest.fixture
def run(balanced_base):
    """Return the demo's rare earths under a rule; None is one stock for all."""

    def under(rule, restricted=True):
        key = (rule, restricted)
        if key not in _RUNS:
            restrictions = DEMO.restrictions if restricted else ()
            months = DEMO.calendar[:12]
            base = balanced_base("rare-earths")
            _RUNS[key] = run_market(compile_schedule(base, restrictions, months, stocks=rule))
        return _RUNS[key]

    return under


def reserve(result, iso3="JPN", form="metals"):
    """Return what is held by month over what was held at the start."""
    network = result.network
    stores = network.of_kind(ActivityKind.STORE)
    own = network.is_reserve[stores] & (network.origin[stores] == network.countries.index(iso3))
    own &= network.form[stores] == network.forms.index(form)
    path = result.stocks[:, own].sum(axis=1)
    return path[1:] / path[0]


def price(result, iso3="JPN", form="metals"):
    network = result.network
    [row] = np.flatnonzero(
        (network.row_kind == RowKind.POOL)
        & (network.row_country == network.countries.index(iso3))
        & (network.row_form == network.forms.index(form))
    )
    return result.prices[:, row] / network.row_price[row]


def test_apart_and_sold_alike_they_are_one_stock(run):
    apart, pooled = run(RULES[StockPolicy.MARKET]), run(None)
    assert world_cost(apart) == pytest.approx(world_cost(pooled), rel=1e-9)
    assert price(apart) == pytest.approx(price(pooled), rel=1e-9)


@pytest.mark.parametrize("policy", StockPolicy)
def test_with_nothing_restricted_no_rule_does_anything(run, policy):
    result = run(RULES[policy], restricted=False)
    network = result.network
    scale = np.abs(network.incidence).T @ network.row_scale
    assert (np.abs(result.levels - network.reference) / scale).max() < 1e-9


@pytest.mark.parametrize("policy", StockPolicy)
def test_mass_is_conserved_and_costs_add_up_under_every_rule(run, policy):
    result = run(RULES[policy])
    assert max(result.max_residual, result.max_gap) <= ACCEPTED
    network = result.network
    flows = network.kind != ActivityKind.STORE
    net = network.incidence[:, flows] @ result.levels[:, flows].sum(axis=0)
    np.add.at(net, network.store_rows(), result.stocks[0] - result.stocks[-1])
    disposed = sum(result.disposed(t) for t in range(len(result.levels)))
    balances = network.row_kind != RowKind.LIMIT
    assert (np.abs(net - disposed)[balances] / network.row_scale[balances]).max() < 1e-9
    assert cost_by_country(result).sum() == pytest.approx(world_cost(result), rel=1e-6)


def test_none_is_never_touched(run):
    assert reserve(run(RULES[StockPolicy.NONE])) == pytest.approx(1.0)


def test_hold_goes_down_to_its_days_and_no_further(run):
    held = reserve(run(RULES[StockPolicy.HOLD]))
    assert held.min() == pytest.approx(0.5)


def test_on_shortage_opens_above_the_trigger_and_no_faster_than_it_may(run):
    rule = RULES[StockPolicy.ON_SHORTAGE]
    result = run(rule)
    held, dear = reserve(result), price(result)
    assert (held[dear < rule.trigger] > 1.0 - 1e-9).all()
    assert held[-1] < 0.8
    assert np.diff(np.append(1.0, held)).min() >= -rule.release_share - 1e-9


def test_a_trigger_above_every_price_is_no_release(run):
    shut = StockRule(StockPolicy.ON_SHORTAGE, trigger=15.0, empty_at=18.0)
    assert price(run(shut)) == pytest.approx(price(run(RULES[StockPolicy.NONE])), rel=1e-9)


def test_members_draw_on_what_the_others_hold(run):
    alone, joint = run(RULES[StockPolicy.ON_SHORTAGE]), run(RULES[StockPolicy.JOINT])
    assert reserve(joint, "KOR").min() < reserve(alone, "KOR").min() - 0.01


def test_a_common_reserve_is_no_lane(run):
    # What a member sells into it is no more than its own part is rebuilt by in a month.
    result = run(RULES[StockPolicy.JOINT])
    network = result.network
    entries = network.incidence.tocoo()
    common = network.row_kind[entries.row] == RowKind.RESERVE
    given = entries.col[common & (entries.data > 0.0)]
    assert given.size > 0
    assert {network.countries[c] for c in network.origin[given]} == {"JPN", "KOR"}
    for form in range(len(network.forms)):
        into = given[network.form[given] == form]
        own = network.is_reserve & (network.form == form)
        held = np.bincount(network.origin[own], network.reference[own], len(network.countries))
        most = network.rebuild * held[network.origin[into]]
        assert (result.levels[:, into] <= most * (1 + 1e-9)).all()


def test_the_table_of_reserves_counts_days_and_months(run):
    table = reserve_table(run(RULES[StockPolicy.MARKET]))
    japan = table.filter((table["country"] == "JPN") & (table["form"] == "metals"))
    assert japan["opening_days"].item() == pytest.approx(30.0)
    assert japan["lasts_months"].item() == 9
    assert table["released_share"].min() >= 0.0


def test_the_value_of_coordination_is_reported_and_adds_up():
    result = run_stress(DEMO, months=6, policy=StockPolicy.JOINT, with_sensitivity=False)
    value = result.coordination
    assert value.members == ("ITA", "JPN")
    assert value.coalition == pytest.approx(sum(value.by_country[c] for c in value.members))
    assert value.world == pytest.approx(sum(value.by_country.values()))
    assert result.scenario["stocks"]["policy"] == "joint"
    # Italy holds nothing: all there is lies in Japan, so that there is little to share.
    assert (value.largest_holder, value.largest_share) == ("JPN", 1.0)
    assert any(
        "100 % lies in Japan already" in s.replace("\u202f", " ").replace("\xa0", " ")
        for s in depends(result)
    )


def test_a_coalition_goes_with_joint_release_alone():
    with pytest.raises(ValueError, match="'coalition' goes with"):
        Stocks(policy=StockPolicy.JOINT)
    with pytest.raises(ValueError, match="'coalition' goes with"):
        Stocks(policy=StockPolicy.HOLD, coalition=("JPN",))
    changed = stocks_with_policy(Stocks(policy=StockPolicy.HOLD), StockPolicy.JOINT, ("JPN",))
    assert changed.rule().coalition == ("JPN",)
    assert stocks_with_policy(changed, StockPolicy.NONE, ()).coalition == ()
