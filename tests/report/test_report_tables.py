import base64
from dataclasses import replace

import polars as pl
import pytest

from lodeline.network.outputs import STATED_USE
from lodeline.report import tables


def plain(cell):
    return cell.text.replace("\u00a0", " ")


def change(chain, country, **values):
    here = (pl.col("country") == country) & (pl.col("form") == chain.form)
    metrics = chain.metrics.with_columns(
        pl.when(here).then(pl.lit(v)).otherwise(pl.col(k)).alias(k) for k, v in values.items()
    )
    return replace(chain, metrics=metrics)


@pytest.fixture
def chain(result):
    return result.chains["rare-earths"]


def row(table, name):
    return next(r for r in table.rows if r[0].text == name)


def test_every_row_is_as_wide_as_the_heading(result, chain):
    made = [
        tables.key_figures(result), tables.losses(chain, result), tables.by_stage(chain, result),
        tables.costs(result), tables.supply(chain, result), tables.assumptions(chain),
        tables.reconciliation(chain, ["JPN", "CHN"], result), tables.datasets(result),
    ]  # fmt: skip
    for table in made:
        assert table.rows
        assert {len(r) for r in table.rows} == {len(table.columns)}


def test_losses_hold_every_user_of_some_size_largest_loss_first(result, chain):
    table = tables.losses(chain, result)
    used = chain.metrics.filter(form="metals")
    used = used.filter(pl.col("reference_use_t") >= 0.001 * pl.col("reference_use_t").sum())
    assert 2 < used.height == len(table.rows)
    lost = used.sort("unmet_t_total", descending=True)["country"].to_list()
    assert [r[0].text for r in table.rows] == [result.country_names[c] for c in lost]


def test_never_short_is_not_the_same_as_recovered(result, chain):
    table = tables.losses(chain, result)
    japan, italy = row(table, "Japan"), row(table, "Italy")
    assert [plain(c) for c in japan[4:6]] == ["3", "not within 24"]
    assert plain(italy[4]) == "not within 24"
    assert italy[5].text == "–"
    assert "never short" in italy[5].reason
    assert f"– {italy[5].reason}" in table.reasons


def test_absent_metrics_are_absent_with_a_reason(result, chain):
    gone = dict.fromkeys(("unmet_share_peak", "unmet_t_total", "price_multiple_peak"))
    cells = row(tables.losses(change(chain, "ITA", **gone), result), "Italy")
    for cell in (cells[2], cells[3], cells[4], cells[5], cells[6]):
        assert cell.text == "–"
        assert cell.reason


def test_a_capped_price_is_flagged(result, chain):
    here = pl.col("country") == "JPN"
    capped = pl.when(here).then(pl.lit(value=True)).otherwise(pl.col("is_price_capped"))
    series = chain.series.with_columns(capped.alias("is_price_capped"))
    high = replace(change(chain, "JPN", price_multiple_peak=20.0), series=series)
    table = tables.losses(high, result)
    assert plain(row(table, "Japan")[6]) == "≥ ×20†"
    assert any("no longer means anything" in r for r in table.reasons)


def test_a_share_of_a_mere_remainder_is_flagged(result, chain):
    other = change(chain, "ITA", is_remainder=True)
    marked = replace(result, chains={**result.chains, "rare-earths": other})
    for table in (tables.losses(other, marked), tables.by_stage(other, marked)):
        cells = [r for r in table.rows if r[0].text == "Italy"][-1]
        assert sum(c.text.endswith("‡") for c in cells) == 1
        assert sum(r.startswith("‡ recorded use is less than a tenth") for r in table.reasons) == 1
        assert not any(c.text.endswith("‡") for r in table.rows for c in r if r[0].text == "Japan")
    assert "‡" in "".join(c.text for r in tables.key_figures(marked).rows for c in r)


def test_an_assumed_use_of_an_exporter_is_not_called_a_remainder(result, chain):
    basis = pl.when((pl.col("country") == "ITA") & (pl.col("item") == "output"))
    stated = basis.then(pl.lit(STATED_USE)).otherwise(pl.col("basis")).alias("basis")
    other = replace(
        change(chain, "ITA", is_remainder=True),
        reconciliation=chain.reconciliation.with_columns(stated),
    )
    assert other.has_stated_use("ITA", other.form)
    assert not chain.has_stated_use("ITA", chain.form)
    marked = replace(result, chains={**result.chains, "rare-earths": other})
    reasons = tables.losses(other, marked).reasons
    assert any(r.startswith("‡ use of an exporter whose output nobody publishes") for r in reasons)
    assert not any("remainder of two large figures" in r for r in reasons)


def test_outputs_that_are_priors_move_and_reported_trade_stays(chain):
    told = replace(chain, max_deviation_from_reported=4e-16)
    assert told.is_fitted_to_trade
    assert not chain.is_fitted_to_trade
    assert not replace(chain, max_deviation_from_reported=None).is_fitted_to_trade
    seen = chain.reconciliation.with_columns(basis=pl.lit("observed 2024, USGS"))
    assert not replace(told, reconciliation=seen).is_fitted_to_trade


def test_the_brief_s_table_stays_short(changed):
    many = changed(asked=("JPN", "ITA", "DEU", "FRA", "ESP", "POL", "AUT", "SWE"))
    table = tables.key_figures(many)
    assert len(table.rows) == 6
    assert "least affected are in the tables below" in table.caption


def test_a_single_stage_needs_no_table_of_stages(result, chain):
    assert tables.by_stage(result.chains["tungsten"], result) is None
    assert {r[1].text for r in tables.by_stage(chain, result).rows} == {"compounds", "metals"}


def test_assumed_parameters_say_so(chain):
    basis = {r[0].text: r[4].text for r in tables.assumptions(chain).rows}
    assert basis["demand elasticity"] == "assumed"
    assert basis["metal per oxide"] == "published"


def test_what_nobody_reports_is_not_a_zero(result, chain):
    table = tables.reconciliation(chain, ["JPN"], result)
    use = next(r for r in table.rows if r[2].text == "use")
    assert (use[3].text, use[3].reason) == ("–", "nobody reports it")
    output = next(r for r in table.rows if r[2].text == "output")
    assert output[6].text.startswith("prior")


def test_the_download_holds_the_table():
    table = pl.DataFrame({"country": ["JPN"], "unmet_t_total": [1.5]})
    address = tables.csv_address(table)
    kind, packed = address.split(",")
    assert kind == "data:text/csv;charset=utf-8;base64"
    assert base64.b64decode(packed).decode() == "country,unmet_t_total\nJPN,1.5\n"


def test_users_of_next_to_nothing_are_counted_and_not_ranked(result):
    chain = result.chains["rare-earths"]
    before = {row[0].text for row in tables.losses(chain, result).rows}
    # Viet Nam, no small user here, would lead the table by what it lacks.
    gone = {"reference_use_t": 1e-6, "unmet_t_total": 1e9}
    found = tables.losses(change(chain, "VNM", **gone), result)
    assert before - {row[0].text for row in found.rows} == {"Viet Nam"}
    asked = tables.losses(change(chain, "ITA", **gone), result)
    assert asked.rows[0][0].text == "Italy"
    used = chain.metrics.filter((pl.col("form") == chain.form) & (pl.col("reference_use_t") > 0))
    left = used.height - len(found.rows)
    assert f"; {left}\u00a0more countries with less than 0.1\u00a0% of" in found.caption
