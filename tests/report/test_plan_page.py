"""The page of a plan: money in words, the calendar, no script."""

from dataclasses import replace

from lodeline.report.plan import compared, decision, usd, when
from lodeline.report.plan_page import assumed_numbers
from lodeline.results.plan import Decision, FreshComparison, MeasureOutcome


def outcome(*decisions, title="M", assumed=()):
    return MeasureOutcome(
        id="m", title=title, kind="stock", chain="c", form="f", country="JPN", decisions=decisions,
        cost_usd=1.0, charge_usd=1.0, paid_by={"JPN": 1.0}, prevents_usd=None,
        prevents_own_usd=None, prevents_error_usd=None, prevents_if={}, helps_in=None,
        helps_most=(), tail_usd=None, if_dearer="same", if_cheaper="same",
        too_late=False, source="", assumed=assumed,
    )  # fmt: skip


def test_money_keeps_three_figures_where_it_matters():
    assert [usd(x) for x in (0.0, 31_400.0, 3.14e6, 203.4e6, 10_584.2e6)] == [
        "0.00", "0.03", "3.1", "203.4", "10,584",
    ]  # fmt: skip
    assert usd(None) == "–"


def test_decisions_are_told_by_year_and_modules():
    m = outcome(Decision(2026, 1.0, 1.0, "2026-01"), Decision(2028, 3.0, 3.0, "2028-01"))
    assert when(m) == "2026, 2028 ×3"
    assert m.modules == 4.0
    assert m.works_from == "2026-01"


def test_what_never_works_has_no_month():
    assert outcome(Decision(2028, 1.0, 1.0, None)).works_from is None
    assert outcome().works_from is None


def test_what_a_single_future_carries_is_not_told_as_sure():
    sure = FreshComparison("joint", "nothing", 9e6, 1e6, 9e6, 1e6, 0.02, 0.03, 0.9)
    assert "tell it from nothing" not in compared(sure, "It saves")
    assert "single future" not in compared(sure, "It saves")
    skewed = compared(replace(sure, world_largest=0.4), "It saves")
    assert "a single future makes 40% for the world" in skewed
    assert "tell it from nothing" in compared(replace(sure, own_error_usd=None), "It saves")
    assert "tell it from nothing" in compared(replace(sure, world_error_usd=8e6), "It saves")


def test_the_column_of_decisions_tells_a_measure_from_the_others():
    m = outcome(Decision(2026, 1.0, 1.0, "2026-01"))
    assert decision(m) == "same"
    assert decision(replace(m, if_cheaper="same, others change")) == "others"
    assert decision(replace(m, if_cheaper="2 to 3", if_dearer="same, others change")) == "changes"


def test_measures_with_the_same_assumed_numbers_share_a_line():
    found = assumed_numbers(
        [
            outcome(title="A", assumed=("capex_usd", "lead_years")),
            outcome(title="B"),
            outcome(title="C", assumed=("capex_usd", "lead_years")),
        ]
    )
    assert found == {"capex usd, lead years": ["A", "C"]}
