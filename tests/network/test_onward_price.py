"""Who works on ore pays no more than the world pays for the product, his own ore or bought."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from lodeline.network import ActivityKind
from lodeline.network.base_year import base_year
from lodeline.network.calibrate import calibrate
from lodeline.network.catalogue import load_all, load_chain
from lodeline.network.network import PRICE_CAP
from lodeline.network.price_caps import price_caps
from lodeline.results.metrics import series_table
from lodeline.results.welfare import cost_by_country
from lodeline.scenarios.compile import compile_schedule
from lodeline.scenarios.library import load_scenario
from lodeline.scenarios.restrictions import Outage
from lodeline.studies.dials import Setting, dials_of
from lodeline.studies.market import run_market
from lodeline.units import Month

MONTHS = tuple(Month(2025, 1) + i for i in range(4))


@pytest.fixture(scope="module")
def copper():
    return base_year(load_chain("copper"), 2024)


def outage(severity=0.8):
    fields = {"id": "r", "type": "outage", "by": ["COD"], "chain": "copper", "forms": "all",
              "start": "2025-01", "source": "s", "severity": severity,
              "recovery_months": 0}  # fmt: skip
    return Outage.model_validate(fields)


def test_all_who_work_on_a_form_have_its_onward_price(copper):
    assert price_caps(copper).tolist() == [copper.chain.forms[0].onward_price.value]
    network = calibrate(copper)
    uses = network.of_kind(ActivityKind.USE)
    assert network.cap[uses] == pytest.approx(network.price[uses] * price_caps(copper)[0])


def test_a_form_that_is_used_up_as_it_is_has_the_cap_of_all():
    base = base_year(load_chain("aluminium"), 2024)
    assert price_caps(base).tolist() == [base.chain.forms[0].onward_price.value, PRICE_CAP]


def test_refineries_without_guinea_stop_and_do_not_pay_twenty_times():
    """Germany's bauxite stood at 20 times the price beside China's at 1.8."""
    base = base_year(load_chain("aluminium"), 2024)
    ban = load_scenario("guinea-bauxite-stop-2027").restrictions
    calendar = [Month(2027, 1) + i for i in range(6)]
    run = run_market(compile_schedule(base, ban, calendar))
    germany = (run.network.row_country == base.countries.index("DEU")) & (run.network.row_form == 0)
    dearest = run.prices[:, germany].max() / base.prices[0]
    worth = base.chain.forms[0].onward_price.value
    assert worth <= dearest <= 1.05 * worth
    series = series_table(run).filter((pl.col("country") == "DEU") & (pl.col("form") == "bauxite"))
    assert series["is_price_capped"].to_list() == (series["price_multiple"] >= worth).to_list()
    assert series["is_price_capped"].any()


def test_a_producer_loses_no_more_than_its_ore_is_worth_worked_on(copper):
    schedule = compile_schedule(copper, [outage()], MONTHS)
    run = run_market(schedule)
    congo = copper.countries.index("COD")
    lost = len(MONTHS) * 0.8 * copper.produced[0, congo] / 12.0
    worth = copper.chain.forms[0].onward_price.value * copper.prices[0] * lost
    cost = cost_by_country(run)[0, congo]
    assert 0.0 < cost <= worth
    # Without the key the same outage costs a sum that no country could lose.
    form = copper.chain.forms[0].model_copy(update={"onward_price": None})
    before = replace(copper, chain=copper.chain.model_copy(update={"forms": (form,)}))
    unbound = run_market(compile_schedule(before, [outage()], MONTHS))
    assert cost_by_country(unbound)[0, congo] > worth


def test_only_forms_that_are_worked_on_have_one():
    with_it = {c.id for c in load_all().values() for f in c.forms if f.onward_price is not None}
    assert {"copper", "nickel", "manganese", "antimony"} <= with_it
    assert not {"cobalt", "platinum", "lng", "rare-earths"} & with_it


def test_its_range_is_a_dial(copper):
    setting = Setting(copper, (outage(),))
    [dial] = [d for d in dials_of(copper, [outage()]) if d.key.endswith("onward_price")]
    assert dial.key == "forms.concentrate.onward_price"
    costs = [
        cost_by_country(run_market(compile_schedule(s.base, s.restrictions, MONTHS)))[0]
        for s in (dial.turn(setting, dial.low), dial.turn(setting, dial.high))
    ]
    congo = copper.countries.index("COD")
    assert costs[0][congo] < costs[1][congo]
    assert np.all(np.isfinite(costs[1]))
