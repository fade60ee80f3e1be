"""How sure a share of few scenarios is."""

import pytest

from lodeline.results.ensemble import chance_range


@pytest.mark.parametrize(
    ("share", "n", "low", "high"),
    [(0.8, 10, 0.490, 0.943), (0.0, 10, 0.0, 0.278), (1.0, 10, 0.722, 1.0)],
)
def test_ranges_are_those_of_wilson(share, n, low, high):
    """Brown, Cai and DasGupta (2001), Statistical Science 16, 101-133, have the formula."""
    assert chance_range(share, n) == (pytest.approx(low, abs=1e-3), pytest.approx(high, abs=1e-3))


def test_more_scenarios_narrow_the_range():
    few, many = chance_range(0.3, 64), chance_range(0.3, 4096)
    assert few[0] < many[0] < 0.3 < many[1] < few[1]
