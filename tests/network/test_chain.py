"""What the schema of a chain allows and refuses."""

import pytest
from pydantic import ValidationError

from lodeline.network.chain import (
    Chain,
    Code,
    Exclusion,
    NetExports,
    Parameter,
    Recipe,
)


def figure(value, low=None, high=None):
    return {
        "value": value,
        "low": value if low is None else low,
        "high": value if high is None else high,
        "source": "worked example",
    }


@pytest.mark.parametrize(
    ("value", "low", "high"), [(0.5, 0.6, 0.7), (0.8, 0.6, 0.7), (float("nan"), 0.0, 1.0)]
)
def test_a_figure_lies_in_its_range(value, low, high):
    with pytest.raises(ValidationError):
        Parameter(**figure(value, low, high))


@pytest.mark.parametrize("value", [True, "0.3", None])
def test_a_figure_is_a_number_and_not_something_that_can_be_read_as_one(value):
    with pytest.raises(ValidationError):
        Parameter(value=value, low=0.0, high=1.0, source="worked example")


def test_a_figure_without_a_source_is_refused():
    with pytest.raises(ValidationError, match="source"):
        Parameter.model_validate({"value": 1.0, "low": 1.0, "high": 1.0})


@pytest.mark.parametrize("content", [figure(0.0), figure(0.5, 0.5, 1.2)])
def test_content_is_more_than_nothing_and_at_most_the_whole(content):
    with pytest.raises(ValidationError):
        Code(code="260400", content=content)


def test_an_exporter_of_leaner_ore_has_its_own_content():
    code = Code(code="260400", content=figure(0.015), origins={"PHL": figure(0.009)})
    assert code.content_from("PHL").value == 0.009
    assert code.content_from("IDN").value == 0.015


def test_a_recipe_can_differ_by_country():
    recipe = Recipe(
        id="smelting",
        makes="aluminium",
        inputs={"bauxite": figure(5.0)},
        share_of_output=figure(0.0),
        share_by_country={"CHN": figure(1.0)},
    )
    assert recipe.share_in("CHN").value == 1.0
    assert recipe.share_in("NOR").value == 0.0


def test_negative_domestic_use_is_refused():
    with pytest.raises(ValidationError, match="low >= 0"):
        NetExports(kind="net-exports", domestic_use=figure(-0.1))


def test_exclusions_run_forward_in_time_and_say_why():
    good = {"code": "280530", "exporter": "AUS", "reason": "concentrate booked as metal"}
    assert Exclusion(years=(2014, 2014), **good).importer is None
    with pytest.raises(ValidationError, match="first year is after the last"):
        Exclusion(years=(2015, 2014), **good)
    with pytest.raises(ValidationError, match="reason"):
        Exclusion(years=(2014, 2014), **{**good, "reason": "wrong"})


def test_chains_are_frozen():
    from lodeline.network.catalogue import load_chain

    chain = load_chain("nickel")
    with pytest.raises(ValidationError, match="frozen"):
        chain.id = "other"


def test_every_field_of_the_schema_is_documented():
    def models(model, seen):
        if model not in seen:
            seen.add(model)
            for child in model.__subclasses__():
                models(child, seen)
        return seen

    undocumented = {
        (model.__name__, name)
        for model in models(Chain.__base__, set())
        for name, field in model.model_fields.items()
        if not field.description and name not in {"id", "kind"}
    }
    assert undocumented == set()
