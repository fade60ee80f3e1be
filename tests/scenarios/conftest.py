"""A small scenario that is whole, as text and as plain data."""

import copy

import pytest
import yaml

from lodeline.scenarios.yaml_text import parse_yaml

GOOD = """\
id: small
title: A small scenario
question: Who runs short?
summary: A ban and a licence.
kind: hypothetical
start: 2026-01
months: 12
asked: [JPN]
restrictions:
  - id: stop
    type: ban
    by: [CHN]
    on: [JPN, EU27]
    chain: rare-earths
    forms: [metals]
    start: 2026-01
    end: 2026-06
    source: paper
    severity: {value: 0.9, low: 0.5, high: 1}
    leakage: {value: 0.1, low: 0, high: 0.3, assumed: true, source: nobody knows}
  - id: slow
    type: licence
    by: [CHN]
    on: all
    chain: tungsten
    forms: all
    start: 2026-03
    end: null
    source: paper
    delay_months: 2
    approval_share: 0.7
    leakage: 0
assumptions:
  - text: It lasts.
    why: No end is known.
sources:
  - key: paper
    title: A paper
    url: https://example.org/paper
    date: 2026-01-06
    confidence: medium
"""


@pytest.fixture
def good_text():
    return GOOD


@pytest.fixture
def good():
    """The scenario as plain data; a fresh copy for each test."""
    return copy.deepcopy(parse_yaml(GOOD.encode(), source="good").data)


@pytest.fixture
def problems_of():
    """Return the problems of plain data, written out as YAML and read again."""
    from lodeline.errors import SpecError
    from lodeline.scenarios.reading import parse_scenario

    def problems(data):
        text = data if isinstance(data, str) else yaml.safe_dump(data, sort_keys=False)
        with pytest.raises(SpecError) as caught:
            parse_scenario(text.encode(), source="test")
        return caught.value.problems

    return problems
