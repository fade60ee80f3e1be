"""Base years are built once for all tests: they are immutable."""

from functools import cache

import pytest

from lodeline.network.base_year import base_year
from lodeline.network.catalogue import load_chain


@cache
def balanced(chain, year=2024):
    return base_year(load_chain(chain), year)


@pytest.fixture(scope="session")
def balanced_base():
    """Return the balanced base year of a chain and year, from a cache."""
    return balanced


@pytest.fixture(autouse=True, scope="session")
def _no_data_of_the_user_s_own(tmp_path_factory):
    """Keep the tests from what the person who runs them has imported."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LODELINE_DATA", str(tmp_path_factory.mktemp("nothing-imported")))
        yield
