import math

import pytest

from lodeline.report import format as fmt


def plain(text):
    return text.replace(fmt.SPACE, " ")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0 %"), (0.0004, "< 0.1 %"), (0.021, "2.1 %"), (0.0994, "9.9 %"), (0.0996, "10 %"),
        (0.374, "37 %"), (1.0, "100 %"), (-0.03, "−3.0 %"), (None, "–"), (math.nan, "–"),
    ],
)  # fmt: skip
def test_shares_have_one_decimal_below_ten_percent(value, text):
    assert plain(fmt.share(value)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.7e6, "USD 3.70 million"), (1.234e9, "USD 1.23 billion"), (-4.2e8, "−USD 420 million"),
        (999_900_000, "USD 1.00 billion"), (428_123, "USD 428,000"), (0.2, "USD 0"), (None, "–"),
    ],
)  # fmt: skip
def test_money_names_its_scale(value, text):
    assert plain(fmt.money(value)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (123_456, "123,000"), (999.6, "1,000"), (99.96, "100"), (16.5, "16.5"), (9.0, "9.00"),
        (0.3, "0.30"), (0.0123, "0.012"), (0.00004, "< 0.01"), (-7.25, "−7.25"),
        (math.inf, "infinite"),
    ],
)  # fmt: skip
def test_quantities_keep_the_digits_they_deserve(value, text):
    assert plain(fmt.magnitude(value)) == text


def test_an_absent_number_is_never_a_zero():
    for written in (fmt.share, fmt.money, fmt.times, fmt.months, fmt.plain, fmt.quantity):
        assert written(None) == fmt.ABSENT
        assert written(math.nan) == fmt.ABSENT
    assert fmt.span(None, 0.3) == fmt.ABSENT
    assert fmt.between(0.1, None) == fmt.ABSENT
    assert fmt.tonnes(None, "t") == fmt.ABSENT


def test_a_figure_does_not_leave_its_unit_at_the_end_of_a_line():
    for text in (fmt.share(0.3), fmt.money(3e6), fmt.months(3), fmt.month("2026-01")):
        assert " " not in text


def test_a_range_of_no_width_is_one_figure():
    assert plain(fmt.span(0.2, 0.2)) == "20 %"
    assert fmt.between(2.0, 2.0) == "2"


def test_multiples_need_no_decimals_once_they_are_large():
    assert [fmt.times(v) for v in (1.12, 3.04, 19.6)] == ["×1.12", "×3.0", "×20"]


def test_one_month_is_singular():
    assert plain(fmt.months(1)) == "1 month"
    assert plain(fmt.months(2)) == "2 months"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Japan", "Japan’s"),
        ("Philippines", "the Philippines’"),
        ("Dominican Republic", "the Dominican Republic’s"),
    ],
)
def test_countries_take_their_article(name, text):
    assert fmt.possessive(name) == text


def test_a_long_source_is_cut_at_a_word():
    assert fmt.shorten("one two three", 9) == "one two …"
    assert fmt.shorten("short", 9) == "short"
