"""Sharing a saving: known games, exact sums, empty cores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lodeline.studies.plan.sharing import core_check, nucleolus, shapley

AIRPORT = [0, 1, 2, 2, 3, 3, 3, 3]
MAJORITY = [0, 0, 0, 1, 0, 1, 1, 1]
GLOVES = [0, 0, 0, 1, 0, 1, 0, 1]
"""Player 1 has a left glove, players 2 and 3 right ones."""

values = st.integers(-(10**9), 10**9).map(float)
games = st.integers(1, 4).flatmap(
    lambda n: st.lists(values, min_size=2**n - 1, max_size=2**n - 1).map(lambda v: [0.0, *v])
)


def test_the_airport_game():
    assert shapley(AIRPORT) == pytest.approx((1 / 3, 5 / 6, 11 / 6))
    costs = [-v for v in AIRPORT]
    assert nucleolus(costs) == pytest.approx((-1 / 2, -3 / 4, -7 / 4))
    assert not core_check(costs, shapley(costs)).is_empty
    assert core_check(costs, shapley(costs)).leaving == 0


def test_the_glove_game_gives_the_scarce_side_all_in_the_core():
    assert shapley(GLOVES) == pytest.approx((2 / 3, 1 / 6, 1 / 6))
    assert nucleolus(GLOVES) == pytest.approx((1.0, 0.0, 0.0), abs=1e-7)
    check = core_check(GLOVES, shapley(GLOVES))
    assert not check.is_empty
    assert check.worst == pytest.approx(1 / 6)


def test_a_majority_of_three_has_an_empty_core():
    assert core_check(MAJORITY, shapley(MAJORITY)).is_empty
    assert nucleolus(MAJORITY) == pytest.approx((1 / 3, 1 / 3, 1 / 3), abs=1e-7)


@given(games)
def test_shapley_adds_up_to_the_last_bit(game):
    assert sum(shapley(game)) == game[-1]


@given(games)
def test_a_player_who_adds_nothing_gets_nothing(game):
    doubled = [*game, *game]
    assert shapley(doubled)[-1] == pytest.approx(0.0, abs=1e-6 * max(map(abs, game), default=1.0))


@given(games, games)
def test_shapley_is_additive(first, second):
    size = min(len(first), len(second))
    a, b = first[:size], second[:size]
    total = shapley([x + y for x, y in zip(a, b, strict=True)])
    parts = np.array(shapley(a)) + np.array(shapley(b))
    scale = max(1.0, *(abs(v) for v in [*a, *b]))
    assert np.allclose(total, parts, atol=1e-9 * scale)


def test_two_partners_share_what_joining_adds_equally():
    assert shapley([0, 10, 4, 20]) == pytest.approx((13, 7))
    assert nucleolus([0, 10, 4, 20]) == pytest.approx((13, 7))
