import pytest
import yaml

from lodeline.errors import InputError, SpecError
from lodeline.scenarios.reading import parse_scenario, read_scenario


def by_place(problems):
    return {p.place: p for p in problems}


def test_a_good_scenario_is_read(good_text):
    scenario = parse_scenario(good_text.encode(), source="x")
    assert scenario.id == "small"
    assert [r.id for r in scenario.restrictions] == ["stop", "slow"]


def test_all_problems_come_at_once_each_with_its_line(good_text, problems_of):
    text = (
        good_text.replace("by: [CHN]\n    on: [JPN, EU27]", "by: [CHM]\n    on: [JPN, EU27]")
        .replace("severity:", "severty:")
        .replace("forms: [metals]", "forms: [metal]")
        .replace("chain: tungsten", "chain: tungstn")
        .replace("months: 12", "months: 12.5")
        .replace("end: 2026-06", "end: 2025-06")
        .replace("end: null\n    source: paper", "end: null\n    source: papr")
        .replace("id: slow", "id: stop")
    )
    problems = by_place(problems_of(text))
    assert set(problems) == {
        "months",
        "restrictions[0].by[0]",
        "restrictions[0].forms[0]",
        "restrictions[0].severty",
        "restrictions[0].severity",
        "restrictions[0].end",
        "restrictions[1].chain",
        "restrictions[1].id",
        "restrictions[1].source",
    }
    lines = text.splitlines()
    for place in set(problems) - {"restrictions[0].severity"}:
        line = lines[problems[place].line - 1]
        assert place.split(".")[-1].split("[")[0] in line
    assert all(p.remedy for p in problems.values())


@pytest.mark.parametrize(
    ("old", "new", "suggestion"),
    [
        ("severity:", "severty:", "'severity'"),
        ("asked: [JPN]", "asked: [JPX]", "'JPN'"),
        ("by: [CHN]", "by: [CNH]", "'CHN'"),
        ("on: [JPN, EU27]", "on: [JPN, EU28]", "'EU27'"),
        ("chain: rare-earths", "chain: rare-earth", "'rare-earths'"),
        ("forms: [metals]", "forms: [metal]", "'metals'"),
        ("type: ban", "type: bann", "'ban'"),
        ("questio" + "n:", "qestion:", "'question'"),
        ("confidence:", "confidance:", "'confidence'"),
        ("why:", "whi:", "'why'"),
        ("low: 0.5", "lo: 0.5", "'low'"),
        ("source: paper\n    sev", "source: papr\n    sev", "'paper'"),
    ],
)
def test_the_nearest_name_is_suggested(good_text, problems_of, old, new, suggestion):
    assert old in good_text
    problems = problems_of(good_text.replace(old, new, 1))
    assert any(suggestion in p.remedy or suggestion in p.what for p in problems), problems


@pytest.mark.parametrize(
    ("path", "value", "place", "words"),
    [
        (("restrictions", 0, "severity"), 1.5, "restrictions[0].severity", "is no share"),
        (("restrictions", 0, "severity"), -0.1, "restrictions[0].severity", "greater than"),
        (("restrictions", 0, "severity"), True, "restrictions[0].severity", "not a mapping"),
        (("restrictions", 0, "severity"), "0.5", "restrictions[0].severity", "not a mapping"),
        (("restrictions", 0, "severity"), float("nan"), "restrictions[0].severity", "finite"),
        (("restrictions", 1, "delay_months"), -1, "restrictions[1].delay_months", "greater"),
        (("restrictions", 0, "end"), "2025-12", "restrictions[0].end", "lies before start"),
        (("restrictions", 0, "end"), "2026-13", "restrictions[0].end", "no month"),
        (("restrictions", 0, "start"), 2026, "restrictions[0].start", "no month"),
        (("restrictions", 0, "by"), "CHN", "restrictions[0].by", "not a list"),
        (("restrictions", 0, "on"), "ALL", "restrictions[0].on", "'ALL'"),
        (("restrictions", 0, "on"), ["CHN"], "restrictions[0].on", "nobody else"),
        (("restrictions", 0, "forms"), [], "restrictions[0].forms", "list is empty"),
        (("restrictions", 1, "id"), "stop", "restrictions[1].id", "'stop' appears more than once"),
        (("restrictions", 1, "start"), "2031-01", "file", "never in force"),
        (("restrictions",), [], "restrictions", "at least 1"),
        (("months",), 0, "months", "greater than"),
        (("months",), True, "months", "wrong type"),
        (("kind",), "guess", "kind", "not allowed"),
        (("asked",), ["Germany"], "asked[0]", "not well formed"),
        (("sources", 0, "url"), "ftp://x", "sources[0].url", "not well formed"),
        (("title",), 7, "title", "wrong type"),
        (("title",), "", "title", "at least 3"),
        (("id",), "Not Good", "id", "not well formed"),
    ],
)
def test_a_wrong_value_is_placed(good, problems_of, path, value, place, words):
    here = good
    for part in path[:-1]:
        here = here[part]
    here[path[-1]] = value
    problems = [p for p in problems_of(good) if p.place == place]
    assert any(words in p.what for p in problems), problems_of(good)


def test_a_range_must_hold_its_value(good, problems_of):
    good["restrictions"][0]["severity"] = {"value": 0.2, "low": 0.5, "high": 1}
    [problem] = problems_of(good)
    assert problem.place == "restrictions[0].severity"
    assert "low <= value <= high" in problem.what


def test_an_assumed_number_needs_its_reasoning(good, problems_of):
    good["restrictions"][0]["leakage"]["source"] = ""
    [problem] = problems_of(good)
    assert "reasoning" in problem.what


@pytest.mark.parametrize("extra", [{}, {"tonnes_per_year": 5, "share_of_base": 0.5}])
def test_a_quota_has_exactly_one_ceiling(good, problems_of, extra):
    quota = {**good["restrictions"][0], "type": "quota", **extra}
    del quota["severity"]
    good["restrictions"][0] = quota
    assert any("exactly one of" in p.what for p in problems_of(good))


def test_a_quota_in_tonnes_needs_one_form_and_is_not_negative(good, problems_of):
    quota = {**good["restrictions"][0], "type": "quota", "tonnes_per_year": -5}
    del quota["severity"]
    good["restrictions"][0] = quota
    assert any("tonnes_per_year" in p.place for p in problems_of(good))
    quota.update(tonnes_per_year=5, forms="all")
    assert any("exactly one form" in p.what for p in problems_of(good))
    quota.update(forms=["compounds", "metals"])
    assert any("exactly one form" in p.what for p in problems_of(good))


def test_an_absent_file_and_a_folder_are_input_errors(tmp_path):
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(InputError) as caught:
            read_scenario(path)
        assert str(path) in str(caught.value)


def test_the_message_names_file_line_value_and_remedy(tmp_path, good_text):
    path = tmp_path / "mine.yaml"
    path.write_text(good_text.replace("end: 2026-06", "end: soon"), encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        read_scenario(path)
    message = str(caught.value)
    assert "mine.yaml: 1 problem\n" in message
    assert "line 17, restrictions[0].end: 'soon' is no month" in message
    assert "YYYY-MM" in message


def test_data_written_by_any_yaml_library_is_read(good):
    # PyYAML quotes the key 'on', others do not: both mean the same here.
    text = yaml.safe_dump(good)
    assert "'on':" in text
    assert parse_scenario(text.encode(), source="x").restrictions[0].on == ("JPN", "EU27")
