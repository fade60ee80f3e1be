"""The compiled solver: batches, lanes that cannot see each other, arithmetic, fallbacks."""

from dataclasses import replace

import numpy as np
import pytest
from numba import njit
from random_markets import random_market

from lodeline.solver import compiled, newton
from lodeline.solver.certificate import certify
from lodeline.solver.compiled import CompiledMarket, Variation
from lodeline.solver.kernels.evaluate import UNKNOWN, residual
from lodeline.solver.ordering import least_fill
from lodeline.solver.pattern import analyse
from lodeline.solver.simd import (
    WIDTH,
    any_greater,
    exp,
    load,
    load_rows,
    log,
    splat,
    store,
    store_rows,
)


@njit
def _exp_all(x, y):
    for i in range(x.size // 8):
        store(y, i, exp(load(x, i)))


@njit
def _log_all(x, y):
    for i in range(x.size // 8):
        store(y, i, log(load(x, i)))


@njit
def _worst(p, prices, surplus, out):
    store(out, 0, residual(p, prices, surplus))


@njit
def _any_above(x, value):
    return any_greater(load(x, 0), splat(value))


def test_exponential_and_logarithm_are_accurate():
    rng = np.random.default_rng(0)
    x = rng.uniform(-60.0, 60.0, 8000)
    y = np.empty_like(x)
    _exp_all(x, y)
    np.testing.assert_allclose(y, np.exp(x), rtol=1e-15)
    z = np.concatenate([np.exp(x), 1.0 + rng.uniform(-1e-6, 1e-6, 8), [0.05] * 8])
    back = np.empty_like(z)
    _log_all(z, back)
    np.testing.assert_allclose(back, np.log(z), rtol=2e-15, atol=1e-22)


def test_any_lane_is_enough():
    for lane in range(WIDTH):
        x = np.zeros(WIDTH)
        assert not _any_above(x, 0.5)
        x[lane] = 1.0
        assert _any_above(x, 0.5)


@njit
def _turn(rows, stride, vectors, places, back):
    load_rows(vectors, places, 0, rows, 1, stride)
    store_rows(back, 1, stride, vectors, places, 0)


@njit
def _copy_shared(shared, vectors):
    for i in range(shared.size):
        store(vectors, i, load(shared, i))
        store(shared, i, load(vectors, i) + splat(1.0))


def test_rows_of_scenarios_become_vectors_and_rows_again():
    rows = np.arange(WIDTH * 11.0).reshape(WIDTH, 11)
    places = np.array([3, 1, 0, 2, 7, 6, 5, 4], dtype=np.int32)
    vectors, back = np.zeros(WIDTH * WIDTH), np.zeros_like(rows)
    _turn(rows.reshape(-1), 11, vectors, places, back.reshape(-1))
    np.testing.assert_array_equal(vectors.reshape(WIDTH, WIDTH)[places], rows[:, 1:9].T)
    np.testing.assert_array_equal(back[:, 1:9], rows[:, 1:9])
    assert not back[:, 0].any()
    assert not back[:, 9:].any()


def test_what_all_lanes_share_is_kept_once():
    shared, vectors = np.arange(3.0)[:, None].copy(), np.zeros(3 * WIDTH)
    _copy_shared(shared, vectors)
    np.testing.assert_array_equal(vectors, np.repeat(np.arange(3.0), WIDTH))
    np.testing.assert_array_equal(shared[:, 0], np.arange(3.0) + 1.0)


def ensemble(problem, count, seed=0):
    """Return a variation of everything that scenarios may change."""
    rng = np.random.default_rng(seed)
    c = problem.curves
    n, m = c.reference.size, problem.rhs.size
    cut = np.where(rng.random((count, n)) < 0.2, rng.random((count, n)), 1.0)
    wide = np.where(np.isfinite(c.upper), c.upper, 3.0 * c.reference)
    elasticity = c.elasticity * np.exp(rng.normal(0.0, 0.2, (count, n)))
    return Variation(
        rhs=problem.rhs * rng.uniform(0.2, 1.2, (count, m)),
        upper=wide * cut,
        extra_margin=rng.choice([0.0, 0.3], (count, n), p=[0.9, 0.1]) * c.price,
        elasticity=elasticity,
        slope=c.slope * c.elasticity / elasticity,
        cap=c.cap * rng.uniform(0.5, 1.0, (count, 1)) * np.ones(n),
    )


@pytest.fixture(params=[False, True], ids=["linear", "bent"])
def market(request):
    return random_market(11, countries=18, bent=request.param, limits=2)


def test_every_scenario_of_a_batch_is_proved(market):
    variation = ensemble(market, 21)
    result = CompiledMarket(market).solve_batch(variation)
    assert result.is_solved.all()
    for i in range(21):
        problem = variation.of(i).applied(market)
        proof = certify(problem, result.levels[i], result.prices[i])
        assert proof.residual <= 1e-9
        assert proof.gap <= 1e-10
        assert result.residual[i] == pytest.approx(proof.primal, abs=1e-9)
        reference = newton.solve(problem)
        scale = market.row_scale.max()
        np.testing.assert_allclose(result.levels[i] / scale, reference.levels / scale, atol=1e-8)


def test_a_scenario_does_not_depend_on_its_neighbours(market):
    """Alone, in another lane, in another batch: equal to the bit."""
    variation = ensemble(market, 19)
    solver = CompiledMarket(market)
    whole = solver.solve_batch(variation)
    for i in (0, 7, 8, 18):
        alone = solver.solve_batch(variation.of(i))
        assert (alone.levels[0] == whole.levels[i]).all()
        assert (alone.prices[0] == whole.prices[i]).all()
        assert alone.iterations[0] == whole.iterations[i]
    order = np.random.default_rng(1).permutation(19)
    names = [n for n in variation.__dataclass_fields__ if getattr(variation, n) is not None]
    shuffled = Variation(**{n: getattr(variation, n)[order] for n in names})
    other = CompiledMarket(market).solve_batch(shuffled)
    assert (other.levels == whole.levels[order]).all()
    assert (other.prices == whole.prices[order]).all()


def test_what_all_scenarios_share_may_be_said_once(market):
    """Bounds by scenario with curves said once or by scenario: equal to the bit."""
    given = ensemble(market, 11)
    solver, c = CompiledMarket(market), market.curves
    once = Variation(rhs=given.rhs, upper=given.upper, slope=given.slope[0], cap=given.cap[0])
    short = solver.solve_batch(once)
    of_each = {name: np.tile(getattr(once, name), (11, 1)) for name in ("slope", "cap")}
    every = {n: np.tile(getattr(c, n), (11, 1)) for n in ("lower", "margin", "reference")}
    long = solver.solve_batch(replace(once, **of_each, **every))
    assert (long.levels == short.levels).all()
    assert (long.prices == short.prices).all()
    assert (long.iterations == short.iterations).all()


def test_the_month_before_is_a_good_start(market):
    variation = ensemble(market, 16)
    solver = CompiledMarket(market)
    cold = solver.solve_batch(variation)
    again = solver.solve_batch(variation, cold.prices)
    assert (again.iterations <= 1).all()
    nearby = replace(variation, upper=variation.upper * 0.99)
    warm = solver.solve_batch(nearby, cold.prices)
    assert warm.is_solved.all()
    assert warm.iterations.sum() < solver.solve_batch(nearby).iterations.sum()


def test_what_does_not_converge_goes_to_the_reference_and_is_counted(market, monkeypatch):
    monkeypatch.setattr(compiled, "LIMIT", 1)
    variation = ensemble(market, 9)
    result = CompiledMarket(market).solve_batch(variation)
    assert result.fallbacks > 0
    assert result.is_solved.all()
    for i in np.flatnonzero(result.is_fallback):
        problem = variation.of(i).applied(market)
        assert certify(problem, result.levels[i], result.prices[i]).residual <= 1e-9


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_point_that_is_no_number_is_never_balanced(market, wrong):
    solver = CompiledMarket(market)
    rows, spoilt = market.rhs.size, 5
    for name in ("prices", "surplus"):
        vectors = {k: np.zeros(rows * WIDTH) for k in ("prices", "surplus")}
        for row in (0, rows // 2, rows - 1):
            vectors[name][:] = 0.0
            vectors[name][WIDTH * row + spoilt] = wrong
            found = np.empty(WIDTH)
            _worst(solver.analysis.pattern, vectors["prices"], vectors["surplus"], found)
            assert found[spoilt] == UNKNOWN
            assert (np.delete(found, spoilt) == 0.0).all()


def test_a_start_that_is_no_number_is_not_taken_for_the_solution(market):
    variation = ensemble(market, 9)
    solver = CompiledMarket(market)
    start = solver.solve_batch(variation).prices
    whole = solver.solve_batch(variation, start)
    start[4, 3] = np.nan
    result = solver.solve_batch(variation, start)
    problem = variation.of(4).applied(market)
    assert result.is_solved.all()
    assert certify(problem, result.levels[4], result.prices[4]).residual <= 1e-9
    others = np.delete(np.arange(9), 4)
    assert (result.prices[others] == whole.prices[others]).all()


def test_wrong_shapes_are_refused(market):
    solver = CompiledMarket(market)
    n = market.curves.reference.size
    with pytest.raises(ValueError, match="upper has shape"):
        solver.solve_batch(Variation(upper=np.zeros(n + 1)))
    with pytest.raises(ValueError, match="differ in their number"):
        solver.solve_batch(Variation(upper=np.zeros((3, n)), lower=np.zeros((4, n))))


def test_on_a_star_nothing_is_filled():
    star = [{1, 2, 3, 4}, {0}, {0}, {0}, {0}]
    order, touched = least_fill(star)
    assert order[-2:] in ([0, 4], [4, 0])
    assert sum(len(t) for t in touched) == 4


def test_the_row_that_ties_the_fewest_together_goes_first():
    """Row 0 has fewer neighbours than any of the five that all know each other."""
    clique = [{0} | set(range(2, 7)) - {k} for k in range(2, 7)]
    near = [{1, 2, 3, 4, 5, 6}, {0}, *clique]
    near[0] = {1, 2}
    for k in range(3, 7):
        near[k] -= {0}
    order, touched = least_fill(near)
    # Row 0 would tie row 1 to row 2, so its leaf goes first.
    assert order[:2] == [1, 0]
    assert sum(len(t) for t in touched) == sum(len(others) for others in near) // 2


@pytest.mark.parametrize("seed", range(5))
def test_what_is_lacking_is_counted_right(seed):
    """Against the count from scratch at every step."""
    rng = np.random.default_rng(seed)
    near = [set() for _ in range(24)]
    for i, j in rng.integers(0, 24, (60, 2)).tolist():
        if i != j:
            near[i].add(j)
            near[j].add(i)
    order, touched = least_fill(near)
    left, alive = [set(others) for others in near], set(range(24))

    def cost(i):
        pairs = [(a, b) for a in left[i] for b in left[i] if a < b]
        return sum(b not in left[a] for a, b in pairs), len(left[i]), i

    for best, rows in zip(order, touched, strict=True):
        assert best == min(alive, key=cost)
        assert rows == sorted(left[best])
        alive.discard(best)
        for i in rows:
            left[i] = (left[i] | left[best]) - {i, best}


def test_lanes_are_alone_between_their_rows_and_twins_lie_side_by_side(market):
    analysis = analyse(market)
    p = analysis.pattern
    first, last = p.group[1], p.group[2]
    lanes = [
        (p.entry_row[e], p.entry_row[e + 1], p.entry_value[e], p.entry_value[e + 1])
        for e in p.entry_start[first:last]
    ]
    assert last > first
    assert all(i < j and (v, u) in {(-1.0, 1.0), (1.0, -1.0)} for i, j, v, u in lanes)
    places = p.pair_place[p.pair_start[first] : p.pair_start[last]]
    twins = 0
    for i in range(p.row.size):
        start, single, end = p.lane_start[i], p.lane_single[i], p.lane_start[i + 1]
        assert all(lanes[a - first][0] == i for a in range(start, end))
        for a in range(start, single, 2):
            there, back = lanes[a - first], lanes[a - first + 1]
            assert (there[2:], back[2:], there[1]) == ((-1.0, 1.0), (1.0, -1.0), back[1])
            twins += 1
    assert twins > 0
    assert len(set(places.tolist())) == last - first - twins
    np.testing.assert_array_equal(np.union1d(places, p.filled), np.arange(analysis.entries))
    assert len(set(places.tolist())) + p.filled.size == analysis.entries
    np.testing.assert_array_equal(p.place[p.activity], np.arange(p.activity.size))


def test_the_factor_pattern_holds_the_matrix(market):
    analysis = analyse(market)
    rows = market.rhs.size
    product = abs(market.incidence) @ abs(market.incidence).T
    own = int(np.count_nonzero(np.tril(product.toarray(), -1)))
    assert analysis.entries == own + analysis.fill
    assert sorted(analysis.pattern.row.tolist()) == list(range(rows))
