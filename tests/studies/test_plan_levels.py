"""Levels of security: each counts what it says, binds the plan, and is refused if out of reach."""

from dataclasses import replace

import numpy as np
import pytest
from plan_cases import PLAN, small_case
from scipy.optimize import linprog

from lodeline.errors import InputError
from lodeline.network.base_year import base_year
from lodeline.network.catalogue import load_chain
from lodeline.network.doubt import doubt_of
from lodeline.scenarios.groups import EU27
from lodeline.scenarios.levels import SupplierLimit, UnmetLimit
from lodeline.scenarios.measures import MeasureKind
from lodeline.studies.plan.bundle import Search
from lodeline.studies.plan.evaluate import Here
from lodeline.studies.plan.exchange import keeps, reach_unmet_limits, unmet_share
from lodeline.studies.plan.levels import Supply, conditions_of, supply_of
from lodeline.studies.plan.market import Judge
from lodeline.studies.plan.master import Master
from lodeline.studies.plan.outcomes import level_outcomes


def case_with(folder, level):
    return small_case(folder, PLAN.replace("measures:\n", f"{level}\nmeasures:\n", 1))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("levels")


COVER = """\
minimum_cover:
  - {chain: rhodium, form: metal, countries: [JPN], days: 35}
  - {chain: rhodium, form: metal, countries: [USA], days: 4}"""
POOLED = """\
minimum_cover:
  - {chain: rhodium, form: metal, countries: [JPN, USA], days: 15, pooled: true}"""


def test_what_no_source_says_is_made_is_no_own_output():
    base = base_year(load_chain("rare-earth-magnets"), 2024)
    supply = supply_of(doubt_of(base), "compounds", EU27)
    outputs = base.produced[base.forms.index("compounds"), np.isin(base.countries, EU27)].sum()
    assert supply.untraced > 0.3 * supply.used
    assert supply.own == pytest.approx(outputs - supply.untraced, abs=1e-6 * outputs)
    assert supply.total == pytest.approx(outputs + supply.bought.sum())


def modules_of(case, **wanted):
    """Return a plan of some modules by measure, all in the first year."""
    plan = np.zeros(case.menu.size)
    for name, count in wanted.items():
        k = case.menu.measures.index(name.replace("_", "-"))
        plan[np.flatnonzero(case.menu.measure == k)[0]] = count
    return plan


def is_kept(case, plan, partners=None):
    """Return whether a plan obeys all rules but the budgets."""
    menu = case.menu
    asked = menu.asked[:, np.isin(menu.partners, partners or menu.partners)].any(axis=1)
    return bool(np.all((menu.rules @ plan <= menu.rule_limit + 1e-9)[asked]))


def a_day(case, country):
    """Return a day's use, t, and the days that the chain states for the country's reserve."""
    base = case.whole["rhodium"]
    use = base.absorbed()[0, base.countries.index(country)] / 365.0
    return use, sum(s.days.value for s in base.chain.stocks if s.country == country)


def test_days_of_cover_are_stocks_over_a_day_s_use_in_each_country(folder):
    case = case_with(folder, COVER)
    (japan, stated), (america, none) = a_day(case, "JPN"), a_day(case, "USA")
    assert (stated, none) == (30.0, 0.0)
    seen = set()
    for j in range(4):
        for a in range(3):
            is_reached = stated + 0.05 * j / japan >= 35.0 and 0.1 * a / america >= 4.0
            assert is_kept(case, modules_of(case, stock_jpn=j, stock_usa=a)) == is_reached
            seen.add(is_reached)
    assert seen == {True, False}


def test_pooled_cover_is_that_of_all_countries_together(folder):
    case = case_with(folder, POOLED)
    (condition,) = conditions_of(case.plan, case.whole)
    (japan, stated), (america, _) = a_day(case, "JPN"), a_day(case, "USA")
    assert condition.bound == pytest.approx(stated * japan - 15.0 * (japan + america))
    assert not is_kept(case, modules_of(case, stock_usa=1))
    assert is_kept(case, modules_of(case, stock_usa=2))


def test_a_partner_alone_answers_for_its_own_countries(folder):
    case = case_with(folder, COVER)
    plan = modules_of(case, stock_jpn=2)
    assert is_kept(case, plan, ("JPN",))
    assert not is_kept(case, plan, ("USA",))
    assert not is_kept(case, plan)


def test_the_certified_plan_reaches_the_cover_at_a_proven_gap(folder):
    case = case_with(folder, COVER)
    values = case.values(seed=0, count=3)
    free = replace(case.menu, rules=case.menu.rules[:-2], rule_limit=case.menu.rule_limit[:-2],
                   asked=case.menu.asked[:-2])  # fmt: skip
    found = {}
    for name, menu in (("asked", case.menu), ("free", free)):
        master = Master(menu, case.plan.goal, np.full(3, 1 / 3))
        found[name] = Search(master, Here(case, values)).best(gap=1e-5)
    assert is_kept(case, found["asked"].plan)
    assert found["asked"].upper >= found["free"].lower
    assert found["asked"].gap <= 1e-5
    for level in level_outcomes(case, found["asked"].plan):
        assert level.short_before > 0.0
        assert level.spare_after >= -1e-9


SUPPLIER = """\
supplier_limits:
  - {chain: rhodium, form: metal, countries: [JPN], share_at_most: %s}"""


def test_the_largest_supplier_s_share_falls_by_what_is_made_or_bought_elsewhere(folder):
    base = small_case(folder).whole["rhodium"]
    supply = supply_of(doubt_of(base), "metal", ("JPN",))
    top = base.countries[int(np.argmax(supply.bought))]
    assert top not in {"GBR", "JPN"}
    share = supply.bought.max() / supply.total
    # 0.4 t/year of recycling and 0.5 of a contract with another country take the supplier's place
    after = (supply.bought.max() - 0.4 - 0.5) / supply.total
    case = case_with(folder, SUPPLIER % round(0.5 * (after + share - 0.4 / supply.total), 4))
    assert not is_kept(case, np.zeros(case.menu.size))
    assert not is_kept(case, modules_of(case, recycle_jpn=1))
    assert is_kept(case, modules_of(case, recycle_jpn=1, contract=1))


def test_a_contract_with_the_supplier_counts_against_it(folder):
    base = small_case(folder).whole["rhodium"]
    top = base.countries[int(np.argmax(supply_of(doubt_of(base), "metal", ("JPN",)).bought))]
    text = PLAN.replace("measures:\n", f"{SUPPLIER % 0.75}\nmeasures:\n", 1)
    case = small_case(folder, text.replace("origin: GBR", f"origin: {top}"))
    (condition,) = [c for c in conditions_of(case.plan, case.whole) if c.label.endswith(top)]
    row = dict(zip((m.id for m in case.plan.measures), condition.row, strict=True))
    assert (row["recycle-jpn"], row["contract"]) == (-0.4, 0.5)


@pytest.mark.parametrize(
    ("level", "words"),
    [
        (COVER.replace("days: 35", "days: 4000"), "4000 days of metal in stock in JPN"),
        (COVER.replace("USA", "TUV"), "used no metal"),
        (
            "minimum_shares:\n  - {chain: rhodium, form: metal, countries: [USA], share: 0.5}",
            "nothing on the menu counts",
        ),
    ],
)
def test_what_the_whole_menu_cannot_reach_is_refused(folder, level, words):
    with pytest.raises(InputError, match=words):
        case_with(folder, level)


@pytest.fixture(scope="module")
def unmet(folder):
    level = (
        "unmet_limits:\n  - {chain: rhodium, countries: [JPN], share_at_most: 0.05,"
        " in_futures: 0.75, over: whole-plan}"
    )
    case = case_with(folder, level)
    return case, Judge(case, case.values(seed=2, count=8))


def test_unmet_use_is_that_of_the_country_and_shares_of_futures_are_counted(unmet):
    case, judge = unmet
    (limit,) = case.plan.unmet_limits
    nothing = np.zeros(case.menu.size)
    shares = unmet_share(case, judge, nothing, limit)
    found = judge(nothing)
    at = found.countries.index("JPN")
    expected = found.unmet_tonnes[:, 0, at] / found.normal_tonnes[0, at]
    assert shares == pytest.approx(expected)
    assert keeps(case, judge, nothing, limit) == (shares <= 0.05).mean()
    worst = UnmetLimit.model_validate(limit.model_dump() | {"over": "worst-month"})
    assert np.all(unmet_share(case, judge, nothing, worst) >= shares - 1e-12)


def test_exchanges_come_nearer_to_a_limit_on_unmet_use_and_keep_the_rules(unmet):
    case, judge = unmet
    (limit,) = case.plan.unmet_limits
    nothing = np.zeros(case.menu.size)
    ends = [
        np.sort(unmet_share(case, judge, plan, limit))[5]
        for plan in (nothing, modules_of(case, recycle_jpn=1))
    ]
    assert ends[1] < ends[0]
    tight = limit.model_copy(update={"share_at_most": float(np.mean(ends))})
    asked = replace(case, plan=case.plan.model_copy(update={"unmet_limits": (tight,)}))
    assert keeps(asked, judge, nothing, tight) < tight.in_futures
    found = reach_unmet_limits(asked, judge, nothing)
    assert keeps(asked, judge, found, tight) >= tight.in_futures
    assert is_kept(asked, found)
    # Least charge: no single module can be spared.
    for j in np.flatnonzero(found > 0.0):
        less = found.copy()
        less[j] -= min(1.0, less[j])
        if is_kept(asked, less):
            assert keeps(asked, judge, less, tight) < tight.in_futures


NAMES = ("AUS", "CAN", "CHL", "ZAF")


def menu_of(case, made, spared, contracts):
    """Return measures of Japan: a recycling plant, a substitution, contracts by origin; t/year."""
    of = {m.type: m for m in case.plan.measures}

    def one(kind, tonnes, **more):
        number = of[kind].tonnes_per_year.model_copy(update={"value": tonnes})
        own = {"tonnes_per_year": number, "country": "JPN", "modules": 1} | more
        return of[kind].model_copy(update=own)

    sold = [one(MeasureKind.OFFTAKE, t, origin=o) for o, t in contracts.items()]
    return [one(MeasureKind.RECYCLING, made), one(MeasureKind.SUBSTITUTION, spared), *sold]


def can_be_divided(bought, total, limit, measures):
    """Return whether what measures bring can take the suppliers' place so that all keep a limit."""
    amounts = [m.tonnes_per_year.value for m in measures]
    origins = [getattr(m, "origin", None) for m in measures]
    count = len(NAMES)
    rows, most = [], []
    for q, amount in enumerate(amounts):
        rows.append(np.repeat(np.arange(len(amounts)) == q, count).astype(float))
        most.append(amount)
    for j, name in enumerate(NAMES):
        rows.append(-np.tile(np.arange(count) == j, len(amounts)).astype(float))
        sold = sum(a for a, o in zip(amounts, origins, strict=True) if o == name)
        most.append(limit * (total - amounts[1]) - bought[j] - sold + 1e-9)
    # A contract does not take the place of its own seller.
    tops = [0.0 if o == name else None for o in origins for name in NAMES]
    found = linprog(np.zeros(len(tops)), A_ub=rows, b_ub=most, bounds=[(0.0, t) for t in tops])
    return found.status == 0


def test_no_tonne_takes_the_place_of_two_suppliers(folder, monkeypatch):
    """The conditions hold if and only if somebody could divide what measures bring."""
    case = small_case(folder)
    rng = np.random.default_rng(5)
    kept = []
    # Two that were counted twice: by a contract with one below the limit, and by a substitution.
    cases = [((53, 21, 27, 6), 1, 0.3, 3, 17, {"CHL": 9}), ((45, 45, 5, 5), 0, 0.4, 0, 17, {})]
    for _ in range(150):
        own, made, spared = rng.integers(0, (20, 20, 20))
        some = rng.choice(4, rng.integers(0, 3), replace=False)
        contracts = {NAMES[i]: int(rng.integers(1, 15)) for i in some}
        limit = float(rng.choice([0.3, 0.4, 0.5]))
        cases.append((tuple(rng.integers(0, 60, 4)), own, limit, made, spared, contracts))
    for bought, own, limit, made, spared, contracts in cases:
        supply = Supply(1.0, float(own), 0.0, np.array(bought, dtype=float))
        measures = menu_of(case, float(made), float(spared), contracts)
        level = SupplierLimit(
            chain="rhodium", form="metal", countries=("JPN",), share_at_most=limit
        )
        plan = case.plan.model_copy(
            update={"measures": tuple(measures), "supplier_limits": (level,)}
        )
        monkeypatch.setattr("lodeline.studies.plan.levels.supply_of", lambda *_, s=supply: s)
        monkeypatch.setattr("lodeline.studies.plan.levels.doubt_of", lambda base: base)
        base = replace(case.whole["rhodium"], countries=NAMES)
        try:
            is_said = all(
                c.row.sum() <= c.bound + 1e-9 for c in conditions_of(plan, {"rhodium": base})
            )
        except InputError:
            is_said = False
        assert is_said == can_be_divided(bought, supply.total, limit, measures)
        kept.append(is_said)
    assert kept[:2] == [False, False]
    assert 0.05 < np.mean(kept) < 0.95
