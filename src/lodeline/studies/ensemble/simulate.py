"""Run a block of scenarios of one chain: `run_market` and its metrics, eight side by side.

The scenarios walk through their months (`walks`), then what came of it is added up (`accounts`).
Months before anything acts are those of the base year, whose answer is known: a walk begins with
the first month in which something does.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from lodeline.solver.simd import WIDTH
from lodeline.studies.ensemble.batch import Block, ChainModel
from lodeline.studies.ensemble.eights import Eight, Lines, Queue
from lodeline.studies.ensemble.metrics import Outcome
from lodeline.studies.ensemble.walks import Walks

__all__ = ["simulate"]

Vector = NDArray[np.float64]


def simulate(
    model: ChainModel, values: Mapping[str, Vector], *, scenarios: NDArray[np.intp] | None = None
) -> Outcome:
    """Run a block of scenarios of one chain through all months.

    Parameters
    ----------
    model
        The chain.
    values
        Every factor by its key, each of shape (scenario,).
    scenarios
        Index of each; default they are the first ones. Months to be checked go by the first.

    Raises
    ------
    UnsolvedError
        If a month of a scenario is not solved to the accepted tolerance.
    """
    queue = Queue.of(Lines.of(model), Block.of(model, values))
    eights = queue.eights()
    walks = Walks(eights)
    walks.run()
    index = np.arange(queue.count) if scenarios is None else scenarios
    checked = int(index[0] // queue.count) % len(model.months)
    names = index[np.argsort(queue.back)]
    for eight, prices in zip(eights, walks.prices, strict=True):
        eight.account(prices, checked, names)
    return _outcome(model, queue, eights, walks)


def _outcome(model: ChainModel, queue: Queue, eights: list[Eight], walks: Walks) -> Outcome:
    network, uses = model.network, queue.lines.uses
    back, begin = queue.back, queue.tables.begin[queue.back]

    def wide(name: str) -> Vector:
        parts = [getattr(e.sums, name).reshape(-1, WIDTH).T for e in eights]
        return np.concatenate(parts)[back]

    months = len(model.months)
    return Outcome(
        use_form=network.form[uses],
        use_country=network.origin[uses],
        unmet_share_peak=wide("peak"),
        unmet_t_total=wide("total"),
        price_multiple_peak=wide("multiple"),
        onset=np.where(begin < months, begin, -1).astype(np.int16),
        first_short=wide("first").astype(np.int16),
        last_short=wide("last").astype(np.int16),
        cost=np.concatenate([e.cost() for e in eights])[back],
        residual=wide("residual")[:, 0],
        gap=wide("gap")[:, 0] / model.market.value,
        fallbacks=walks.fallbacks.ravel()[back],
        independent_residual=eights[0].independent_residual(),
        months=months,
    )
