"""``lodeline plan``: its contract, its files, its refusals."""

import json
import sys
from pathlib import Path

import pytest

from lodeline.cli.main import main

sys.path.insert(0, str(Path(__file__).parents[1] / "studies"))

from plan_cases import PLAN, plan_files


def run(capsys, *arguments):
    code = main(["plan", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("plan")


@pytest.fixture(scope="module")
def first(folder):
    """Run once with files; return the exit code."""
    path = plan_files(folder)
    return main(
        ["plan", str(path), "--gap", "1e-4", "--own-loss", "--out", str(folder / "out"), "--json"]
    )


@pytest.fixture(scope="module")
def summary(folder, first):
    assert first == 0
    return json.loads((folder / "out" / "summary.json").read_text())


def test_the_contract(summary):
    for m in summary["measures"]:
        assert {"id", "built", "when", "cost_usd", "prevents_usd", "paid_by", "helps_in"} <= set(m)
        assert m["built"] == bool(m["decisions"])
        assert len(m["helps_most"]) == min(5, round((m["helps_in"] or 0.0) * summary["fresh"]))
        assert m["cost_usd"] == pytest.approx(sum(m["paid_by"].values()))
    assert set(summary["shares"]) == {"JPN", "USA"}
    assert summary["bound"] <= summary["objective"]
    assert summary["gap"] <= 1e-4
    assert summary["expected_cost"] == pytest.approx(
        summary["charge_usd"] + summary["expected_loss"]
    )


def test_separate_is_what_is_reported_alone_and_nothing_else(summary):
    views = {v["name"]: v for v in summary["market"]}
    alone = [d for name, v in views.items() if name.startswith("alone: ") for d in v["measures"]]
    assert sorted(views["separate"]["measures"]) == sorted(alone)
    by_coalition = {tuple(c["members"]): c["measures"] for c in summary["coalitions"]}
    for partner in ("JPN", "USA"):
        assert views[f"alone: {partner}"]["measures"] == by_coalition[(partner,)]


def test_shapley_shares_add_up_to_the_joint_saving(summary):
    joint = summary["coalitions"][-1]
    assert sum(s["shapley"] for s in summary["shares"].values()) == joint["saving"]


def test_joining_never_loses_and_budgets_are_kept(summary):
    assert summary["saved_by_joining_usd"] >= 0.0
    assert summary["cost_usd"] <= 55e6 * (1 + 1e-9)
    for c in summary["coalitions"]:
        assert c["lower"] <= c["upper"]


def test_more_money_is_never_worse(summary):
    uppers = [p["upper"] for p in summary["frontier"]]
    lowers = [p["lower"] for p in summary["frontier"]]
    assert uppers == sorted(uppers, reverse=True)
    assert all(low <= high for low, high in zip(lowers, uppers, strict=True))
    assert uppers[0] == pytest.approx(summary["without"])


def test_the_market_is_judged_in_fresh_futures(summary):
    names = [v["name"] for v in summary["market"]]
    assert names[:3] == ["nothing", "joint", "separate"]
    assert names[-1] == "own loss"
    assert all(v["charge"] >= 0.0 for v in summary["market"])


def test_going_on_gives_the_same_bytes(folder, summary, capsys):
    before = (folder / "out" / "summary.json").read_bytes()
    kept = sorted((folder / "out" / "evaluations").iterdir())
    for path in kept[len(kept) // 2 :]:
        path.unlink()
    code, out, _ = run(
        capsys,
        folder / "plan.yaml",
        "--gap",
        "1e-4",
        "--own-loss",
        "--out",
        folder / "out",
        "--resume",
    )
    assert code == 0
    assert (folder / "out" / "summary.json").read_bytes() == before
    assert "measures" in out
    told = " ".join(out.split())
    assert "futures are too few to decide by: the worst" in told
    assert "other futures give other figures" in told
    built = [m for m in summary["measures"] if m["built"]]
    stay = sum(m["if_dearer"] == m["if_cheaper"] == "same" for m in built)
    assert f"nothing changes for {stay} of the {len(built)} chosen ones" in told
    for m in built:
        named = f"{m['title']} (modules if dearer: {m['if_dearer']}; if cheaper: {m['if_cheaper']})"
        assert (named in told) == ((m["if_dearer"], m["if_cheaper"]) != ("same", "same"))
    for c in summary["comparisons"]:
        assert c["world_error_usd"] >= 0.0
    assert "futures of the market, charge included, joining saves" in told
    assert "one standard error" in told
    assert "only exchanges that help in 8 others too were made" in told
    assert max(map(len, out.splitlines())) <= 80
    page = (folder / "out" / "report.html").read_text()
    assert "<script" not in page
    assert summary["specification"]["title"] in page
    assert "value of the stochastic solution" in page
    for m in summary["measures"]:
        named = f'title="{", ".join(m["assumed"]).replace("_", " ")}">assumed</span>'
        assert not (m["built"] and m["assumed"]) or named in page


def test_another_run_is_not_overwritten(folder, first, capsys):
    assert first == 0
    code, _, err = run(capsys, folder / "plan.yaml", "--out", folder / "out")
    assert (code, "--resume" in err) == (2, True)
    code, _, err = run(capsys, folder / "plan.yaml", "--seed", "5", "--out", folder / "out")
    assert (code, "seed" in err) == (2, True)


def test_wrong_input_is_refused_with_line_and_remedy(tmp_path, capsys):
    path = plan_files(tmp_path, PLAN.replace("interest: 0.05", "intrest: 0.05"))
    code, out, err = run(capsys, path)
    assert (code, out) == (2, "")
    assert "line 11" in err
    assert "'interest'" in err
    assert "Traceback" not in err


def test_a_measure_where_nothing_is_traded_is_refused(tmp_path, capsys):
    path = plan_files(tmp_path, PLAN.replace("origin: GBR", "origin: TUV"))
    code, _, err = run(capsys, path)
    assert code == 2
    assert "TUV" in err


def test_a_file_that_is_not_there(capsys):
    code, _, err = run(capsys, "no-such-plan.yaml")
    assert code == 2
    assert "no-such-plan.yaml" in err


@pytest.mark.parametrize(
    ("old", "new", "is_shared"),
    [
        (
            "measures:\n",
            "minimum_shares:\n  - {chain: rhodium, form: metal, countries: [JPN], share: 0.02}\n"
            "measures:\n",
            True,
        ),
        ("tail_weight: 0.5", "cvar_usd_at_most: 1.41e9", False),
    ],
    ids=["minimum share", "limit on the CVaR"],
)
def test_a_rule_that_not_every_budget_or_partner_can_keep(tmp_path, capsys, old, new, is_shared):
    path = plan_files(tmp_path, PLAN.replace(old, new, 1))
    code, out, err = run(capsys, path, "--json", "--out", tmp_path / "out")
    assert (code, "Traceback" in err) == (0, False)
    found = json.loads(out)
    assert found["bound"] <= found["objective"] * (1 + 1e-9)
    assert "obeys all rules" in err
    assert all(p["budget_factor"] > 0.0 for p in found["frontier"])
    # A share of Japan's is asked of Japan alone; the world's loss is everybody's.
    assert (found["shares"]["JPN"]["shapley"] is not None) == is_shared
    assert (found["coalitions"][0]["members"] == ["JPN"]) == is_shared


LEVELS = """\
minimum_cover:
  - {chain: rhodium, form: metal, countries: [USA], days: 4}
unmet_limits:
  - {chain: rhodium, countries: [JPN, USA], share_at_most: 0.03, in_futures: 0.5, over: whole-plan}
measures:
"""


def test_levels_of_security_bind_the_plan_and_limits_on_unmet_use_get_one_of_their_own(
    tmp_path, capsys
):
    path = plan_files(tmp_path, PLAN.replace("measures:\n", LEVELS, 1))
    code, out, err = run(capsys, path, "--no-frontier", "--out", tmp_path / "out")
    assert (code, "Traceback" in err) == (0, False)
    assert "4 days of metal in stock in USA" in " ".join(out.split())
    found = json.loads((tmp_path / "out" / "summary.json").read_text())
    (level,) = found["levels"]
    assert level["short_before"] > 0.0
    assert level["spare_after"] >= 0.0
    joint = found["coalitions"][-1]["measures"]
    assert sum(m for name, _, m in joint if name == "stock-usa") >= 1.0
    # Japan alone is not asked for what lies in the United States.
    alone = {tuple(c["members"]): c["measures"] for c in found["coalitions"]}
    assert all(name != "stock-usa" for name, _, _ in alone[("JPN",)])
    (limit,) = found["unmet_limits"]
    assert set(limit["kept"]) >= {"nothing", "joint", "unmet limits", "whole menu"}
    assert [v["name"] for v in found["market"]][-1] == "unmet limits"
    assert found["cash_by_year"].keys() == {"JPN", "USA"}
    paid = sum(usd for years in found["cash_by_year"].values() for usd in years.values())
    assert paid == pytest.approx(found["cost_usd"])


def test_a_smaller_gap_of_saving_is_reached(tmp_path, capsys):
    path = plan_files(tmp_path)
    gaps = []
    for wanted in ("1.0", "0.001"):
        code, out, _ = run(
            capsys, path, "--gap", "1.0", "--gap-of-saving", wanted, "--no-frontier",
            "--no-coalitions", "--json",
        )  # fmt: skip
        assert code == 0
        gaps.append(json.loads(out)["gap_of_saving"])
    assert gaps[1] <= 0.001
    assert gaps[0] is None or gaps[0] > gaps[1]
