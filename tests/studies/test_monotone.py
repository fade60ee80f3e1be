"""In a single form and a static month a stricter restriction never helps who it is aimed at.

Neither does one whose leakage is smaller. Over months the claim does not hold: see the last test
and docs/trust.md.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from lodeline.network.base_year import base_year
from lodeline.network.catalogue import load_chain
from lodeline.results.metrics import series_table
from lodeline.scenarios.compile import compile_schedule
from lodeline.scenarios.restrictions import Restriction
from lodeline.studies.market import run_market
from lodeline.units import Month

ADAPTER = TypeAdapter(Restriction)
START = Month(2026, 1)
TARGET = "JPN"

STRICTER = {
    "ban on all": {"type": "ban", "on": "all", "severity": None, "leakage": 0.1},
    "ban on one": {"type": "ban", "on": [TARGET], "severity": None, "leakage": 0.1},
    "sanction": {"type": "sanction", "on": [TARGET], "reach": "direct", "severity": None,
                 "leakage": 0.0},
    "sanction on the origin": {"type": "sanction", "on": [TARGET], "reach": "origin",
                               "severity": None, "leakage": 0.0},
    "price floor": {"type": "price-floor", "on": "all", "floor": None},
    "less approved content": {"type": "extraterritorial", "on": [TARGET], "delay_months": 0,
                              "approval_share": None, "leakage": 0.1, "de_minimis": 0},
    "outage": {"type": "outage", "severity": None, "recovery_months": 0},
    "tax": {"type": "tax", "on": "all", "rate": None},
    "less leakage": {"type": "ban", "on": [TARGET], "severity": 0.9, "leakage": None},
    "less approved": {"type": "licence", "on": "all", "delay_months": 0, "approval_share": None,
                      "leakage": 0.1},
    "smaller quota": {"type": "quota", "on": [TARGET], "share_of_base": None, "leakage": 0.1},
}  # fmt: skip
LOOSER_WHEN_LARGER = {"less leakage", "less approved", "less approved content", "smaller quota"}
ABOVE_ONE = {"price floor"}
"""Numbers that do something above 1 only."""

_BASES = {}


def restriction(case, strictness, **more):
    number = 1.0 - strictness if case in LOOSER_WHEN_LARGER else strictness
    number += case in ABOVE_ONE
    fields = {k: number if v is None else v for k, v in STRICTER[case].items()}
    common = {"id": "r", "by": ["ZAF"], "chain": "rhodium", "forms": "all", "start": "2026-01",
              "source": "s"}  # fmt: skip
    return ADAPTER.validate_python(common | fields | more)


def use_and_price(*restrictions, months=1):
    if "rhodium" not in _BASES:
        _BASES["rhodium"] = base_year(load_chain("rhodium"), 2024)
    calendar = [START + i for i in range(months)]
    series = series_table(run_market(compile_schedule(_BASES["rhodium"], restrictions, calendar)))
    own = series.filter(series["country"] == TARGET)
    return own["use_t"].to_numpy(), own["price_usd_t"].to_numpy()


@pytest.mark.parametrize("case", STRICTER)
@settings(max_examples=8, deadline=None)
@given(st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_stricter_is_never_better_for_the_target(case, pair):
    mild, strict = sorted(pair)
    use_mild, price_mild = use_and_price(restriction(case, mild))
    use_strict, price_strict = use_and_price(restriction(case, strict))
    assert use_strict[0] <= use_mild[0] * (1 + 1e-8)
    assert price_strict[0] >= price_mild[0] * (1 - 1e-8)


@pytest.mark.parametrize("case", STRICTER)
def test_the_whole_range_moves_the_target(case):
    mild, strict = (use_and_price(restriction(case, s))[0][0] for s in (0.0, 1.0))
    assert strict < mild * (1 - 1e-4)


def test_over_months_a_stricter_ban_can_leave_the_target_better_off_for_a_while():
    mild, strict = (
        use_and_price(restriction("ban on one", s, end="2026-06"), months=12)[0] for s in (0.5, 1.0)
    )
    assert (strict[:6] <= mild[:6] * (1 + 1e-8)).all()
    assert (strict[6:] > mild[6:] * (1 + 1e-6)).any()
    assert np.sum(strict) < np.sum(mild)
