"""The stress test as a whole: headline, ranges, summary, repeatability."""

import polars as pl
import pytest

from lodeline.errors import InputError, UnknownNameError
from lodeline.network.catalogue import load_chain
from lodeline.results.document import stress_document
from lodeline.scenarios.library import load_scenario
from lodeline.studies.base import check_base
from lodeline.studies.dials import Setting, dials_of
from lodeline.studies.exposure import Request
from lodeline.studies.exposure.origin import measure
from lodeline.studies.stress import default_base_year, run_stress

SCENARIO = "indonesia-nickel-2020"


@pytest.fixture(scope="module")
def scenario():
    return load_scenario(SCENARIO)


@pytest.fixture(scope="module")
def result(scenario):
    return run_stress(scenario, months=6)


def test_the_base_year_is_the_year_before_the_restriction(scenario):
    assert default_base_year(scenario) == 2019
    assert default_base_year(load_scenario("china-dual-use-japan-2026")) == 2024


def test_the_headline_lies_in_its_range(result):
    head = result.headline
    assert head["low"] <= head["unmet_share_peak"] <= head["high"]
    assert head["low"] < head["high"]


def test_the_headline_is_the_worst_of_the_countries_asked_about(result):
    peaks = [
        result.chains[head]
        .metrics.filter((pl.col("country") == c) & (pl.col("form") == result.chains[head].form))[
            "unmet_share_peak"
        ]
        .max()
        for head in result.chains
        for c in result.asked
    ]
    assert result.headline["unmet_share_peak"] == max(p for p in peaks if p is not None)


def test_sensitivities_come_widest_first_and_hold_the_central_value(result):
    widths = [abs(r.at_high - r.at_low) for r in result.sensitivity]
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > 0.0
    assert {r.central for r in result.sensitivity} == {result.headline["unmet_share_peak"]}


def test_the_corners_turn_the_widest_numbers_together_and_lie_in_the_range(result):
    mild, severe = result.corners
    assert (mild.is_severe, severe.is_severe) == (False, True)
    assert mild.value <= result.headline["unmet_share_peak"] <= severe.value
    assert result.headline["low"] <= mild.value
    assert severe.value <= result.headline["high"]
    widest = [r.parameter for r in result.sensitivity[:3]]
    for corner in (mild, severe):
        assert [name for name, _, _ in corner.numbers] == widest
    ends = {r.parameter: {r.low, r.high} for r in result.sensitivity}
    for (name, _, one), (_, _, other) in zip(mild.numbers, severe.numbers, strict=True):
        assert {one, other} == ends[name]
    corners = stress_document(result)["corners"]
    assert corners[1]["unmet_share_peak"] == severe.value
    assert corners[0]["numbers"][0]["parameter"] == widest[0]
    assert result.untraced is None, "no restriction of the scenario looks at the origin"


def test_what_of_japan_s_metal_nobody_can_place_is_told():
    japan = run_stress(load_scenario("china-dual-use-japan-2026"), months=1, with_sensitivity=False)
    part = japan.untraced
    assert (part.country, part.chain, part.form) == ("JPN", "rare-earths", "metals")
    request = Request("origin", ("rare-earths",), ("JPN",), (2024,))
    rows = measure(request).filter(
        (pl.col("form") == "metals")
        & (pl.col("stage") == "metals")
        & (pl.col("origin") == "not-traced")
    )
    assert part.share == pytest.approx(rows["value"].item(), abs=1e-12)
    assert part.first_seen[:2] == ("VNM", "THA")
    assert stress_document(japan)["untraced"]["share"] == part.share
    assert not japan.corners


def test_the_document_follows_the_contract(result):
    document = stress_document(result)
    assert {
        "scenario", "base_year", "months", "chains", "countries", "certificate", "dataset",
        "seconds",
    } <= document.keys()  # fmt: skip
    assert document["months"] == 6
    assert max(document["certificate"][k] for k in ("max_residual", "max_gap")) <= 1e-8
    chain = document["chains"]["nickel"]
    assert chain["form"] == "ore"
    wanted = {
        "unmet_share_peak", "unmet_t_total", "time_to_survive_months", "time_to_recover_months",
        "price_multiple_peak", "cost_usd",
    }  # fmt: skip
    assert all(wanted <= c.keys() for c in chain["countries"].values())
    assert wanted - {"unmet_t_total"} <= document["countries"]["CHN"].keys()


def test_gas_that_pipelines_no_longer_bring_to_europe_is_dearer_in_asia_too():
    # As in 2022: who buys liquefied gas pays, who sells it gains.
    found = run_stress(load_scenario("russia-gas-europe-2022"), months=9, with_sensitivity=False)
    cost = dict(found.countries.select("country", "cost_usd").iter_rows())
    assert all(cost[c] > 0.0 for c in ("ITA", "HUN", "RUS", "JPN", "KOR"))
    assert all(cost[c] < 0.0 for c in ("NOR", "AUS", "QAT", "USA"))


def test_costs_of_countries_add_up_over_chains():
    both = run_stress(load_scenario("china-dual-use-japan-2026"), months=3, with_sensitivity=False)
    document = stress_document(both)
    for country in ("JPN", "CHN", "ITA"):
        parts = [
            c["countries"].get(country, {}).get("cost_usd") for c in document["chains"].values()
        ]
        total = sum(p for p in parts if p is not None)
        assert document["countries"][country]["cost_usd"] == pytest.approx(total, rel=1e-9)


def test_a_run_repeats_to_the_bit(scenario):
    one = run_stress(scenario, months=4, with_sensitivity=False)
    two = run_stress(scenario, months=4, with_sensitivity=False)
    assert one.chains["nickel"].flows.equals(two.chains["nickel"].flows)
    assert one.countries.equals(two.countries)


def test_every_dial_changes_the_setting_and_its_centre_changes_nothing(balanced_base, scenario):
    base = balanced_base("nickel", 2019)
    setting = Setting(base, scenario.restrictions)
    for dial in dials_of(base, scenario.restrictions):
        assert dial.low <= dial.value <= dial.high
        moved = dial.turn(setting, dial.high)
        again = {d.key: d.value for d in dials_of(moved.base, moved.restrictions)}
        assert again[dial.key] == dial.high
        others = {d.key: d.value for d in dials_of(base, scenario.restrictions)}
        assert {k: v for k, v in again.items() if k != dial.key} == {
            k: v for k, v in others.items() if k != dial.key
        }


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"asked": ["JAP"]}, UnknownNameError, "JPN"),
        ({"form": "metl"}, UnknownNameError, "unknown form"),
        ({"base_year": 1950}, InputError, "choose a base year"),
        ({"asked": []}, InputError, "at least one"),
        ({"asked": ["EU"]}, UnknownNameError, "Did you mean 'EU27'"),
        ({"asked": ["WLD"]}, UnknownNameError, "alpha-3 codes, or EU27 or G7"),
    ],
)
def test_bad_options_name_the_remedy(scenario, options, error, words):
    with pytest.raises(error, match=words):
        run_stress(scenario, with_sensitivity=False, **options)


@pytest.mark.parametrize("chain", ["tungsten", "vanadium"])
def test_the_base_check_starts_elsewhere_and_comes_back(chain):
    check = check_base(load_chain(chain), 2020, months=3)
    assert check.max_relative_deviation <= 1e-9
    assert check.max_relative_deviation > 0.0
    assert check.max_deviation_from_reported > 0.0
    assert check.certificate["max_residual"] <= 1e-8


def test_the_base_year_comes_back_to_rounding_and_not_just_to_the_tolerance_of_a_month():
    """The solver stopped at 9e-10 of a row: 9e-10 of a lane, where 1e-9 is promised."""
    assert check_base(load_chain("manganese"), 2024, months=1).max_relative_deviation < 1e-11
