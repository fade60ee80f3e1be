"""Suggestions for names that do not exist."""

import pytest

from lodeline import data
from lodeline.errors import _OTHER_CODES, suggest

COUNTRIES = ["CHE", "CHL", "CHN", "DEU", "GRL", "NER", "PER"]


@pytest.mark.parametrize(
    ("written", "meant"), [("GER", "'DEU'"), ("ger", "'DEU'"), ("CHI", "'CHN' or 'CHL' or 'CHE'")]
)
def test_other_codes_of_a_country_are_understood(written, meant):
    assert suggest(written, COUNTRIES) == f"Did you mean {meant}?"


def test_other_codes_lead_to_countries_that_exist_and_are_no_codes_themselves():
    known = {*data.countries()["iso3"], "EU27"}
    assert {c for codes in _OTHER_CODES.values() for c in codes} <= known
    assert not set(_OTHER_CODES) & known


@pytest.mark.parametrize(("name", "code"), [("Germany", "DEU"), ("JAPAN", "JPN"), ("Korea", "KOR")])
def test_a_country_s_name_leads_to_its_code(name, code):
    assert f"'{code}'" in suggest(name, data.country_names())
