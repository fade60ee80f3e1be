"""The page of exposure and its pictures: what they show is what the tables say."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import polars as pl
import pytest

from lodeline import data
from lodeline.errors import MachineError
from lodeline.report import png as png_module
from lodeline.report.exposure import FILES, write_exposure
from lodeline.report.exposure_figures import figures_of
from lodeline.report.exposure_page import answer, render_exposure
from lodeline.report.history import years
from lodeline.report.png import png
from lodeline.report.routes import way
from lodeline.report.worldmap import outlines
from lodeline.results.pictures import scale_of
from lodeline.studies.exposure import Request
from lodeline.studies.exposure.frame import run_exposure
from lodeline.studies.exposure.history import events_of
from lodeline.studies.exposure.pictures import heat_of, pictures_of

ASKED = Request("beside", ("lithium",), ("ITA",), (2024,))


@pytest.fixture(scope="module")
def result():
    return run_exposure(ASKED)


@pytest.fixture(scope="module")
def pictures(result):
    return pictures_of(result, ASKED)


@pytest.fixture(scope="module")
def shapes():
    return outlines(data.world_map())


@pytest.fixture(scope="module")
def figures(pictures, shapes):
    return figures_of(pictures, shapes)


def page_of(result, pictures, figures, shapes):
    return render_exposure(result, pictures, figures, outlines=shapes, command="lodeline exposure")


def test_the_answer_begins_with_the_last_form_and_calls_inferred_lanes_so():
    asked = Request("origin", ("rare-earth-magnets",), ("ITA",), (2024,))
    magnets, metals, compounds = answer(pictures_of(run_exposure(asked), asked))
    assert magnets.startswith("Sintered neodymium magnets used in Italy in 2024: ")
    assert "made in China. No trade code shows who delivers: it is inferred from " in magnets
    assert "Customs" not in magnets
    assert "more comes by way" not in magnets
    assert "(range 9" in magnets
    assert "Customs show" in metals
    assert compounds.startswith("Rare-earth compounds")


def test_no_more_is_said_to_come_by_other_ways_than_there_is(pictures):
    shown = pictures.origin.filter(pl.col("stage") == pl.col("form")).with_columns(
        direct=pl.col("value")
    )
    assert not any("more comes" in line for line in answer(replace(pictures, origin=shown)))
    assert any("more comes" in line for line in answer(pictures))


def test_every_column_and_every_gap_of_a_way_adds_up_to_one(pictures):
    assert pictures.routes
    for routes in pictures.routes:
        for k, column in enumerate(routes.columns):
            assert sum(s.share for s in column.stops) == pytest.approx(1.0, abs=1e-9)
            if k == len(routes.columns) - 1:
                continue
            bands = routes.links.filter(pl.col("column") == k)
            assert bands["share"].sum() == pytest.approx(1.0, abs=1e-9)
            for side, at in (("left", column), ("right", routes.columns[k + 1])):
                sums = dict(bands.group_by(side).agg(pl.col("share").sum()).iter_rows())
                for stop in at.stops:
                    assert sums[stop.code] == pytest.approx(stop.share, abs=1e-9)


def test_a_way_has_the_shares_of_the_origin_measure(pictures):
    for routes in pictures.routes:
        rows = pictures.origin.filter(pl.col("form") == routes.form)
        for column in routes.columns:
            told = rows.filter(pl.col("stage") == column.key)
            known = dict(zip(told["origin"], told["value"], strict=True))
            for stop in column.stops:
                if known and stop.code != "others":
                    assert stop.share == pytest.approx(known[stop.code], abs=1e-12)


def test_what_the_leading_country_makes_is_the_same_in_every_column(pictures):
    for routes in pictures.routes:
        led = [sum(stop.lead for stop in column.stops) for column in routes.columns]
        made = next(s for c in routes.columns if c.key == routes.stage for s in c.stops
                    if s.code == routes.lead)  # fmt: skip
        assert led == pytest.approx([made.share] * len(led), abs=1e-9)


def test_bands_stay_inside_the_picture(pictures):
    for routes in pictures.routes:
        words = {c.key: ("", c.key) for c in routes.columns}
        drawn = way(routes, name=str, words=words)
        for band in drawn.bands:
            numbers = [float(n) for n in re.findall(r"-?\d+\.?\d*", band.path)]
            assert min(numbers) >= 0.0
            assert max(numbers[1::2]) <= drawn.height + 1.0


def test_maps_have_the_shares_of_the_origin_measure(pictures):
    for table in pictures.maps:
        assert sum(table.shares.values()) + table.untraced == pytest.approx(1.0, abs=1e-9)
        assert sum(table.first_seen.values()) <= table.untraced + 1e-9
        assert "not-traced" not in table.shares
        assert table.members == ("ITA",)


def test_the_time_line_covers_the_trade_data_and_marks_restrictions(pictures):
    history = pictures.history
    assert (history.series["year"].min(), history.series["year"].max()) == (1995, 2024)
    values = history.series["value"].drop_nulls()
    assert values.is_between(0.0, 1.0).all()
    drawn = years(history, name=str)
    assert len(drawn.curves) == 2


def test_chinas_quota_on_rare_earths_is_an_event_of_2010_and_told_once():
    events = events_of(("rare-earths",))
    quotas = events.filter((pl.col("year") == 2010) & pl.col("text").str.contains("quota"))
    assert quotas.height == 1
    assert events["year"].is_sorted()
    assert events["source"].str.len_chars().min() > 0


def test_a_heat_map_keeps_the_value_of_each_cell_and_the_order_asked_for():
    asked = Request("hhi", ("cobalt", "tungsten", "gallium"), ("JPN", "ITA"), (2022,))
    result = run_exposure(asked)
    heat = heat_of(result, ("JPN", "ITA"))
    assert heat.countries == ("JPN", "ITA")
    assert "gallium" not in heat.materials
    for row in result.rows.drop_nulls("value").iter_rows(named=True):
        cell = heat.cells.filter(
            (pl.col("material") == row["material"]) & (pl.col("country") == row["country"])
        ).row(0, named=True)
        assert cell["value"] == row["value"] == cell["level"]
        assert cell["who"] == row["leaders"][0]


def test_of_times_the_shortest_is_the_darkest():
    asked = Request("time-to-survive", ("lithium", "cobalt"), ("ITA", "JPN"), (2023,))
    heat = heat_of(run_exposure(asked))
    known = heat.cells.drop_nulls("value").sort("value")
    assert known["level"].is_sorted(descending=True)


def test_the_page_asks_nothing_of_a_network_and_shows_every_measure(
    result, pictures, figures, shapes
):
    page = page_of(result, pictures, figures, shapes)
    assert "default-src 'none'" in page
    assert "<script" not in page
    assert not re.search(r'(?:src|href)="https?:', page)
    for name in ("Origin", "Time to survive", "GeoPolRisk", "EU supply risk", "N-1", "Herfindahl"):
        assert name in page
    for figure in figures:
        assert f"{figure.id}.svg" in page


def test_each_picture_is_a_document_of_its_own(figures):
    assert len({f.id for f in figures}) == len(figures)
    for figure in figures:
        root = ElementTree.fromstring(figure.file)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert root.get("width")


def test_letters_are_drawn_without_the_fonts_of_the_system():
    frame = '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30">{}</svg>'
    text = '<text x="5" y="20" style="font-family:system-ui,Arial,sans-serif">Italy</text>'
    assert png(frame.format(text)) != png(frame.format(""))


def test_without_a_font_the_picture_is_refused_not_drawn_bare(monkeypatch):
    monkeypatch.setattr(png_module.importlib.util, "find_spec", lambda _: None)
    png_module._fonts.cache_clear()
    try:
        with pytest.raises(MachineError, match="Matplotlib"):
            png("<svg/>")
    finally:
        png_module._fonts.cache_clear()


def test_all_files_are_written(tmp_path, result, pictures, figures):
    written = write_exposure(
        result, tmp_path, pictures=pictures, world=data.world_map(), command="lodeline exposure"
    )
    names = {path.name for path in written}
    assert names == {p.name for p in tmp_path.iterdir()}
    assert names >= {*FILES, *(f"{f.id}.{end}" for f in figures for end in ("svg", "png"))}
    assert all(path.stat().st_size > 0 for path in written)


def test_scales_are_known_for_the_measures_that_have_one():
    assert (str(scale_of("n-1")), str(scale_of("time-to-survive"))) == ("share", "months")
