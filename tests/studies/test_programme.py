"""Programmes in the market: what restricts them, what helps, and that the help does help."""

import pytest

from lodeline.errors import InputError
from lodeline.results.programme import programme_document
from lodeline.scenarios.library import load_scenario
from lodeline.scenarios.programme import Programme
from lodeline.studies.dials import dials_of
from lodeline.studies.programme import study
from lodeline.studies.programme.study import run_programme
from lodeline.units import Month

BASE = {
    "id": "test",
    "title": "A test",
    "question": "When does it slip?",
    "country": "JPN",
    "schedule": [{"start": "2026-07", "units_per_month": 2}],
    "end": "2029-12",
}


def programme(chain="niobium", form="ferroniobium", kg=10.0, days=0.0, **more):
    line = {"chain": chain, "form": form, "kg_per_unit": kg, "buffer_days": days}
    return Programme.model_validate({**BASE, "bill": [line], **more})


@pytest.fixture(scope="module")
def scenario():
    return load_scenario("brazil-niobium-2027")


def run(asked, scenario, **more):
    options = {"months": 12, "with_sensitivity": False, **more}
    return run_programme(asked, scenario, **options)


@pytest.fixture(scope="module")
def result(scenario):
    return run(programme(), scenario)


def test_it_slips_once_the_scenario_has_begun_and_says_by_what(result, scenario):
    assert result.slip.slip_month >= str(scenario.start)
    assert result.slip.units_late_peak > 0.1
    assert result.bottleneck == "niobium/ferroniobium"
    assert result.slip_without is None
    assert not result.forms["is_added"][0]
    assert result.certificate["max_residual"] <= 1e-8


def test_nothing_restricted_no_slip(scenario):
    calm = run(programme(chain="cobalt", form="cobalt"), scenario)
    assert calm.slip.slip_month is None
    assert calm.bottleneck is None
    assert calm.priority_needed == 0.0
    assert calm.forms["buffer_days_needed"][0] == 0.0


def test_the_stated_buffer_prevents_the_slip_and_a_smaller_one_does_not(result, scenario):
    [needed] = result.forms["buffer_days_needed"].to_list()
    assert needed > 1.0
    assert run(programme(days=1.0001 * needed), scenario).slip.slip_month is None
    assert run(programme(days=0.99 * needed), scenario).slip.slip_month is not None


def test_a_price_at_the_cap_of_an_ore_is_marked_far_below_twenty_times():
    asked = programme(chain="aluminium", form="bauxite", country="DEU")
    found = run(asked, load_scenario("guinea-bauxite-stop-2027"), months=6)
    [form] = found.forms.to_dicts()
    assert 3.0 <= form["price_multiple_peak"] < 4.0
    assert form["is_price_capped"]
    marked = found.supply["is_price_capped"]
    assert marked.any()
    assert not marked.all()


def test_the_stated_priority_prevents_the_slip(result, scenario):
    needed = result.priority_needed
    assert 0.0 < needed <= 1.0
    assert run(programme(priority=min(1.0, needed + 1e-4)), scenario).slip.slip_month is None


def test_more_priority_never_slips_earlier_in_the_market(scenario, result):
    months = [result.slip.slip_month]
    months += [run(programme(priority=p), scenario).slip.slip_month for p in (0.5,)]
    assert [m or "9999" for m in months] == sorted(m or "9999" for m in months)


def test_a_scenario_that_begins_a_year_later_is_met_a_year_later(result, scenario):
    later = run(programme(end="2030-12"), scenario, begin=scenario.start + 12)
    first = Month.parse(result.slip.slip_month)
    assert later.slip.slip_month == str(first + 12)
    assert later.slip.days_to_slip == pytest.approx(result.slip.days_to_slip)


def test_a_lead_time_moves_what_is_late_and_not_when_material_lacks(result, scenario):
    led = run(programme(lead_months=6, end="2030-06"), scenario)
    assert led.slip.slip_month == str(Month.parse(result.slip.slip_month) + 6)
    assert led.slip.days_to_slip == pytest.approx(result.slip.days_to_slip)


def test_a_need_that_is_large_beside_the_country_s_use_is_added_to_it(scenario, result):
    use = result.forms["kg_per_unit"][0] * 2 / result.forms["share_of_use"][0]
    large = run(programme(kg=0.25 * use / 2), scenario)
    assert large.forms["is_added"][0]
    assert large.forms["share_of_use"][0] == pytest.approx(0.25)
    assert large.slip_without is not None
    assert large.slip.units_late_peak > large.slip_without.units_late_peak


def test_a_country_that_uses_nothing_of_a_form_is_refused(scenario):
    with pytest.raises(InputError, match="TUV uses no 'ferroniobium'"):
        run(programme(country="TUV"), scenario)


def test_a_scenario_after_the_programme_is_refused(scenario):
    with pytest.raises(InputError, match="after the programme has taken its last material"):
        run(programme(), scenario, begin=Month(2031, 1))


def test_the_range_holds_the_central_value_and_the_document_is_whole(scenario, monkeypatch):
    monkeypatch.setattr(study, "dials_of", lambda *given: dials_of(*given)[:2])
    asked = programme(days={"value": 20, "low": 0, "high": 60, "assumed": True, "source": "Test"})
    ranged = run(asked, scenario, months=4, with_sensitivity=True)
    assert ranged.low <= ranged.slip.units_late_peak <= ranged.high
    assert ranged.low < ranged.high
    widths = [abs(r.at_high - r.at_low) for r in ranged.ranges]
    assert widths == sorted(widths, reverse=True)
    labels = {r.parameter for r in ranged.ranges}
    assert {"catching up", "buffer, ferroniobium (niobium)"} <= labels
    document = programme_document(ranged)
    assert document["prevention"]["buffers"][0]["form"] == "ferroniobium"
    assert len(document["months"]) == 42
