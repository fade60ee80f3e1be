"""Purchases put together: one lot for each material, form and year."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lodeline.data.purchases import Purchase, Purchases
from lodeline.errors import Problem, SpecError
from lodeline.network.chain import Basis, Chain

__all__ = ["Lot", "lots_of"]


@dataclass(frozen=True)
class Lot:
    """All purchases of a form in a year.

    Attributes
    ----------
    material, form, year
        What and when; `form` None where the rows do not tell it.
    chain
        The chain of the material; None where there is none.
    rows
        The purchases.
    tonnes
        Of each row, in `unit`.
    unit
        ``t metal``, ``t REO``, … where the form is known, else t gross or contained.
    contents_of_chain
        Rows whose content was taken from the chain.
    """

    material: str
    form: str | None
    year: int
    chain: Chain | None
    rows: tuple[Purchase, ...]
    tonnes: tuple[float, ...]
    unit: str
    contents_of_chain: int

    @property
    def total(self) -> float:
        """Return the tonnes of all rows."""
        return sum(self.tonnes)

    def shares(self, key: str) -> dict[str, float]:
        """Return the share of each value of a field (rows without one are named ''), largest first.

        Parameters
        ----------
        key
            Field of `Purchase`: ``supplier_country``, ``supplier``.
        """
        out: dict[str, float] = {}
        for row, tonnes in zip(self.rows, self.tonnes, strict=True):
            name = getattr(row, key) or ""
            out[name] = out.get(name, 0.0) + tonnes / self.total
        return dict(sorted(out.items(), key=lambda item: (-item[1], item[0])))

    def mean(self, key: str) -> float | None:
        """Return the mean of a field, weighed by tonnes; None where no row has it."""
        pairs = [
            (getattr(r, key), t)
            for r, t in zip(self.rows, self.tonnes, strict=True)
            if getattr(r, key) is not None
        ]
        whole = sum(t for _, t in pairs)
        return sum(v * t for v, t in pairs) / whole if pairs else None


def lots_of(purchases: Purchases, chains: Mapping[str, Chain]) -> list[Lot]:
    """Return the lots of a file, by material, form and year.

    Raises
    ------
    SpecError
        If a lot without a chain mixes gross and contained tonnes.
    """
    groups: dict[tuple[str, str, int], list[Purchase]] = {}
    for row in purchases.rows:
        form = _form(row, chains.get(row.material))
        groups.setdefault((row.material, form or "", row.year), []).append(row)
    problems: list[Problem] = []
    lots = [
        _lot(material, form or None, year, chains.get(material), rows, problems)
        for (material, form, year), rows in sorted(groups.items())
    ]
    if problems:
        raise SpecError(purchases.source, problems)
    return lots


def _form(row: Purchase, chain: Chain | None) -> str | None:
    if chain is None or row.form is not None:
        return row.form
    for form in chain.forms:
        if any(code.code == row.hs_code for code in form.codes):
            return form.id
    # A code that has moved since 1992 is found nowhere; with one form there is nothing to choose.
    return chain.forms[0].id if len(chain.forms) == 1 else None


def _lot(
    material: str,
    form: str | None,
    year: int,
    chain: Chain | None,
    rows: Sequence[Purchase],
    problems: list[Problem],
) -> Lot:
    tonnes, borrowed = [], 0
    for row in rows:
        factor = 1.0
        if row.basis == "gross":
            told = row.content
            if told is None and chain is not None and form is not None:
                told = _content_of_chain(row, chain, form, problems)
                borrowed += told is not None
            factor = 1.0 if told is None else told
        tonnes.append(row.tonnes * factor)
    is_known = chain is not None and form is not None
    gross = [r for r in rows if r.basis == "gross" and r.content is None]
    if not is_known and gross and len(gross) < len(rows):
        problems += [
            Problem(
                f"row {r.row}, column 'content'",
                f"is empty, while other rows of {material} in {year} are contained tonnes",
                "Fill in the content, or name the form.",
            )
            for r in gross
        ]
    if chain is not None and form is not None:
        unit = chain.form(form).unit
    else:
        unit = f"t {material}, {'gross' if gross else 'contained'}"
    return Lot(material, form, year, chain, tuple(rows), tuple(tonnes), unit, borrowed)


def _content_of_chain(
    row: Purchase, chain: Chain, form: str, problems: list[Problem]
) -> float | None:
    """Return the chain's content of what was bought; None where a gross tonne is the unit.

    A form that is traded under codes of different content (cobalt oxide and metal) has no content
    of its own: a row that tells neither the code nor the content is a problem.
    """
    spec = chain.form(form)
    codes = [c for c in spec.codes if c.code == row.hs_code] or list(spec.codes)
    contents = {c.code: c.content_from(row.supplier_country).value for c in codes}
    if not contents:
        return None
    if len(set(contents.values())) > 1:
        listed = ", ".join(f"{code} with {value:g}" for code, value in sorted(contents.items()))
        problems.append(
            Problem(
                f"row {row.row}, column 'content'",
                f"is empty, and '{form}' is traded under codes of different content ({listed})",
                "Fill in the content, or one of these as hs_code.",
            )
        )
    content = next(iter(contents.values()))
    return None if spec.basis is Basis.GROSS and content == 1.0 else content
