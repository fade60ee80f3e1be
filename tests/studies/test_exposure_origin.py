"""Origin as a measure: contract, sums, known facts, and the market never contradicts it."""

from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from lodeline.errors import InputError, UnknownNameError
from lodeline.network import ActivityKind
from lodeline.network.catalogue import chain_ids, chain_text, load_chain
from lodeline.network.mines import mine_feed, mine_output
from lodeline.report.origin import origin_text
from lodeline.results.exposure import arranged
from lodeline.scenarios.compile import compile_schedule
from lodeline.scenarios.restrictions import Outage
from lodeline.studies.exposure.frame import run_exposure
from lodeline.studies.exposure.origin import measure, targets_of
from lodeline.studies.exposure.origin_shares import NOT_TRACED
from lodeline.studies.exposure.registry import Basis, Request
from lodeline.studies.market import run_market
from lodeline.units import Month


@cache
def rows_of(*materials, country="ITA", year=2024):
    request = Request("origin", materials=materials, countries=(country,), years=(year,))
    return arranged(measure(request), "origin")


def share(rows, **where):
    found = rows.filter(*(pl.col(k) == v for k, v in where.items()))
    return float(found["value"].sum())


def test_rows_of_a_stage_add_up_to_one():
    for rows in (rows_of("rare-earths"), rows_of("lithium"), rows_of("cobalt", country="EU27")):
        sums = rows.group_by("country", "form", "stage").agg(pl.col("value").sum())["value"]
        assert (sums - 1.0).abs().max() < 1e-12


def test_chilean_lithium_reaches_italy_through_germany_and_the_netherlands():
    # Italy books almost no carbonate from Chile; what it books from its neighbours is Chile's.
    rows = rows_of("lithium").filter(form="carbonate", stage="carbonate", origin="CHL")
    assert rows["direct"].item() < 0.05
    assert rows["value"].item() > 0.6
    assert {"DEU", "NLD"} <= set(rows["via"].item())
    assert rows["via_hubs"].item().to_list() == ["NLD"] or "NLD" in rows["via_hubs"].item()


def test_more_of_italy_s_rare_earths_is_chinese_than_arrives_from_china():
    rows = rows_of("rare-earths").filter(form="compounds", stage="compounds", origin="CHN")
    assert rows["value"].item() > 1.5 * rows["direct"].item()
    assert rows["through_hubs"].item() > 0.2 * rows["value"].item()
    assert rows["passed"].item() >= rows["value"].item()


def test_ranges_hold_the_value_and_at_their_upper_end_all_that_is_not_traced():
    rows = rows_of("rare-earths").filter(pl.col("origin") != "rest")
    assert (rows["low"] <= rows["value"]).all()
    assert (rows["value"] <= rows["high"]).all()
    here = rows.filter(form="compounds", stage="compounds")
    unknown = here.filter(origin=NOT_TRACED)["value"].item()
    china = here.filter(origin="CHN")
    assert unknown > 0.5
    assert china["low"].item() < china["value"].item() + 1e-12
    assert china["high"].item() >= china["value"].item() + unknown - 1e-12


def test_who_ships_more_than_it_takes_in_without_a_source_makes_and_mines_nothing():
    italy = rows_of("rare-earths").filter(form="compounds")
    assert share(italy, origin="ITA", stage="compounds") == 0.0
    seen = italy.filter(stage="compounds", origin=NOT_TRACED)
    assert seen["first_seen"].item()[0] == "ITA"
    assert seen["direct"].item() > 0.5, "what is not made at home did not arrive from anywhere"
    for country in ("ITA", "JPN", "DEU"):
        cobalt = rows_of("cobalt", country=country)
        for refiner in ("FIN", "JPN", "CZE", "NOR"):
            assert share(cobalt, origin=refiner) == 0.0, refiner
        unknown = cobalt.filter(origin=NOT_TRACED)
        assert unknown["first_seen"].item()[0] == "FIN"
        assert unknown["value"].item() > 0.4
        assert share(cobalt, origin="COD") > 0.1


def test_a_maker_that_its_source_lists_for_another_year_stays_one():
    # The USGS names Morocco's cobalt until its edition of 2023, and no longer in that of 2024.
    assert share(rows_of("cobalt", country="JPN"), origin="MAR") > 0.05


def test_where_nobody_lists_makers_a_hub_is_none_and_an_exporter_is_one():
    gas = rows_of("lng", country="JPN")
    assert share(gas, origin="AUS") > 0.2
    assert share(gas, origin=NOT_TRACED) < 0.1
    rhodium = rows_of("rhodium", country="JPN")
    assert share(rhodium, origin="ITA") == 0.0
    assert share(rhodium, origin="ZAF") > 0.3


def test_smelters_that_the_table_leaves_unnamed_are_origins():
    # Mozal and Hillside are in the line "other countries" of the USGS.
    rows = rows_of("aluminium", country="EU27").filter(pl.col("form") == "aluminium")
    own = {"stage": "aluminium"}
    assert share(rows, origin="MOZ", **own) > 0.1
    assert share(rows, origin="ZAF", **own) > 0.05
    assert share(rows, origin=NOT_TRACED, **own) < 0.01


def test_a_member_that_makes_and_brings_nothing_has_no_row():
    rows = rows_of("gallium", country="EU27").filter(pl.col("origin").is_in(["BEL", "DEU", "FRA"]))
    assert rows.height == 0


def test_what_a_country_uses_is_not_told_where_it_is_a_guess():
    assert rows_of("cobalt", country="JPN")["tonnes"].null_count() > 0
    assert rows_of("cobalt", country="ITA")["tonnes"].null_count() == 0


def test_every_row_names_its_figures_and_marks_what_is_imputed():
    rows = rows_of("rare-earths").filter(stage="compounds", form="compounds", origin="CHN")
    figures = rows["inputs"].item()
    assert "output of compounds" in [f["name"] for f in figures]
    assert next(f["mark"] for f in figures if f["name"] == "output of compounds") == "imputed"
    assert all(f["table"] for f in figures)


def test_the_world_s_lithium_is_mined_where_the_mines_are():
    rows = rows_of("lithium", country="WLD").filter(form="carbonate", stage="mine")
    ore = mine_output(load_chain("lithium"), 2024)
    tonnes = dict(zip(ore.miners, ore.tonnes, strict=True))
    # IEA, 2024: 89,970 t; 23,070 t of all that it does not name. USGS, 2023: Portugal 380 t, and
    # that is no more because the IEA's rest holds others as well.
    assert tonnes["AUS"] == 89_970.0
    assert tonnes["PRT"] == 380.0
    assert ore.carried == {"BRA", "CAN", "PRT"}
    output = {country: t / sum(tonnes.values()) for country, t in tonnes.items()}
    for country in ("AUS", "CHL", "CHN"):
        assert share(rows, origin=country) == pytest.approx(output[country], abs=0.06)


def table_of_italy():
    text = (Path(__file__).parents[2] / "docs" / "origin.md").read_text(encoding="utf-8")
    lines = text.split("## Italy, 2024")[1].split("## ")[0].splitlines()
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in lines if "|" in line]
    return [row for row in cells if row[0] in ("rare-earths", "lithium", "cobalt")]


@pytest.mark.parametrize("shown", table_of_italy(), ids=lambda row: "-".join(row[:4]))
def test_the_documented_example_is_what_comes_out(shown):
    material, form, stage, origin, direct, value, span, passed, via = shown
    rows = rows_of(material).filter(form=form, stage=stage, origin=origin)
    told = [round(100 * rows[c].item()) for c in ("direct", "value", "low", "high")]
    assert told == [int(x) for x in (direct, value, *span.split(" to "))]
    been = rows["passed"].item()
    assert passed == ("" if been is None else str(round(100 * been)))
    assert ", ".join(rows["via"].item()[:3]) == via


def test_a_third_of_china_s_rare_earth_ore_is_foreign(balanced_base):
    # 31 per cent in 2025, 36 in 2023 (Critical Materials Atlas, China rare earth supply).
    base = balanced_base("rare-earths")
    ore = mine_output(base.chain, 2024)
    feed = mine_feed(base, ore, base.produced[0])
    assert np.abs(feed.sum(axis=0) - 1.0).max() < 1e-12
    china = feed[:, base.countries.index("CHN")]
    foreign = 1.0 - china[ore.miners.index("CHN")]
    assert 0.2 < foreign < 0.4
    assert china[ore.miners.index("MMR")] > 0.06


def test_lynas_ore_is_separated_in_malaysia(balanced_base):
    base = balanced_base("rare-earths")
    ore = mine_output(base.chain, 2024)
    feed = mine_feed(base, ore, base.produced[0])
    assert feed[ore.miners.index("AUS"), base.countries.index("MYS")] > 0.95


def test_a_material_without_a_chain_is_absent_with_a_reason():
    rows = arranged(measure(Request("origin", materials=("helium",))), "origin")
    assert rows["value"].to_list() == [None]
    assert "no chain" in rows["reason"].item()


def test_a_country_that_uses_nothing_is_absent_with_a_reason():
    rows = rows_of("uranium", country="LUX")
    assert rows["value"].to_list() == [None]


def test_the_text_fits_the_terminal_and_marks_hubs_and_doubt():
    result = run_exposure(Request("origin", materials=("rare-earths",), countries=("ITA",)))
    text = origin_text(result)
    assert max(map(len, text.splitlines())) <= 80
    assert "NLD*" in text
    assert "not traced" in text.split("Per cent")[0]


def test_a_chain_of_one_s_own_is_traced_too(tmp_path):
    own = tmp_path / "mine.toml"
    own.write_text(chain_text("rhodium").replace('id = "rhodium"', 'id = "my-metal"', 1))
    rows = measure(Request("origin", materials=(str(own),), countries=("ITA",)))
    assert set(rows["material"]) == {"my-metal"}
    assert rows["value"].sum() == pytest.approx(1.0)


def test_a_form_that_no_chain_has_is_refused():
    with pytest.raises(InputError, match="magnets"):
        measure(Request("origin", materials=("rare-earths",), stage="magnets"))


def test_an_unknown_material_is_named():
    with pytest.raises(UnknownNameError, match="cobald"):
        measure(Request("origin", materials=("cobald",)))


# Closing production and solving the market. With single-input recipes every activity takes from
# one row and gives to one, so the system in prices is an M-function (Rheinboldt 1970): less direct
# output lowers no price anywhere, and nobody's use rises. This is proved for the first month;
# lanes that had to find new ways may differ in later ones.


def first_month(base, country):
    """Return use in the base month and after the country's direct output stopped, by form."""
    closed = [
        Outage(
            type="outage", id=f"stop-{form}", by=(country,), on="all", chain=base.chain.id,
            forms=(form,), start="2025-01", source="test", severity=1.0, recovery_months=0.0,
        )
        for form, made in zip(base.forms, base.produced, strict=True)
        if made[base.countries.index(country)] > 0.0
    ]  # fmt: skip
    schedule = compile_schedule(base, closed, [Month(2025, 1)])
    network = schedule.network
    keep = network.kind != ActivityKind.PROCESS  # recipes stay open: only output from nothing stops
    schedule.output_factor[:, ~keep] = 1.0
    run = run_market(schedule)
    uses = network.of_kind(ActivityKind.USE)
    place = (network.form[uses], network.destination[uses])
    before, after = np.zeros_like(base.used), np.zeros_like(base.used)
    before[place], after[place] = network.reference[uses], run.levels[0, uses]
    return before, after


@pytest.mark.parametrize(
    ("chain", "country"),
    [("cobalt", "COD"), ("cobalt", "FIN"), ("rare-earths", "CHN"), ("rare-earths", "MYS"),
     ("lithium", "CHL"), ("tungsten", "AUT"), ("antimony", "TJK")],
)  # fmt: skip
def test_closing_production_never_contradicts_the_origin_share(chain, country, balanced_base):
    from lodeline.network.tracing import trace

    base = balanced_base(chain)
    before, after = first_month(base, country)
    change = after - before
    # Nobody gains, whatever the share: no positive share is contradicted.
    assert (change <= 1e-7 * before + 1e-9).all()
    c = base.countries.index(country)
    for f, form in enumerate(base.forms):
        entered = trace(base, form, np.eye(len(base.countries))).entered
        origin = sum(part[c] for part in entered.values())
        users = before[f] > 0.0
        world = float((origin * before[f])[users].sum() / before[f].sum())
        lost = -float(change[f].sum() / before[f].sum())
        # What the world's use draws from the country is what it can lose at most, and some is lost.
        assert (lost > 0.0) == (world > 0.0)
        assert lost <= world + 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("chain", chain_ids())
def test_nobody_gains_where_the_largest_maker_closes(chain, balanced_base):
    base = balanced_base(chain)
    before, after = first_month(base, base.countries[int(base.produced.sum(axis=0).argmax())])
    assert (after - before <= 1e-7 * before + 1e-9).all()
    assert after.sum() < before.sum()


def test_a_country_that_makes_nothing_can_be_closed_without_effect(balanced_base):
    base = balanced_base("cobalt")
    maker = next(c for c, made in zip(base.countries, base.produced[0], strict=True) if made == 0.0)
    before, after = first_month(base, maker)
    assert after == pytest.approx(before, rel=1e-7)


def test_inferred_lanes_have_the_range_of_all_that_fits_and_no_customs_data():
    rows = rows_of("rare-earth-magnets").filter(form="magnets", stage="magnets")
    assert set(rows["inferred_from"]) == {"trade in rare-earth metals"}
    china, japan = (rows.filter(origin=c) for c in ("CHN", "JPN"))
    # In proportion to output, a twentieth would be Japanese.
    assert china["low"].item() < 0.97 < 0.99 < china["value"].item()
    assert japan["high"].item() > 0.03
    figures = {f["name"]: f for f in china["inputs"].item()}
    assert {f["table"] for f in figures.values()} == {"stage_shares"}
    assert figures["use and processing"]["mark"] == "inferred"
    (rest,) = (f for f in japan["inputs"].item() if f["name"] == "output of magnets")
    assert (rest["table"], rest["mark"]) == ("stage_shares", "imputed")


@pytest.mark.parametrize("method", ["beside", "import-reliance", "time-to-survive"])
def test_measures_on_inferred_lanes_say_so(method):
    def notes(material):
        return " ".join(run_exposure(Request(method, (material,), ("ITA",), (2024,))).notes)

    assert "Primary gallium: who delivers to whom is inferred from trade in germanium of 2006" in (
        notes("gallium")
    )
    assert "is inferred from" not in notes("cobalt")


def test_shares_that_rest_on_no_lane_do_not():
    found = run_exposure(Request("hhi", ("gallium",), of=Basis.PRODUCTION))
    assert not any("is inferred from" in note for note in found.notes)


def test_stages_before_an_inferred_one_are_as_traded():
    both = rows_of("rare-earth-magnets").filter(pl.col("form") != "magnets")
    assert both["inferred_from"].null_count() == both.height
    assert rows_of("lithium")["inferred_from"].null_count() == rows_of("lithium").height


def test_the_text_says_what_is_inferred():
    asked = Request("origin", ("rare-earth-magnets",), ("ITA",), (2024,))
    text = " ".join(origin_text(run_exposure(asked)).split())
    assert "magnets of 2024, t magnet (inferred)" in text
    assert text.count("(inferred)") == 1
    assert "inferred: no trade code shows who delivers the form" in text
    lithium = Request("origin", ("lithium",), ("ITA",), (2024,))
    assert "inferred" not in origin_text(run_exposure(lithium))


def test_groups_and_the_world_are_targets(balanced_base):
    base = balanced_base("cobalt")
    targets = targets_of(base, "cobalt", {"WLD": (), "JPN": ("JPN",), "XXX": ("XXX",)})
    assert [t.name for t in targets] == ["WLD", "JPN"]
    assert all(t.weights.sum() == pytest.approx(1.0) for t in targets)


def test_what_was_mined_in_a_country_has_been_there_and_no_range_leaves_the_unit_interval():
    rows = pl.concat([rows_of("lithium", country="CHN"), rows_of("tungsten", country="CHN")])
    known = rows.filter(pl.col("passed").is_not_null())
    assert (known["passed"] >= known["value"] - 1e-9).all()
    mined = rows.filter(form="carbonate", stage="mine", origin="AUS")
    assert mined["passed"].item() > 0.3
    for column in ("value", "low", "high", "direct", "passed", "unlisted", "through_hubs"):
        assert rows[column].min() >= 0.0, column
        assert rows[column].max() <= 1.0 + 1e-12, column
