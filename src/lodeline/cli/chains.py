"""``lodeline chains``: what chains there are, and how large their networks get."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lodeline.cli.output import json_option, print_json, print_table, print_text

if TYPE_CHECKING:
    from lodeline.network.chain import Chain

__all__ = ["chains"]

DEFAULT_BASE_YEAR = 2024


@click.command(epilog="Example: lodeline chains --base-year 2022")
@click.option(
    "--base-year",
    type=click.IntRange(1995, 2100),
    default=DEFAULT_BASE_YEAR,
    show_default=True,
    help="Year whose networks are counted.",
)
@click.option("--show", metavar="ID", help="Print the TOML of a chain, to start your own from.")
@click.option(
    "--check",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Check a chain file of your own; every problem is reported.",
)
@json_option
def chains(base_year: int, show: str | None, check: Path | None, as_json: bool) -> None:
    """Show the chains: their forms, the years with trade, the size of their networks."""
    from lodeline.network.catalogue import chain_text, load_all, load_chain

    if show is not None:
        text = chain_text(show)
        if as_json:
            print_json(load_chain(show).model_dump(mode="json"))
        else:
            print_text(text)
        return
    found = {c.id: c for c in [load_chain(check)]} if check is not None else load_all()
    rows = [_row(chain, base_year) for chain in found.values()]
    if as_json:
        print_json({"base_year": base_year, "chains": rows})
        return
    print_table(
        ["chain", "forms", "unit of last form", "years", "nodes", "activities"],
        [
            [
                row["id"],
                ", ".join(row["forms"]),
                found[row["id"]].forms[-1].unit,
                _span(row["years"]),
                row["nodes"],
                row["activities"],
            ]
            for row in rows
        ],
        numbers=["nodes", "activities"],
    )


def _row(chain: Chain, base_year: int) -> dict[str, Any]:
    """Return one entry of the list; nodes and activities are absent without trade that year."""
    from lodeline.network import build_network
    from lodeline.network.trade_lanes import world_trade

    years = set.intersection(
        *(
            {int(year) for year, tonnes in world_trade(chain, form).iter_rows() if tonnes > 0.0}
            for form in chain.forms
        )
    )
    network = build_network(chain, base_year=base_year) if base_year in years else None
    return {
        "id": chain.id,
        "title": chain.title,
        "forms": [form.id for form in chain.forms],
        "units": {form.id: form.unit for form in chain.forms},
        "years": sorted(years),
        "nodes": None if network is None else int(network.nodes),
        "activities": None if network is None else int(network.activities),
        "reason": None if network is not None else f"no trade of every form in {base_year}",
    }


def _span(years: list[int]) -> str | None:
    return f"{years[0]}-{years[-1]}" if years else None
