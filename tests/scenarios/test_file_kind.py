"""Files given to the wrong command, and words of errors that users meet first."""

import pytest

from lodeline.cli.main import main
from lodeline.errors import InputError, SpecError
from lodeline.scenarios.file_kind import FileKind, check_kind, kind_of
from lodeline.scenarios.reading import parse_scenario
from lodeline.scenarios.yaml_text import parse_yaml
from lodeline.units import Month

SCENARIO = b"""\
id: own
title: An own stop
question: Who runs short?
summary: China stops metals.
kind: hypothetical
start: 2027-01
asked: [JPN]
restrictions:
  - id: stop
    type: ban
    by: [CHN]
    on: [JPN]
    chain: rare-earths
    forms: [metals]
    start: 2027-01
    end: null
    source: own
    severity: SEVERITY
    leakage: 0.1
sources:
  - key: own
    title: An own source
    date: 2027-01
    confidence: low
    says: Nothing.
"""


@pytest.mark.parametrize(
    ("text", "kind"),
    [(b"restrictions: []\n", FileKind.SCENARIO), (b"events: []\n", FileKind.ENSEMBLE),
     (b"bill: []\n", FileKind.PROGRAMME), (b"partners: [JPN]\n", FileKind.PLAN),
     (b"base_years: [2012]\n", FileKind.EPISODE), (b"id: x\n", None),
     (b"events: []\nrestrictions: []\n", None)],
)  # fmt: skip
def test_a_file_is_told_by_the_keys_of_its_kind(text, kind):
    document = parse_yaml(text, source="file")
    assert kind_of(document) is kind
    if kind not in (None, FileKind.EPISODE):
        with pytest.raises(SpecError, match="not an episode"):
            check_kind(document, FileKind.EPISODE, source="file")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["stress"], "this is a plan, not a scenario. Give it to 'lodeline plan FILE'"),
     (["ensemble"], "this is a plan, not an ensemble"),
     (["programme", "--scenario", "congo-cobalt-ban-2025"], "this is a plan, not a programme")],
)  # fmt: skip
def test_the_command_that_takes_the_file_is_named(arguments, words, tmp_path, capfdbinary):
    path = tmp_path / "plan.yaml"
    path.write_text("id: plan\npartners: [JPN]\nmeasures: []\n", encoding="utf-8")
    assert main([*arguments, str(path)]) == 2
    error = capfdbinary.readouterr().err.decode()
    assert words in error
    assert "1 problem\n" in error


@pytest.mark.parametrize("severity", [b"120", b"1.5"])
def test_a_percentage_is_told_to_be_a_share(severity):
    with pytest.raises(SpecError, match=r"is no share\. Shares run from 0 to 1: write 0\.2"):
        parse_scenario(SCENARIO.replace(b"SEVERITY", severity), source="own")


def test_a_day_that_does_not_exist_is_refused():
    assert Month.parse("2028-02-29") == Month(2028, 2)
    for text in ("2027-02-29", "2027-04-31", "2027-01-00"):
        with pytest.raises(InputError, match="is no day of 2027"):
            Month.parse(text)
    raw = SCENARIO.replace(b"SEVERITY", b"1").replace(b"start: 2027-01", b"start: 2027-02-31")
    with pytest.raises(SpecError, match="'2027-02-31' is no day of 2027-02"):
        parse_scenario(raw, source="own")


def test_missing_keys_name_the_page_that_explains_them(tmp_path, capfdbinary):
    for command, text, page in (
        ("plan", "partners: []\n", "docs/plan.md"),
        ("programme", "bill: []\n", "docs/programmes.md"),
        ("ensemble", "events: []\n", "docs/ensembles.md"),
        ("stress", "restrictions: []\n", "docs/scenarios.md"),
    ):
        path = tmp_path / f"{command}.yaml"
        path.write_text(text, encoding="utf-8")
        more = ["--scenario", "congo-cobalt-ban-2025"] if command == "programme" else []
        assert main([command, str(path), *more]) == 2
        assert f"'title' is missing. Add it; {page}" in capfdbinary.readouterr().err.decode()
