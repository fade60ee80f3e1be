"""Behaviour as the backtest estimates it, by kind of material: what chains do not state themselves.

``estimates.toml`` is written by ``tools/renew_estimates.py`` from the scores of the episodes and
read here alone. Each entry is a `lodeline.network.chain.Parameter`: an estimate where the episodes
narrow what was assumed before, else that assumption, and its source says which.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from lodeline.network.form_type import FormType, form_type

__all__ = ["estimated_behaviour", "estimates_text", "kind_of_chain", "with_estimates"]


def estimates_text() -> str:
    """Return the table as it is kept."""
    return (files("lodeline.network") / "estimates.toml").read_text(encoding="utf-8")


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(estimates_text())


def estimated_behaviour(kind: FormType) -> dict[str, Any]:
    """Return the estimates for a kind of material as they stand in a chain's ``[behaviour]``."""
    behaviour: dict[str, Any] = _table()[str(kind)]
    return behaviour


def with_estimates(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a chain's document with the estimates for what its behaviour leaves out.

    A document whose parts are not of the right type is returned as it is: the schema reports it.
    """
    kind, own = kind_of_chain(document), document.get("behaviour", {})
    if kind is None or not isinstance(own, dict):
        return document
    return {**document, "behaviour": estimated_behaviour(kind) | own}


def kind_of_chain(document: Mapping[str, Any]) -> FormType | None:
    """Return the kind of the last form that has codes, its own or else its neighbour's."""
    forms = document.get("forms")
    tables = [f for f in forms if isinstance(f, dict)] if isinstance(forms, list) else []
    found = [*map(_neighbour_codes, tables), *(_codes(f.get("codes")) for f in tables)]
    known = [codes for codes in found if codes]
    return form_type(known[-1]) if known else None


def _codes(value: object) -> tuple[str, ...]:
    rows = value if isinstance(value, list) else []
    found = [r.get("code") for r in rows if isinstance(r, dict)]
    return tuple(c for c in found if isinstance(c, str))


def _neighbour_codes(form: Mapping[str, Any]) -> tuple[str, ...]:
    how = form.get("inferred")
    near = how.get("neighbour") if isinstance(how, dict) else None
    codes = near.get("codes") if isinstance(near, dict) else None
    return tuple(c for c in codes if isinstance(c, str)) if isinstance(codes, list) else ()
