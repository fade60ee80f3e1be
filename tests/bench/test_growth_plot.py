"""The picture of growth shows what was measured, and is well-formed."""

from xml.etree import ElementTree

from lodeline.bench.growth_plot import growth_svg


def row(spec="a", scenarios=1000, months=36, workers=0, nodes=200, seconds=4.0):
    return {
        "spec": spec, "scenarios": scenarios, "months": months, "workers": workers,
        "nodes": nodes, "seconds": seconds,
    }  # fmt: skip


def test_each_panel_shows_the_rows_that_differ_in_it_alone():
    rows = [
        row(), row(scenarios=4000, seconds=17.0), row(months=12, seconds=1.5),
        row(scenarios=4000, workers=1, seconds=18.0), row(scenarios=4000, workers=2, seconds=9.5),
        row(spec="b", nodes=90, seconds=1.25),
    ]  # fmt: skip
    svg = ElementTree.fromstring(growth_svg(rows))
    space = "{http://www.w3.org/2000/svg}"
    assert len(svg.findall(f".//{space}circle")) == 8
    said = [t.text for t in svg.findall(f".//{space}text")]
    for text in ("17 s", "1.5 s", "1.25 s", "9.5 s", "4000", "90"):
        assert text in said


def test_a_single_row_is_drawn_too():
    assert ElementTree.fromstring(growth_svg([row()])) is not None
