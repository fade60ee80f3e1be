"""What an ensemble cannot draw it refuses: nothing of a scenario is left out in silence."""

import pytest
from pydantic import TypeAdapter

from lodeline.errors import InputError
from lodeline.scenarios.restrictions import Kind, Restriction
from lodeline.studies.ensemble.restrictions import check_supported

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
                            "de_minimis": 0},
    Kind.PRICE_FLOOR: {"on": "all", "floor": 1.5},
    Kind.CLOSURE: {"route": "panama-canal", "severity": 1, "diverted": 1, "cost_per_day": 0},
    Kind.DEMAND_SURGE: {"rise": 0.1, "fade_months": 0},
    Kind.PANIC_BUYING: {"extra_days": 10, "build_months": 1},
    Kind.STOCK_RELEASE: {"share": 0.5, "over_months": 1},
}  # fmt: skip
DRAWN = {Kind.BAN, Kind.QUOTA, Kind.LICENCE, Kind.TAX, Kind.OUTAGE, Kind.SANCTION}


def make(kind, **more):
    return ADAPTER.validate_python(COMMON | {"type": kind.value} | FIELDS[kind] | more)


@pytest.mark.parametrize("kind", Kind)
def test_a_kind_is_drawn_or_refused_by_name(kind):
    if kind in DRAWN:
        check_supported(make(kind))
    else:
        with pytest.raises(InputError, match=f"cannot draw the kind '{kind}'"):
            check_supported(make(kind))


@pytest.mark.parametrize(
    ("kind", "more", "words"),
    [
        (Kind.BAN, {"leakage_later": 0.5, "leakage_months": 6}, "leakage that changes"),
        (Kind.LICENCE, {"approval_by_use": {"wind": 0}}, "differ by use"),
    ],
)
def test_so_is_what_changes_over_time_or_by_use(kind, more, words):
    with pytest.raises(InputError, match=words):
        check_supported(make(kind, **more))
