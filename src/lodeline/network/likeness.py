"""What the lanes of forms without a trade code are inferred from, in words."""

from __future__ import annotations

from lodeline import data
from lodeline.network.chain import Chain, Form

__all__ = ["inferred_forms"]


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
