"""Orders of elimination: every row once, separators last, and little fill."""

import numpy as np
import pytest
from factors import analysed
from scipy import sparse

from lodeline.solver.dissection import Layout, minimum_degree_order

ROWS = 40


def month_pattern(seed):
    """Return a sparse symmetric month: a tree and a few more edges."""
    rng = np.random.default_rng(seed)
    a = np.concatenate([np.arange(1, ROWS), rng.integers(0, ROWS, 12)])
    b = np.concatenate([[rng.integers(0, i) for i in range(1, ROWS)], rng.integers(0, ROWS, 12)])
    near = sparse.coo_array((np.ones(a.size), (a, b)), shape=(ROWS, ROWS))
    return sparse.csc_array(near + near.T + ROWS * sparse.eye_array(ROWS))


def horizon_pattern(months, reach, seed=1):
    """Return months that touch those up to `reach` later, row by row, and their layout."""
    month = month_pattern(seed)
    apart = np.abs(np.subtract.outer(np.arange(months), np.arange(months)))
    link = sparse.csc_array(((apart > 0) & (apart <= reach)).astype(float))
    both = sparse.kron(sparse.eye_array(months), month)
    both = sparse.csc_array(both + sparse.kron(link, sparse.eye_array(ROWS)))
    turn = np.empty(ROWS, dtype=np.intp)
    turn[minimum_degree_order(month)] = np.arange(ROWS)
    rows = months * ROWS
    layout = Layout(
        month=np.repeat(np.arange(months), ROWS),
        rank=np.tile(turn, months),
        is_link=np.zeros(rows, dtype=np.bool_),
        width=reach,
    )
    return both, layout


@pytest.mark.parametrize("months", [1, 2, 9, 10, 11, 24, 37])
@pytest.mark.parametrize("reach", [1, 2, 3])
def test_every_row_is_eliminated_once(months, reach):
    _, layout = horizon_pattern(months, reach)
    assert sorted(layout.order().tolist()) == list(range(months * ROWS))


@pytest.mark.parametrize("reach", [1, 2])
def test_before_the_last_separator_nothing_touches_across_it(reach):
    both, layout = horizon_pattern(24, reach)
    order = layout.order()
    last = layout.month[order[-reach * ROWS :]]
    first = last.min()
    assert sorted(set(last.tolist())) == list(range(first, first + reach))
    before, after = layout.month < first, layout.month >= first + reach
    assert before.any()
    assert after.any()
    assert both[before][:, after].nnz == 0


def test_rows_of_no_month_come_last():
    _, layout = horizon_pattern(12, 1)
    longer = layout.followed_by(3)
    assert longer.order()[-3:].tolist() == [12 * ROWS, 12 * ROWS + 1, 12 * ROWS + 2]
    assert longer.of(np.arange(12 * ROWS)).order().tolist() == layout.order().tolist()


def test_a_separator_has_its_links_and_lies_where_they_are_few():
    _, layout = horizon_pattern(24, 1)
    crowded = np.array([10, 11, 12, 13])
    links = np.repeat(crowded, ROWS)
    both = Layout(
        month=np.concatenate([layout.month, links]),
        rank=np.concatenate([layout.rank, np.arange(links.size)]),
        is_link=np.concatenate([layout.is_link, np.ones(links.size, dtype=np.bool_)]),
    )
    last = both.month[both.order()[-1]]
    assert layout.month[layout.order()[-1]] == 12
    assert last not in crowded
    # Where there is no way round them the links of the separator are part of it.
    everywhere = np.repeat(np.arange(1, 24), ROWS)
    both = Layout(
        month=np.concatenate([layout.month, everywhere]),
        rank=np.concatenate([layout.rank, np.zeros(everywhere.size, dtype=np.intp)]),
        is_link=np.concatenate([layout.is_link, np.ones(everywhere.size, dtype=np.bool_)]),
    )
    end = both.order()[-2 * ROWS :]
    assert set(both.month[end].tolist()) == {12}
    assert both.is_link[end].sum() == ROWS


@pytest.mark.parametrize("reach", [1, 2])
def test_the_work_grows_in_proportion_to_the_months(reach):
    short, long = (analysed(*horizon_pattern(m, reach)) for m in (48, 96))
    assert long.operations < 2.5 * short.operations
    assert long.entries < 2.5 * short.entries


@pytest.mark.parametrize("seed", range(5))
def test_the_order_does_not_change_the_solution(seed):
    both, layout = horizon_pattern(23, 1, seed)
    right = np.random.default_rng(seed).normal(size=both.shape[0])
    for chosen in (layout, None):
        factor = analysed(both, chosen)
        lower = sparse.tril(both).tocoo()
        factor.values[factor.slots(lower.row, lower.col)] = lower.data
        factor.factorise(0.0)
        np.testing.assert_allclose(both @ factor.solve(right), right, atol=1e-10)
