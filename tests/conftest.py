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
