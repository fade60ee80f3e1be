import io
from dataclasses import replace

import polars as pl
import pytest
from rich.console import Console

from lodeline.report import brief
from lodeline.report.depends import depends
from lodeline.report.terminal import stress_table


def shown(result, width=80):
    out = io.StringIO()
    console = Console(file=out, width=width, color_system=None)
    for part in stress_table(result):
        console.print(part)
    return out.getvalue()


def row(text, material, country):
    """Return the cells of a country under a material's heading."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(material))
    line = next(line for line in lines[start:] if line.startswith(f"  {country}"))
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


@pytest.mark.parametrize("width", [80, 200])
def test_it_fits_eighty_columns(result, width):
    assert max(len(line) for line in shown(result, width).splitlines()) <= 80


def test_it_holds_the_answer_and_a_line_for_each_material_and_country(result):
    text = " ".join(shown(result).split())
    assert "Japan would lack up to 36 % (range 21–52 %)" in text
    assert text.count("Italy") == 2
    assert "…" not in text


def test_inferred_lanes_are_said(result, changed):
    chains = {n: replace(c, inferred={c.form: "trade in x"}) for n, c in result.chains.items()}
    text = " ".join(shown(changed(chains=chains)).split())
    assert "is inferred from trade in x, not observed." in text
    assert "inferred" not in shown(result)


def test_never_short_and_never_recovered_are_told_apart(result):
    text = shown(result)
    assert row(text, "Tungsten", "Japan")[3:5] == ["3", "> 24"]
    assert row(text, "Tungsten", "Italy")[3:5] == ["> 24", "–"]


def test_the_unit_stands_once_in_the_heading_of_the_material(result):
    chain = result.chains["tungsten"]
    unit = chain.units[chain.form]
    assert shown(result).count(unit) == 1


def test_no_word_is_ever_broken(changed, result):
    names = dict(result.country_names) | {
        "JPN": "The United Kingdom of Great Britain and Northern Ireland",
        "ITA": "Bosnia and Herzegovina",
    }
    title = " ".join(["antidisestablishmentarianism"] * 9)
    wide = {"cost_usd": pl.lit(-1.23e13), "unmet_t_total": pl.col("unmet_t_total") * 1e6}
    chains = {
        name: replace(chain, metrics=chain.metrics.with_columns(**wide))
        for name, chain in result.chains.items()
    }
    scenario = {**result.scenario, "title": title}
    text = shown(changed(scenario=scenario, country_names=names, chains=chains))
    assert max(len(line) for line in text.splitlines()) <= 80
    words = set(text.split())
    assert {"Northern", "Herzegovina"} <= words
    assert text.count("antidisestablishmentarianism") == 9


def test_markup_in_a_title_has_no_effect(changed, result):
    text = shown(changed(scenario={**result.scenario, "title": "[red]x[/red] [link=http://a]"}))
    assert "[red]x[/red]" in text


def test_without_recorded_use_there_is_an_answer_and_no_table(changed):
    text = shown(changed(asked=("ATA",), headline={}, country_names={"ATA": "Antarctica"}))
    assert "nothing would be lost by Antarctica" in " ".join(text.split())
    assert "Worst" not in text


def test_lines_that_are_left_out_are_counted(changed, result):
    everybody = changed(asked=tuple(result.country_names))
    text = shown(everybody)
    left = len(brief.asked_rows(everybody)) - 20
    assert sum(line.startswith("  ") and "×" in line for line in text.splitlines()) == 20
    assert f"{left} less affected lines are left out" in text


def test_it_tells_what_carries_the_country_below_the_table(result):
    text = " ".join(shown(result).split())
    told = [" ".join(sentence.replace("\u00a0", " ").split()) for sentence in depends(result)]
    assert told
    assert all(sentence in text for sentence in told)
    assert text.index("Recovers") < text.index(told[0]) < text.index("Worst month: share")
