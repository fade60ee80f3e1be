"""An episode says what may be known and what is to be told; mistakes are told with their lines."""

import doctest
import importlib

import pytest

from lodeline.errors import SpecError, UnknownNameError
from lodeline.network.form_type import FormType, form_type
from lodeline.scenarios.episode import Given, Instrument
from lodeline.scenarios.episode_reading import (
    episode_codes,
    episode_ids,
    load_episode,
    parse_episode,
)

# Only what the contract asks for.
LEAST = """\
id: least
title: A ban
source: A newspaper
chain: nickel
form: ore
restricting: [IDN]
instrument: ban
start: 2014-01
base_years: [2012, 2013]
predict_years: [2014]
given: total-exports
placebo: false
note: ""
"""


def read(text, **kwargs):
    return parse_episode(text.encode(), source="test", **kwargs)


def problems(text):
    with pytest.raises(SpecError) as caught:
        read(text)
    return caught.value.problems


def test_the_fields_of_the_contract_are_enough():
    episode = read(LEAST)
    assert episode.given == (Given.TOTAL_EXPORTS,)
    assert episode.instrument is Instrument.BAN
    assert (episode.targets, episode.restrictors) == (None, ("IDN",))
    assert episode_codes(episode) == ("260400",)


def test_both_tracks_from_one_file():
    episode = read(LEAST.replace("given: total-exports", "given: [total-exports, announcement]"))
    assert episode.given == (Given.TOTAL_EXPORTS, Given.ANNOUNCEMENT)


def test_no_declared_severity_means_all_of_it_and_is_marked():
    episode = read(LEAST)
    assert episode.severity is None
    assert (episode.declared.value, episode.declared.assumed) == (1.0, True)
    assert read(LEAST + "severity: 0.4\n").declared.value == 0.4


@pytest.mark.parametrize(
    ("start", "end", "shares"),
    [
        ("2014-01", None, {2013: 0.0, 2014: 1.0, 2020: 1.0}),
        ("2014-07", None, {2014: 0.5, 2015: 1.0}),
        ("2014-11", "2015-02", {2014: 1 / 6, 2015: 1 / 6, 2016: 0.0}),
    ],
)
def test_the_share_of_a_year_in_force(start, end, shares):
    text = LEAST.replace("2014-01", start) + (f"end: {end}\n" if end else "")
    episode = read(text)
    assert {year: episode.in_force(year) for year in shares} == pytest.approx(shares)


def test_groups_are_written_out_and_restrictors_are_no_targets():
    episode = read(LEAST.replace("[IDN]", "[ITA]") + "target: [EU27]\n")
    assert len(episode.targets) == 26
    assert "ITA" not in episode.targets


def test_codes_without_a_chain():
    text = LEAST.replace("chain: nickel\n", "").replace(
        "form: ore", "form: tin-ore\ncodes: [260900]"
    )
    episode = read(text)
    assert episode.chain is None
    assert episode_codes(episode) == ("260900",)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("chain: nickel", "chain: nikel", "unknown chain 'nikel'"),
        ("form: ore", "form: orr", "no form 'orr'"),
        ("[IDN]", "[IDO]", "unknown country 'IDO'"),
        ("instrument: ban", "instrument: bann", "'bann' is not allowed"),
        ("given: total-exports", "given: totals", "'totals' is not allowed"),
        ("2014-01", "2014-13", "no month"),
        ("[2012, 2013]", "[2012, 2014]", "base year 2014 is not before"),
        ("[2012, 2013]", "[2012, 2012]", "'base_years' names something twice"),
        ("[2012, 2013]", "[]", "at least 1 item"),
        ("predict_years: [2014]", "predict_years: [2013]", "2013 to predict lies before"),
        ("predict_years: [2014]", "predict_years: [2031]", "no year 2031"),
        ("chain: nickel\n", "", "neither a chain nor codes"),
        ("form: ore", "form: ore\ncodes: [260600]", "has no code 260600"),
        ("form: ore", "form: ore\ncodes: [26040]", "no HS6 code"),
        ('note: ""', "severty: 0.5", "unknown key 'severty'"),
        ('note: ""', "severity: 1.5", "is no share"),
        ('note: ""', "end: 2013-01", "lies before start"),
        ('note: ""', "target: [IDN]", "nobody else is left"),
        ('note: ""', "target: []", "'target' is empty"),
        ("title: A ban\n", "", "'title' is missing"),
    ],
)
def test_a_mistake_is_told(old, new, what):
    assert old in LEAST
    found = problems(LEAST.replace(old, new, 1))
    assert any(what in p.what for p in found), [str(p) for p in found]
    assert all(p.remedy for p in found)


def test_all_mistakes_are_told_at_once_with_their_lines():
    text = LEAST.replace("nickel", "nikel").replace("[IDN]", "[IDO]").replace("2014-01", "soon")
    assert [p.line for p in problems(text)] == [4, 6, 8]


def test_a_tax_declares_no_share():
    text = LEAST.replace("ban", "tax").replace("total-exports", "announcement")
    assert any("tax declares no share" in p.what for p in problems(text))
    assert read(text + "severity: 0.3\n").declared.value == 0.3


def test_an_unknown_name_is_told():
    with pytest.raises(UnknownNameError, match="indonesia-nickel-ore-2014"):
        load_episode("indonesia-nickel-ore-2041")


def test_a_path_is_read_from_the_disk(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(LEAST, encoding="utf-8")
    assert load_episode(path) == load_episode(str(path)) == read(LEAST)
    assert "mine" not in episode_ids()


def test_the_kind_of_material_follows_the_code():
    kinds = {form_type((code,)) for code in ("260400", "284610", "280530", "711021", "271121")}
    assert kinds == set(FormType)


@pytest.mark.parametrize("module", ["network.form_type", "scenarios.episode_reading"])
def test_the_examples_in_docstrings_of_episodes_run(module):
    results = doctest.testmod(importlib.import_module(f"lodeline.{module}"))
    assert results.attempted > 0
    assert results.failed == 0
