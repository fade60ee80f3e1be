from dataclasses import replace

import polars as pl
import pytest

from lodeline.report.brief import (
    answer,
    asked_rows,
    changes,
    earlier,
    form_words,
    leaves_out,
    rests_on,
)


def plain(text):
    return text.replace("\u00a0", " ")


@pytest.fixture
def with_values(changed, result):
    """Return the result with other metrics, and series, for one country and the headline."""

    def make(country="JPN", *, is_capped=False, **metrics):
        chain = result.chains["rare-earths"]
        here = (pl.col("country") == country) & (pl.col("form") == chain.form)
        table = chain.metrics.with_columns(
            pl.when(here).then(pl.lit(value)).otherwise(pl.col(name)).alias(name)
            for name, value in metrics.items()
        )
        series = chain.series
        if "unmet_share_peak" in metrics:
            new = pl.when(here).then(pl.lit(metrics["unmet_share_peak"]))
            series = series.with_columns(new.otherwise(pl.col("unmet_share")).alias("unmet_share"))
        if is_capped:
            new = pl.when(here).then(pl.lit(value=True))
            old = pl.col("is_price_capped")
            series = series.with_columns(new.otherwise(old).alias("is_price_capped"))
        head = dict(result.headline)
        if country == head["country"] and "unmet_share_peak" in metrics:
            peak = metrics["unmet_share_peak"]
            head |= {"unmet_share_peak": peak, "low": peak / 2, "high": peak * 2}
        costs = chain.costs
        if "cost_usd" in metrics:
            whole = pl.when(pl.col("country") == country).then(pl.lit(metrics["cost_usd"]))
            costs = costs.with_columns(cost_usd=whole.otherwise(pl.col("cost_usd")))
        new_chain = replace(chain, metrics=table, series=series, costs=costs)
        chains = {**result.chains, "rare-earths": new_chain}
        return changed(chains=chains, headline=head)

    return make


def test_a_share_of_a_mere_remainder_is_marked_in_the_sentences(with_values, result):
    assert "‡" not in " ".join(answer(result).rest)
    rest = " ".join(answer(with_values("ITA", is_remainder=True)).rest)
    assert "%‡ of its rare earths" in plain(rest)
    assert "%)‡ of its rare earths" in plain(answer(with_values(is_remainder=True)).lead)


def test_the_answer_is_one_sentence_with_its_range(result):
    assert plain(answer(result).lead) == (
        "If China stopped its exports of rare earths and tungsten to Japan for 2 years from "
        "Jan 2026, Japan would lack up to 36 % (range 21–52 %) of its rare earths (metals), and be "
        "short from Apr 2026 on; prices there would peak at 3.0 times the level of 2024."
    )


def test_what_follows_says_how_long_how_much_and_who_else(result):
    rest = plain(" ".join(answer(result).rest))
    assert "would carry Japan for the first 3 months" in rest
    assert "the shortage would not be over by Dec 2027" in rest
    assert "t metal, at a cost of USD" in rest
    assert "Italy would lack up to 2.1 % of its rare earths (metals) and pay up to 1.12" in rest


def test_a_small_loss_is_called_next_to_none(with_values):
    lead = plain(answer(with_values(unmet_share_peak=0.003)).lead)
    assert "would lack next to none of its rare earths (metals)" in lead
    assert "at most 0.3 % of its use in any month, range 0.1–0.6 %" in lead
    assert "short from" not in lead


def test_no_loss_at_all_is_said_as_zero(with_values):
    quiet = with_values(
        unmet_share_peak=0.0, unmet_t_total=0.0, price_multiple_peak=1.0,
        time_to_survive_months=None, time_to_recover_months=0, cost_usd=0.0,
    )  # fmt: skip
    found = answer(quiet)
    assert "Japan would lack none of its rare earths (metals) in any month" in plain(found.lead)
    assert "prices there would stay near the level of 2024" in plain(found.lead)
    assert not any("shortage" in s or "go without" in s for s in found.rest)


def test_a_shortage_that_ends_is_said_to_end(with_values):
    found = answer(with_values(time_to_survive_months=3, time_to_recover_months=8))
    assert "the shortage would last 8 months" in plain(found.rest[0])


def test_a_shortage_at_once_is_said(with_values):
    found = answer(with_values(time_to_survive_months=0))
    assert found.rest[0].startswith("The shortage would begin at once")


def test_a_capped_price_is_not_quoted(with_values):
    lead = answer(with_values(is_capped=True, price_multiple_peak=20.0)).lead
    assert "a price no longer means anything" in lead
    assert "20" not in plain(lead).split("metals)")[1].replace("2026", "")


def test_the_sentence_and_the_table_name_the_same_cost(result):
    from lodeline.report.tables import key_figures

    told = plain(" ".join(answer(result).rest))
    first = plain(key_figures(result).rows[0][-1].text)
    assert f"at a cost of {first}" in told


def test_a_gain_is_not_called_a_cost(with_values):
    rest = plain(" ".join(answer(with_values(cost_usd=-4.0e6)).rest))
    assert "yet gain USD 4.00 million" in rest


def test_without_a_sensitivity_no_range_is_claimed(changed):
    found = answer(changed(sensitivity=()))
    assert "range" not in found.lead


def test_nobody_who_uses_the_material_is_an_answer_too(changed):
    found = answer(changed(headline={}, asked=("ITA", "JPN")))
    assert "nothing would be lost by Italy or Japan" in found.lead


def test_one_country_alone(changed):
    rest = " ".join(answer(changed(asked=("JPN",))).rest)
    assert "Italy" not in rest


def test_many_countries_do_not_make_the_brief_longer(changed):
    asked = ("JPN", "ITA", "DEU", "FRA", "ESP", "POL", "AUT", "SWE")
    rest = plain(" ".join(answer(changed(asked=asked)).rest))
    assert "4 more countries asked about" in rest


def test_a_country_without_use_is_named(changed, result):
    chains = {
        name: replace(c, metrics=c.metrics.filter(pl.col("country") != "ITA"))
        for name, c in result.chains.items()
    }
    rest = " ".join(answer(changed(chains=chains)).rest)
    assert "Italy has no recorded use of these materials in 2024." in rest


def test_rows_come_worst_first_and_absent_last(result, with_values):
    shares = [row["unmet_share_peak"] for *_, row in asked_rows(result)]
    assert shares == sorted(shares, reverse=True)
    assert asked_rows(with_values(unmet_share_peak=None, country="ITA"))[-1][1] == "ITA"


def test_a_form_is_named_only_where_there_are_several(result):
    assert form_words(result.chains["rare-earths"]) == "rare earths (metals)"
    assert form_words(result.chains["tungsten"]) == "tungsten"


def test_what_would_change_it_is_widest_first(result):
    told = changes(result)
    assert len(told) == 3
    assert plain(told[1]) == "Demand elasticity from 0.1 to 0.5: 43 % to 29 %."


def test_long_assumptions_lose_their_reasons_before_they_lose_the_page(changed, result):
    long = {"text": "What is assumed. " * 40, "why": "Because. " * 60}
    many = changed(scenario={**result.scenario, "assumptions": [long] * 9, "notes": ["x " * 400]})
    points, left = rests_on(many)
    assert left == 5
    assert sum(len(p.text) + len(p.why) for p in points) <= 1400
    assert len(leaves_out(many)[0]) <= 200
    short, none = rests_on(result)
    assert none == 0
    assert all(p.why for p in short if p.is_assumed)


def test_a_trace_is_said_to_be_less_than_not_at_most(with_values):
    lead = plain(answer(with_values(unmet_share_peak=0.0002)).lead)
    assert "(less than 0.1 % of its use" in lead


def test_an_earlier_stage_that_is_hit_harder_is_told(result, changed):
    chain = result.chains["rare-earths"]
    here = (pl.col("country") == "ITA") & (pl.col("form") == "compounds")
    peak = pl.when(here).then(0.41).otherwise(pl.col("unmet_share_peak"))
    harder = replace(chain, metrics=chain.metrics.with_columns(unmet_share_peak=peak))
    told = plain(" ".join(answer(changed(chains=result.chains | {"rare-earths": harder})).rest))
    assert "Earlier in the chain it would lack up to 41 % of its rare earths (compounds)." in told


def test_the_terminal_is_told_of_an_earlier_form_only_where_much_is_lacking(result, changed):
    chain = result.chains["rare-earths"]

    def told(peak):
        here = (pl.col("country") == "ITA") & (pl.col("form") == "compounds")
        share = pl.when(here).then(peak).otherwise(pl.col("unmet_share_peak"))
        harder = replace(chain, metrics=chain.metrics.with_columns(unmet_share_peak=share))
        return [plain(s) for s in earlier(changed(chains=result.chains | {"rare-earths": harder}))]

    assert told(0.19) == []
    assert told(0.41) == [
        "Earlier in the chain more would be missing: Italy up to 41 % of its rare earths "
        "(compounds)."
    ]
