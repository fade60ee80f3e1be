"""Users by size: no ranking is led by a country that uses next to nothing."""

import polars as pl

from lodeline.results.users import LARGE_USER, hit_elsewhere, with_world_share


def metrics(*rows):
    names = ["country", "form", "reference_use_t", "unmet_share_peak"]
    table = pl.DataFrame(rows, schema=names, orient="row")
    return table.with_columns(is_remainder=pl.lit(value=False))


USERS = metrics(
    ("IND", "lng", 900.0, 0.085), ("PAK", "lng", 90.0, 0.11), ("MRT", "lng", 1.0, 0.9),
    ("KWT", "lng", 9.0, 0.95), ("PAK", "other", 1.0, 0.99), ("QAT", "lng", None, None),
)  # fmt: skip


def test_the_hardest_hit_large_user_is_named_and_not_the_hardest_hit():
    assert hit_elsewhere(USERS, "lng", ["IND"], 0.085)["country"] == "PAK"


def test_a_mere_remainder_is_passed_over():
    marked = USERS.with_columns(is_remainder=pl.col("country") == "PAK")
    assert hit_elsewhere(marked, "lng", ["IND"], 0.085) is None


def test_nobody_is_named_who_was_asked_about_or_lacks_no_more():
    assert hit_elsewhere(USERS, "lng", ["IND", "PAK"], 0.085) is None
    assert hit_elsewhere(USERS, "lng", ["IND"], 0.11) is None


def test_nobody_is_named_who_lacks_less_than_a_point_more():
    peak = USERS.filter(country="PAK")["unmet_share_peak"][0]
    assert hit_elsewhere(USERS, "lng", ["IND"], peak - 0.009) is None
    assert hit_elsewhere(USERS, "lng", ["IND"], peak - 0.011)["country"] == "PAK"


def test_shares_of_the_world_add_up_by_form():
    shares = with_world_share(USERS)
    totals = shares.group_by("form").agg(pl.col("world_use_share").sum())
    assert set(totals["world_use_share"].round(12)) == {1.0}
    assert shares.filter(country="QAT")["world_use_share"][0] is None
    large = shares.filter(pl.col("world_use_share") >= LARGE_USER)
    assert large.filter(form="lng")["country"].to_list() == ["IND", "PAK"]
