"""The command ``lodeline worst-case``: which few restrictions would hurt a country most."""

from __future__ import annotations

from pathlib import Path

import click

from lodeline.cli.output import (
    console,
    json_option,
    listed,
    out_option,
    print_json,
    print_text,
    progress_bar,
)
from lodeline.errors import InputError

__all__ = ["worst_case"]


@click.command(
    "worst-case",
    short_help="Find the few restrictions that would hurt a country most.",
    epilog="Example: lodeline worst-case --target ITA,JPN --chain rare-earths --k 2 --json",
)
@click.option(
    "--target", required=True, metavar="ISO3,...", help="Whom to hurt: countries, EU27, G7."
)
@click.option(
    "--chain", required=True, metavar="CHAIN", help="A chain, or a chain file of your own."
)
@click.option(
    "--k", type=click.IntRange(1, 8), default=1, show_default=True, help="How many restrictions."
)
@click.option(
    "--kind",
    "kinds",
    type=click.Choice(["exporter", "lane", "stage"]),
    multiple=True,
    help="What may be closed (default exporter). Repeatable.",
)
@click.option(
    "--damage",
    type=click.Choice(["unmet", "cost"]),
    default="unmet",
    show_default=True,
    help="Rank by unmet use (t) or by cost (USD).",
)
@click.option("--form", metavar="FORM", help="Form whose use counts (default the chain's last).")
@click.option(
    "--months",
    type=click.IntRange(1, 60),
    default=12,
    show_default=True,
    metavar="N",
    help="Months to simulate.",
)
@click.option(
    "--base-year", type=int, metavar="Y", help="Year of the trade data (default the last)."
)
@click.option(
    "--min-share",
    type=click.FloatRange(0.0, 1.0),
    default=0.01,
    show_default=True,
    help="Least share of the world's or the target's trade to be combined with others.",
)
@click.option(
    "--max-sets",
    type=click.IntRange(1, 10_000_000),
    default=20_000,
    show_default=True,
    help="Sets to evaluate before the search does with less than all.",
)
@out_option
@json_option
def worst_case(
    target: str,
    chain: str,
    k: int,
    kinds: tuple[str, ...],
    damage: str,
    form: str | None,
    months: int,
    base_year: int | None,
    min_share: float,
    max_sets: int,
    out: Path | None,
    as_json: bool,
) -> None:
    """Find the at most K restrictions that would hurt a country, or a group of them, most.

    An adversary closes exporters (all exports of a form by a country), lanes (one country's
    shipments to another) or stages (a country's output). The answer names the set, its damage, and
    what is proven about it.

    Example: lodeline worst-case --target JPN --chain rare-earths --k 2
    """
    from lodeline.report.files import check_folder
    from lodeline.report.worst_case import worst_case_lines, write_worst_case
    from lodeline.results.worst_case import CandidateKind, Damage, worst_case_document
    from lodeline.studies.worst_case import run_worst_case

    targets = listed(target.upper())
    if not targets:
        raise InputError("--target names no country. Write, for example, --target ITA,JPN.")
    if out is not None:
        check_folder(out)
    talk = console()
    with progress_bar() as progress:
        result = run_worst_case(
            chain,
            targets,
            k=k,
            base_year=base_year,
            months=months,
            kinds=[CandidateKind(kind) for kind in (kinds or ("exporter",))],
            damage=Damage(damage),
            form=form,
            least_share=min_share,
            most_sets=max_sets,
            progress=progress,
            message=lambda text: talk.print(text, style="dim"),
        )
    names = [] if out is None else write_worst_case(result, out)
    if as_json:
        print_json(worst_case_document(result))
        return
    print_text("\n".join(worst_case_lines(result)))
    if out is not None:
        talk.print(f"Written to {out}: {', '.join(names)}")
