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
