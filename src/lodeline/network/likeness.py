"""Forms without a trade code: what their lanes are inferred from, and the other lanes that fit."""

from __future__ import annotations

from lodeline import data
from lodeline.network.chain import Chain, Form, Inferred

__all__ = ["inferred_forms", "other_fits"]


def inferred_forms(chain: Chain) -> dict[str, str]:
    """Return what the lanes of each inferred form of a chain are inferred from, by form.

    Examples
    --------
    >>> from lodeline.network.catalogue import load_chain
    >>> inferred_forms(load_chain("gallium"))
    {'metal': 'trade in germanium of 2006 (code 811230)'}
    >>> inferred_forms(load_chain("rare-earth-magnets"))
    {'magnets': 'trade in rare-earth metals'}
    """
    return {f.id: _likeness(chain, f) for f in chain.forms if f.inferred is not None}


def other_fits(chain: Chain) -> tuple[Chain, ...]:
    """Return the chain with its inferred lanes as far off as the totals are thought to allow.

    First everybody buys from everybody in proportion (maximum entropy), then the two ends of
    `concentration`: nearest to the neighbour's lanes, and on the fewest lanes. On forms whose trade
    is known the truth lies between the first and the last. Empty where nothing is inferred.
    """
    inferred = [f for f in chain.forms if f.inferred is not None]
    if not inferred:
        return ()
    return tuple(_with_lanes(chain, fit) for fit in ("flat", "nearest", "fewest"))


def _with_lanes(chain: Chain, fit: str) -> Chain:
    forms = [
        f if f.inferred is None else f.model_copy(update={"inferred": _fitted(f.inferred, fit)})
        for f in chain.forms
    ]
    return chain.model_copy(update={"forms": tuple(forms)})


def _fitted(how: Inferred, fit: str) -> Inferred:
    number = how.concentration
    if fit == "flat":
        even = how.openness.model_copy(update={"value": 1.0, "high": 1.0})
        least = number.model_copy(update={"value": 0.0, "low": 0.0})
        return how.model_copy(update={"openness": even, "concentration": least})
    end = number.low if fit == "nearest" else number.high
    return how.model_copy(update={"concentration": number.model_copy(update={"value": end})})


def _likeness(chain: Chain, form: Form) -> str:
    assert form.inferred is not None
    near = form.inferred.neighbour
    when = f" of {near.year}" if near.year is not None else ""
    if near.form is not None:
        source = chain.form(near.form)
        again = " (itself inferred)" if source.inferred is not None else ""
        return f"trade in {_lower(source.title)}{when}{again}"
    described = dict(data.products().iter_rows())
    names = dict.fromkeys(_lower(described[c].split(":")[0].strip()) for c in near.codes)
    word = "code" if len(near.codes) == 1 else "codes"
    return f"trade in {' and '.join(names)}{when} ({word} {', '.join(near.codes)})"


def _lower(title: str) -> str:
    return title if title[:2].isupper() else title[:1].lower() + title[1:]
