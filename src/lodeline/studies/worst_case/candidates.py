"""What an adversary may close: exporters, lanes, stages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lodeline.network import ActivityKind, Network
from lodeline.network.doubt import doubt_of
from lodeline.results.worst_case import CandidateKind

__all__ = ["Candidate", "candidates_of", "split_by_size"]

_OUTPUT = (ActivityKind.PRODUCE, ActivityKind.PROCESS)


@dataclass(frozen=True)
class Candidate:
    """One thing that can be closed.

    Attributes
    ----------
    kind
        What it is.
    form
        Index of the form.
    country
        Index of the exporting or producing country.
    destination
        Index of the importing country of a lane; −1 otherwise.
    activities
        What stops when it is closed, positions in the network, shape (closed,).
    flow
        What they carry or make in the base year, t/month.
    share
        `flow` over the world's trade (exporter, lane) or output (stage) of the form.
    share_of_target
        Share of the targets' imports of the form that it brings directly; 0 for stages.
    """

    kind: CandidateKind
    form: int
    country: int
    destination: int
    activities: NDArray[np.intp]
    flow: float
    share: float
    share_of_target: float


def candidates_of(
    network: Network, kinds: Sequence[CandidateKind], targets: Sequence[int]
) -> list[Candidate]:
    """Return everything of some kinds that can be closed, largest share of the world first.

    The targets' own exports, lanes and plants are no candidates: nobody is coerced by himself.
    What carries nothing in the base year is none either, but lanes that are open only in other
    years close with their exporter.

    Parameters
    ----------
    network
        Calibrated network without layers.
    kinds
        What may be closed.
    targets
        Indices of the countries that are to be hurt.
    """
    makers = {
        CandidateKind.EXPORTER: _exporters,
        CandidateKind.LANE: _lanes,
        CandidateKind.STAGE: _stages,
    }
    found = [c for kind in dict.fromkeys(kinds) for c in makers[kind](network, set(targets))]
    return sorted(found, key=lambda c: (-c.share, c.kind, c.form, c.country, c.destination))


def split_by_size(
    candidates: Sequence[Candidate], least_share: float
) -> tuple[list[Candidate], list[Candidate]]:
    """Return those with at least a share of the world's or the targets' trade, and the others."""
    kept = [c for c in candidates if max(c.share, c.share_of_target) >= least_share]
    left = [c for c in candidates if max(c.share, c.share_of_target) < least_share]
    return kept, left


def _exporters(network: Network, targets: set[int]) -> Iterator[Candidate]:
    abroad = (network.kind == ActivityKind.SHIP) & (network.origin != network.destination)
    for form, country in _places(network, abroad, targets):
        here = np.flatnonzero(abroad & (network.form == form) & (network.origin == country))
        yield _candidate(network, CandidateKind.EXPORTER, here, targets)


def _lanes(network: Network, targets: set[int]) -> Iterator[Candidate]:
    abroad = (network.kind == ActivityKind.SHIP) & (network.origin != network.destination)
    for a in np.flatnonzero(abroad & (network.reference > 0.0)):
        if int(network.origin[a]) not in targets:
            yield _candidate(network, CandidateKind.LANE, np.array([a], dtype=np.intp), targets)


def _stages(network: Network, targets: set[int]) -> Iterator[Candidate]:
    # Nobody can close a plant that no source knows of: its output only balances trade.
    is_untraced = doubt_of(network.base).is_untraced
    output = np.isin(network.kind, _OUTPUT) & ~is_untraced[network.form, network.origin]
    for form, country in _places(network, output, targets):
        here = np.flatnonzero(output & (network.form == form) & (network.origin == country))
        yield _candidate(network, CandidateKind.STAGE, here, targets)


def _places(
    network: Network, chosen: NDArray[np.bool_], targets: set[int]
) -> list[tuple[int, int]]:
    """Return forms and countries where chosen activities run in the base year."""
    active = np.flatnonzero(chosen & (network.reference > 0.0))
    pairs = zip(network.form[active].tolist(), network.origin[active].tolist(), strict=True)
    return [p for p in dict.fromkeys(pairs) if p[1] not in targets]


def _candidate(
    network: Network, kind: CandidateKind, activities: NDArray[np.intp], targets: set[int]
) -> Candidate:
    first = int(activities[0])
    form = int(network.form[first])
    is_stage = kind is CandidateKind.STAGE
    same = np.isin(network.kind, _OUTPUT if is_stage else (ActivityKind.SHIP,))
    same &= network.form == form
    arriving = np.isin(network.destination, list(targets)) & ~np.isin(network.origin, list(targets))
    flow = float(network.reference[activities].sum())
    bought = float(network.reference[same & arriving].sum())
    direct = float(network.reference[activities][arriving[activities]].sum())
    return Candidate(
        kind=kind,
        form=form,
        country=int(network.origin[first]),
        destination=int(network.destination[first]) if kind is CandidateKind.LANE else -1,
        activities=activities,
        flow=flow,
        share=flow / max(float(network.reference[same].sum()), 1e-300),
        share_of_target=0.0 if is_stage or bought <= 0.0 else direct / bought,
    )
