"""A use below a tenth of what a country makes and takes in is called a remainder, everywhere."""

import numpy as np
import polars as pl
import pytest

from lodeline.network.base_year import outputs
from lodeline.network.catalogue import chain_ids
from lodeline.results.document import stress_document
from lodeline.results.remainders import REMAINDER, intake, is_remainder, with_remainders
from lodeline.scenarios.groups import GROUPS
from lodeline.scenarios.library import load_scenario
from lodeline.studies.stress import run_stress


def marked(base, form=None):
    f = base.forms.index(form) if form else len(base.forms) - 1
    return {base.countries[c] for c in np.flatnonzero(is_remainder(base)[f])}


def test_cobalt_that_passes_through_germany_and_japan_is_no_use_of_theirs(balanced_base):
    base = balanced_base("cobalt")
    assert {"DEU", "JPN"} <= marked(base)
    assert not {"CHN", "KOR", "ITA", "USA"} & marked(base)
    germany = base.countries.index("DEU")
    assert base.used[0, germany] < 2.0 < 3000.0 < intake(base)[0, germany]


def test_a_use_that_most_of_the_intake_goes_to_is_none(balanced_base):
    assert not {"JPN", "DEU", "ITA"} & marked(balanced_base("rare-earths"))
    assert "JPN" in marked(balanced_base("tungsten"))


@pytest.mark.parametrize("chain", chain_ids())
def test_marks_are_a_tenth_of_the_intake_and_only_of_what_is_used(chain, balanced_base):
    base = balanced_base(chain)
    found, whole = is_remainder(base), intake(base)
    assert (whole >= outputs(base) - 1e-9).all()
    assert (base.used[found] < REMAINDER * whole[found]).all()
    assert (base.used[found] > 0.0).all()
    kept = ~found & (base.used > 0.0)
    assert (base.used[kept] >= REMAINDER * whole[kept]).all()
    assert kept.any()


def test_a_table_keeps_its_order_and_gets_tonnes_a_month(balanced_base):
    base = balanced_base("cobalt")
    table = pl.DataFrame({"country": ["KOR", "DEU", "JPN"], "form": ["cobalt"] * 3})
    told = with_remainders(table, base)
    assert told["country"].to_list() == ["KOR", "DEU", "JPN"]
    assert told["is_remainder"].to_list() == [False, True, True]
    assert told["intake_t"][1] == pytest.approx(intake(base)[0, base.countries.index("DEU")] / 12)


def test_a_group_takes_in_what_comes_from_outside(balanced_base):
    base = balanced_base("cobalt")
    table = pl.DataFrame({"country": ["EU27", "DEU", "BEL"], "form": ["cobalt"] * 3})
    group, germany, belgium = with_remainders(table, base)["intake_t"]
    # What Germany and Belgium ship to each other and to their neighbours counts once at most.
    members = [c for c in base.countries if c in GROUPS["EU27"]]
    alone = sum(intake(base)[0, base.countries.index(c)] for c in members) / 12
    assert max(germany, belgium) < group < 0.9 * alone


@pytest.fixture(scope="module")
def result():
    scenario = load_scenario("congo-cobalt-quota-2025")
    asked = ["DEU", "JPN", "ITA"]
    return run_stress(scenario, months=9, asked=asked, with_sensitivity=False)


def test_a_remainder_does_not_lead_and_is_marked_in_the_document(result):
    peaks = {
        c: result.chains["cobalt"].metrics.filter(pl.col("country") == c)["unmet_share_peak"].item()
        for c in ("DEU", "ITA")
    }
    assert peaks["DEU"] > peaks["ITA"] > 0.0
    assert result.headline["country"] == "ITA"
    document = stress_document(result)
    for part in (document["chains"]["cobalt"]["countries"], document["countries"]):
        assert part["DEU"]["is_remainder"] is True
        assert part["ITA"]["is_remainder"] is False
        assert part["ITA"]["is_price_capped"] is False


def test_where_all_are_remainders_one_of_them_leads():
    scenario = load_scenario("congo-cobalt-quota-2025")
    result = run_stress(scenario, months=9, asked=["DEU", "JPN"], with_sensitivity=False)
    assert result.headline["country"] in {"DEU", "JPN"}
