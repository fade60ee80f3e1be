import re

import pytest

from lodeline.errors import DataError
from lodeline.report.worldmap import CLASSES, WIDTH, equal_earth, outlines, shades


def feature(code, ring, **more):
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return {"type": "Feature", "properties": {"name": code}, "geometry": geometry, **more}


def xs(path):
    """Absolute x of a path of relative steps."""
    start, steps = re.fullmatch(r"M(\S+) \S+l(.*)z", path).groups()
    out = [float(start)]
    for step in re.findall(r"(-?[\d.]+) -?[\d.]+", steps):
        out.append(out[-1] + float(step))
    return out


def test_equal_earth_is_symmetric_and_keeps_its_published_extent():
    assert equal_earth(180, 0)[0] == pytest.approx(2.7066299836, abs=1e-9)
    assert equal_earth(0, 90)[1] == pytest.approx(1.3173627591574, abs=1e-9)
    assert equal_earth(-30, -40) == pytest.approx([-v for v in equal_earth(30, 40)])


def test_equal_earth_keeps_areas():
    def cell(lon, lat, d=0.01):
        (x0, y0), (x1, _), (_, y1) = (
            equal_earth(lon, lat), equal_earth(lon + d, lat), equal_earth(lon, lat + d)
        )  # fmt: skip
        return (x1 - x0) * (y1 - y0)

    import math

    assert cell(0, 60) / cell(0, 0) == pytest.approx(math.cos(math.radians(60)), rel=1e-3)


def test_a_country_across_the_date_line_is_not_smeared_over_the_map():
    ring = [[170, 60], [178, 60], [-178, 62], [-172, 66], [175, 70], [170, 60]]
    (shape,) = outlines({"features": [feature("RUS", ring, id="RUS")]})
    drawn = xs(shape.path)
    assert max(drawn) - min(drawn) < WIDTH / 10


def test_the_code_may_be_the_feature_s_id_or_a_property(world):
    ring = [[0, 0], [9, 0], [9, 9], [0, 0]]
    (shape,) = outlines({"features": [feature("x", ring, id="GHA")]})
    assert shape.iso3 == "GHA"
    assert {"JPN", "ITA"} <= {o.iso3 for o in outlines(world)}


def test_a_map_that_names_nobody_is_an_error():
    ring = [[0, 0], [9, 0], [9, 9], [0, 0]]
    with pytest.raises(DataError, match="names no country"):
        outlines({"features": [feature("x", ring)]})


def test_antarctica_and_specks_are_left_out():
    far = feature("Antarctica", [[0, -80], [9, -80], [9, -70], [0, -80]])
    speck = feature("x", [[0, 0], [0.001, 0], [0.001, 0.001], [0, 0]], id="VAT")
    kept = feature("y", [[0, 0], [9, 0], [9, 9], [0, 0]], id="GHA")
    assert [o.iso3 for o in outlines({"features": [far, speck, kept]})] == ["GHA"]


def test_each_share_has_its_class_and_absent_ones_have_none():
    found = shades({"A": 0.0, "B": 0.01, "C": 0.1499, "D": 1.0, "E": None, "F": float("nan")})
    assert {c: s.label for c, s in found.items()} == {
        "A": "under 1 %", "B": "1–5 %", "C": "5–15 %", "D": "50 % and more",
    }  # fmt: skip


def test_the_colours_grow_darker():
    def light(colour):
        return sum(int(colour[i : i + 2], 16) for i in (1, 3, 5))

    values = [light(c.colour) for c in CLASSES]
    assert values == sorted(values, reverse=True)
