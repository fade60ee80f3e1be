import io

from rich.console import Console

from lodeline.report.terminal import stress_table


def shown(result):
    out = io.StringIO()
    console = Console(file=out, width=80, color_system=None)
    for part in stress_table(result):
        console.print(part)
    return out.getvalue()


def test_it_fits_eighty_columns(result):
    assert max(len(line) for line in shown(result).splitlines()) <= 80


def test_it_holds_the_answer_and_a_row_for_each_country_and_chain(result):
    text = " ".join(shown(result).split())
    assert "Japan would lack up to 36 % (range 21–52 %)" in text
    assert text.count("Italy") == 2
    assert "…" not in text


def test_never_short_and_never_recovered_are_told_apart(result):
    lines = shown(result).splitlines()
    japan = next(line for line in lines if line.startswith("Japan   tungsten"))
    italy = next(line for line in lines if line.startswith("Italy   tungsten"))
    assert japan.split()[5:8] == ["3", ">", "24"] or "3     > 24" in japan
    assert "> 24" in italy
    assert "–" in italy


def test_markup_in_a_title_has_no_effect(changed, result):
    text = shown(changed(scenario={**result.scenario, "title": "[red]x[/red] [link=http://a]"}))
    assert "[red]x[/red]" in text
