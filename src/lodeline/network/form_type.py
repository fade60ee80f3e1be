"""Kinds of material that behave alike, by which behaviour is estimated."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

__all__ = ["FormType", "form_type"]


class FormType(StrEnum):
    """Kinds of material that behave alike, by which behaviour is estimated."""

    ORE = "ore"
    COMPOUND = "compound"
    METAL = "metal"
    FUEL = "fuel"


def form_type(codes: Sequence[str]) -> FormType:
    """Return the kind of material that HS codes carry, from their chapter.

    Chapters 25 and 26 are ores and minerals, 27 fuels, 28 chemicals, of which headings 2804 and
    2805 are elements; the rest are metals. The first code decides.

    Examples
    --------
    >>> [str(form_type((code,))) for code in ("260400", "284690", "280530", "271111")]
    ['ore', 'compound', 'metal', 'fuel']
    """
    first = codes[0]
    if first[:2] in ("25", "26"):
        return FormType.ORE
    if first[:2] == "27":
        return FormType.FUEL
    return (
        FormType.COMPOUND
        if first[:2] == "28" and first[:4] not in ("2804", "2805")
        else FormType.METAL
    )
