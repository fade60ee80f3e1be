"""Random and degenerate markets, as small spatial equilibria with stocks, lanes and limits."""

import numpy as np
from scipy import sparse

from lodeline.solver.curves import CurveKind, Curves
from lodeline.solver.problem import MarketProblem


def random_market(
    seed,
    *,
    countries=12,
    bent=False,
    limits=0,
    closed=0.0,
    stock=True,
    isolated=0,
    zero_reference=0.2,
):
    """Return a market whose reference is balanced and priced at `row_price`.

    `closed` is the share of lanes and outputs shut (upper bound zero); `limits` is the number of
    common limits on lanes; the first `isolated` countries have no lane at all.
    """
    rng = np.random.default_rng(seed)
    price = float(np.exp(rng.normal(7.0, 1.0)))
    columns, reference, elasticity, kind = [], [], [], []

    def add(entries, level, eps, shape):
        columns.append(entries)
        reference.append(level)
        elasticity.append(eps)
        kind.append(shape)

    net = np.zeros(countries)
    lanes = []
    for i in range(isolated, countries):
        for j in range(isolated, countries):
            if i != j and rng.random() < 0.4:
                level = float(np.exp(rng.normal(2.0, 2.0))) * (rng.random() > zero_reference)
                lanes.append((i, j, level))
                net[i] -= level
                net[j] += level
    output = np.maximum(0.0, -net) + np.exp(rng.normal(2.0, 1.0, countries))
    output *= rng.random(countries) > 0.3
    output = np.maximum(output, np.maximum(0.0, -net))
    use = np.maximum(net + output, 0.0)
    for i in range(countries):
        add({i: 1.0}, output[i], rng.uniform(0.2, 1.0), CurveKind.SUPPLY)
        add({i: -1.0}, use[i], rng.uniform(0.15, 0.8), CurveKind.USE)
    for i, j, level in lanes:
        add({i: -1.0, j: 1.0}, level, rng.uniform(1.0, 5.0), CurveKind.LINEAR)
    stocks = use * rng.uniform(0.5, 3.0, countries) * stock
    for i in range(countries):
        if stocks[i] > 0:
            add({i: -1.0}, stocks[i], 1.0, CurveKind.LINEAR)

    kind = np.array(kind, dtype=np.int8)
    reference = np.array(reference)
    elasticity = np.array(elasticity)
    lane_columns = np.array([c for c, e in enumerate(columns) if len(e) == 2], dtype=int)
    rhs = np.concatenate([-stocks, np.zeros(limits)])
    for k in range(limits):
        chosen = rng.choice(lane_columns, size=min(4, len(lane_columns)), replace=False)
        for c in chosen:
            columns[c][countries + k] = -1.0
        rhs[countries + k] = -rng.uniform(0.0, 1.2) * reference[chosen].sum()

    rows = countries + limits
    data = [(r, c, v) for c, entries in enumerate(columns) for r, v in entries.items()]
    r, c, v = (np.array(part) for part in zip(*data, strict=True))
    incidence = sparse.csc_array((v.astype(float), (r, c)), shape=(rows, len(columns)))

    row_price = np.full(rows, price)
    small = 1e-3 * max(use.sum(), 1.0) / countries
    signed = np.array([sum(v for r, v in e.items() if r < countries) for e in columns])
    margin = signed * price
    latent = (reference == 0.0) & (kind == CurveKind.LINEAR)
    margin = margin + np.where(latent, 0.2 * price, 0.0)
    if not bent:
        kind = np.zeros_like(kind)
    # a bent curve without reference is no curve: it stays at zero
    flat = (kind != CurveKind.LINEAR) & (reference == 0.0)
    kind = np.where(flat, CurveKind.LINEAR, kind).astype(np.int8)
    upper = np.where(signed > 0, 1.15 * reference, np.inf)
    upper = np.where(flat, 0.0, upper)
    shut = (rng.random(len(columns)) < closed) & (
        (signed > 0) | np.isin(np.arange(len(columns)), lane_columns)
    )
    upper = np.where(shut, 0.0, upper)
    curves = Curves(
        kind=kind,
        reference=reference,
        margin=margin,
        slope=price / (elasticity * np.maximum(reference, small)),
        price=np.full(len(columns), price),
        elasticity=elasticity,
        cap=np.full(len(columns), 20.0 * price),
        lower=np.zeros(len(columns)),
        upper=upper,
    )
    scale = np.maximum(np.abs(incidence) @ reference, small)
    return MarketProblem(incidence, rhs, np.zeros(rows, dtype=bool), curves, row_price, scale)
