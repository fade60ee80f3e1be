"""Groups of countries: sums of their members, never counted among the countries."""

from dataclasses import replace

import polars as pl
import pytest

from lodeline.report import brief
from lodeline.report.foresight import write_foresight
from lodeline.report.stress_book import stress_sheets
from lodeline.report.terminal import stress_table
from lodeline.results.document import stress_document
from lodeline.results.groups import hardest_hit
from lodeline.scenarios.groups import EU27, GROUPS
from lodeline.scenarios.library import load_scenario
from lodeline.studies.stress import run_both, run_stress

CHAIN = "rare-earths"


@pytest.fixture(scope="module")
def scenario():
    found = load_scenario("china-dual-use-japan-2026")
    bans = tuple(r for r in found.restrictions if r.chain == CHAIN)
    return found.model_copy(update={"restrictions": bans})


@pytest.fixture(scope="module")
def result(scenario):
    return run_stress(scenario, months=5, asked=["G7", "ITA"], with_sensitivity=False)


@pytest.fixture(scope="module")
def members(result):
    chain = result.chains[CHAIN]
    rows = chain.series.filter(
        (pl.col("form") == chain.form) & pl.col("country").is_in(GROUPS["G7"])
    )
    return rows.sort("month", "country")


def test_tonnes_stocks_and_costs_of_a_group_are_the_sums_of_its_members(result, members):
    chain = result.chains[CHAIN]
    rows = chain.series_of("G7").filter(pl.col("form") == chain.form)
    for column in ("use_t", "reference_use_t", "unmet_t", "stock_t"):
        total = members.group_by("month", maintain_order=True).agg(pl.col(column).sum())
        assert rows[column].to_list() == pytest.approx(total[column].to_list(), rel=1e-12)
    cost = chain.costs.filter(pl.col("country").is_in(GROUPS["G7"]))["cost_usd"].sum()
    assert chain.costs_of("G7")["cost_usd"][0] == pytest.approx(cost, rel=1e-12)


def test_share_price_and_times_follow_from_the_sums(result, members):
    # Without a surge in demand users want what they used in the base year.
    chain = result.chains[CHAIN]
    weighted = pl.col("reference_use_t") * pl.col("price_multiple")
    months = members.group_by("month", maintain_order=True).agg(
        share=pl.col("unmet_t").sum() / pl.col("reference_use_t").sum(),
        price=weighted.sum() / pl.col("reference_use_t").sum(),
    )
    row = brief.metric_row(chain, "G7")
    assert row["unmet_share_peak"] == pytest.approx(months["share"].max(), rel=1e-12)
    assert row["price_multiple_peak"] == pytest.approx(months["price"].max(), rel=1e-12)
    short = [i for i, share in enumerate(months["share"]) if share > 0.05]
    assert row["time_to_survive_months"] == (short[0] if short else None)


def test_a_groups_share_lies_between_those_of_its_members(result):
    chain = result.chains[CHAIN]
    users = chain.metrics.filter(
        (pl.col("form") == chain.form) & pl.col("country").is_in(GROUPS["G7"])
    ).drop_nulls("unmet_share_peak")
    peak = brief.metric_row(chain, "G7")["unmet_share_peak"]
    assert users["unmet_share_peak"].min() < peak < users["unmet_share_peak"].max()


def test_groups_stand_apart_from_countries_wherever_rows_could_be_added(result):
    document = stress_document(result)
    assert document["headline"]["country"] == "G7"
    assert set(document["groups"]) == {"G7"} == set(document["chains"][CHAIN]["groups"])
    assert "G7" not in document["countries"]
    assert "G7" not in document["chains"][CHAIN]["countries"]
    sheets = stress_sheets(result)
    assert "G7" not in sheets["losses"]["country"].to_list()
    assert set(sheets["groups by month"]["country"]) == {"G7"}
    assert set(sheets["by month"]["country"]) <= set(result.members)


def test_a_second_member_is_named_only_where_it_is_a_point_worse(result):
    chain = result.chains[CHAIN]
    form = result.headline["form"]
    first = hardest_hit(chain.metrics, "G7", form)[0]
    there = pl.col("country").is_in(GROUPS["G7"]) & (pl.col("form") == form)
    other = there & (pl.col("country") != first["country"])

    def told(more):
        share = pl.when(other).then(first["unmet_share_peak"] + more)
        size = pl.when(other).then(first["reference_use_t"])
        metrics = chain.metrics.with_columns(
            share.otherwise(pl.col("unmet_share_peak")).alias("unmet_share_peak"),
            size.otherwise(pl.col("reference_use_t")).alias("reference_use_t"),
        )
        moved = replace(chain, metrics=metrics)
        return " ".join(brief.members(replace(result, chains={**result.chains, CHAIN: moved})))

    assert "larger users" not in told(0.009)
    assert "the hardest hit of the larger users would be" in told(0.011)


def test_the_brief_names_the_member_that_bears_most(result):
    text = " ".join(brief.answer(result).rest)
    assert "The largest part of it would be missing in Japan" in text
    (sentence,) = brief.members(result)
    assert sentence in text
    screen = " ".join(str(part) for part in stress_table(result))
    assert " ".join(sentence.split()) in " ".join(screen.split())
    assert result.members[:7] == GROUPS["G7"]


def test_the_share_is_of_what_users_want_and_not_of_the_base_year():
    found = load_scenario("europe-gas-2022")
    one = run_stress(found, months=4, asked=["EU27"], with_sensitivity=False)
    chain = one.chains["lng"]
    mine = chain.series.filter(pl.col("country").is_in(EU27) & (pl.col("unmet_t") > 0.0))
    mine = mine.with_columns(wanted=pl.col("use_t") + pl.col("unmet_t")).filter(
        pl.col("wanted") > 1.01 * pl.col("reference_use_t")
    )
    users = chain.metrics.filter(pl.col("country").is_in(EU27))["unmet_share_peak"].count()
    months = mine.group_by("month").agg(
        pl.len(), share=pl.col("unmet_t").sum() / pl.col("wanted").sum()
    )
    whole = months.filter(pl.col("len") == users)
    assert whole.height > 0
    shares = dict(chain.series_of("EU27").select("month", "unmet_share").iter_rows())
    for month, _, share in whole.iter_rows():
        assert shares[month] == pytest.approx(share, rel=1e-12)


def test_a_group_is_a_headline_with_its_own_range(scenario):
    one = run_stress(scenario, months=2, asked=["G7"])
    assert one.headline["low"] <= one.headline["unmet_share_peak"] <= one.headline["high"]
    assert {r.central for r in one.sensitivity} == {one.headline["unmet_share_peak"]}


def test_asking_for_a_group_moves_no_figure_of_a_country(scenario, result):
    other = run_stress(scenario, months=5, asked=["ITA"], with_sensitivity=False)
    assert other.countries.equals(result.countries)
    assert other.chains[CHAIN].metrics.equals(result.chains[CHAIN].metrics)
    assert other.groups.is_empty()
    assert replace(other, asked=("EU27",)).members == EU27


def test_a_group_has_what_foresight_saves_its_members(tmp_path):
    graphite = load_scenario("china-graphite-2023")
    both = run_both(graphite, months=2, asked=["EU27"], with_sensitivity=False)
    total = sum(usd for c, usd in both.value_by_country.items() if c in EU27)
    assert both.value_by_group == {"EU27": pytest.approx(total, rel=1e-12)}
    assert "EU27" not in both.value_by_country
    write_foresight(both, tmp_path)
    assert (
        "| European Union (27) | " in (tmp_path / "foresight.md").read_text().split("By country")[1]
    )
