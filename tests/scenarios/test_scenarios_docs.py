"""docs/scenarios.md tells of every field, and its example is a valid scenario."""

import re
from pathlib import Path

import pytest

from lodeline.network.sea import sea
from lodeline.scenarios.groups import GROUPS
from lodeline.scenarios.reading import KINDS, parse_scenario
from lodeline.scenarios.restriction_base import Follows
from lodeline.scenarios.restrictions import Kind, Uncertain
from lodeline.scenarios.spec import Assumption, Scenario, Source
from lodeline.scenarios.stock_rule import Stocks

PAGE = (Path(__file__).parents[2] / "docs" / "scenarios.md").read_text(encoding="utf-8")
MODELS = [Scenario, Assumption, Source, Uncertain, Follows, Stocks, *KINDS.values()]


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.__name__)
def test_every_field_is_documented(model):
    missing = [name for name in model.model_fields if f"| `{name}` |" not in PAGE]
    assert missing == []


def test_no_field_is_documented_that_does_not_exist():
    known = {name for model in MODELS for name in model.model_fields}
    assert set(re.findall(r"^\| `([a-z_]+)` \|", PAGE, flags=re.MULTILINE)) <= known


def test_every_type_and_group_is_named():
    assert set(KINDS) == set(Kind)
    assert all(f"**`{kind}`**" in PAGE for kind in KINDS)
    assert all(f"`{group}`" in PAGE for group in GROUPS)


def test_the_example_is_a_valid_scenario():
    [example] = re.findall(r"^```yaml\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
    assert parse_scenario(example.encode(), source="docs").id == "chile-lithium-licences"


def test_every_route_is_named():
    assert all(f"`{route}`" in PAGE for route in sea().routes)
