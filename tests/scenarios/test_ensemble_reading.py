"""Ensemble files: every problem at once, with its line; the bundled ones are whole."""

import pytest

from lodeline.errors import SpecError, UnknownNameError
from lodeline.scenarios.ensemble_reading import ensemble_ids, load_ensemble, parse_ensemble
from lodeline.scenarios.ensemble_spec import Ensemble, ensemble_of
from lodeline.scenarios.groups import EU27
from lodeline.scenarios.library import load_scenario, scenario_text

GOOD = """\
id: one
title: One event
question: Who runs short?
events:
  - scenario: china-antimony-2024
"""

BAD = """\
id: x
titel: A slip
asked: [JPX]
months: 500
events:
  - scenario: china-dual-use
    probabilty: 1
  - scenario: {id: a, foo: 1}
    delay_months: {low: 5, high: 2}
  - probability: 2
dials:
  behaviour.surge: {distribution: normal}
"""


@pytest.mark.parametrize("name", ensemble_ids())
def test_bundled_ensembles_are_named_like_their_files_and_survive_json(name):
    ensemble = load_ensemble(name)
    assert ensemble.id == name
    assert ensemble.assumptions, "probabilities are assumed; the file must say so"
    assert Ensemble.model_validate(ensemble.document()) == ensemble


def test_every_problem_is_reported_once_with_its_line():
    with pytest.raises(SpecError) as error:
        parse_ensemble(BAD.encode(), source="bad.yaml")
    found = {(p.place, p.line) for p in error.value.problems}
    assert {
        ("titel", 2), ("asked[0]", 3), ("months", 4), ("events[0].scenario", 6),
        ("events[0].probabilty", 7), ("events[1].scenario.foo", 8),
        ("events[1].delay_months", 9), ("events[2].probability", 10),
        ("events[2].scenario", 10),
    } <= found  # fmt: skip
    assert "Did you mean 'probability'?" in str(error.value)
    assert "'china-dual-use-japan-2026'" in str(error.value)


def test_a_scenario_is_its_own_ensemble(tmp_path):
    scenario = load_scenario("china-antimony-2024")
    assert load_ensemble("china-antimony-2024") == ensemble_of(scenario)
    path = tmp_path / "mine.yaml"
    path.write_text(scenario_text("china-antimony-2024"), encoding="utf-8")
    assert load_ensemble(str(path)).events[0].scenario == scenario


def test_a_path_starts_from_the_folder_of_the_file(tmp_path):
    (tmp_path / "mine.yaml").write_text(scenario_text("china-antimony-2024"), encoding="utf-8")
    path = tmp_path / "ensemble.yaml"
    path.write_text(GOOD.replace("china-antimony-2024", "mine.yaml"), encoding="utf-8")
    assert load_ensemble(str(path)).simulated == ("antimony",)


def test_a_group_asked_about_stands_for_its_members_in_order():
    text = GOOD.replace("question:", "asked: [JPN, EU27, DEU]\nquestion:")
    ensemble = parse_ensemble(text.encode(), source="x.yaml")
    assert ensemble.countries == ("JPN", *EU27)


def test_defaults_come_from_the_scenarios():
    ensemble = parse_ensemble(GOOD.encode(), source="x.yaml")
    scenario = load_scenario("china-antimony-2024")
    assert (ensemble.start, ensemble.countries) == (scenario.start, scenario.asked)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("    restrictions: [nothing]\n", "has no restriction 'nothing'"),
        ("    duration_months: 0\n", "1 or more"),
        ("  - scenario: china-antimony-2024\n", "appears more than once"),
        ("    delay_months: 100\n", "after the last simulated month"),
        ("chains: [cobalt]\n", "not restricted by any event"),
    ],
)
def test_what_cannot_be_is_refused(more, says):
    with pytest.raises(SpecError, match=says):
        parse_ensemble((GOOD + more).encode(), source="x.yaml")


def test_an_unknown_name_is_an_error():
    with pytest.raises(UnknownNameError, match="cobalt-congo-2026"):
        load_ensemble("cobalt-kongo-2026")
