"""The search over sets finds what enumeration finds, and proves no more than is so."""

from itertools import combinations

import numpy as np
import pytest

from lodeline.studies.worst_case.search import (
    branch_and_bound,
    count_sets,
    enumerate_sets,
    exchange,
)


def monotone(seed, n):
    """Return a random monotone set function: coverage of weighted points."""
    rng = np.random.default_rng(seed)
    weight = rng.exponential(size=3 * n)
    covers = rng.random((n, 3 * n)) < 0.3

    def damage(sets):
        return np.array([weight[covers[list(s)].any(axis=0)].sum() if s else 0.0 for s in sets])

    return damage


def brute(n, k, damage):
    sets = [s for size in range(1, k + 1) for s in combinations(range(n), size)]
    values = damage(sets)
    return sets[int(np.argmax(values))], float(values.max()), len(sets)


def worst_first(damage, n):
    order = np.argsort(-damage([(i,) for i in range(n)]), kind="stable")
    return lambda sets: damage([tuple(order[list(s)]) for s in sets])


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("k", [1, 2, 3])
def test_branch_and_bound_equals_enumeration_where_damage_is_monotone(seed, k):
    damage = worst_first(monotone(seed, 9), 9)
    best, value, count = brute(9, k, damage)
    plain = enumerate_sets(9, k, damage)
    assert (plain.best, plain.evaluated) == (best, count)
    assert count == count_sets(9, k)

    def bound(pairs):
        return damage([(*s, *u) for s, u in pairs])

    found = branch_and_bound(9, k, damage, bound, most_sets=10**6)
    assert found.damage == pytest.approx(value, rel=1e-9)
    assert found.bound == pytest.approx(value, rel=1e-9)
    assert found.evaluated <= count


@pytest.mark.parametrize("seed", range(10))
def test_a_search_that_gives_up_leaves_a_bound_that_holds(seed):
    damage = worst_first(monotone(seed, 12), 12)
    _, value, _ = brute(12, 4, damage)

    def bound(pairs):
        return damage([(*s, *u) for s, u in pairs])

    found = branch_and_bound(12, 4, damage, bound, most_sets=5)
    assert found.damage <= value * (1.0 + 1e-9)
    assert found.bound >= value * (1.0 - 1e-9)


@pytest.mark.parametrize("seed", range(10))
def test_an_exchange_promises_nothing_and_is_no_better_than_the_worst(seed):
    damage = monotone(seed, 10)
    _, value, _ = brute(10, 3, damage)
    found = exchange(10, 3, damage)
    assert found.bound is None
    assert 0.0 < found.damage <= value * (1.0 + 1e-9)
    assert found.damage >= damage([(i,) for i in range(10)]).max()


def test_enumeration_prefers_the_smaller_of_two_equal_sets_and_none_to_a_gain():
    assert enumerate_sets(3, 2, lambda sets: np.ones(len(sets))).best == (0,)
    found = enumerate_sets(3, 2, lambda sets: -np.ones(len(sets)))
    assert (found.best, found.damage) == ((), 0.0)
