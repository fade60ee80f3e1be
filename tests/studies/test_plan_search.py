"""The search: equal to enumeration and to one big problem, whatever the order."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from plan_cases import PLAN, small_case, straight
from scipy import sparse

from lodeline.bench.extensive import extensive_form, solve_by_piqp
from lodeline.errors import InputError
from lodeline.scenarios.levels import Goal
from lodeline.studies.plan.bundle import Evaluation, Optimum, Search
from lodeline.studies.plan.contributions import measure_outcomes
from lodeline.studies.plan.evaluate import Here, Memory, evaluator_of
from lodeline.studies.plan.market import Judge
from lodeline.studies.plan.master import Master, risk_of
from lodeline.studies.plan.menu import Menu
from lodeline.studies.plan.outcomes import stock_prices
from lodeline.studies.plan.questions import _separate

ALL = ("A", "B", "C")


def toy_menu(rng, choices=6, *, pool=True):
    """Return a random menu of whole modules for three partners."""
    cash = rng.uniform(1.0, 5.0, choices)
    return Menu(
        measures=tuple(f"m{j}" for j in range(choices)), years=(2026,), partners=ALL,
        measure=np.arange(choices), year=np.zeros(choices, dtype=np.intp),
        modules=rng.integers(1, 3, choices).astype(float),
        is_integer=np.ones(choices, dtype=np.bool_), cash=cash, charge=0.5 * cash,
        cash_by_year=cash[None, :], weights=np.eye(3)[:, np.arange(choices) % 3],
        budget=rng.uniform(3.0, 6.0, 3), budget_by_year=np.full((3, 1), np.inf),
        rules=sparse.csr_array((0, choices)), rule_limit=np.empty(0),
        asked=np.zeros((0, 3), dtype=np.bool_), pool_budgets=pool,
    )  # fmt: skip


class Toy:
    """Losses ``max over k of a + g·x``: convex and falling, as those of a market."""

    def __init__(self, rng, futures, choices):
        self.level = rng.uniform(10.0, 40.0, (futures, 5)) * 1e6
        self.slope = -rng.uniform(0.0, 4.0, (futures, 5, choices)) * 1e6
        self.calls = 0

    def __call__(self, plan, futures):
        self.calls += futures.size
        value = self.level[futures] + self.slope[futures] @ plan
        k = value.argmax(axis=1)
        best = value.max(axis=1)
        return Evaluation(best, best, self.slope[futures, k])


def allowed_plans(menu, members=ALL, budget=1.0):
    rules, limit = menu.constraints(members, budget)
    top = np.where(menu.open_to(members), menu.modules, 0.0)
    for levels in product(*(range(int(t) + 1) for t in top)):
        plan = np.array(levels, dtype=float)
        if np.all(rules @ plan <= limit + 1e-9):
            yield plan


def toy(seed, goal, *, pool=True):
    rng = np.random.default_rng(seed)
    menu = toy_menu(rng, pool=pool)
    menu = replace(menu, charge=1e6 * menu.charge)
    return Master(menu, goal, np.full(12, 1 / 12), mip_gap=0.0), Toy(rng, 12, menu.size)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("goal", [Goal(), Goal(tail=0.75, tail_weight=1.0)], ids=["mean", "tail"])
def test_equals_enumeration(seed, goal):
    master, losses = toy(seed, goal, pool=seed % 2 == 0)
    everywhere = np.arange(12)
    found = Search(master, losses).best(gap=1e-9)
    values = [master.objective(p, losses(p, everywhere).upper) for p in allowed_plans(master.menu)]
    assert found.upper == pytest.approx(min(values), rel=1e-9)
    assert found.lower <= min(values) * (1.0 + 1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_least_charge_for_a_tail_loss_equals_enumeration(seed):
    master, losses = toy(seed, Goal(tail=0.75, tail_weight=1.0))
    everywhere = np.arange(12)
    plans = list(allowed_plans(master.menu))
    risks = [risk_of(losses(p, everywhere).upper, master.probability, 0.75) for p in plans]
    limit = float(np.quantile(risks, 0.3))
    master = replace(master, goal=Goal(tail=0.75, cvar_usd_at_most=limit))
    found = Search(master, losses).best(gap=1e-9)
    charges = [master.menu.charge @ p for p, r in zip(plans, risks, strict=True) if r <= limit]
    assert found.upper == pytest.approx(min(charges), rel=1e-6)


def test_bounds_bracket_in_every_round_and_never_loosen():
    master, losses = toy(11, Goal(tail=0.75, tail_weight=1.0))
    everywhere = np.arange(12)
    truth = min(
        master.objective(p, losses(p, everywhere).upper) for p in allowed_plans(master.menu)
    )
    seen = []
    Search(master, losses).best(gap=1e-9, progress=lambda low, high, _: seen.append((low, high)))
    lows, highs = zip(*seen, strict=True)
    assert all(low <= truth * (1 + 1e-9) and high >= truth * (1 - 1e-9) for low, high in seen)
    assert list(lows) == sorted(lows)
    assert list(highs) == sorted(highs, reverse=True)


def test_a_larger_budget_or_a_larger_coalition_is_never_worse():
    master, losses = toy(5, Goal())
    search = Search(master, losses)
    by_budget = [search.best(gap=1e-9, budget=b).upper for b in (0.0, 0.4, 0.8, 1.2, 2.0)]
    assert by_budget == sorted(by_budget, reverse=True)
    one, two, three = (search.best(gap=1e-9, members=ALL[:k]).upper for k in (1, 2, 3))
    assert one >= two * (1 - 1e-9)
    assert two >= three * (1 - 1e-9)


def test_one_pool_of_cuts_serves_all_coalitions():
    master, losses = toy(8, Goal())
    shared = Search(master, losses)
    for members in (("A",), ("A", "B"), ("B", "C"), ALL):
        alone = Search(master, losses).best(gap=1e-9, members=members)
        assert shared.best(gap=1e-9, members=members).upper == pytest.approx(alone.upper, rel=1e-9)


def test_the_order_of_futures_does_not_matter():
    master, losses = toy(2, Goal(tail=0.75, tail_weight=1.0))
    found = Search(master, losses).best(gap=1e-9)
    order = np.random.default_rng(0).permutation(12)
    losses.level, losses.slope = losses.level[order], losses.slope[order]
    other = Search(master, losses).best(gap=1e-9)
    assert other.upper == pytest.approx(found.upper, rel=1e-9)


def test_separate_plans_carried_out_together_are_open_to_the_joint_one():
    master, losses = toy(4, Goal())
    search = Search(master, losses)
    joint = search.best(gap=1e-9)
    alone = sum(search.best(gap=1e-9, members=(p,)).plan for p in ALL)
    assert joint.upper <= search.value(alone) * (1 + 1e-9)


def test_rules_that_leave_no_plan_are_told():
    master, losses = toy(1, Goal(tail=0.5, cvar_usd_at_most=-1e9))
    with pytest.raises(InputError, match="no plan of"):
        Search(master, losses).best(gap=1e-6)


def test_a_search_goes_on_from_its_folder(tmp_path):
    master, losses = toy(3, Goal(tail=0.75, tail_weight=1.0))
    whole = Search(master, Memory(losses, tmp_path / "a")).best(gap=1e-9)
    with pytest.raises(RuntimeError):
        Search(master, Memory(Dying(losses, 20), tmp_path / "b")).best(gap=1e-9)
    kept = len(list((tmp_path / "b").iterdir()))
    assert kept > 0
    memory = Memory(losses, tmp_path / "b")
    again = Search(master, memory).best(gap=1e-9)
    assert memory.reused > 0
    assert (again.upper, again.lower) == (whole.upper, whole.lower)
    assert np.array_equal(again.plan, whole.plan)


class Dying:
    """An evaluator whose machine stops after some futures."""

    def __init__(self, inner, after):
        self.inner, self.left = inner, after

    def __call__(self, plan, futures):
        self.left -= futures.size
        if self.left < 0:
            raise RuntimeError("switched off")
        return self.inner(plan, futures)


def test_afterwards_more_money_or_partners_are_never_worse_even_at_a_wide_gap():
    for seed in range(8):
        master, losses = toy(seed, Goal())
        search = Search(master, losses)
        budgets = (2.0, 0.0, 1.2, 0.4, 0.8)
        found = {b: search.best(gap=0.2, budget=b) for b in budgets}
        found = {b: search.settled(o, budget=b) for b, o in found.items()}
        uppers = [found[b].upper for b in sorted(found)]
        assert uppers == sorted(uppers, reverse=True)
        assert all(o.lower <= o.upper for o in found.values())


@pytest.mark.parametrize(
    ("losses", "tail", "expected"),
    [
        (np.arange(1.0, 101.0), 0.95, 98.0),
        (np.arange(1.0, 101.0), 0.0, 50.5),
        (np.arange(1.0, 101.0), 0.999, 100.0),
    ],
)
def test_cvar_of_the_numbers_one_to_a_hundred(losses, tail, expected):
    assert risk_of(losses, np.full(100, 0.01), tail) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("tail", "expected"), [(0.95, 10.0), (0.8, 5.0)])
def test_cvar_takes_an_atom_in_part(tail, expected):
    assert risk_of(np.array([0.0, 10.0]), np.array([0.9, 0.1]), tail) == pytest.approx(expected)


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    return small_case(tmp_path_factory.mktemp("plan"))


def test_a_real_market_equals_enumeration(case):
    values = case.values(seed=0, count=3)
    master = Master(case.menu, case.plan.goal, np.full(3, 1 / 3), mip_gap=0.0)
    whole = replace(case.menu, is_integer=np.ones(case.menu.size, dtype=np.bool_))
    master = replace(master, menu=whole)
    here = Here(case, values)
    found = Search(master, here).best(gap=1e-7)
    everywhere = np.arange(3)
    best = min(
        master.objective(p, here(p, everywhere).upper)
        for p in allowed_plans(master.menu, master.menu.partners)
    )
    assert found.upper == pytest.approx(best, rel=1e-7)


def test_a_real_market_equals_the_big_problem(case):
    piqp = pytest.importorskip("piqp")
    del piqp
    values = case.values(seed=0, count=4)
    chain = straight(case.chains[0])
    recourses = [chain.recourse(f) for f in chain.futures(values)]
    menu = replace(case.menu, is_integer=np.zeros(case.menu.size, dtype=np.bool_))
    master = Master(menu, Goal(), np.full(4, 0.25))
    here = Here(case, values)
    here._recourses.update({i: (r,) for i, r in enumerate(recourses)})
    found = Search(master, here).best(gap=1e-6)
    big = solve_by_piqp(extensive_form(menu, recourses, master.probability))
    assert found.lower <= big.value * (1 + 1e-6)
    assert found.upper >= big.value * (1 - 1e-6)
    assert found.upper == pytest.approx(big.value, rel=2e-6)


def test_two_workers_find_what_one_finds(case):
    values = case.values(seed=0, count=3)
    everywhere = np.arange(3)
    plan = 0.5 * case.menu.modules
    alone = Here(case, values)(plan, everywhere)
    with evaluator_of(case, values, workers=2) as evaluate:
        together = evaluate(plan, everywhere)
    for name in ("lower", "upper", "slope"):
        assert np.array_equal(getattr(alone, name), getattr(together, name))


def test_a_month_more_of_stock_is_worth_no_more_than_told(case):
    values = case.values(seed=0, count=3)
    search = Search(Master(case.menu, case.plan.goal, np.full(3, 1 / 3)), Here(case, values))
    found = search.best(gap=1e-4)
    for told in stock_prices(case, search, found):
        k = case.menu.measures.index(told.measure)
        first = int(np.flatnonzero(case.menu.measure == k)[0])
        more = found.plan.copy()
        more[first] += told.tonnes / case.plan.measures[k].tonnes.value
        true = found.upper - search.value(more) + told.charge
        assert told.worth >= true - 1.0


def test_a_search_goes_on_until_the_gap_is_small_beside_the_saving():
    master, losses = toy(7, Goal())
    losses.level += 1e10  # what cannot be helped: a thousandth of it is more than any saving
    coarse = Search(master, losses).best(gap=1e-3)
    search = Search(master, losses)
    fine = search.best(gap=1e-3, of_saving=0.01)
    without = search.value(np.zeros(master.menu.size))
    assert coarse.upper - coarse.lower > 0.01 * (without - coarse.upper)
    assert fine.upper - fine.lower <= 0.01 * (without - fine.upper)


def test_if_one_cost_changes_by_a_tenth_the_report_says_whether_the_decision_does(case):
    values = case.values(seed=0, count=3)
    search = Search(Master(case.menu, case.plan.goal, np.full(3, 1 / 3)), Here(case, values))
    found = search.best(gap=1e-6)
    judge = Judge(case, case.values(seed=1, count=2))
    told = {m.id: m for m in measure_outcomes(case, search, judge, found)}
    for k, measure in enumerate(case.plan.measures):
        for factor, said in ((1.1, told[measure.id].if_dearer), (0.9, told[measure.id].if_cheaper)):
            master = replace(search.master, menu=case.menu.with_cost(k, factor))
            again = Search(master, Here(case, values))
            best = again.best(gap=1e-6)
            loses = again.value(found.plan) - best.upper
            rules, limit = master.menu.constraints(case.menu.partners)
            # Told by cuts alone, "same" is a promise; another decision is what the cuts hope for.
            if said == "same":
                assert np.all(rules @ found.plan <= limit + 1.0)
                assert loses <= 2.0 * (found.upper - found.lower) + 1e-6 * abs(found.upper)


def test_separate_plans_that_rule_each_other_out_are_no_plan(tmp_path):
    apart = PLAN.replace("ramp_years: 0.25}", "ramp_years: 0.25, excludes: [stock-usa]}", 1)
    for text, goes in ((PLAN, True), (apart, False)):
        menu = small_case(tmp_path, text).menu
        groups = {}
        for partner, name in (("JPN", "recycle-jpn"), ("USA", "stock-usa")):
            plan = (menu.measure == menu.measures.index(name)).astype(float)
            assert menu.open_to((partner,))[plan > 0.0].all()
            groups[(partner,)] = Optimum(plan, 0.0, 0.0, np.zeros(1), 1, 1)
        found = _separate(groups, menu)
        assert (found is not None) == goes
        assert found is None or found.sum() == 2.0
