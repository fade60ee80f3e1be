"""A future under a plan: bounds hold, cuts hold everywhere, nothing is worth nothing."""

from dataclasses import replace

import numpy as np
import pytest
from plan_cases import PLAN, small_case

from lodeline.solver.certificate import certify
from lodeline.solver.compiled import CompiledMarket
from lodeline.studies.plan.market import simulate_plan
from lodeline.studies.plan.menu import annuity
from lodeline.studies.plan.recourse import recourse_of
from lodeline.studies.plan.rules import service


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    return small_case(tmp_path_factory.mktemp("plan"))


@pytest.fixture(scope="module")
def recourses(case):
    chain = case.chains[0]
    return [chain.recourse(f) for f in chain.futures(case.values(seed=3, count=5))]


def plans(case, count):
    rng = np.random.default_rng(7)
    top = case.menu.modules
    return [np.zeros(top.size), top, *(rng.random(top.size) * top for _ in range(count - 2))]


def test_bounds_meet(case, recourses):
    for recourse in recourses:
        for plan in plans(case, 4):
            found = recourse.evaluate(plan)
            assert found.lower <= found.upper + 1e-3
            assert found.upper - found.lower < 1e-6 * max(abs(found.upper), 1e6)


def test_a_cut_holds_at_every_other_plan(case, recourses):
    for recourse in recourses:
        found = [(x, recourse.evaluate(x)) for x in plans(case, 5)]
        for x, at_x in found:
            for y, at_y in found:
                cut = at_x.lower + at_x.slope @ (y - x)
                assert cut <= at_y.upper + 1e-6 * abs(at_y.upper) + 1e-3


def test_any_prices_give_a_bound_and_a_cut(case, recourses):
    rng = np.random.default_rng(1)
    recourse = recourses[0]
    x, y = plans(case, 4)[2:]
    truth = recourse.evaluate(y).upper
    for size in (0.01, 0.3, 3.0):
        problem = recourse.at(x)
        noise = 1.0 + size * rng.standard_normal(recourse.start.size)
        prices = recourse.start * noise
        prices = np.where(problem.is_equality, prices, np.maximum(prices, 0.0))
        lower, slope = recourse.bound(problem, prices)
        assert lower <= recourse.evaluate(x).upper + 1.0
        assert lower + slope @ (y - x) <= truth + 1.0


def test_the_levels_are_proven_by_the_independent_certificate(case, recourses):
    problem = recourses[0].at(case.menu.modules)
    answer = recourses[0]._again.solve(problem)
    proof = certify(problem, answer.levels, answer.prices)
    assert max(proof.residual, proof.gap) < 1e-8


def test_an_evaluation_leaves_no_trace(case, recourses):
    recourse = replace(recourses[1])
    x, y = plans(case, 4)[1:3]
    before = recourse.evaluate(x)
    recourse.evaluate(y)
    after = recourse.evaluate(x)
    assert (before.lower, before.upper) == (after.lower, after.upper)
    assert np.array_equal(before.slope, after.slope)


def test_where_nothing_happens_and_nothing_is_built_nothing_is_lost(case):
    values = {k: v.copy() for k, v in case.values(seed=0, count=1).items()}
    values["stop.happens"][:] = 0.0
    chain = case.chains[0]
    found = chain.recourse(chain.futures(values)[0]).evaluate(np.zeros(case.menu.size))
    assert abs(found.upper) < 1.0
    assert abs(found.lower) < 1.0


def test_more_of_anything_never_costs_the_world_more(case, recourses):
    for recourse in recourses[:3]:
        plan = np.zeros(case.menu.size)
        before = recourse.evaluate(plan).upper
        for j in range(plan.size):
            plan[j] = case.menu.modules[j]
            after = recourse.evaluate(plan).upper
            assert after <= before + 1e-6 * abs(before) + 1.0
            before = after


def test_a_stock_never_releases_more_than_it_holds(case, recourses):
    plan = case.menu.modules
    for recourse in recourses:
        problem = recourse.at(plan)
        answer = recourse._again.solve(problem)
        surplus = problem.incidence @ answer.levels - problem.rhs
        rows = recourse.stock_rows
        assert np.all(surplus[rows] >= -1e-8 * problem.row_scale[rows])


def test_the_months_before_service_give_nothing(case):
    recycling = case.plan.measures[0]
    share = service(recycling, 0, 12)
    assert np.all(share[:3] == 0.0)
    assert np.allclose(share[3:6], [1 / 3, 2 / 3, 1.0])
    assert np.all(share[6:] == 1.0)


def test_an_annuity_pays_back():
    paid = annuity(0.05, 20.0)
    assert sum(paid / 1.05**k for k in range(1, 21)) == pytest.approx(1.0)
    assert annuity(0.0, 10.0) == 0.1


@pytest.fixture(scope="module")
def two_years(tmp_path_factory):
    text = PLAN.replace("plan_years: 1", "plan_years: 2")
    return small_case(tmp_path_factory.mktemp("plan"), text)


def bought_in_both_years(case):
    """Return one module of the stock in Japan in the first year, two in the second."""
    own = np.flatnonzero(case.menu.measure == case.menu.measures.index("stock-jpn"))
    plan = np.zeros(case.menu.size)
    plan[own] = 1.0, 2.0
    return plan


def test_a_stock_bought_later_is_not_released_before(two_years):
    chain, plan = two_years.chains[0], bought_in_both_years(two_years)
    drawing = chain.model.network.activities + np.flatnonzero(chain.columns.stock_of >= 0)
    released = []
    for future in chain.futures(two_years.values(seed=3, count=6)):
        recourse = chain.recourse(future)
        problem = recourse.at(plan)
        levels = recourse._again.solve(problem).levels
        by_period = levels[: 8 * chain.network.activities].reshape(8, -1)[:, drawing].sum(axis=1)
        released.append(by_period[:4].sum())
        assert by_period.sum() <= 0.15 * (1 + 1e-6)
    assert max(released) <= 0.05 * (1 + 1e-6)
    assert max(released) > 0.04


def test_nor_in_the_market(two_years):
    chain, plan = two_years.chains[0], bought_in_both_years(two_years)
    released = []

    class Spy:
        def solve_batch(self, *arguments):
            result = CompiledMarket(chain.network.problem()).solve_batch(*arguments)
            own = chain.model.network.activities
            released.append(result.levels[:, own:][:, chain.columns.stock_of >= 0].sum(axis=1))
            return result

    simulate_plan(chain, Spy(), two_years.values(seed=3, count=6), plan)
    first = np.sum(released[:12], axis=0)
    assert first.max() <= 0.05 * (1 + 1e-6)
    assert np.sum(released, axis=0).max() <= 0.15 * (1 + 1e-6)


def test_futures_hold_what_they_have_in_common_once(case):
    chain = case.chains[0]
    one, other = (chain.recourse(f) for f in chain.futures(case.values(seed=4, count=2)))
    assert one.patterns is other.patterns
    assert np.shares_memory(other.problem.incidence.indices, one.problem.incidence.indices)
    assert other.problem.row_price is one.problem.row_price
    assert other.layout.month is one.layout.month
    # What is drawn is each future's own.
    assert other.problem.curves.elasticity is not one.problem.curves.elasticity


def test_what_is_shared_changes_no_bit(case):
    chain = case.chains[0]
    futures = chain.futures(case.values(seed=4, count=3))
    shared = [chain.recourse(f) for f in futures]
    alone = [
        recourse_of(chain.network, chain.columns, f, period=case.plan.period_months)
        for f in futures
    ]
    for plan in plans(case, 3):
        for one, other in zip(reversed(shared), reversed(alone), strict=True):
            a, b = one.evaluate(plan), other.evaluate(plan)
            assert (a.lower, a.upper) == (b.lower, b.upper)
            assert a.slope.tobytes() == b.slope.tobytes()


def test_limits_that_limit_nothing_never_bind(case):
    values = {k: v.copy() for k, v in case.values(seed=0, count=1).items()}
    chain = case.chains[0]
    found = []
    for happens in (0.0, 1.0):
        values["stop.happens"][:] = happens
        recourse = chain.recourse(chain.futures(values)[0])
        problem = recourse.at(case.menu.modules)
        answer = recourse._again.solve(problem)
        assert np.all(answer.prices[recourse.loose] == 0.0)
        found.append(int(recourse.loose.sum()))
    assert found[0] > found[1]
