"""The report on real results: what the engine returns is what the report reads."""

import re

import pytest

from lodeline.data import world_map
from lodeline.report.brief import answer
from lodeline.report.html import render_stress
from lodeline.report.terminal import stress_table
from lodeline.scenarios.library import load_scenario
from lodeline.studies.stress import run_stress


@pytest.mark.parametrize("scenario", ["china-dual-use-japan-2026", "gemco-manganese-2024"])
def test_a_real_result_can_be_reported(scenario):
    result = run_stress(load_scenario(scenario), months=3, with_sensitivity=False)
    page = render_stress(result, world=world_map())
    assert page.count('class="asked"') >= 1
    assert not re.search(r">[^<]*\b(nan|None|null|inf)\b[^<]*<", page)
    assert stress_table(result)
    assert answer(result).lead.startswith("If ")


def test_the_demo_says_through_whom_it_comes_how_long_the_reserve_lasts_and_who_stops_first():
    scenario = load_scenario("china-dual-use-japan-2026")
    result = run_stress(scenario, months=12, with_sensitivity=False)
    page = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", render_stress(result, world=world_map())))
    assert re.search(r"came through third countries, most through Viet Nam", page)
    assert re.search(r"Japan’s reserve, taken to be 30 days of use, would be empty after", page)
    assert re.search(r"would stop first \(shares of the world’s use\)", page)
