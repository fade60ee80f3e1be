"""Origin by hand on toys, exact on real chains, and beside an independent way to find it."""

from dataclasses import replace

import numpy as np
import pytest

from lodeline.network.catalogue import chain_ids
from lodeline.network.doubt import doubt_of
from lodeline.network.origin import trace_origin
from lodeline.network.tracing import arrivals, carrier_shares, passing, trace

A, B, C = 0, 1, 2


def toy(balanced_base, lanes, produced, processed=None):
    """Three countries; lanes are (form, from, to, tonnes); forms of the chain that fits."""
    base = balanced_base("nickel" if processed is None else "rare-earths")
    form, origin, destination, level = (np.array(x) for x in zip(*lanes, strict=True))
    return replace(
        base,
        countries=("AAA", "BBB", "CCC"),
        lane_form=form.astype(np.int16),
        lane_origin=origin.astype(np.int16),
        lane_destination=destination.astype(np.int16),
        lane_level=level.astype(float),
        produced=np.atleast_2d(np.array(produced, dtype=float)),
        processed=np.zeros((0, 3)) if processed is None else np.array(processed, dtype=float),
    )


def everywhere(base):
    return np.eye(len(base.countries))


def test_a_hub_hands_on_the_mix_of_what_it_gets(balanced_base):
    # B gets 30 from A and makes 10. C gets 20 from B (15 of them A's) and 5 from A.
    base = toy(balanced_base, [(0, A, B, 30), (0, B, C, 20), (0, A, C, 5)], [50, 10, 0])
    made = trace(base, "ore", everywhere(base)).made["ore"]
    assert made[:, A] == pytest.approx([1, 0, 0])
    assert made[:, B] == pytest.approx([0.75, 0.25, 0])
    assert made[:, C] == pytest.approx([20 / 25, 5 / 25, 0])


def test_countries_that_ship_in_circles_are_solved_together(balanced_base):
    # b = share of A's in B, c in C: b = (10 + 10 c)/20, c = 10 b/20, so b = 2/3, c = 1/3.
    base = toy(balanced_base, [(0, A, B, 10), (0, C, B, 10), (0, B, C, 10)], [10, 0, 10])
    made = trace(base, "ore", everywhere(base)).made["ore"]
    assert made[A] == pytest.approx([1, 2 / 3, 1 / 3])
    assert made.sum(axis=0) == pytest.approx([1, 1, 1], abs=1e-15)


def test_a_circle_that_goes_round_a_thousand_times_stays_exact(balanced_base):
    lanes = [(0, A, B, 1.0), (0, C, B, 1e3), (0, B, C, 1e3)]
    base = toy(balanced_base, lanes, [1.0, 0, 1.0])
    made = trace(base, "ore", everywhere(base)).made["ore"]
    assert np.abs(made.sum(axis=0) - 1.0).max() < 1e-12
    assert made[A, B] == pytest.approx(0.5, rel=1e-3)


def test_a_closed_loop_that_nothing_feeds_has_no_origin(balanced_base):
    base = toy(balanced_base, [(0, B, C, 5), (0, C, B, 5)], [7, 0, 0])
    traced = trace(base, "ore", everywhere(base))
    assert traced.lost == pytest.approx([0, 1, 1])
    assert traced.made["ore"][:, A] == pytest.approx([1, 0, 0])


def test_stages_go_back_through_recipes(balanced_base):
    # Compounds: A makes 100, ships 40 to B, which makes 10 of its own. Metal: B makes 30 of
    # compounds and 10 from what no code shows; it ships 20 to C.
    base = toy(
        balanced_base,
        [(0, A, B, 40), (1, B, C, 20)],
        [[100, 10, 0], [0, 10, 0]],
        processed=[[0, 30, 0]],
    )
    made = trace(base, "metals", everywhere(base)).made
    assert made["metals"][:, C] == pytest.approx([0, 1, 0])
    # 3/4 went through the recipe, of which 4/5 are A's; the rest entered in B.
    assert made["compounds"][:, C] == pytest.approx([0.75 * 0.8, 1 - 0.75 * 0.8, 0])
    entered = trace(base, "metals", everywhere(base)).entered
    assert entered["metals"][:, C] == pytest.approx([0, 0.25, 0])
    assert entered["compounds"][:, C].sum() == pytest.approx(0.75)


def test_inputs_that_hold_the_element_carry_the_origin(balanced_base):
    chain = balanced_base("rare-earths").chain
    recipe = chain.recipes[0]
    both = dict.fromkeys(("compounds", "metals"), recipe.inputs["compounds"])
    two = recipe.model_copy(update={"inputs": both})
    assert carrier_shares(chain, two) == {"compounds": 1.0}, "metals are gross weight"


@pytest.mark.parametrize("chain", chain_ids())
def test_origins_add_up_to_one_in_every_chain(chain, balanced_base):
    base = balanced_base(chain)
    for f, form in enumerate(base.forms):
        absorbs = base.absorbed()[f] > 0.0
        traced = trace(base, form, everywhere(base))
        for made in traced.made.values():
            assert np.abs(made[:, absorbs].sum(axis=0) - 1.0).max() < 1e-12
            assert made.min() >= 0.0
        entered = sum(traced.entered.values())
        assert np.abs(entered[:, absorbs].sum(axis=0) - 1.0).max() < 1e-12


@pytest.mark.parametrize("year", [2003, 2009, 2016])
@pytest.mark.parametrize("chain", ["rare-earths", "tungsten", "aluminium"])
def test_origins_add_up_to_one_in_other_years(chain, year, balanced_base):
    base = balanced_base(chain, year)
    absorbs = base.absorbed()[-1] > 0.0
    for made in trace(base, base.forms[-1], everywhere(base)).made.values():
        assert np.abs(made[:, absorbs].sum(axis=0) - 1.0).max() < 1e-12


@pytest.mark.parametrize("chain", ["cobalt", "rare-earths"])
def test_rationing_in_proportion_loses_exactly_the_origin_share(chain, balanced_base):
    """If C's output stops and every country passes on its loss evenly, J loses its share.

    The loss is followed forward, round by round, which is no linear system.
    """
    base = balanced_base(chain)
    n, last = len(base.countries), len(base.forms) - 1
    closed = int(np.argmax(base.produced[0]))
    left = {}
    for f, name in enumerate(base.forms):
        lanes = np.zeros((n, n))
        here = base.lane_form == f
        np.add.at(
            lanes, (base.lane_destination[here], base.lane_origin[here]), base.lane_level[here]
        )
        direct = base.produced[f].copy()
        if f == 0:
            direct[closed] = 0.0
        direct[closed] = 0.0  # direct output of a later form has its origin there as well
        for r, recipe in enumerate(base.chain.recipes):
            if recipe.makes == name:
                direct += base.processed[r] * left[next(iter(recipe.inputs))]
        whole = lanes.sum(axis=1) + base.produced[f]
        whole += sum(
            (base.processed[r] for r, x in enumerate(base.chain.recipes) if x.makes == name),
            np.zeros(n),
        )
        scale = np.where(whole > 0.0, whole, 1.0)
        share = np.zeros(n)
        for _ in range(3000):
            share = (lanes @ share + direct) / scale
        left[name] = share
    uses = base.absorbed()[last] > 0.0
    made = trace(base, base.forms[last], everywhere(base)).made[base.forms[0]]
    assert 1.0 - left[base.forms[last]][uses] == pytest.approx(made[closed][uses], abs=1e-9)


@pytest.mark.parametrize("chain", ["cobalt", "rare-earths", "tungsten"])
def test_what_has_been_in_a_country_is_what_a_restriction_would_keep_apart(chain, balanced_base):
    base = balanced_base(chain)
    form = base.forms[-1]
    met = passing(base, form)
    used = base.used[-1] > 0.0
    for country in ("CHN", "DEU", "NLD"):
        kept_apart = trace_origin(base, {country}, set(base.forms)).share[-1]
        assert met[used, base.countries.index(country)] == pytest.approx(kept_apart[used], abs=1e-9)


def test_arrivals_of_a_country_are_its_customs_and_its_own_output(balanced_base):
    base = toy(balanced_base, [(0, A, B, 30), (0, B, C, 20), (0, A, C, 5)], [50, 10, 0])
    found = arrivals(base, "ore", np.array([0, 0, 1.0]), np.array([False, False, True]))
    assert found.lane == pytest.approx([0.2, 0.8, 0])
    assert found.home == pytest.approx([0, 0, 0])


def test_a_group_has_one_border(balanced_base):
    # B and C are a group; C uses 25, of which 20 came by way of B: 15 of A's and 5 made in B.
    base = toy(balanced_base, [(0, A, B, 30), (0, B, C, 20), (0, A, C, 5)], [50, 10, 0])
    found = arrivals(base, "ore", np.array([0, 0, 1.0]), np.array([False, True, True]))
    assert found.lane == pytest.approx([0.8, 0, 0])
    assert found.home == pytest.approx([0, 0.2, 0])


def test_what_stops_at_a_hub_is_lost(balanced_base):
    base = toy(balanced_base, [(0, A, B, 30), (0, B, C, 20), (0, A, C, 5)], [50, 10, 0])
    stop = np.array([False, True, False])
    traced = trace(base, "ore", everywhere(base)[:, [C]], stop=stop)
    # B's own fifth of the 25 is no re-export and stays.
    assert traced.made["ore"][:, 0] == pytest.approx([0.2, 0.2, 0])
    assert traced.lost == pytest.approx([0.6])


def test_doubt_leaves_what_is_observed(balanced_base):
    base = balanced_base("lithium")
    doubt = doubt_of(base)
    drawn = doubt.draw(np.random.default_rng(1))
    sure = doubt.lane == 0.0
    assert (drawn.lane_level[sure] == base.lane_level[sure]).all()
    assert (drawn.lane_level[~sure] != base.lane_level[~sure]).all()
    assert (doubt.output[base.produced > 0.0] > 0.0).any(), "shares of world output are priors"
    assert doubt.imputed_share_of_lanes < 0.5


def test_the_same_draw_is_the_same_base_year(balanced_base):
    doubt = doubt_of(balanced_base("cobalt"))
    one, two = (doubt.draw(np.random.default_rng([7, 3])).lane_level for _ in range(2))
    assert (one == two).all()
