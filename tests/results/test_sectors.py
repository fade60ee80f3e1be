"""Sectors: every share has a source, all is shared out, who finds it easy stops first."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lodeline.network.sectors import REST, sector_ids, sectors_of
from lodeline.results.sectors import share_out

CHAINS = [("rare-earths", "metals"), ("tungsten", "powder"), ("cobalt", "cobalt"),
          ("lithium", "carbonate"), ("graphite", "natural"), ("palladium", "metal")]  # fmt: skip


@pytest.mark.parametrize(("chain", "form"), CHAINS)
@pytest.mark.parametrize("country", ["JPN", "USA"])
def test_shares_are_sourced_and_make_up_the_whole(chain, form, country):
    sectors = sectors_of(chain, form, country)
    assert sum(s.share for s in sectors) == pytest.approx(1.0, abs=1e-3)
    assert all(s.source and s.region in (country, "WLD") for s in sectors if s.id != REST)


def test_a_country_s_own_shares_come_first():
    assert {s.region for s in sectors_of("cobalt", "cobalt", "USA")} == {"USA"}
    assert {s.region for s in sectors_of("cobalt", "cobalt", "JPN")} == {"WLD"}


def test_where_nothing_is_published_there_is_one_unnamed_sector():
    [one] = sectors_of("uranium", "concentrate", "JPN")
    assert (one.id, one.share) == (REST, 1.0)
    assert "superalloys" in sector_ids()


WANTED = np.array([[50.0, 30.0, 20.0]])
EASE = np.array([0.5, 1.0, 2.0])
NOBODY = np.zeros(3, dtype=bool)


@given(st.floats(0.0, 130.0))
def test_what_there_is_is_shared_out_to_the_last_tonne(use):
    got = share_out(np.array([use]), WANTED, EASE, NOBODY)
    assert got.sum() == pytest.approx(min(use, 100.0), rel=1e-9, abs=1e-6)
    unmet = 1.0 - got / WANTED
    assert unmet[0, 0] <= unmet[0, 1] + 1e-12
    assert unmet[0, 1] <= unmet[0, 2] + 1e-12


def test_by_hand_two_sectors_of_ease_one_and_two():
    # 50 q + 50 q² = 37.5 at q = 1/2
    got = share_out(np.array([37.5]), np.array([[50.0, 50.0]]), np.array([1.0, 2.0]), NOBODY[:2])
    assert got[0] == pytest.approx([25.0, 12.5])


def test_priority_is_served_first():
    got = share_out(np.array([25.0]), WANTED, EASE, np.array([False, False, True]))
    assert got[0, 2] == pytest.approx(20.0)
    assert got[0].sum() == pytest.approx(25.0)
    short = share_out(np.array([12.0]), WANTED, EASE, np.array([False, False, True]))
    assert short[0] == pytest.approx([0.0, 0.0, 12.0], abs=1e-6)
