"""Every kind is drawn, side by side or singly; what plans cannot hold they refuse by name."""

import pytest
from pydantic import TypeAdapter

from lodeline.errors import InputError
from lodeline.scenarios.restrictions import Kind, Restriction
from lodeline.studies.ensemble.restrictions import check_side_by_side, goes_side_by_side

ADAPTER = TypeAdapter(Restriction)
COMMON = {"id": "r", "by": ["CHN"], "chain": "tungsten", "forms": "all", "start": "2026-01",
          "source": "s"}  # fmt: skip
FIELDS = {
    Kind.BAN: {"on": "all", "severity": 1, "leakage": 0},
    Kind.QUOTA: {"on": "all", "share_of_base": 0.5, "leakage": 0},
    Kind.LICENCE: {"on": "all", "delay_months": 1, "approval_share": 0.5, "leakage": 0},
    Kind.TAX: {"on": "all", "rate": 0.1},
    Kind.OUTAGE: {"severity": 1, "recovery_months": 0},
    Kind.SANCTION: {"on": ["JPN"], "reach": "direct", "severity": 1, "leakage": 0},
    Kind.EXTRATERRITORIAL: {"on": ["JPN"], "delay_months": 0, "approval_share": 0, "leakage": 0,
                            "de_minimis": {"value": 0.1, "low": 0, "high": 0.2}},
    Kind.PRICE_FLOOR: {"on": "all", "floor": 1.5},
    Kind.CLOSURE: {"route": "panama-canal", "severity": 1, "diverted": 1, "cost_per_day": 0},
    Kind.DEMAND_SURGE: {"rise": 0.1, "fade_months": 0},
    Kind.PANIC_BUYING: {"extra_days": 10, "build_months": 1},
    Kind.STOCK_RELEASE: {"share": 0.5, "over_months": 1},
}  # fmt: skip
SIDE_BY_SIDE = {Kind.BAN, Kind.QUOTA, Kind.LICENCE, Kind.TAX, Kind.OUTAGE, Kind.SANCTION}


def make(kind, **more):
    return ADAPTER.validate_python(COMMON | {"type": kind.value} | FIELDS[kind] | more)


@pytest.mark.parametrize("kind", Kind)
def test_a_kind_goes_side_by_side_or_a_plan_refuses_it_by_name(kind):
    assert goes_side_by_side(make(kind)) == (kind in SIDE_BY_SIDE)
    if kind in SIDE_BY_SIDE:
        check_side_by_side(make(kind))
    else:
        with pytest.raises(InputError, match=f"cannot hold the kind '{kind}'"):
            check_side_by_side(make(kind))


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (Kind.BAN, {"leakage_later": 0.5, "leakage_months": 6}),
        (Kind.LICENCE, {"approval_by_use": {"wind": 0}}),
        (Kind.EXTRATERRITORIAL, {"de_minimis": 0.001}),
    ],
)
def test_so_does_what_changes_limits_alone(kind, more):
    assert goes_side_by_side(make(kind, **more))
