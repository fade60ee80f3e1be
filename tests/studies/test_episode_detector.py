"""The detector proposes what really happened and says what speaks against the rest."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from lodeline.errors import UnknownNameError
from lodeline.scenarios.episode_reading import episode_ids, load_episode
from lodeline.studies.backtest.artefacts import NO_REASON, Verdict
from lodeline.studies.backtest.detector import Thresholds, detect


@pytest.fixture(scope="module")
def stops():
    return detect()


def at(stops, code, exporter, year, importer=None):
    """Return verdict and reason of one stop, or None if there is none."""
    who = pl.col("importer").is_null() if importer is None else pl.col("importer") == importer
    rows = stops.filter(
        who, pl.col("code") == code, pl.col("exporter") == exporter, pl.col("year") == year
    )
    return rows.select("verdict", "reason").row(0) if rows.height else None


@pytest.mark.parametrize(
    ("code", "exporter", "year", "importer"),
    [
        ("260400", "IDN", 2014, None),
        ("260400", "IDN", 2020, None),
        ("260600", "IDN", 2014, None),
        ("260600", "MYS", 2016, None),
        ("260600", "IDN", 2023, None),
        ("284610", "CHN", 2011, None),
        ("284690", "CHN", 2012, None),
        ("271121", "RUS", 2022, None),
        ("260300", "IDN", 2014, None),
        ("260300", "PAN", 2024, None),
        ("260200", "AUS", 2024, None),
        ("260400", "NCL", 2024, None),
        ("720292", "ZAF", 2016, None),
        ("261400", "UKR", 2022, None),
        ("250830", "UKR", 2022, None),
        ("260900", "COG", 2011, None),
        ("260111", "IND", 2011, None),
        ("270112", "AUS", 2021, "CHN"),
        ("270112", "RUS", 2022, "NLD"),
    ],
)
def test_what_happened_is_proposed(stops, code, exporter, year, importer):
    assert at(stops, code, exporter, year, importer) == (Verdict.CANDIDATE, NO_REASON)


@pytest.mark.parametrize(
    ("code", "exporter", "year", "verdict", "reason"),
    [
        # Congo books cobalt for China under 282200, China under 8105.
        ("282200", "COD", 2022, Verdict.ARTEFACT, "booked twice before: COD to CHN holds"),
        ("282200", "COD", 2024, Verdict.ARTEFACT, "booked twice before: COD to CHN holds"),
        # A value of 22 Mt of anthracite beside 7.8 Mt.
        ("270111", "PRK", 2016, Verdict.ARTEFACT, "tonnes fell, value did not"),
        ("284690", "CHN", 2016, Verdict.ARTEFACT, "tonnes fell, value did not"),
        ("260300", "CHL", 2021, Verdict.ARTEFACT, "tonnes fell, value did not"),
        # Residues at a fifth of the price of compounds.
        ("284690", "USA", 2019, Verdict.ARTEFACT, "another product"),
        ("284690", "RUS", 2010, Verdict.ARTEFACT, "another product"),
        # The customs union of southern Africa gave way to South Africa.
        ("720292", "ZA1", 2000, Verdict.ARTEFACT, "the country code ZA1 ended with 1999"),
        ("260300", "ESP", 2020, Verdict.DOUBTFUL, "passes material on"),
        ("282200", "COD", 2014, Verdict.DOUBTFUL, "are rebuilt from value"),
    ],
)
def test_what_only_reporting_did_is_kept_out_with_the_reason(
    stops, code, exporter, year, verdict, reason
):
    found, said = at(stops, code, exporter, year)
    assert found == verdict
    assert reason in said


def test_concentrate_booked_as_metal_never_becomes_a_candidate(stops):
    # 51.5 kt of Australian concentrate under rare-earth metals in 2014.
    rows = stops.filter(pl.col("code") == "280530", pl.col("exporter") == "AUS")
    assert rows.filter(pl.col("verdict") == Verdict.CANDIDATE).is_empty()


def test_a_dead_code_proposes_nothing_after_its_end(stops):
    late = stops.filter(pl.col("code") == "811230", pl.col("year") > 2006)
    assert late.height > 0
    assert set(late["reason"]) == {"the code died after 2006"}


def test_fear_without_loss_is_no_stop(stops):
    for name in episode_ids():
        episode = load_episode(name)
        if episode.placebo and episode.targets is None:
            found = stops.filter(pl.col("episode") == name, pl.col("importer").is_null())
            assert found.is_empty(), name


def test_every_row_has_a_verdict_and_a_reason(stops):
    assert set(stops["verdict"]) == set(Verdict)
    assert stops["reason"].null_count() == 0
    candidate = pl.col("verdict") == Verdict.CANDIDATE
    assert set(stops.filter(candidate)["reason"]) == {NO_REASON}
    assert NO_REASON not in set(stops.filter(~candidate)["reason"])
    assert stops.filter(~pl.col("fall").is_between(0.35, 1.0)).is_empty()
    keys = ["code", "exporter", "importer", "year"]
    assert stops.select(keys).is_duplicated().sum() == 0


def test_one_code_gives_the_same_rows_as_all(stops):
    alone = detect(["282200"])
    assert_frame_equal(alone, stops.filter(pl.col("code") == "282200"))


def test_a_stricter_threshold_proposes_less():
    mild, strict = (detect(["260600"], thresholds=Thresholds(fall=f)) for f in (0.35, 0.8))
    whole = pl.col("importer").is_null()
    assert 0 < strict.filter(whole).height < mild.filter(whole).height
    assert strict.filter(whole)["fall"].min() >= 0.8


def test_an_unknown_code_is_told():
    with pytest.raises(UnknownNameError, match="260401"):
        detect(["260401"])
