import re
from dataclasses import replace
from html.parser import HTMLParser

import polars as pl
import pytest

from lodeline.report.html import certificate_words, command, render_stress

VOID = {"meta", "input", "br", "link", "img", "hr"}
ATTACK = "</style><script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


class Page(HTMLParser):
    """Collects tags, attributes and text, and checks that tags close."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.words = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, k, v or "") for k, v in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, k, v or "") for k, v in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture(scope="module")
def text(result, world):
    return render_stress(result, world=world)


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


def test_the_page_is_well_formed(page):
    assert page.open == []
    ids = [v for _, k, v in page.attributes if k == "id"]
    assert len(ids) == len(set(ids))


def test_every_reference_inside_the_page_has_its_target(page):
    ids = {v for _, k, v in page.attributes if k == "id"}
    named = {v[1:] for _, k, v in page.attributes if k == "href" and v.startswith("#")}
    named |= {v for _, k, v in page.attributes if k in {"aria-labelledby", "for"}}
    assert named
    assert named <= ids


def test_the_page_asks_nothing_of_any_network(page, text):
    assert not {"script", "link", "img", "iframe", "object", "embed", "base"} & set(page.tags)
    for tag, key, value in page.attributes:
        if key in {"src", "srcset", "action", "data", "xlink:href"}:
            pytest.fail(f"{tag} {key}={value}")
        if key == "href" and tag != "a":
            assert value.startswith("#")
        if key == "href" and tag == "a":
            assert value.startswith(("#", "data:text/csv", "https://", "http://"))
        assert not key.startswith("on")
    assert "default-src 'none'" in text
    assert "@import" not in text
    assert "url(" not in text


def test_the_same_result_makes_the_same_page(result, world, text):
    assert render_stress(result, world=world) == text


def test_a_hostile_title_stays_text(changed, result, world):
    chain = result.chains["tungsten"]
    bad = changed(
        scenario={
            **result.scenario,
            "title": ATTACK, "question": ATTACK, "summary": ATTACK, "notes": [ATTACK],
            "assumptions": [{"text": ATTACK, "why": ATTACK}],
            "sources": [{"key": "s", "title": ATTACK, "url": "javascript:alert(1)", "date": None,
                         "confidence": ATTACK, "says": ATTACK}],
        },
        country_names={**result.country_names, "JPN": ATTACK},
        chains={**result.chains, "tungsten": replace(chain, title=ATTACK, limits=(ATTACK,))},
    )  # fmt: skip
    shown = render_stress(bad, world=world)
    parsed = Page(shown)
    assert "script" not in parsed.tags
    assert "img" not in parsed.tags
    assert not [a for a in parsed.attributes if a[1].startswith("on")]
    assert not [a for a in parsed.attributes if a[1] == "href" and "javascript" in a[2]]
    assert any("<script>alert(1)</script>" in w for w in parsed.words)


def test_the_brief_comes_first_and_the_rest_is_behind_a_page_break(text):
    assert text.index('class="brief"') < text.index('class="analyst"')
    assert "break-before:page" in text
    brief = text[text.index('class="brief"') : text.index('class="analyst"')]
    for heading in ("The answer", "What it rests on", "What would change it", "Sources"):
        assert heading in brief
    assert "<svg" in brief


def test_every_part_of_the_analyst_s_report_is_there(text):
    for heading in (
        "Who runs short", "Month by month", "Who supplies whom", "Cost by country",
        "How sure is the headline?", "Assumptions", "Data", "Certificate",
        "What this does not show", "How to repeat it", "Download as CSV",
    ):  # fmt: skip
        assert heading in text


def test_every_chart_and_table_has_words_for_those_who_do_not_see_it(page):
    charts = [
        i for i, (t, k, v) in enumerate(page.attributes) if (t, k, v) == ("svg", "role", "img")
    ]
    assert len(charts) >= 12
    for i in charts:
        near = page.attributes[max(i - 3, 0) : i + 4]
        assert any(t == "svg" and k in {"aria-label", "aria-labelledby"} for t, k, _ in near)
    assert page.tags.count("caption") == page.tags.count("table")


def test_every_country_asked_about_is_outlined(text):
    assert text.count('class="asked"') == 4
    assert text.count('class="restricting"') == 2


def test_countries_too_small_for_the_map_are_named(text):
    assert re.search(r"Too small for the map: [^<]*Singapore", text)


def test_an_answer_without_sensitivity_says_so(changed, world):
    shown = render_stress(changed(sensitivity=()), world=world)
    assert "Do not quote it without one" in shown
    assert "so the headline has no range" in shown


def test_nobody_asked_about_uses_it(changed, result, world):
    chains = {
        n: replace(
            c,
            metrics=c.metrics.filter(~pl.col("country").is_in(["JPN", "ITA"])),
            series=c.series.filter(~pl.col("country").is_in(["JPN", "ITA"])),
            supply=c.supply.filter(pl.col("importer") == "XXX"),
        )
        for n, c in result.chains.items()
    }
    shown = render_stress(changed(chains=chains, headline={}, sensitivity=()), world=world)
    assert "nothing would be lost by Japan or Italy" in shown
    assert "Nothing was supplied to Japan and Italy" in shown


def test_a_broken_proof_is_not_hidden():
    good = {"max_residual": 3e-12, "max_gap": 0.0, "solves": 624, "fallbacks": 2}
    words = " ".join(certificate_words(good)).replace("\u00a0", " ")
    assert "624 markets" in words
    assert "less than 10⁻¹¹" in words
    assert "2 markets needed" in words
    assert "does not meet" not in words
    assert "does not meet" in " ".join(certificate_words({**good, "max_gap": 1e-5}))


def test_the_command_repeats_the_run(result):
    assert command(result) == (
        "lodeline stress china-dual-use-japan-2026 --base-year 2024 --months 24 --mode market "
        "--countries JPN,ITA --out report"
    )


def test_a_chain_without_observed_output_tells_no_rounding_zero(result, world):
    chains = {n: replace(c, max_deviation_from_reported=4e-16) for n, c in result.chains.items()}
    page = render_stress(replace(result, chains=chains), world=world)
    assert "the trade that is reported stays as it is" in page
    assert "the largest move of a reported lane or output is" not in page
