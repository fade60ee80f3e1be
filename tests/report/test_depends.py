"""The report tells through whom material comes, how long the reserve lasts, and who stops first."""

from dataclasses import replace

import polars as pl

from lodeline.report.brief import answer
from lodeline.report.depends import cautions, depends
from lodeline.report.html import command


def plain(text):
    return text.replace("\xa0", " ")


def test_three_sentences_on_the_headline_s_country(result):
    routes, reserve, sectors = (plain(s) for s in depends(result))
    assert "17 % came through third countries, most through Viet Nam (90.0 t" in routes
    assert "30.0 during) and Germany" in routes
    assert reserve == "Japan’s reserve, taken to be 30 days of use, would be empty after 9 months."
    assert sectors.startswith("Other uses of magnets would stop first (shares of the world’s use)")
    assert sectors.endswith("electric vehicles last, lacking up to 17 %.")


def test_they_stand_in_the_brief(result):
    assert set(depends(result)) <= set(answer(result).rest)


def test_where_nothing_is_known_nothing_is_said(result):
    none = {
        name: replace(c, via=c.via.clear(), reserves=c.reserves.clear(), sectors=c.sectors.clear())
        for name, c in result.chains.items()
    }
    assert not [*depends(replace(result, chains=none))]


def test_a_reserve_that_is_not_used_up_says_how_far_it_falls(result):
    changed = {
        name: replace(c, reserves=c.reserves.with_columns(
            lasts_months=pl.lit(None, dtype=pl.Int64), released_share=pl.lit(0.4)))
        for name, c in result.chains.items()
    }  # fmt: skip
    told = [plain(s) for s in depends(replace(result, chains=changed))]
    assert any("would fall by at most 40 %" in s for s in told)


def test_the_command_that_repeats_a_run_has_its_options(result):
    with_stocks = {**result.scenario, "stocks": {"policy": "joint"}}
    changed = replace(result, scenario=with_stocks, lead_time=True, priority=("wind",))
    assert "--stocks joint --lead-time --priority wind" in command(changed)
    assert "--stocks" not in command(result)


def test_what_is_inferred_is_said_also_without_sensitivity(result):
    assert not [*cautions(result)]
    chains = {
        name: replace(c, inferred={c.form: "trade in germanium of 2006 (code 811230)"})
        for name, c in result.chains.items()
    }
    inferred = replace(result, chains=chains, sensitivity=())
    (sentence,) = cautions(inferred)
    assert sentence == (
        "Who buys metals and powder from whom is inferred from trade in germanium of 2006 "
        "(code 811230), not observed."
    )
    assert answer(inferred).rest[-1] == sentence
    nobody = replace(inferred, headline={})
    assert answer(nobody).rest == (sentence,)


def test_a_restriction_that_finds_nothing_to_hold_back_is_named(result):
    (sentence,) = cautions(replace(result, idle=("gallium",)))
    assert plain(sentence) == (
        f"“gallium” holds nothing back: no such exports are recorded in {result.base_year}."
    )


def test_inferred_lanes_are_told_with_the_fit_on_the_fewest(result):
    row = replace(result.sensitivity[0], inferred_form="metals", at_low=0.34, at_high=0.46)
    told = [plain(s) for s in depends(replace(result, sensitivity=(row,)))]
    assert told[-1].endswith(
        "at their most concentrated Japan would lack up to 46 %, at their least 34 %, "
        "against 36 % as told."
    )
    assert len(told) == len([*depends(result)]) + 1
