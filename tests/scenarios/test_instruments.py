"""Every instrument beyond the five of exporters has its smallest test: what binds, when, how much.

Each, those five too, is run on the market: mass is conserved over the run, and nothing in force
changes nothing.
"""

import numpy as np
import pytest
from pydantic import TypeAdapter

from lodeline.errors import InputError, SpecError, UnknownNameError
from lodeline.network.network import ActivityKind, Layer, RowKind
from lodeline.network.sea import DAYS_A_MONTH, sea
from lodeline.network.stocks import StockRule
from lodeline.results.metrics import series_table
from lodeline.results.welfare import cost_by_country, world_cost
from lodeline.scenarios.compile import compile_schedule
from lodeline.scenarios.reading import parse_scenario
from lodeline.scenarios.restrictions import Kind, Restriction
from lodeline.studies.market import ACCEPTED, run_market
from lodeline.units import Month

MONTHS = [Month(2026, 1) + i for i in range(6)]
ADAPTER = TypeAdapter(Restriction)

CASES = {
    Kind.BAN: ("rare-earths", {"by": ["CHN"], "on": ["JPN"], "severity": 0.9, "leakage": 0.1}),
    Kind.QUOTA: ("cobalt", {"by": ["COD"], "on": "all", "share_of_base": 0.5, "leakage": 0}),
    Kind.LICENCE: ("tungsten", {"by": ["CHN"], "on": "all", "delay_months": 0.5,
                                "approval_share": 0.6, "leakage": 0.1}),
    Kind.TAX: ("tungsten", {"by": ["CHN"], "on": "all", "rate": 0.2}),
    Kind.OUTAGE: ("nickel", {"by": ["IDN"], "severity": 0.5, "recovery_months": 2}),
    Kind.SANCTION: ("palladium", {"by": ["RUS"], "on": ["ITA", "JPN"], "reach": "origin",
                                  "severity": 0.8, "leakage": 0.1}),
    Kind.EXTRATERRITORIAL: ("rare-earths", {"by": ["CHN"], "on": ["JPN"], "delay_months": 1,
                                            "approval_share": 0.2, "leakage": 0.1,
                                            "de_minimis": 0.001}),
    Kind.PRICE_FLOOR: ("tungsten", {"by": ["CHN"], "on": "all", "floor": 1.4}),
    Kind.CLOSURE: ("lng", {"route": "strait-of-hormuz", "severity": 0.9, "diverted": 1,
                           "cost_per_day": 0.002}),
    Kind.DEMAND_SURGE: ("tungsten", {"by": ["JPN"], "rise": 0.5, "fade_months": 2}),
    Kind.PANIC_BUYING: ("tungsten", {"by": ["JPN"], "extra_days": 30, "build_months": 2}),
    Kind.STOCK_RELEASE: ("tungsten", {"by": ["JPN"], "share": 0.6, "over_months": 2}),
}  # fmt: skip


def make(kind, **given):
    chain, own = CASES[kind]
    common = {"type": kind.value, "id": "r", "chain": chain, "forms": "all", "source": "s",
              "start": "2026-02", "end": "2026-04"}  # fmt: skip
    return ADAPTER.validate_python(common | own | given)


def schedule(base, *restrictions, months=6):
    calendar = [MONTHS[0] + i for i in range(months)]
    return compile_schedule(base, restrictions, calendar, stocks=StockRule())


def run(base, *restrictions, months=6):
    return run_market(schedule(base, *restrictions, months=months))


def base_of(kind, balanced_base):
    return balanced_base(CASES[kind][0])


def country(network, iso3):
    return network.countries.index(iso3)


@pytest.mark.parametrize("kind", CASES, ids=str)
def test_mass_and_costs_add_up_and_every_month_is_proved(kind, balanced_base):
    result = run(base_of(kind, balanced_base), make(kind))
    assert max(result.max_residual, result.max_gap) <= ACCEPTED
    network = result.network
    flows = network.kind != ActivityKind.STORE
    net = network.incidence[:, flows] @ result.levels[:, flows].sum(axis=0)
    np.add.at(net, network.store_rows(), result.stocks[0] - result.stocks[-1])
    disposed = sum(result.disposed(t) for t in range(6))
    balances = network.row_kind != RowKind.LIMIT
    assert (np.abs(net - disposed)[balances] / network.row_scale[balances]).max() < 1e-9
    assert cost_by_country(result).sum() == pytest.approx(world_cost(result), rel=1e-6, abs=1.0)


def test_no_kind_is_left_out():
    assert set(CASES) == set(Kind)


@pytest.mark.parametrize("kind", CASES, ids=str)
def test_before_it_comes_the_base_year_goes_on(kind, balanced_base):
    result = run(base_of(kind, balanced_base), make(kind), months=2)
    network = result.network
    scale = np.abs(network.incidence).T @ network.row_scale
    moved = np.abs(result.levels - network.reference) / scale
    assert moved[0].max() < 1e-8
    assert moved[1].max() > 1e-4


def test_a_sanction_on_the_origin_stops_third_countries_too_a_direct_one_does_not(balanced_base):
    base = base_of(Kind.SANCTION, balanced_base)
    by_origin = schedule(base, make(Kind.SANCTION)).network
    direct = schedule(base, make(Kind.SANCTION, reach="direct")).network
    russia = country(direct, "RUS")
    assert set(direct.origin[direct.limits[0].lanes]) == {russia}
    assert set(by_origin.origin[by_origin.limits[0].lanes]) > {russia}


def test_a_sanction_leaves_what_is_not_refused_and_its_rent_to_the_buyers(balanced_base):
    plan = schedule(base_of(Kind.SANCTION, balanced_base), make(Kind.SANCTION))
    limit = plan.network.limits[0]
    assert plan.limit[1, 0] == pytest.approx((1 - 0.8 * 0.9) * limit.reference)
    owners = {plan.network.countries[i] for i in np.flatnonzero(limit.owner_share)}
    assert owners == {"ITA", "JPN"}


def test_an_extraterritorial_rule_binds_third_countries_alone_and_what_they_make(balanced_base):
    base = base_of(Kind.EXTRATERRITORIAL, balanced_base)
    plan = schedule(base, make(Kind.EXTRATERRITORIAL, forms=["compounds"]))
    network = plan.network
    assert [m.label for m in network.limits] == ["r: compounds", "r: metals"]
    for limit in network.limits:
        assert (network.layer[limit.lanes] == Layer.RESTRICTED).all()
        assert country(network, "CHN") not in set(network.origin[limit.lanes])
        assert set(network.destination[limit.lanes]) == {country(network, "JPN")}
    assert plan.limit[1, 1] == pytest.approx(0.1 * network.limits[1].reference)
    assert plan.limit[2, 1] == pytest.approx((0.2 + 0.1 * 0.8) * network.limits[1].reference)


def test_exporters_with_a_trace_of_restricted_content_are_exempt(balanced_base):
    base = base_of(Kind.EXTRATERRITORIAL, balanced_base)
    strict = schedule(base, make(Kind.EXTRATERRITORIAL, de_minimis=0.0)).network.limits
    lax = schedule(base, make(Kind.EXTRATERRITORIAL, de_minimis=0.9)).network.limits
    assert all(b.lanes.size < a.lanes.size for a, b in zip(strict, lax, strict=True))


def test_a_price_floor_is_a_levy_on_what_is_too_cheap(balanced_base):
    base = base_of(Kind.PRICE_FLOOR, balanced_base)
    result = run(base, make(Kind.PRICE_FLOOR, forms=["powder"]))
    network = result.network
    china = country(network, "CHN")
    lanes = np.flatnonzero((result.schedule.floor[1] > 0.0) & (network.reference > 0.0))
    price = network.price[lanes]
    assert (network.origin[lanes] == china).all()
    assert result.schedule.tax[1, lanes] == pytest.approx(0.4 * price)
    before = result.prices[1][network.leaves_from()[lanes]]
    assert result.schedule.tax[2, lanes] == pytest.approx(1.4 * price - before)
    assert result.levels[1, lanes].sum() < network.reference[lanes].sum()


def test_a_closure_shuts_who_must_pass_and_no_one_else(balanced_base):
    plan = schedule(base_of(Kind.CLOSURE, balanced_base), make(Kind.CLOSURE))
    network = plan.network
    shut = np.flatnonzero(np.isfinite(plan.ceiling[1]))
    qatar, usa = country(network, "QAT"), country(network, "USA")
    assert qatar in set(network.origin[shut])
    gulf = {
        country(network, c)
        for c in ("ARE", "BHR", "IRN", "IRQ", "KWT", "QAT", "SAU")
        if c in network.countries
    }
    from_usa = shut[network.origin[shut] == usa]
    assert set(network.destination[from_usa]) <= gulf
    from_qatar = shut[network.origin[shut] == qatar]
    flow = np.maximum(network.reference, network.is_latent * network.scale)[from_qatar]
    assert plan.ceiling[1, from_qatar] == pytest.approx(0.1 * flow)
    assert np.isinf(plan.ceiling[[0, 4, 5]]).all()


def test_ships_go_round_where_there_is_a_way_later_and_dearer(balanced_base):
    base = base_of(Kind.CLOSURE, balanced_base)
    closed = make(Kind.CLOSURE, route="suez-and-red-sea", severity=1, diverted=0.5)
    plan = schedule(base, closed)
    network = plan.network
    lane = next(
        int(a) for a in np.flatnonzero(np.isfinite(plan.ceiling[1]))
        if (network.origin[a], network.destination[a])
        == (country(network, "QAT"), country(network, "ITA"))
    )  # fmt: skip
    [detour] = [
        int(a) for a in np.flatnonzero(plan.output_factor[0] == 0.0)
        if (network.origin[a], network.destination[a]) == (network.origin[lane],
                                                           network.destination[lane])
    ]  # fmt: skip
    extra = sea().passage("suez-and-red-sea", "QAT", "ITA").extra_days
    assert plan.capacity(1)[lane] == 0.0
    assert plan.capacity(3)[detour] == pytest.approx(0.5 * network.reference[lane])
    assert plan.output_factor[1, detour] == pytest.approx(1.0 - extra / DAYS_A_MONTH)
    dearer = network.margin[detour] - network.margin[lane]
    assert dearer == pytest.approx(0.002 * extra * network.price[lane])


def test_a_closed_lane_comes_back_at_once(balanced_base):
    result = run(base_of(Kind.CLOSURE, balanced_base), make(Kind.CLOSURE, severity=1))
    network = result.network
    out = (network.kind == ActivityKind.SHIP) & (network.origin == country(network, "QAT"))
    out &= network.destination == country(network, "JPN")
    assert result.levels[3, out].sum() == 0.0
    assert result.levels[4, out].sum() > 0.9 * network.reference[out].sum()


def test_a_surge_raises_use_at_the_reference_price_and_fades(balanced_base):
    plan = schedule(base_of(Kind.DEMAND_SURGE, balanced_base), make(Kind.DEMAND_SURGE))
    network = plan.network
    users = (network.kind == ActivityKind.USE) & (network.origin == country(network, "JPN"))
    expected = [1.0, 1.5, 1.5, 1.5, 1.25, 1.0]
    assert np.unique(plan.demand[:, users], axis=1).ravel() == pytest.approx(expected)
    assert (plan.demand[:, ~users] == 1.0).all()


def test_in_a_surge_prices_rise_and_what_is_wanted_counts_as_unmet(balanced_base):
    series = series_table(run(base_of(Kind.DEMAND_SURGE, balanced_base), make(Kind.DEMAND_SURGE)))
    japan = series.filter(
        (series["country"] == "JPN") & (series["form"] == "powder") & (series["month"] == "2026-02")
    )
    assert japan["use_t"].item() > japan["reference_use_t"].item()
    assert japan["unmet_t"].item() > 0.0
    assert japan["price_multiple"].item() > 1.0


def test_panic_buying_fills_stores_then_sells_them_off(balanced_base):
    base = base_of(Kind.PANIC_BUYING, balanced_base)
    result = run(base, make(Kind.PANIC_BUYING, forms=["powder"]), months=12)
    series = series_table(result)
    japan = series.filter((series["country"] == "JPN") & (series["form"] == "powder"))
    stock, price = japan["stock_t"].to_numpy(), japan["price_multiple"].to_numpy()
    assert stock[3] > 1.05 * stock[0]
    assert price[1] > 1.0
    assert stock[-1] == pytest.approx(stock[0], rel=0.02)
    wanted = result.schedule.tax[:4].min(axis=1)
    assert wanted[0] == 0.0
    assert wanted[1] == pytest.approx(0.5 * wanted[2])


def test_a_release_opens_the_reserve_in_steps_and_lowers_the_price(balanced_base):
    base = base_of(Kind.STOCK_RELEASE, balanced_base)
    result = run(base, make(Kind.STOCK_RELEASE))
    network = result.network
    stores = network.of_kind(ActivityKind.STORE)
    reserve = network.is_reserve[stores] & (network.origin[stores] == country(network, "JPN"))
    held = result.stocks[1:, reserve].sum(axis=1) / result.stocks[0, reserve].sum()
    assert held[:4] == pytest.approx([1.0, 0.7, 0.4, 0.4])
    assert held[5] > 0.4
    series = series_table(result)
    price = series.filter(
        (series["country"] == "JPN") & (series["month"] == "2026-02") & (series["form"] == "powder")
    )
    assert price["price_multiple"].item() < 1.0


def test_a_release_where_no_reserve_is_known_is_refused(balanced_base):
    base = base_of(Kind.STOCK_RELEASE, balanced_base)
    with pytest.raises(InputError, match="no reserve"):
        schedule(base, make(Kind.STOCK_RELEASE, by=["ITA"]))


def test_a_licence_by_end_use_approves_the_mean_of_the_sectors(balanced_base):
    given = {"type": "licence", "id": "r", "chain": "rare-earths", "forms": ["metals"],
             "source": "s", "start": "2026-02", "end": "2026-04", "by": ["CHN"], "on": ["JPN"],
             "delay_months": 0, "approval_share": 0.5, "leakage": 0}  # fmt: skip
    uses = {"electric_vehicles": 1.0, "wind": 0.0}
    licence = ADAPTER.validate_python(given | {"approval_by_use": uses})
    plan = schedule(balanced_base("rare-earths"), licence)
    expected = 0.0919 * 1.0 + 0.1154 * 0.0 + 0.7926 * 0.5
    share = plan.limit[1, 0] / plan.network.limits[0].reference
    assert share == pytest.approx(expected, abs=1e-3)


LADDER = """\
id: ladder
title: A ladder of retaliation
question: Who runs short?
summary: A tax, answered by a ban.
kind: hypothetical
start: 2026-01
months: 12
asked: [JPN]
restrictions:
  - {id: duty, type: tax, by: [USA], on: all, chain: tungsten, forms: all, start: 2026-02,
     end: 2026-05, source: s, rate: 0.1}
  - {id: answer, type: ban, by: [CHN], on: all, chain: tungsten, forms: all, source: s,
     follows: {restriction: duty, after_months: 2}, severity: 1, leakage: 0}
  - {id: again, type: quota, by: [USA], on: all, chain: tungsten, forms: all, source: s,
     follows: {restriction: answer, after_months: 1}, share_of_base: 0.5, leakage: 0}
sources:
  - {key: s, title: An invented case, confidence: low}
"""


def test_a_step_of_retaliation_follows_the_one_before():
    scenario = parse_scenario(LADDER.encode(), source="test", check_names=False)
    steps = [(str(r.start), str(r.end)) for r in scenario.restrictions]
    assert steps == [("2026-02", "2026-05"), ("2026-04", "2026-07"), ("2026-05", "2026-08")]
    again = type(scenario).model_validate(scenario.document())
    assert again == scenario


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("restriction: duty,", "restriction: dutty,", "not another restriction"),
        ("{restriction: duty, after_months: 2}",
         "{restriction: duty, after_months: 2}, start: 2026-03", "leave out its start"),
    ],
)  # fmt: skip
def test_steps_that_do_not_fit_are_told(old, new, words):
    with pytest.raises(SpecError) as caught:
        parse_scenario(LADDER.replace(old, new).encode(), source="test", check_names=False)
    told = " ".join(p.what for p in caught.value.problems)
    assert words in told or "'start' is missing" in told  # nothing else said when it starts


@pytest.mark.parametrize(("month", "leakage"), [(1, 0.1), (2, 0.3), (3, 0.5), (5, 0.5)])
def test_leakage_moves_in_a_straight_line(balanced_base, month, leakage):
    given = {"end": None, "severity": 1.0, "leakage": 0.1, "leakage_later": 0.5,
             "leakage_months": 2}  # fmt: skip
    plan = schedule(base_of(Kind.SANCTION, balanced_base), make(Kind.SANCTION, **given))
    share = plan.limit[month, 0] / plan.network.limits[0].reference
    assert share == pytest.approx(leakage)


def test_leakage_later_needs_its_months():
    with pytest.raises(ValueError, match="together or not at all"):
        make(Kind.SANCTION, leakage_later=0.5)


def test_an_unknown_route_is_refused(balanced_base):
    with pytest.raises(UnknownNameError, match="strait-of-hormuz"):
        schedule(base_of(Kind.CLOSURE, balanced_base), make(Kind.CLOSURE, route="strait-of-hormus"))


def test_every_instrument_has_a_smallest_test():
    exporters = {Kind.BAN, Kind.QUOTA, Kind.LICENCE, Kind.TAX, Kind.OUTAGE}  # test_compile.py
    assert set(CASES) | exporters == set(Kind)


def test_the_way_round_one_closure_is_shut_by_another(balanced_base):
    base = base_of(Kind.CLOSURE, balanced_base)
    malacca = make(Kind.CLOSURE, id="a", route="strait-of-malacca", severity=1)
    alone, both = (
        schedule(base, malacca, *more) for more in ([], [make(Kind.CLOSURE, id="b", severity=0.75)])
    )
    ways = [from_to(p.network, "QAT", "JPN") for p in (alone, both)]
    # The lane itself and the way round Malacca; nothing goes round Hormuz.
    assert [w.size for w in ways] == [2, 2]
    flow = alone.network.reference[ways[0]].sum()
    assert alone.capacity(2)[ways[0]] == pytest.approx([0.0, flow])
    assert both.capacity(2)[ways[1]] == pytest.approx([0.0, 0.25 * flow])


def test_a_closure_that_stops_nothing_changes_nothing(balanced_base):
    base = base_of(Kind.CLOSURE, balanced_base)
    plan = schedule(base, make(Kind.CLOSURE, severity=0))
    free = schedule(base)
    assert plan.network.growth_base == pytest.approx(free.network.growth_base)
    assert np.array_equal(plan.capacity(2), free.capacity(2))


def test_two_outages_of_the_same_plants_take_the_surge_once(balanced_base):
    base = balanced_base("tungsten")
    common = {
        "type": "outage", "by": ["CHN"], "on": "all", "chain": "tungsten", "forms": "all",
        "start": "2026-02", "end": "2026-04", "source": "s", "recovery_months": 0,
    }  # fmt: skip
    outages = [
        ADAPTER.validate_python(common | {"id": i, "severity": s})
        for i, s in (("a", 0.5), ("b", 0.2))
    ]
    plan = schedule(base, *outages)
    network = plan.network
    made = np.flatnonzero(plan.output_factor[2] < 1.0)
    assert made.size > 0
    assert plan.capacity(2)[made] == pytest.approx(0.5 * 0.8 * network.reference[made])


def from_to(network, origin, destination):
    chosen = (network.kind == ActivityKind.SHIP) & (network.origin == country(network, origin))
    return np.flatnonzero(chosen & (network.destination == country(network, destination)))
