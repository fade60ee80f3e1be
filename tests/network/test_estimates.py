"""The estimates of the backtest are what chains take where they state nothing."""

import tomllib

import pytest

from lodeline.errors import SpecError
from lodeline.network.catalogue import chain_text, load_all, load_chain, parse_chain
from lodeline.network.chain import Behaviour
from lodeline.network.estimates import estimated_behaviour, kind_of_chain, with_estimates
from lodeline.network.form_type import FormType

NAMES = {"demand_elasticity", "supply_elasticity", "trade_elasticity", "surge", "lane_growth",
         "entry_cost"}  # fmt: skip
CHAINS = load_all()


def document(chain):
    return tomllib.loads(chain_text(chain))


@pytest.mark.parametrize("kind", FormType)
def test_every_kind_has_every_estimate_with_range_and_source(kind):
    found = estimated_behaviour(kind)
    assert set(found) == NAMES
    rest = load_chain("nickel").behaviour.model_dump()
    behaviour = Behaviour.model_validate(rest | found)
    for name in NAMES:
        number = getattr(behaviour, name)
        assert number.low < number.value < number.high
        assert number.lognormal
        # Told apart: what the episodes teach, and what they leave as it was assumed.
        assert number.assumed == number.source.startswith("Prior range, the episodes")


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_a_chain_has_its_own_figure_or_the_estimate(chain):
    raw = document(chain.id)
    estimates = estimated_behaviour(kind_of_chain(raw))
    for name in NAMES:
        number = getattr(chain.behaviour, name)
        if name in raw["behaviour"]:
            assert not number.source.startswith("Prior range")
            assert number.value == raw["behaviour"][name]["value"]
        else:
            assert number.source == estimates[name]["source"]
            assert number.value == estimates[name]["value"]


def test_published_figures_come_first():
    assert load_chain("lng").behaviour.demand_elasticity.value == 0.12
    assert load_chain("nickel").behaviour.supply_elasticity.value == 0.71


@pytest.mark.parametrize(
    ("chain", "kind"),
    [("nickel", "ore"), ("lithium", "compound"), ("rare-earths", "metal"), ("lng", "fuel"),
     ("battery-anodes", "ore"), ("gallium", "metal")],
)  # fmt: skip
def test_the_last_form_with_codes_says_the_kind(chain, kind):
    assert kind_of_chain(document(chain)) == kind


def test_a_user_s_chain_may_leave_behaviour_out_or_state_it():
    text = chain_text("manganese")
    assert "demand_elasticity" not in text
    own = '[behaviour.demand_elasticity]\nvalue = 0.5\nlow = 0.4\nhigh = 0.6\nsource = "Mine"\n\n'
    stated = text.replace("[behaviour.stock_days]", own + "[behaviour.stock_days]")
    chains = [parse_chain(t.encode(), source="x.toml") for t in (text, stated)]
    assert chains[0].behaviour.demand_elasticity.value != 0.5
    assert chains[1].behaviour.demand_elasticity.value == 0.5
    assert not chains[1].behaviour.demand_elasticity.lognormal


def test_a_lognormal_range_that_begins_at_zero_is_refused():
    own = (
        '[behaviour.surge]\nvalue = 0.1\nlow = 0\nhigh = 0.3\nlognormal = true\nsource = "Mine"\n\n'
    )
    text = chain_text("manganese").replace("[behaviour.stock_days]", own + "[behaviour.stock_days]")
    with pytest.raises(SpecError, match="low > 0"):
        parse_chain(text.encode(), source="x.toml")


@pytest.mark.parametrize(
    "broken",
    [{}, {"forms": 3}, {"forms": [1, {"codes": "x"}]}, {"forms": [{"codes": [{"code": 260400}]}]},
     {"forms": [{"codes": [{"code": "260400"}]}], "behaviour": []}],
)  # fmt: skip
def test_a_broken_document_is_left_to_the_schema(broken):
    assert with_estimates(broken) == broken
