"""Two runs beside each other."""

import copy

from lodeline.results.comparison import RunFiles, compare_runs

METRICS = {
    "unmet_share_peak": 0.3, "unmet_t_total": 100.0, "time_to_survive_months": 2,
    "time_to_recover_months": None, "price_multiple_peak": 2.0, "cost_usd": 1e6,
}  # fmt: skip
SUMMARY = {
    "countries": {"JPN": dict(METRICS)},
    "chains": {"nickel": {"countries": {"JPN": dict(METRICS)}}},
}
MANIFEST = {
    "lodeline": "0.1", "python": "3.11", "machine": "x", "libraries": {"numpy": "2"},
    "dataset": {"sha256": "a"}, "options": {"months": 3},
    "scenario": {"restrictions": [{"id": "ban", "severity": {"value": 1.0}}]}, "chains": {},
}  # fmt: skip


def of(summary=SUMMARY, manifest=MANIFEST, name="a"):
    return RunFiles(name, summary, manifest)


def test_a_run_does_not_differ_from_itself():
    result = compare_runs(of(), of(), least=0.0)
    assert result.inputs.is_empty()
    assert result.figures.is_empty()
    assert result.compared == 10


def test_what_went_in_otherwise_is_named_by_its_path():
    changed = copy.deepcopy(MANIFEST)
    changed["scenario"]["restrictions"][0]["severity"]["value"] = 0.5
    changed["options"] = {}
    rows = compare_runs(of(), of(manifest=changed)).inputs.rows()
    assert ("scenario.restrictions.ban.severity.value", "1.0", "0.5") in rows
    assert ("options.months", "3", None) in rows
    assert len(rows) == 2


def test_changes_are_measured_against_the_larger_figure_and_small_ones_left_out():
    changed = copy.deepcopy(SUMMARY)
    changed["chains"]["nickel"]["countries"]["JPN"] |= {"unmet_t_total": 50.0, "cost_usd": 1.005e6}
    result = compare_runs(of(), of(changed))
    assert result.figures.rows() == [("nickel", "JPN", "unmet_t_total", 100.0, 50.0, -0.5)]


def test_the_countries_asked_about_come_first():
    sides = []
    for scale in (1.0, 2.0):
        rows = {c: {"cost_usd": scale * k} for c, k in (("ITA", 1.0), ("AUT", 1.0), ("JPN", 1.5))}
        rows["AUT"]["cost_usd"] *= scale
        sides.append({"countries": rows, "chains": {}})
    manifest = MANIFEST | {"options": {"asked": ["JPN", "ITA"]}}
    figures = compare_runs(of(sides[0]), of(sides[1], manifest)).figures
    assert figures["country"].to_list() == ["JPN", "ITA", "AUT"]
    # Whom the headline names comes before those asked about.
    sides[1]["headline"] = {"country": "AUT"}
    figures = compare_runs(of(sides[0]), of(sides[1], manifest)).figures
    assert figures["country"].to_list() == ["AUT", "JPN", "ITA"]


def test_an_absent_figure_beside_one_that_is_there_has_moved():
    changed = copy.deepcopy(SUMMARY)
    changed["countries"]["JPN"]["time_to_survive_months"] = None
    [row] = compare_runs(of(), of(changed)).figures.rows(named=True)
    assert (row["metric"], row["before"], row["after"], row["change"]) == (
        "time_to_survive_months", 2.0, None, None,
    )  # fmt: skip
