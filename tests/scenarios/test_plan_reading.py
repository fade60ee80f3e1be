"""Action plans: every problem with its line, projects fill in what the file leaves out."""

from pathlib import Path

import pytest

from lodeline.errors import SpecError
from lodeline.scenarios.measures import Capacity
from lodeline.scenarios.plan_reading import load_plan, parse_plan

EXAMPLE = Path(__file__).parents[2] / "examples" / "japan-italy-action-plan.yaml"

HEAD = """\
id: one
title: One measure
question: What should be done?
futures: china-dual-use-japan-2026
first_year: 2026
interest: 0.05
partners:
  - {id: JPN, title: Japan, members: [JPN], budget_usd: 1.0e8}
measures:
"""
GOOD = """\
  - {id: plant, type: capacity, project: CAREMAG, title: A plant, by: [JPN], chain: rare-earths,
     form: compounds, country: FRA, tonnes_per_year: 700}
"""


def problems(text):
    with pytest.raises(SpecError) as caught:
        parse_plan(text.encode(), source="plan.yaml")
    return {p.place: p for p in caught.value.problems}


def test_the_example_reads_and_says_what_is_assumed():
    plan = load_plan(EXAMPLE)
    assert {p.id for p in plan.partners} == {"JPN", "ITA"}
    assert len(plan.measures) >= 30
    assert set(plan.chains) == {"rare-earth-magnets", "cobalt", "lithium"}
    assert set(plan.futures.simulated) >= set(plan.chains)
    for measure in plan.measures:
        numbers = [getattr(measure, name) for name in type(measure).model_fields]
        stated = [n for n in numbers if getattr(n, "source", "")]
        assert stated or measure.source, f"{measure.id} has neither source nor assumption"


def test_the_example_acts_on_magnets_and_its_partners_are_also_hit_alone():
    plan = load_plan(EXAMPLE)
    acted = {m.type for m in plan.measures if m.form == "magnets"}
    assert acted == {"stock", "access", "capacity", "offtake"}
    hit = [
        {p.id for p in plan.partners if set(p.members) & set(r.targets or p.members)}
        for e in plan.futures.events
        for r in e.chosen
        if r.chain == "rare-earth-magnets"
    ]
    assert all(alone in hit for alone in ({"JPN"}, {"ITA"}, {"JPN", "ITA"}))


def test_a_project_gives_money_in_proportion_lead_time_and_source():
    (plant,) = parse_plan((HEAD + GOOD).encode(), source="plan.yaml").measures
    assert isinstance(plant, Capacity)
    assert plant.capex_usd.value == pytest.approx(0.5 * 241.9e6)
    assert plant.capex_usd.high > plant.capex_usd.value
    assert plant.lead_years.value == 1.7
    assert "Caremag" in plant.source


def test_what_the_file_says_goes_before_the_project():
    text = HEAD + GOOD.replace("700}", "700, lead_years: 3, capex_usd: 1.0e6}")
    (plant,) = parse_plan(text.encode(), source="plan.yaml").measures
    assert (plant.lead_years.value, plant.capex_usd.value) == (3.0, 1e6)


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ("country: FRA", "country: FRX", "measures[0].country", "unknown country"),
        ("form: compounds", "form: oxide", "measures[0].form", "no form"),
        ("chain: rare-earths", "chain: rare-earth", "measures[0].chain", "unknown chain"),
        ("type: capacity", "type: capacities", "measures[0]", "unknown type"),
        ("tonnes_per_year: 700", "tonnes_per_year: -1", "measures[0].tonnes_per_year", "-1"),
        ("project: CAREMAG", "project: CAREMAGG", "measures[0].project", "unknown project"),
        ("tonnes_per_year: 700", "tonnes: 700", "measures[0].tonnes", "unknown key"),
    ],
)
def test_a_mistake_is_told_with_place_and_line(old, new, place, words):
    found = problems(HEAD + GOOD.replace(old, new))
    assert place in found, sorted(found)
    assert words in found[place].what
    assert found[place].line is not None
    assert found[place].remedy


def test_all_mistakes_are_told_at_once():
    text = HEAD.replace("interest: 0.05\n", "") + GOOD.replace("FRA", "FRX").replace("700", "-7")
    assert {"interest", "measures[0].country"} <= set(problems(text))


def test_names_must_exist_within_the_plan():
    text = HEAD + GOOD.replace("by: [JPN]", "by: [ITA], requires: [stock]")
    found = " ".join(p.what for p in problems(text).values())
    assert "no partner 'ITA'" in found
    assert "no measure 'stock'" in found


def test_futures_that_do_not_exist_are_told():
    found = problems(HEAD.replace("china-dual-use-japan-2026", "china-dual-use") + GOOD)
    assert "futures" in found


def test_levels_of_security_are_read_and_their_mistakes_placed():
    level = (
        "minimum_cover:\n  - {chain: rare-earths, form: compounds, countries: [EU27], days: 9}\n"
    )
    text = HEAD.replace("measures:\n", level + "measures:\n") + GOOD
    (cover,) = parse_plan(text.encode(), source="plan.yaml").minimum_cover
    assert (len(cover.members), cover.days.value, cover.pooled) == (27, 9.0, False)
    found = problems(text.replace("EU27", "EU28"))
    assert "unknown country" in found["minimum_cover[0].countries[0]"].what
    found = problems(text.replace("form: compounds, countries", "form: oxide, countries"))
    assert "no form" in found["minimum_cover[0].form"].what
    found = problems(text.replace("days: 9", "day: 9"))
    assert "unknown key" in found["minimum_cover[0].day"].what
    other = text.replace("minimum_cover:\n  - {chain: rare-earths, form: compounds,",
                         "unmet_limits:\n  - {chain: cobalt,").replace(", days: 9", "")  # fmt: skip
    assert "measures act on rare-earths alone" in " ".join(p.what for p in problems(other).values())
