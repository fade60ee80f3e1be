import pytest
from pydantic import ValidationError

from lodeline.scenarios.groups import EU27, G7, GROUPS, expand
from lodeline.scenarios.restrictions import Share, Uncertain
from lodeline.scenarios.spec import Scenario
from lodeline.units import Month


def test_a_bare_number_is_a_range_of_no_width():
    share = Share.model_validate(0.4)
    assert (share.value, share.low, share.high, share.assumed) == (0.4, 0.4, 0.4, False)


def test_a_share_above_one_is_refused_but_a_number_is_not():
    with pytest.raises(ValidationError):
        Share.model_validate(1.1)
    assert Uncertain.model_validate(1.1).value == 1.1


def test_the_start_is_the_earliest_restriction_unless_given(good):
    assert Scenario.model_validate({**good, "start": "2025-06"}).start == Month(2025, 6)
    del good["start"]
    good["restrictions"].reverse()
    assert Scenario.model_validate(good).start == Month(2026, 1)


def test_months_are_consecutive_and_as_many_as_asked(good):
    calendar = Scenario.model_validate(good).calendar
    assert [str(calendar[0]), str(calendar[-1]), len(calendar)] == ["2026-01", "2026-12", 12]


def test_both_ends_of_a_restriction_are_in_force(good):
    ban, licence = Scenario.model_validate(good).restrictions
    assert [ban.is_in_force(Month(2026, m)) for m in (1, 6, 7)] == [True, True, False]
    assert not ban.is_in_force(Month(2025, 12))
    assert licence.is_in_force(Month(2090, 1))


def test_groups_are_written_out_and_restrictors_are_no_targets(good):
    good["restrictions"][0].update(by=["DEU"], on=["EU27"])
    ban, licence = Scenario.model_validate(good).restrictions
    assert ban.restrictors == ("DEU",)
    assert ban.targets == tuple(c for c in EU27 if c != "DEU")
    assert licence.targets is None


def test_chains_come_once_in_order(good):
    good["restrictions"].append({**good["restrictions"][0], "id": "again", "forms": ["compounds"]})
    assert Scenario.model_validate(good).chains == ("rare-earths", "tungsten")


def test_the_document_reads_back_to_the_same_scenario(good):
    scenario = Scenario.model_validate(good)
    assert Scenario.model_validate(scenario.document()) == scenario


def test_a_scenario_cannot_be_changed(good):
    with pytest.raises(ValidationError):
        Scenario.model_validate(good).months = 3


def test_groups_have_their_members():
    assert len(EU27) == len(set(EU27)) == 27
    assert "GBR" not in EU27
    assert len(G7) == 7
    assert all(members == tuple(sorted(members)) for members in GROUPS.values())
    assert expand(["ITA", "G7"]) == G7


def test_the_last_restricted_month_ends_the_restrictions(good):
    del good["restrictions"][1]
    assert Scenario.model_validate(good).end == Month(2026, 6)
