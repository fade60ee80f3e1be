"""All measures beside each other: each as it is by itself, each with what it sees."""

import pytest

from lodeline.errors import InputError
from lodeline.studies.exposure import METHODS, Request
from lodeline.studies.exposure.beside import SEES
from lodeline.studies.exposure.frame import run_exposure


@pytest.fixture(scope="module")
def beside():
    return run_exposure(Request("beside", ("antimony",), ("ITA",), (2022,))).rows


def test_every_measure_is_there_and_says_what_it_sees(beside):
    assert set(beside["measure"]) == set(SEES) <= set(METHODS)
    assert beside["sees"].null_count() == 0


def test_figures_are_those_of_the_measures_by_themselves(beside):
    shown = {row["measure"]: row for row in beside.iter_rows(named=True)}
    for name in ("top3", "import-reliance", "geopolrisk"):
        alone = run_exposure(Request(name, ("antimony",), ("ITA",), (2022,))).rows.row(
            0, named=True
        )
        assert shown[name]["value"] == alone["value"]
        assert shown[name]["inputs"] == alone["inputs"]
    origins = run_exposure(Request("origin", ("antimony",), ("ITA",), (2022,))).rows
    assert shown["origin"]["value"] in origins["value"].to_list()
    assert shown["n-1"]["country"] == "WLD"


def test_it_needs_one_material_and_one_country():
    with pytest.raises(InputError, match="one --country"):
        run_exposure(Request("beside", ("antimony",), ("ITA", "JPN")))
