from itertools import pairwise

import polars as pl
import pytest

from lodeline.report.sankey import like_sized, sankey


def table(**rows):
    keys = [k.split("_") for k in rows]
    return pl.DataFrame(
        [
            {"exporter": e, "importer": i, "before_t": b, "during_t": d}
            for (e, i), (b, d) in zip(keys, rows.values(), strict=True)
        ]
    )


def draw(supply, **fields):
    given = {
        "buyers": ["JPN", "ITA"], "restricting": ["CHN"], "name": str.lower, "unit": "t",
        "titles": ("before", "during"), **fields,
    }  # fmt: skip
    return sankey(supply, **given)


def test_bars_are_as_high_as_the_flows_on_both_panels():
    before, during = draw(table(CHN_JPN=(80.0, 20.0), VNM_JPN=(20.0, 40.0)))
    height = {b.name: b.height for b in before.suppliers}
    assert height["chn"] == pytest.approx(4 * height["vnm"], rel=0.01)
    assert during.buyers[0].height == pytest.approx(0.6 * before.buyers[0].height, rel=0.01)


def test_the_restricting_and_the_own_flows_are_told_apart():
    before, _ = draw(table(CHN_JPN=(5.0, 0.0), JPN_JPN=(4.0, 5.0), VNM_JPN=(3.0, 3.0)))
    assert [r.kind for r in before.ribbons] == ["restricted", "own", "other"]


def test_who_stops_supplying_is_named_still():
    _, during = draw(table(CHN_JPN=(5.0, 0.0), VNM_JPN=(3.0, 4.0)))
    assert [(b.name, b.amount) for b in during.suppliers] == [("chn", "0"), ("vnm", "4.00")]
    assert len(during.ribbons) == 1


def test_small_suppliers_are_joined_and_nothing_is_lost():
    rows = {f"S{chr(65 + i)}X_JPN": (float(20 - i), float(20 - i)) for i in range(15)}
    before, _ = draw(table(**rows))
    assert before.suppliers[-1].name == "Others (8)"
    assert before.buyers[0].amount == "195"


def test_nothing_supplied_draws_nothing():
    assert draw(table(CHN_KOR=(5.0, 4.0))) is None
    assert draw(table(CHN_JPN=(0.0, 0.0))) is None


def test_names_do_not_cover_each_other():
    rows = {f"S{chr(65 + i)}X_JPN": (0.01, 0.01) for i in range(6)} | {"CHN_JPN": (99.0, 1.0)}
    for panel in draw(table(**rows)):
        heights = [b.label_y for b in panel.suppliers]
        assert all(b - a > 12 for a, b in pairwise(heights))


def test_a_small_buyer_gets_its_own_scale():
    supply = table(CHN_JPN=(800.0, 1.0), CHN_KOR=(200.0, 1.0), CHN_ITA=(16.0, 1.0))
    assert like_sized(supply, ["JPN", "ITA", "KOR", "FRA"]) == [["JPN", "KOR"], ["ITA"]]
