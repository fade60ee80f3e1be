import pytest

from lodeline.report.clause import condition, material, restricted_span, restriction_sentences


def plain(text):
    return text.replace("\u00a0", " ")


def with_restrictions(changed, result, *restrictions):
    return changed(scenario={**result.scenario, "restrictions": list(restrictions)})


def restriction(**fields):
    base = {
        "id": "r", "type": "ban", "by": ["CHN"], "on": ["JPN"], "chain": "rare-earths",
        "forms": "all", "start": "2026-01", "end": None, "severity": 1.0, "leakage": 0.0,
    }  # fmt: skip
    return {**base, **fields}


def test_equal_restrictions_are_told_once(result):
    assert plain(condition(result)) == (
        "If China stopped its exports of rare earths and tungsten to Japan "
        "for 2 years from Jan 2026"
    )
    assert len(restriction_sentences(result)) == 1


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"severity": 0.8}, "China cut its exports of rare earths to Japan by 80 %"),
        ({"on": "all"}, "China stopped its exports of rare earths to everyone else"),
        ({"forms": ["metals"]}, "China stopped its exports of rare earths (metals) to Japan"),
        (
            {"by": ["CHN", "RUS"]},
            "China and Russia stopped their exports of rare earths to Japan",
        ),
        (
            {"type": "quota", "share_of_base": 0.4},
            "China limited its exports of rare earths to Japan to 40 % of the base year’s",
        ),
        (
            {"type": "quota", "tonnes_per_year": 1200.0, "share_of_base": None},
            "China limited its exports of rare earths to Japan to 1,200 t a year",
        ),
        (
            {"type": "licence", "delay_months": 3, "approval_share": 0.7},
            "held back its exports of rare earths to Japan for 3 months and then licensed 70 %",
        ),
        ({"type": "tax", "rate": 0.25}, "China taxed its exports of rare earths to Japan at 25 %"),
        ({"type": "outage", "severity": 0.0}, "China lost none of its output of rare earths"),
        ({"type": "outage", "severity": 1.0}, "China lost all of its output of rare earths"),
        ({"type": "outage", "severity": 0.6}, "China lost 60 % of its output of rare earths"),
        ({"type": "embargo"}, "a restriction of the kind “embargo”"),
        (
            {"type": "sanction", "reach": "origin", "severity": 1},
            "Japan refused rare earths from China, by whatever route it came",
        ),
        (
            {"type": "extraterritorial", "approval_share": 0.0, "delay_months": 2},
            "third countries needed a permit of China to pass on rare earths to Japan",
        ),
        ({"type": "price-floor", "floor": 1.5}, "China sold no rare earths to Japan below 1.50"),
        (
            {"type": "closure", "by": [], "on": "all", "route": "strait-of-hormuz", "severity": 1},
            "no ships with rare earths passed the Strait of Hormuz",
        ),
        (
            {"type": "demand-surge", "by": "all", "on": "all", "rise": 0.2},
            "every country wanted 20 % more rare earths",
        ),
        (
            {"type": "panic-buying", "by": ["JPN"], "on": "all", "extra_days": 30},
            "users in Japan laid in 30 more days of rare earths",
        ),
        ({"by": ["NLD"]}, "the Netherlands stopped its exports"),
        ({"by": ["EU27"]}, "the EU27 stopped its exports"),
        ({"severity": 0.0}, "China cut none of its exports of rare earths to Japan"),
    ],
)
def test_each_kind_has_its_words(changed, result, fields, words):
    one = with_restrictions(changed, result, restriction(**fields))
    assert words in plain(condition(one))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"end": "2026-01"}, "to Japan in Jan 2026"),
        ({"end": "2026-06"}, "from Jan 2026 to Jun 2026"),
        ({"start": "2026-04"}, "from Apr 2026 on"),
        ({"end": "2027-12"}, "for 2 years from Jan 2026"),
    ],
)
def test_the_period_is_said(changed, result, fields, words):
    one = with_restrictions(changed, result, restriction(**fields))
    assert plain(condition(one)).endswith(words)


def test_too_many_kinds_are_told_by_the_scenario_s_name(changed, result):
    many = [restriction(severity=s) for s in (0.2, 0.4, 0.6)]
    text = condition(with_restrictions(changed, result, *many))
    assert text == f"In the scenario “{result.scenario['title']}”"


def test_ranges_are_shown_where_there_are_any(changed, result):
    leak = {"value": 0.2, "low": 0.0, "high": 0.6}
    (text,) = restriction_sentences(with_restrictions(changed, result, restriction(leakage=leak)))
    assert "20 % (range 0–60 %) of what is lost slips round" in plain(text)


def test_the_shaded_months_are_those_with_a_restriction(changed, result):
    one = with_restrictions(changed, result, restriction(start="2026-03", end="2026-08"))
    assert restricted_span(one) == (2, 7)
    assert restricted_span(result) == (0, 23)
    early = with_restrictions(changed, result, restriction(start="2024-01", end="2030-01"))
    assert restricted_span(early) == (0, 23)


def test_abbreviations_keep_their_capitals():
    assert material("Liquefied natural gas") == "liquefied natural gas"
    assert material("LNG") == "LNG"
