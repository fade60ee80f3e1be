from itertools import pairwise

import pytest

from lodeline.report.figures import Series, line_panel, nice_ticks, tornado
from lodeline.results.stress import SensitivityRow

MONTHS = ["2026-01", "2026-02", "2026-03", "2026-04"]


def panel(*series, **fields):
    return line_panel("t", "u", series, months=MONTHS, kind=fields.pop("kind", "share"), **fields)


@pytest.mark.parametrize(("low", "high"), [(0, 0.37), (1, 19.7), (0, 1e-6), (-3, 8), (0, 0)])
def test_ticks_cover_the_range_with_few_round_steps(low, high):
    ticks = nice_ticks(low, high)
    assert ticks[0] <= low
    assert ticks[-1] >= high
    assert 2 <= len(ticks) <= 7


def test_a_larger_value_is_drawn_higher():
    (line,) = panel(Series("Japan", [0.0, 0.1, 0.2, 0.3])).lines
    heights = [float(p.split(" ")[1]) for p in line.path.replace("M", "L").split("L")[1:]]
    assert heights == sorted(heights, reverse=True)


def test_an_absent_value_leaves_a_gap():
    (line,) = panel(Series("Japan", [0.1, None, 0.2, float("nan")])).lines
    assert line.path.count("M") == 2
    assert "L" not in line.path


def test_a_line_without_values_has_no_end():
    (line,) = panel(Series("Japan", [None] * 4)).lines
    assert line.end is None
    assert line.path == ""
    assert line.summary == "Japan: no figures"


def test_labels_of_equal_lines_do_not_cover_each_other():
    drawn = panel(*(Series(name, [0.1, 0.1, 0.1, 0.1]) for name in "abcde"))
    heights = sorted(line.label_y for line in drawn.lines)
    assert all(b - a >= 12.9 for a, b in pairwise(heights))
    assert all(drawn.top <= h <= drawn.bottom for h in heights)


def test_months_at_the_cap_are_marked():
    drawn = panel(Series("Japan", [1.0, 20.0, 20.0, 3.0], [False, True, True, False]))
    assert len(drawn.lines[0].marks) == 2
    assert drawn.has_marks


def test_the_range_fits_on_the_axis():
    drawn = panel(Series("Japan", [0.0, 0.2, 0.3, 0.1]), whisker=(2, 0.2, 0.9))
    assert drawn.whisker.high >= drawn.top
    assert drawn.whisker.low > drawn.whisker.high


def test_nothing_lost_is_a_flat_line_on_the_axis():
    drawn = panel(Series("Japan", [0.0, 0.0, 0.0, 0.0]), threshold=0.05)
    assert drawn.lines[0].end[1] == drawn.bottom
    assert drawn.top < drawn.threshold < drawn.bottom


def test_the_chart_is_told_in_words():
    assert (
        "between 0\u00a0% (Jan\u00a02026) and 30\u00a0% (Apr\u00a02026)"
        in panel(Series("Japan", [0.0, 0.1, 0.2, 0.3])).description
    )


def test_one_month_alone_can_be_drawn():
    drawn = line_panel("t", "u", [Series("Japan", [0.2])], months=["2026-01"], kind="share",
                       band=(0, 0))  # fmt: skip
    assert drawn.lines[0].end is not None


def test_a_tornado_bar_spans_both_ends_and_holds_the_centre():
    row = SensitivityRow("x", "leakage", "share", 0.1, 0.6, 0.47, 0.21, 0.36)
    (bar,) = tornado([row], {"x": "X"}, ["share"])
    assert bar.left == bar.at_high < bar.centre < bar.at_low
    assert bar.low_label.replace("\u00a0", " ") == "at 10 %: 47 %"
    assert tornado([], {}, []) == ()
