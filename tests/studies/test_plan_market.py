"""The market's verdict on plans: books like those of ensembles, stocks that run out."""

import numpy as np
import pytest
from plan_cases import PLAN, plan_files, small_case

from lodeline.errors import InputError
from lodeline.network import RowKind
from lodeline.scenarios.plan_reading import parse_plan
from lodeline.studies.plan.bundle import Optimum, Search
from lodeline.studies.plan.contributions import measure_outcomes
from lodeline.studies.plan.evaluate import Here
from lodeline.studies.plan.exchange import improve_for_members, own_value
from lodeline.studies.plan.futures import case_of
from lodeline.studies.plan.ledger import Ledger
from lodeline.studies.plan.market import Judge, simulate_plan
from lodeline.studies.plan.master import Master
from lodeline.studies.plan.outcomes import fresh_comparisons, standard_error

COUNT = 6


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    return small_case(tmp_path_factory.mktemp("plan"))


@pytest.fixture(scope="module")
def judge(case):
    return Judge(case, case.values(seed=1, count=COUNT))


def test_futures_with_lead_times_are_refused(tmp_path):
    path = plan_files(tmp_path, PLAN)
    plan = parse_plan(path.read_bytes(), source="plan.yaml", folder=tmp_path)
    slow = plan.futures.model_copy(update={"lead_time": True})
    with pytest.raises(InputError, match="lead times, which plans do not know"):
        case_of(plan.model_copy(update={"futures": slow}), year=2023)


def test_a_month_of_the_base_year_costs_nobody_anything(case):
    network = case.chains[0].network

    def tiled(values):
        return np.tile(values, (2, 1))

    ledger = Ledger(
        network, tiled(network.reference), tiled(network.margin), tiled(network.slope),
        tiled(network.elasticity), tiled(network.cap),
    )  # fmt: skip
    stocks = network.reference[network.kind == 3]
    limits = np.full((2, len(network.limits)), np.inf)
    prices = np.where(network.row_kind == RowKind.LIMIT, 0.0, network.row_price)
    ledger.add(tiled(network.reference), tiled(prices), tiled(stocks), limits)
    value = network.row_price @ network.row_scale
    assert np.abs(ledger.cost).max() < 1e-9 * value
    assert ledger.unmet_tonnes.max() == 0.0


def test_without_measures_the_verdict_is_the_ensemble_s(case, judge):
    simulate = pytest.importorskip("lodeline.studies.ensemble.simulate").simulate
    model = case.chains[0].model
    values = case.values(seed=1, count=64)
    outcome = simulate(model, values)
    found = judge(np.zeros(case.menu.size))
    place = [found.countries.index(c) for c in model.network.countries]
    theirs = outcome.cost.sum(axis=1)[:COUNT]
    assert np.allclose(found.cost[:, place], theirs, rtol=1e-6, atol=1.0)


def test_a_stock_is_released_once(case):
    chain = case.chains[0]
    values = case.values(seed=1, count=COUNT)
    plan = np.zeros(case.menu.size)
    k = case.menu.measures.index("stock-jpn")
    plan[case.menu.measure == k] = 3.0
    judge = Judge(case, values)
    held = float((chain.columns.held[-1] @ plan).sum())
    released = []

    class Spy:
        def solve_batch(self, *arguments):
            result = judge._markets[0].solve_batch(*arguments)
            own = chain.model.network.activities
            released.append(result.levels[:, own:][:, chain.columns.stock_of >= 0].sum(axis=1))
            return result

    simulate_plan(chain, Spy(), values, plan)
    total = np.sum(released, axis=0)
    assert total.max() <= held * (1 + 1e-9)
    assert total.max() > 0.5 * held


def test_a_plan_lowers_the_mean_loss_though_not_that_of_every_future(case, judge):
    nothing = judge(np.zeros(case.menu.size)).world
    everything = judge(case.menu.modules).world
    assert everything.mean() < nothing.mean()


def test_exchanges_never_make_the_partners_worse_off_and_keep_the_rules(case, judge):
    members = ("JPN", "USA")
    start = np.zeros(case.menu.size)
    others = Judge(case, case.values(seed=2, count=COUNT))
    found = improve_for_members(case, judge, start, confirmed_by=others)
    for each in (judge, others):
        assert own_value(case, each, found, members) < own_value(case, each, start, members)
    rules, limit = case.menu.constraints(case.menu.partners)
    assert np.all(rules @ found <= limit + 1e-6 * np.abs(limit) + 1e-9)


def test_an_exchange_that_helps_in_one_set_of_futures_alone_is_not_made(case, judge):
    """Where nothing happens no measure helps, however much it helps in the plan's futures."""
    values = {k: v.copy() for k, v in case.values(seed=2, count=COUNT).items()}
    values["stop.happens"][:] = 0.0
    start = np.zeros(case.menu.size)
    quiet = Judge(case, values)
    assert np.any(improve_for_members(case, judge, start, confirmed_by=judge) > 0.0)
    assert not np.any(improve_for_members(case, judge, start, confirmed_by=quiet) > 0.0)


def test_what_plans_save_in_fresh_futures_has_its_standard_error(case, judge):
    plans = {"joint": case.menu.modules, "separate": np.zeros(case.menu.size)}
    found = {(c.plan, c.against): c for c in fresh_comparisons(case, judge, plans)}
    assert set(found) == {("joint", "nothing"), ("joint", "separate")}
    charge = float(case.menu.charge @ case.menu.modules)
    saved = judge(plans["separate"]).world - judge(plans["joint"]).world - charge
    row = found["joint", "separate"]
    assert row.world_usd == pytest.approx(saved.mean())
    assert row.world_error_usd == pytest.approx(saved.std(ddof=1) / np.sqrt(COUNT))
    assert row.world_largest == pytest.approx(np.abs(saved).max() / np.abs(saved).sum())
    assert row.better_in == (saved > 0.0).mean()
    assert standard_error(np.array([1.0])) is None


def test_what_a_measure_prevents_stands_beside_the_charge_of_all_that_goes_with_it(tmp_path):
    """A stock goes with the right on it: if the right is dear, the two do not pay."""
    for cost, pays in (("1.0", True), ("50.0e9", False)):
        case = small_case(tmp_path, PLAN.replace("cost_usd: 50.0e3", f"cost_usd: {cost}"))
        values = case.values(seed=0, count=2)
        search = Search(Master(case.menu, case.plan.goal, np.full(2, 0.5)), Here(case, values))
        plan = np.zeros(case.menu.size)
        for name in ("stock-usa", "access"):
            plan[case.menu.measure == case.menu.measures.index(name)] = 1.0
        losses = search.losses(plan)
        joint = Optimum(plan, search.least(plan), search.value(plan), losses, 1, 2)
        judge = Judge(case, case.values(seed=1, count=COUNT))
        told = {m.id: m for m in measure_outcomes(case, search, judge, joint)}
        assert told["stock-usa"].prevents_usd > told["access"].prevents_usd
        assert (told["stock-usa"].helps_in > 0.0) == pays
        assert (told["access"].helps_in > 0.0) <= pays
