"""docs/episodes.md tells of every field, and its table of the library is what the data say."""

import re
from pathlib import Path

import pytest
from test_episode_library import EPISODES, change

from lodeline.scenarios.episode import Cited, Episode, Given
from lodeline.scenarios.episode_reading import episode_codes, parse_episode
from lodeline.studies.backtest.artefacts import Verdict

PAGE = (Path(__file__).parents[2] / "docs" / "episodes.md").read_text(encoding="utf-8")
MODELS = [Episode, Cited]
TRACKS = {Given.TOTAL_EXPORTS: "A", Given.ANNOUNCEMENT: "B"}


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.__name__)
def test_every_field_of_an_episode_is_documented(model):
    missing = [name for name in model.model_fields if f"| `{name}` |" not in PAGE]
    assert missing == []


def test_the_example_is_a_valid_episode():
    [example] = re.findall(r"^```yaml\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
    assert parse_episode(example.encode(), source="docs").id == "chile-lithium-2019"


def span(years):
    return f"{years[0]}" if len(years) == 1 else f"{years[0]}-{years[-1] % 100:02d}"


@pytest.mark.parametrize("name", EPISODES)
def test_the_table_of_the_library_is_true(name):
    [line] = [text for text in PAGE.splitlines() if text.startswith(f"| `{name}` | ")]
    e = EPISODES[name]
    assert [cell.strip() for cell in line.strip("|").split("|")] == [
        f"`{name}`",
        str(e.instrument),
        " ".join(episode_codes(e)),
        span(e.base_years),
        span(e.predict_years),
        "".join(TRACKS[g] for g in e.given),
        f"{change(name):+.0%}",
        "placebo" if e.placebo else "",
    ]


def test_episodes_that_the_page_names_exist():
    shown = PAGE[PAGE.index("## The library") : PAGE.index("## The detector")]
    named = set(re.findall(r"`([a-z]+-[a-z0-9-]*\d{4})`", shown))
    assert named == set(EPISODES)


def test_every_verdict_is_documented():
    assert all(f"| `{verdict}` |" in PAGE for verdict in Verdict)
