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
from lodeline.scenarios.compile import Schedule, compile_schedule
from lodeline.scenarios.groups import G7
from lodeline.scenarios.restrictions import Ban, Outage
from lodeline.studies.market import run_market
from lodeline.studies.worst_case import run_worst_case
from lodeline.studies.worst_case.candidates import candidates_of, split_by_size
from lodeline.studies.worst_case.closures import ClosureMarket
from lodeline.studies.worst_case.relaxation import Relaxation, why_no_bound
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


def market_of(chain, country, kind, least):
    """Return the network, the candidates, what closes them in one month, and the uses."""
    network = network_of(chain)
    place = network.countries.index(country)
    listed, _ = split_by_size(candidates_of(network, [kind], [place]), least)
    form = len(network.forms) - 1
    uses = np.flatnonzero(
        (network.kind == ActivityKind.USE) & (network.origin == place) & (network.form == form)
    )
    return network, listed, ClosureMarket(network, 1, uses), uses


@pytest.mark.parametrize(
    ("chain", "country", "kind"),
    [
        ("rhodium", "ITA", CandidateKind.EXPORTER),
        ("manganese", "JPN", CandidateKind.STAGE),
        ("tungsten", "ITA", CandidateKind.STAGE),
        ("rare-earths", "JPN", CandidateKind.EXPORTER),
        ("lng", "ITA", CandidateKind.LANE),
    ],
)
def test_the_relaxation_bounds_every_choice_among_the_undecided(chain, country, kind):
    network, listed, market, uses = market_of(chain, country, kind, 0.02)
    assert why_no_bound(network, months=1, damage=Damage.UNMET) is None
    relaxation = Relaxation(network, joined(listed), uses)
    rng = np.random.default_rng(1)
    shut, maybe, between = [], [], []
    for _ in range(40):
        role = rng.integers(0, 3, len(listed))  # closed, undecided, open
        picked = (role == 0) | ((role == 1) & (rng.random(len(listed)) < 0.5))
        shut.append(joined([c for c, r in zip(listed, role, strict=True) if r == 0]))
        maybe.append(joined([c for c, r in zip(listed, role, strict=True) if r == 1]))
        between.append(joined([c for c, p in zip(listed, picked, strict=True) if p]))
    bound = relaxation.bound(shut, maybe)
    assert np.isfinite(bound).all()
    used = network.reference[uses].sum()
    assert np.all(market.unmet(between) <= bound + 1e-7 * used)
    assert np.all(bound <= used * (1.0 + 1e-9))
    nothing = [joined([])] * len(shut)
    assert relaxation.bound(shut, nothing) == pytest.approx(
        market.unmet(shut), rel=1e-6, abs=1e-7 * used
    )


def joined(candidates):
    none = np.zeros(0, dtype=np.intp)
    return np.unique(np.concatenate([none, *(c.activities for c in candidates)]))


@pytest.mark.parametrize(
    ("kind", "least"), [(CandidateKind.EXPORTER, 1e-4), (CandidateKind.LANE, 0.005)]
)
def test_a_further_restriction_can_help_so_that_closing_all_bounds_nothing(kind, least):
    network, listed, market, uses = market_of("lng", "ITA", kind, least)
    first = market.unmet([joined([c]) for c in listed])
    pairs = list(combinations(range(len(listed)), 2))
    both = market.unmet([joined([listed[i], listed[j]]) for i, j in pairs])
    gain = max(max(first[i], first[j]) - b for (i, j), b in zip(pairs, both, strict=True))
    assert gain > 1e-6 * network.reference[uses].sum()


@pytest.mark.parametrize("kind", [CandidateKind.STAGE, CandidateKind.EXPORTER])
def test_more_sets_than_allowed_are_proven_by_a_bound_or_not_at_all(kind):
    asked = {"k": 3, "base_year": 2024, "months": 1, "kinds": [kind]}
    whole = run_worst_case("lng", ["ITA", "JPN"], **asked)
    bounded = run_worst_case("lng", ["ITA", "JPN"], **asked, most_sets=500)
    assert (whole.method, bounded.method) == ("enumeration", "branch-and-bound")
    assert bounded.restrictions == whole.restrictions
    assert bounded.is_exact
    assert bounded.evaluated < whole.evaluated / 4
    later = run_worst_case("lng", ["ITA"], **(asked | {"months": 2}), most_sets=500)
    assert (later.method, later.bound, later.is_exact) == ("exchange", None, False)
    assert "2 months" in later.bound_reason


def test_where_nothing_is_proven_the_answer_says_why():
    network = network_of("rare-earths")
    assert "3 months" in why_no_bound(network, months=3, damage=Damage.UNMET)
    assert "cost" in why_no_bound(network, months=1, damage=Damage.COST)


def test_a_group_is_the_list_of_its_members():
    asked = {"k": 1, "base_year": 2024, "months": 1, "least_share": 0.05}
    group = run_worst_case("rhodium", ["G7"], **asked)
    listed = run_worst_case("rhodium", list(G7), **asked)
    assert group.target == ("G7",)
    assert (group.restrictions, group.damage) == (listed.restrictions, listed.damage)


RESTRICTION = {
    "id": "stop", "on": "all", "chain": "tungsten", "start": "2025-01", "source": "none",
    "severity": 1.0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "restriction"),
    [
        (CandidateKind.EXPORTER, Ban(**RESTRICTION, type="ban", by=["CHN"], forms=["powder"],
                                     leakage=0.0)),
        (CandidateKind.STAGE, Outage(**RESTRICTION, type="outage", by=["CHN"], forms=["powder"],
                                     recovery_months=0.0)),
    ],
)  # fmt: skip
def test_closing_is_a_full_ban_or_a_full_outage_of_a_stress_test(kind, restriction, monkeypatch):
    # In a stress test the users of a maker that stands still buy back; here they do not.
    monkeypatch.setattr("lodeline.network.calibrate.return_lanes", lambda *_: [])
    network = network_of("tungsten")
    place = network.countries.index("ITA")
    [china] = [
        c for c in candidates_of(network, [kind], [place])
        if (network.countries[c.country], network.forms[c.form]) == ("CHN", "powder")
    ]  # fmt: skip
    schedule = compile_schedule(network.base, [restriction], [Month(2025, 1) + i for i in (0, 1)])
    table = metric_table(run := run_market(schedule), series_table(run))
    mine = table.filter((table["country"] == "ITA") & (table["form"] == "powder"))
    uses = np.flatnonzero(
        (network.kind == ActivityKind.USE) & (network.origin == place) & (network.form == 1)
    )
    found = ClosureMarket(network, 2, uses).unmet([joined([china])])[0]
    assert found == pytest.approx(mine["unmet_t_total"][0], rel=1e-6)
    assert found > 0.0


def test_mistakes_are_named():
    with pytest.raises(UnknownNameError, match="XXX"):
        run_worst_case("rhodium", ["XXX"], k=1)
    with pytest.raises(UnknownNameError, match="form"):
        run_worst_case("rhodium", ["ITA"], k=1, form="ore")
    with pytest.raises(InputError, match="uses no"):
        run_worst_case("rhodium", ["AFG"], k=1)


def test_only_a_proof_says_that_more_restrictions_would_add_nothing():
    asked = {"k": 4, "months": 2, "base_year": 2024, "least_share": 0.3}
    proven = run_worst_case("rare-earths", ["ITA"], **asked)
    sought = run_worst_case("rare-earths", ["ITA"], **asked, most_sets=1)
    assert (proven.is_exact, sought.is_exact) == (True, False)
    assert len(proven.restrictions) < 4
    assert len(sought.restrictions) < 4
    assert any("would not add" in note for note in proven.notes)
    assert not any("would not add" in note for note in sought.notes)
    assert any("There may be one" in note for note in sought.notes)


def test_nobody_can_close_a_plant_that_no_source_knows_of():
    network = network_of("cobalt")
    stages = candidates_of(network, [CandidateKind.STAGE], [network.countries.index("ITA")])
    makers = {network.countries[c.country] for c in stages}
    assert "COD" in makers
    assert not {"FIN", "JPN", "CZE"} & makers
    exporters = candidates_of(network, [CandidateKind.EXPORTER], [network.countries.index("ITA")])
    assert "FIN" in {network.countries[c.country] for c in exporters}
