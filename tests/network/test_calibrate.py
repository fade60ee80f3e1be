"""Calibration: the base year is the equilibrium, and elasticities mean what they say."""

import numpy as np
import pytest

from lodeline.network.calibrate import calibrate
from lodeline.network.catalogue import chain_ids
from lodeline.network.network import ActivityKind, Layer, RowKind
from lodeline.network.origin import trace_origin
from lodeline.solver import newton


@pytest.mark.parametrize("chain", chain_ids())
def test_the_base_year_comes_back_from_other_prices(chain, balanced_base):
    network = calibrate(balanced_base(chain))
    problem = network.problem()
    start = problem.row_price * np.random.default_rng(1).uniform(0.6, 1.5, problem.row_price.size)
    solution = newton.solve(problem, start)
    known = network.reference > 0
    deviation = np.abs(solution.levels - network.reference)[known] / network.reference[known]
    assert solution.iterations > 0
    assert deviation.max() <= 1e-9
    assert solution.levels[~known].max(initial=0.0) == 0.0


@pytest.mark.parametrize("year", [2015, 2018, 2021])
@pytest.mark.parametrize("chain", ["rare-earths", "cobalt", "lng"])
def test_other_years_come_back_too(chain, year, balanced_base):
    network = calibrate(balanced_base(chain, year))
    problem = network.problem()
    solution = newton.solve(problem, problem.row_price * 1.2)
    known = network.reference > 0
    deviation = np.abs(solution.levels - network.reference)[known] / network.reference[known]
    assert deviation.max() <= 1e-9


def test_one_per_cent_more_moves_an_activity_by_its_elasticity(balanced_base):
    network = calibrate(balanced_base("nickel"))
    curves = network.curves()
    behaviour = network.base.chain.behaviour
    for kind, sign, elasticity in (
        (ActivityKind.PRODUCE, 1.0, behaviour.supply_elasticity.value),
        (ActivityKind.USE, -1.0, -behaviour.demand_elasticity.value),
        (ActivityKind.SHIP, 1.0, behaviour.trade_elasticity.value),
    ):
        chosen = network.of_kind(kind)
        chosen = chosen[network.reference[chosen] > 0]
        step = 1e-6 * network.price * sign
        moved = curves.response(curves.margin + step)[chosen] / network.reference[chosen] - 1.0
        assert moved == pytest.approx(elasticity * 1e-6, rel=1e-3)


def test_latent_lanes_open_only_when_the_margin_pays_the_entry_cost(balanced_base):
    network = calibrate(balanced_base("nickel"))
    curves = network.curves()
    latent = np.flatnonzero(network.is_latent)
    entry = network.base.chain.behaviour.entry_cost.value * network.price[latent]
    flat = network.incidence.T @ network.row_price
    below, above = flat.copy(), flat.copy()
    below[latent] += 0.999 * entry
    above[latent] += 1.001 * entry
    assert curves.response(below)[latent].max() == 0.0
    assert curves.response(above)[latent].min() > 0.0


@pytest.fixture(scope="module")
def layered(balanced_base):
    base = balanced_base("rare-earths")
    return calibrate(base, origin=trace_origin(base, {"CHN"}, {"compounds", "metals"}))


def test_layers_leave_the_equilibrium_where_it_was(layered):
    problem = layered.problem()
    solution = newton.solve(problem, problem.row_price * 1.1)
    known = layered.reference > 0
    scale = np.abs(layered.incidence).T @ layered.row_scale
    assert (np.abs(solution.levels - layered.reference) / scale)[known].max() <= 1e-9


def test_layers_split_flows_without_changing_them(layered, balanced_base):
    base = balanced_base("rare-earths")
    single = calibrate(base)
    for kind in (ActivityKind.SHIP, ActivityKind.STORE, ActivityKind.USE, ActivityKind.PRODUCE):
        assert layered.reference[layered.of_kind(kind)].sum() == pytest.approx(
            single.reference[single.of_kind(kind)].sum(), rel=1e-9
        )


def test_restricted_material_never_turns_free(layered):
    incidence = layered.incidence.tocsc()
    for a in range(layered.activities):
        rows = incidence.indices[incidence.indptr[a] : incidence.indptr[a + 1]]
        values = incidence.data[incidence.indptr[a] : incidence.indptr[a + 1]]
        layers = layered.row_layer[rows]
        takes_restricted = ((values < 0) & (layers == Layer.RESTRICTED)).any()
        gives_free = ((values > 0) & (layers == Layer.FREE)).any()
        assert not (takes_restricted and gives_free)


def test_only_restrictors_put_material_into_the_restricted_layer(layered):
    chn = layered.countries.index("CHN")
    made = np.isin(layered.kind, [ActivityKind.PRODUCE])
    in_layer = made & (layered.layer == Layer.RESTRICTED)
    assert set(layered.origin[in_layer]) == {chn}


def test_limits_are_rows_that_hold_the_sum_of_lanes(layered):
    from lodeline.network.network import Limit

    lanes = layered.of_kind(ActivityKind.SHIP)[:5]
    share = np.zeros(len(layered.countries))
    share[0] = 1.0
    network = layered.with_limits([Limit("test", 0, lanes, 10.0, share)])
    row = network.incidence[[-1]].toarray().ravel()
    assert network.row_kind[-1] == RowKind.LIMIT
    assert (row[lanes] == -1.0).all()
    assert np.count_nonzero(row) == 5
