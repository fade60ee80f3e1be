"""The worst case equals full enumeration by plain market runs; bounds only where they hold."""

from dataclasses import replace
from functools import cache
from itertools import combinations

import numpy as np
import pytest

from lodeline.errors import InputError, UnknownNameError
from lodeline.network import ActivityKind, build_network
from lodeline.results.metrics import metric_table, series_table
from lodeline.results.worst_case import CandidateKind, Damage, worst_case_document
from lodeline.scenarios.compile import Schedule
from lodeline.studies.market import run_market
from lodeline.studies.worst_case import run_worst_case
from lodeline.studies.worst_case.candidates import candidates_of, split_by_size
from lodeline.studies.worst_case.closures import ClosureMarket
from lodeline.studies.worst_case.monotone import why_no_bound
from lodeline.units import Month

CASES = [
    ("rare-earths", "JPN", CandidateKind.EXPORTER, 0.12),
    ("rhodium", "ITA", CandidateKind.LANE, 0.1),
    ("cobalt", "DEU", CandidateKind.STAGE, 0.02),
]
MONTHS = 2


@cache
def network_of(chain):
    return build_network(chain, base_year=2024)


def plain_run(network, closed):
    """Run the reference market with activities stopped."""
    months = [Month(2025, 1) + i for i in range(MONTHS)]
    schedule = Schedule.nothing(network, months)
    schedule.ceiling[:, np.concatenate(closed)] = 0.0
    run = run_market(replace(schedule, is_restricted=np.ones(MONTHS, dtype=bool)))
    return metric_table(run, series_table(run))


@pytest.mark.parametrize(("chain", "target", "kind", "least"), CASES)
def test_the_worst_pair_is_that_of_full_enumeration_by_plain_market_runs(
    chain, target, kind, least
):
    network = network_of(chain)
    result = run_worst_case(
        chain, [target], k=2, base_year=2024, months=MONTHS, kinds=[kind], least_share=least
    )
    place = network.countries.index(target)
    listed, _ = split_by_size(candidates_of(network, [kind], [place]), least)
    assert 3 <= len(listed) == result.candidates <= 8
    values = {}
    for size in (1, 2):
        for chosen in combinations(listed, size):
            table = plain_run(network, [c.activities for c in chosen])
            mine = table.filter((table["country"] == target) & (table["form"] == result.form))
            values[chosen_names(network, chosen)] = mine["unmet_t_total"][0]
    worst = max(values, key=lambda names: values[names])
    found = frozenset((r.form, r.country, r.destination) for r in result.restrictions)
    assert found == worst
    assert result.damage == pytest.approx(values[worst], rel=1e-6)
    assert result.bound == result.damage
    assert result.evaluated == result.possible == len(values)


def chosen_names(network, chosen):
    return frozenset(
        (
            network.forms[c.form],
            network.countries[c.country],
            network.countries[c.destination] if c.destination >= 0 else None,
        )
        for c in chosen
    )


def test_ranked_by_cost_the_damage_is_the_cost_of_a_stress_test():
    result = run_worst_case(
        "rhodium", ["ITA", "DEU"], k=1, base_year=2024, months=MONTHS, damage=Damage.COST,
        least_share=0.1,
    )  # fmt: skip
    network = network_of("rhodium")
    [shut] = result.restrictions
    place = network.countries.index(shut.country)
    closed = np.flatnonzero((network.kind == ActivityKind.SHIP) & (network.origin == place))
    table = plain_run(network, [closed])
    cost = table.filter(table["country"].is_in(["ITA", "DEU"]))["cost_usd"].sum()
    assert result.damage == pytest.approx(cost, rel=1e-6)
    document = worst_case_document(result)
    assert document["outcome"]["total"]["cost_usd"] == pytest.approx(cost, rel=1e-6)
    assert document["certificate"]["independent_residual"] < 1e-8


@pytest.mark.parametrize("chain", ["rhodium", "manganese"])
def test_one_month_and_one_form_a_further_producer_never_helps(chain):
    network = network_of(chain)
    place = network.countries.index("ITA")
    listed = candidates_of(network, [CandidateKind.STAGE], [place])[:12]
    assert why_no_bound(network, listed, months=1, damage=Damage.UNMET) is None
    uses = np.flatnonzero((network.kind == ActivityKind.USE) & (network.origin == place))
    market = ClosureMarket(network, 1, uses)
    rng = np.random.default_rng(1)
    inner, outer = [], []
    for _ in range(60):
        some = rng.permutation(len(listed))
        few, more = sorted(rng.integers(0, len(listed), 2))
        inner.append(joined([listed[i] for i in some[:few]]))
        outer.append(joined([listed[i] for i in some[: more + 1]]))
    less, more = market.unmet(inner), market.unmet(outer)
    assert np.all(more >= less - 1e-8 * network.reference[uses].sum())
    assert np.any(more > less * 1.1)


def joined(candidates):
    none = np.zeros(0, dtype=np.intp)
    return np.unique(np.concatenate([none, *(c.activities for c in candidates)]))


def test_a_further_exporter_or_lane_can_help_so_that_no_bound_is_claimed():
    network = network_of("lng")
    place = network.countries.index("ITA")
    uses = np.flatnonzero((network.kind == ActivityKind.USE) & (network.origin == place))
    market = ClosureMarket(network, 1, uses)
    for kind in (CandidateKind.EXPORTER, CandidateKind.LANE):
        listed = candidates_of(network, [kind], [place])[:40]
        first = market.unmet([joined([c]) for c in listed])
        pairs = list(combinations(range(len(listed)), 2))
        both = market.unmet([joined([listed[i], listed[j]]) for i, j in pairs])
        gain = max(max(first[i], first[j]) - b for (i, j), b in zip(pairs, both, strict=True))
        assert gain > 1e-6 * network.reference[uses].sum()
        assert why_no_bound(network, listed, months=1, damage=Damage.UNMET) is not None


def test_more_sets_than_allowed_are_proven_by_a_bound_or_not_at_all():
    asked = {"k": 3, "base_year": 2024, "months": 1, "kinds": [CandidateKind.STAGE]}
    whole = run_worst_case("lng", ["ITA", "JPN"], **asked)
    bounded = run_worst_case("lng", ["ITA", "JPN"], **asked, most_sets=500)
    assert (whole.method, bounded.method) == ("enumeration", "branch-and-bound")
    assert bounded.restrictions == whole.restrictions
    assert bounded.is_exact
    assert bounded.evaluated < whole.evaluated / 4
    later = run_worst_case("lng", ["ITA"], **(asked | {"months": 2}), most_sets=500)
    assert (later.method, later.bound, later.is_exact) == ("exchange", None, False)
    assert "2 months" in later.bound_reason


def test_mistakes_are_named():
    with pytest.raises(UnknownNameError, match="XXX"):
        run_worst_case("rhodium", ["XXX"], k=1)
    with pytest.raises(UnknownNameError, match="form"):
        run_worst_case("rhodium", ["ITA"], k=1, form="ore")
    with pytest.raises(InputError, match="uses no"):
        run_worst_case("rhodium", ["AFG"], k=1)
