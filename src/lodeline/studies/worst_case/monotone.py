"""When more restrictions are proven to do more harm, and the bound that follows.

In a network where every activity takes from at most one row and gives to at most one, the net
supply of a row, ``F(π) = A x(π) − b``, rises with its own price and falls with every other: F is a
Z-function.
The market's prices are then the least element of ``{π ≥ 0 : F(π) ≥ 0}`` (Moré 1974, Mathematical
Programming 6, 327-338; Tamir 1974, the same 7, 17-31). Whatever lowers F in every row therefore
raises every price and lowers every use. Three things follow for **one month**:

* *A producer stops*: F falls in one row and rises in none. Harm is monotone, and that of all
  undecided producers together bounds the harm of any choice among them.
* *An exporter stops*: F falls where it sold, but at home it rises. It buys less, which leaves more
  to others: closing an exporter that also imports can **help** a third country.
* *A lane or a refiner stops*: what it took is left to others, with the same effect.

Over several months stocks and the growth limits of lanes (what ran before sets what may run now)
are not monotone either, and a recipe with two inputs couples rows the other way. For all of these
there is no bound, and the answer says so.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lodeline.network import ActivityKind, Network, RowKind
from lodeline.results.worst_case import CandidateKind, Damage
from lodeline.studies.worst_case.candidates import Candidate

__all__ = ["why_no_bound"]


def why_no_bound(
    network: Network, candidates: Sequence[Candidate], *, months: int, damage: Damage
) -> str | None:
    """Return why no bound is proven for a search; None where there is one."""
    if damage is not Damage.UNMET:
        return "the cost to a country need not rise with every further restriction"
    if months > 1:
        return (
            f"over {months} months stocks and the growth of lanes depend on the months before, "
            "and a further restriction may help later; only one month (--months 1) has a bound"
        )
    if not _is_single_input(network):
        return "a recipe takes two inputs: less of the one leaves more of the other to others"
    if any(c.kind is not CandidateKind.STAGE for c in candidates):
        return (
            "a closed exporter or lane leaves to others what it no longer buys, and may help the "
            "target"
        )
    if any(np.any(network.kind[c.activities] == ActivityKind.PROCESS) for c in candidates):
        return "a closed refiner leaves its input to other refiners and may help the target"
    return None


def _is_single_input(network: Network) -> bool:
    """Return whether every activity takes from at most one balance and gives to at most one."""
    balances = network.incidence[network.row_kind != RowKind.LIMIT]
    takes = np.asarray((balances < 0.0).sum(axis=0)).ravel()
    gives = np.asarray((balances > 0.0).sum(axis=0)).ravel()
    return bool(np.all(takes <= 1) and np.all(gives <= 1))
