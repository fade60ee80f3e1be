"""Each instrument binds what it names, when it names it, by the equation in its docstring."""

import numpy as np
import pytest

from lodeline.errors import InputError
from lodeline.network.network import ActivityKind, Layer
from lodeline.scenarios.compile import compile_schedule
from lodeline.scenarios.effects import is_idle
from lodeline.scenarios.restrictions import Ban, Licence, Outage, Quota, Tax
from lodeline.units import Month

MONTHS = [Month(2026, 1) + i for i in range(6)]


def make(kind, **given):
    defaults = {
        "id": "r",
        "by": ("CHN",),
        "on": "all",
        "chain": "rare-earths",
        "forms": ("metals",),
        "start": "2026-02",
        "end": "2026-04",
        "source": "s",
    }
    extra = {} if kind in (Tax, Outage) else {"leakage": 0.0}
    type_ = kind.__name__.lower()
    return kind.model_validate(defaults | extra | {"type": type_} | given)


def schedule(base, *restrictions):
    return compile_schedule(base, restrictions, MONTHS)


@pytest.fixture(scope="module")
def base(balanced_base):
    return balanced_base("rare-earths")


def test_what_finds_no_exports_is_idle(base):
    network = schedule(base).network
    ban = make(Ban, severity=1.0)
    assert not is_idle(network, ban)
    nowhere = make(Ban, severity=1.0, by=("MNG",))
    assert is_idle(network, nowhere)
    # An outage acts on output, whatever is exported.
    assert not is_idle(network, make(Outage, severity=1.0, by=("MNG",), recovery_months=0.0))


def test_a_ban_binds_only_while_it_is_in_force(base):
    plan = schedule(base, make(Ban, severity=1.0))
    assert np.isinf(plan.limit[[0, 4, 5], 0]).all()
    assert (plan.limit[1:4, 0] == 0.0).all()
    assert plan.is_restricted.tolist() == [False, True, True, True, False, False]


@pytest.mark.parametrize(("severity", "leakage"), [(1.0, 0.0), (1.0, 0.3), (0.4, 0.5)])
def test_a_ban_leaves_what_is_not_stopped_and_what_leaks(base, severity, leakage):
    plan = schedule(base, make(Ban, severity=severity, leakage=leakage))
    reference = plan.network.limits[0].reference
    expected = reference * (1.0 - severity * (1.0 - leakage))
    assert plan.limit[1, 0] == pytest.approx(expected)


@pytest.mark.parametrize(("severity", "leakage"), [(0.0, 0.0), (1.0, 1.0)])
def test_a_ban_that_withholds_nothing_is_no_cap(base, severity, leakage):
    plan = schedule(base, make(Ban, severity=severity, leakage=leakage))
    assert np.isinf(plan.limit).all()


def test_a_ban_on_all_covers_every_lane_out_of_the_country(base):
    network = schedule(base, make(Ban, severity=1.0)).network
    chn = network.countries.index("CHN")
    lanes = network.limits[0].lanes
    leaving = (
        (network.kind == ActivityKind.SHIP)
        & (network.origin == chn)
        & (network.form == network.forms.index("metals"))
    )
    assert set(lanes) == set(np.flatnonzero(leaving))


def test_a_targeted_ban_covers_third_countries_too(base):
    network = schedule(base, make(Ban, severity=1.0, on=("JPN",))).network
    lanes = network.limits[0].lanes
    jpn, chn = (network.countries.index(c) for c in ("JPN", "CHN"))
    assert (network.layer[lanes] == Layer.RESTRICTED).all()
    assert set(network.destination[lanes]) == {jpn}
    assert len(set(network.origin[lanes]) - {chn}) >= 3


@pytest.mark.parametrize("given", [{"tonnes_per_year": 1200.0}, {"share_of_base": 0.25}])
def test_a_quota_is_a_ceiling_a_month(base, given):
    plan = schedule(base, make(Quota, **given))
    reference = plan.network.limits[0].reference
    expected = 100.0 if "tonnes_per_year" in given else 0.25 * reference
    assert plan.limit[1, 0] == pytest.approx(expected)


def test_leakage_of_a_quota_is_a_share_of_what_is_lost(base):
    plan = schedule(base, make(Quota, share_of_base=0.25, leakage=0.4))
    reference = plan.network.limits[0].reference
    assert plan.limit[1, 0] == pytest.approx((0.25 + 0.4 * 0.75) * reference)


def test_a_licence_waits_then_approves_a_share(base):
    plan = schedule(base, make(Licence, delay_months=1.5, approval_share=0.8))
    reference = plan.network.limits[0].reference
    assert plan.limit[1:4, 0] == pytest.approx([0.0, 0.4 * reference, 0.8 * reference])


def test_a_tax_costs_a_share_of_the_price_on_the_lanes_it_names(base):
    plan = schedule(base, make(Tax, rate=0.25))
    network = plan.network
    taxed = plan.tax[1] > 0
    assert (network.kind[taxed] == ActivityKind.SHIP).all()
    assert plan.tax[1, taxed] == pytest.approx(0.25 * network.price[taxed])
    assert plan.tax[0].max() == 0.0


def test_an_outage_takes_output_and_gives_it_back_in_steps(base):
    given = make(Outage, severity=0.6, recovery_months=2.0, end="2026-03")
    plan = schedule(base, given)
    network = plan.network
    chn = network.countries.index("CHN")
    made = (network.kind == ActivityKind.PROCESS) & (network.origin == chn)
    allowed = (plan.output_factor * network.capacity)[:, made] / network.reference[made]
    surge = 1.0 + network.base.chain.behaviour.surge.value
    assert allowed.shape[1] == 1
    assert allowed.ravel() == pytest.approx([surge, 0.4, 0.4, 0.7, surge, surge])


def test_a_small_outage_loses_output_although_there_is_room_to_surge(base):
    plan = schedule(base, make(Outage, severity=0.05, recovery_months=0.0))
    network = plan.network
    chn = network.countries.index("CHN")
    made = (network.kind == ActivityKind.PROCESS) & (network.origin == chn)
    allowed = (plan.output_factor * network.capacity)[1, made] / network.reference[made]
    assert allowed == pytest.approx(0.95)


def test_the_rent_of_a_limit_goes_to_those_who_restrict(base):
    network = schedule(base, make(Ban, severity=1.0, by=("CHN", "VNM"))).network
    share = network.limits[0].owner_share
    owners = {network.countries[i] for i in np.flatnonzero(share)}
    assert owners == {"CHN", "VNM"}
    assert share.sum() == pytest.approx(1.0)


def test_two_origins_of_targeted_restrictions_are_refused_with_a_remedy(base):
    one = make(Ban, severity=1.0, on=("JPN",))
    two = make(Ban, id="q", severity=1.0, on=("ITA",), by=("RUS",))
    with pytest.raises(InputError, match="separate scenarios"):
        schedule(base, one, two)
