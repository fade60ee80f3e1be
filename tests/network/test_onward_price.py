"""Who works on what his own country mines pays no more than the world pays for the product."""

from dataclasses import replace

import numpy as np
import pytest

from lodeline.network import ActivityKind
from lodeline.network.base_year import base_year
from lodeline.network.calibrate import calibrate
from lodeline.network.catalogue import load_all, load_chain
from lodeline.network.network import PRICE_CAP
from lodeline.network.price_caps import own_supply_share, price_caps
from lodeline.results.welfare import cost_by_country
from lodeline.scenarios.compile import compile_schedule
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


def test_the_cap_lies_between_the_onward_price_and_the_cap_of_all(copper):
    own, caps = own_supply_share(copper)[0], price_caps(copper)[0]
    names = list(copper.countries)
    congo, japan, china = (names.index(c) for c in ("COD", "JPN", "CHN"))
    worth = copper.chain.forms[0].onward_price.value
    assert own[congo] > 0.95
    assert own[japan] == 0.0
    imports = copper.lane_level[copper.lane_destination == china].sum()
    assert own[china] == pytest.approx(1.0 - imports / copper.used[0, china])
    assert caps[congo] == pytest.approx(PRICE_CAP - (PRICE_CAP - worth) * own[congo])
    assert caps[japan] == PRICE_CAP
    network = calibrate(copper)
    uses = network.of_kind(ActivityKind.USE)
    assert network.cap[uses] == pytest.approx(network.price[uses] * caps[network.origin[uses]])


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
