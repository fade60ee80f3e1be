"""Fewer countries: every balance still holds, and nothing is lost but trade within the rest."""

import numpy as np
import pytest

from lodeline.errors import InputError
from lodeline.network.aggregate import REST, aggregate, throughput_of
from lodeline.network.calibrate import calibrate
from lodeline.solver.newton import solve


@pytest.fixture(
    scope="module", params=[0.0, 1e-3], ids=["all lanes", "small lanes through the rest"]
)
def pair(request, balanced_base):
    base = balanced_base("rare-earths")
    return base, aggregate(base, countries=12, keep=["JPN", "ITA", "CHN"], small=request.param)


def test_countries_are_those_asked_for_and_the_largest(pair):
    base, small = pair
    assert len(small.countries) == 12
    assert small.countries[-1] == REST
    assert {"JPN", "ITA", "CHN", "USA"} <= set(small.countries)
    kept = [base.countries.index(c) for c in small.countries[:-1]]
    assert throughput_of(base)[kept].sum() > 0.8 * throughput_of(base).sum()


def test_output_processing_and_use_add_up(pair):
    base, small = pair
    for name in ("produced", "processed", "used"):
        assert np.allclose(getattr(base, name).sum(axis=1), getattr(small, name).sum(axis=1))
    assert np.allclose(base.absorbed().sum(axis=1), small.absorbed().sum(axis=1))


def test_every_balance_holds(pair):
    _, small = pair
    net = small.produced - small.absorbed()
    ids = list(small.forms)
    for r, recipe in enumerate(small.chain.recipes):
        net[ids.index(recipe.makes)] += small.processed[r]
    np.add.at(net, (small.lane_form, small.lane_destination), small.lane_level)
    np.add.at(net, (small.lane_form, small.lane_origin), -small.lane_level)
    assert np.abs(net).max() < 1e-6 * small.absorbed().max()


def test_the_base_year_is_still_the_answer_where_nothing_happens(pair):
    _, small = pair
    network = calibrate(small)
    solution = solve(network.problem())
    assert np.allclose(solution.levels, network.reference, rtol=1e-7, atol=1e-9)


def test_latent_lanes_never_double_one_with_a_flow(pair):
    _, small = pair
    flowing = set(zip(small.lane_form, small.lane_origin, small.lane_destination, strict=True))
    latent = set(zip(small.latent_form, small.latent_origin, small.latent_destination, strict=True))
    assert not flowing & latent


def test_more_names_than_room_are_refused(balanced_base):
    with pytest.raises(InputError, match="Raise 'countries'"):
        aggregate(balanced_base("rare-earths"), countries=4, keep=["JPN", "ITA", "CHN", "DEU"])


def test_enough_room_changes_nothing(balanced_base):
    base = balanced_base("rhodium")
    assert aggregate(base, countries=250) is base
