"""Beside a headline: what is not traced, the runs behind its ends, a severity at its top."""

from dataclasses import replace

import polars as pl
import pytest

from lodeline.report.beside import beside_headline, corner_words
from lodeline.report.brief import answer
from lodeline.report.html import render_stress
from lodeline.report.stress_book import stress_sheets
from lodeline.report.terminal import stress_table
from lodeline.results.stress import Corner, Untraced

NUMBERS = (("severity (rare-earths-ban)", "share"), ("stocks of users", "days of use"))


def corner(value, *, is_severe):
    settings = (1.0, 15.0) if is_severe else (0.5, 90.0)
    numbers = tuple((*n, v) for n, v in zip(NUMBERS, settings, strict=True))
    return Corner("rare-earths", is_severe, numbers, value)


@pytest.fixture
def whole(changed):
    return changed(
        corners=(corner(0.21, is_severe=False), corner(0.52, is_severe=True)),
        untraced=Untraced("JPN", "rare-earths", "metals", 0.349, ("VNM", "THA")),
    )


def told(result):
    return [s.replace("\u00a0", " ") for s in beside_headline(result)]


def test_what_is_not_traced_could_make_the_loss_larger(whole):
    assert told(whole)[0] == (
        "Of Japan’s rare earths (metals), 35 % cannot be traced to a maker (first seen in Viet Nam "
        "and Thailand) and counts as free of China: if it is not, the loss could be larger."
    )
    little = replace(whole, untraced=replace(whole.untraced, share=0.01))
    assert not any("traced" in s for s in told(little))


def test_ends_that_numbers_reach_together_say_which(whole):
    assert told(whole)[1] == (
        "The ends of the range: 21 % with severity (rare-earths-ban) 50 % and stocks of users 90 "
        "days of use; 52 % with severity (rare-earths-ban) 100 % and stocks of users 15 days of "
        "use."
    )
    one = replace(whole, corners=(corner(0.3, is_severe=False), whole.corners[1]))
    assert told(one)[1].startswith("The upper end of the range: 52 % with severity")
    mild = replace(whole, corners=(whole.corners[0], corner(0.4, is_severe=True)))
    assert told(mild)[1].startswith("The lower end of the range: 21 % with severity")
    none = replace(whole, corners=(corner(0.3, is_severe=False), corner(0.4, is_severe=True)))
    assert not any("of the range:" in s for s in told(none))


def test_a_severity_at_the_top_of_its_range_is_said_once(whole):
    assert told(whole)[2:] == [
        "The severity, 100 %, is the most that is assumed (least: 50 %): a milder stop would make "
        "the loss smaller."
    ]
    lower = [
        {**r, "severity": {**r["severity"], "value": 0.8}} for r in whole.scenario["restrictions"]
    ]
    milder = replace(whole, scenario={**whole.scenario, "restrictions": lower})
    assert not any("most that is assumed" in s for s in told(milder))


def test_they_stand_in_brief_terminal_page_and_workbook(whole, world):
    assert answer(whole).beside == tuple(beside_headline(whole))
    assert len(answer(whole).beside) == 3
    screen = " ".join(str(part) for part in stress_table(whole)[:2])
    assert "the loss could be larger" in " ".join(screen.split()).replace("\u00a0", " ")
    page = render_stress(whole, world=world).replace("\u00a0", " ")
    assert f"<p>{told(whole)[0]}" in page
    severe = corner_words(whole.corners[1]).replace("\u00a0", " ")
    assert f"Severe: {severe} give 52 %." in page
    sheet = stress_sheets(whole)["sensitivity"]
    last = sheet.row(-1, named=True)
    assert last["parameter"].startswith("together, mild / severe: severity (rare-earths-ban) 0.5 /")
    assert (last["at_low"], last["at_high"], last["low"]) == (0.21, 0.52, None)
    assert sheet.height == len(whole.sensitivity) + 1


def test_without_corners_the_sheet_has_the_rows_alone(result):
    sheet = stress_sheets(result)["sensitivity"]
    assert sheet.height == len(result.sensitivity)
    assert not sheet.filter(pl.col("parameter").str.starts_with("together")).height
