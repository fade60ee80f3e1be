"""The command ``lodeline stress``: one scenario, or the base year with nothing restricted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lodeline.cli.output import console, json_option, listed, out_option, print_json, progress_bar
from lodeline.errors import InputError

if TYPE_CHECKING:
    from lodeline.network.chain import Chain
    from lodeline.results.stress import StressResult
    from lodeline.scenarios.spec import Scenario
    from lodeline.studies.base import BaseCheck

__all__ = ["stress"]

BASE = "base"


@click.command(
    short_help="Run a scenario: who runs short, when, at what price.",
    epilog="Example: lodeline stress base --base-year 2024 --chain rare-earths --json",
)
@click.argument("scenario", metavar="SCENARIO")
@click.option("--base-year", type=int, metavar="Y", help="Year of the trade data.")
@click.option(
    "--months", type=click.IntRange(1, 120), metavar="N", help="Months to simulate (1 to 120)."
)
@click.option("--countries", metavar="ISO3,...", help="Countries to ask about, ISO3 codes.")
@click.option("--form", metavar="FORM", help="Form whose metrics are shown, for example compounds.")
@click.option(
    "--chain",
    "chains",
    multiple=True,
    metavar="CHAIN",
    help="With 'base': chain to check (default all). Else: a chain file of your own. Repeatable.",
)
@click.option(
    "--mode",
    type=click.Choice(["market", "foresight", "both"]),
    help="Month by month (default), knowing the future, or both side by side.",
)
@click.option(
    "--stocks",
    type=click.Choice(["market", "none", "hold", "on-shortage", "joint"]),
    help="How reserves are released (default: as the scenario says).",
)
@click.option(
    "--lead-time",
    is_flag=True,
    default=None,
    help="Let goods take their months at sea (default: they arrive when they leave).",
)
@click.option(
    "--priority", metavar="SECTOR,...", help="Sectors served first (default: who pays most)."
)
@click.option(
    "--sensitivity/--no-sensitivity",
    default=True,
    help="Turn each uncertain number to the ends of its range (default: yes).",
)
@out_option
@json_option
def stress(
    scenario: str,
    base_year: int | None,
    months: int | None,
    countries: str | None,
    form: str | None,
    chains: tuple[str, ...],
    mode: str | None,
    stocks: str | None,
    lead_time: bool | None,
    priority: str | None,
    sensitivity: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Run a scenario: who runs short, when, at what price.

    SCENARIO is an identifier (lodeline scenarios list), a file of your own (.yaml), the manifest
    of an earlier run (manifest.json, which repeats it), or 'base': nothing is restricted, and the
    base year must come back.

    Example: lodeline stress china-dual-use-japan-2026 --out demo
    """
    if scenario == BASE:
        if countries or form or mode or stocks or lead_time or priority or out:
            raise InputError(
                "'stress base' restricts nothing and writes no files: leave out --countries, "
                "--form, --mode, --stocks, --lead-time, --priority and --out."
            )
        _run_base(base_year, months, chains, as_json)
        return
    from lodeline.network.stocks import StockPolicy

    options: dict[str, Any] = {
        "base_year": base_year,
        "months": months,
        "asked": None if countries is None else listed(countries.upper()),
        "form": form,
        "mode": mode,
        "policy": StockPolicy(stocks) if stocks else None,
        "lead_time": lead_time,
        "priority": None if priority is None else listed(priority.lower()),
        "with_sensitivity": sensitivity,
    }
    _run_scenario(scenario, options, chains, out, as_json)


def _run_scenario(
    name: str,
    options: dict[str, Any],
    chain_files: Sequence[str],
    out: Path | None,
    as_json: bool,
) -> None:
    from lodeline.cli.repeat import is_manifest, read_manifest
    from lodeline.network.catalogue import load_chain
    from lodeline.report.files import check_folder
    from lodeline.results.document import stress_document
    from lodeline.scenarios.library import load_scenario
    from lodeline.studies.stress import Mode, run_stress

    own: dict[str, Chain] = {c.id: c for c in map(load_chain, chain_files)}
    if is_manifest(name):
        specification, own, options = read_manifest(Path(name), options)
    else:
        specification = load_scenario(name, chains=own)
    if out is not None:
        check_folder(out)
    mode = options["mode"] or "market"
    settings = {k: v for k, v in options.items() if k != "mode"}
    settings["lead_time"] = bool(settings["lead_time"])
    settings["priority"] = settings["priority"] or ()
    if mode == "both":
        if settings.pop("priority"):
            raise InputError("--priority goes with --mode market or foresight alone.")
        _run_both(specification, own, settings, options, out, as_json)
        return
    with progress_bar() as progress:
        result = run_stress(
            specification, chains=own, progress=progress, mode=Mode(mode), **settings
        )
    if out is not None:
        _write(result, out, own, options)
    if as_json:
        print_json(stress_document(result))
    else:
        _print(result, out)


def _run_both(
    specification: Scenario,
    own: Mapping[str, Chain],
    settings: Mapping[str, Any],
    options: Mapping[str, Any],
    out: Path | None,
    as_json: bool,
) -> None:
    """Run the market and foresight: a brief of both, and one folder each."""
    from lodeline.report.files import check_folder
    from lodeline.report.foresight import foresight_sentence, write_foresight
    from lodeline.report.format import wrapped
    from lodeline.results.document import both_document
    from lodeline.studies.stress import run_both

    with progress_bar() as progress:
        both = run_both(specification, chains=own, progress=progress, **settings)
    if out is not None:
        for result in (both.market, both.foresight):
            folder = out / result.mode
            check_folder(folder)
            _write(result, folder, own, {**options, "mode": result.mode})
        names = write_foresight(both, out)
        console().print(f"Written to {out}: {', '.join(names)}")
    if as_json:
        print_json(both_document(both))
        return
    for result in (both.market, both.foresight):
        console(stderr=False).print(f"[bold]{result.mode}[/bold]")
        _print(result, out / result.mode if out is not None else None)
    for line in wrapped(foresight_sentence(both)):
        console(stderr=False).print(line)


def _write(
    result: StressResult, out: Path, own: Mapping[str, Chain], options: Mapping[str, Any]
) -> None:
    from lodeline import data
    from lodeline.network.catalogue import load_chain
    from lodeline.report.files import write_stress
    from lodeline.results.manifest import stress_manifest

    used = {c: own[c] if c in own else load_chain(c) for c in result.chains}
    # The defaults are written out, so that a later release repeats the run and not its defaults.
    asked = dict(options) | {
        "mode": result.mode,
        "policy": None,  # the scenario in the manifest has the rule that was used
        "base_year": result.base_year,
        "months": len(result.months),
        "asked": list(result.asked),
    }
    write_stress(
        result,
        out,
        world=data.world_map(),
        manifest_of=lambda files: stress_manifest(result, chains=used, options=asked, files=files),
    )


def _print(result: StressResult, out: Path | None) -> None:
    from lodeline.report.terminal import stress_table

    screen = console(stderr=False)
    for part in stress_table(result):
        screen.print(part)
    if out is not None:
        console().print(f"Written to {out}: report.html, tables.xlsx, losses.csv, flows.parquet, "
                        "summary.json, manifest.json")  # fmt: skip


def _run_base(
    base_year: int | None, months: int | None, chains: Sequence[str], as_json: bool
) -> None:
    from lodeline import data
    from lodeline.network.catalogue import chain_ids, load_chain
    from lodeline.studies.base import check_base

    if base_year is None:
        raise InputError("'stress base' needs a base year. Add, for example, --base-year 2024.")
    checks = [
        check_base(load_chain(name), base_year, months=months or 12)
        for name in (chains or chain_ids())
    ]
    if as_json:
        print_json(_base_document(checks, base_year) | {"dataset": data.dataset_identity()})
    else:
        _print_base(checks)


def _base_document(checks: Sequence[BaseCheck], base_year: int) -> dict[str, Any]:
    return {
        "scenario": BASE,
        "base_year": base_year,
        "months": checks[0].months,
        "chain": checks[0].chain if len(checks) == 1 else None,
        "max_relative_deviation": max(c.max_relative_deviation for c in checks),
        "max_deviation_from_reported": max(
            (d for c in checks if (d := c.max_deviation_from_reported) is not None), default=None
        ),
        "certificate": {
            "max_residual": max(c.certificate["max_residual"] for c in checks),
            "max_gap": max(c.certificate["max_gap"] for c in checks),
        },
        "chains": {
            c.chain: {
                "max_relative_deviation": c.max_relative_deviation,
                "max_deviation_from_reported": c.max_deviation_from_reported,
                "coverage": c.coverage.to_dicts(),
                "reconciliation": c.reconciliation.to_dicts(),
            }
            for c in checks
        },
    }


def _print_base(checks: Sequence[BaseCheck]) -> None:
    from lodeline.cli.output import print_table, print_text
    from lodeline.report.format import ABSENT, wrapped

    rows = [
        (
            c.chain,
            f"{c.max_relative_deviation:.1e}",
            ABSENT
            if c.max_deviation_from_reported is None
            else f"{100 * c.max_deviation_from_reported:.1f} %",
            f"{c.certificate['max_residual']:.1e}",
        )
        for c in checks
    ]
    print_table(
        ["chain", "off base year", "off reported", "residual"],
        rows,
        numbers=["off base year", "off reported", "residual"],
    )
    note = (
        "Off reported: the largest move of reported output, imports or exports by balancing, over "
        "the country's reported output and imports. Large where sources disagree: --json lists "
        "every figure before and after."
    )
    if any(c.max_deviation_from_reported is None for c in checks):
        note += (
            f" {ABSENT} No trade code carries the chain and no output is observed: its lanes are "
            "inferred and its outputs priors, so there is no reported figure to be off."
        )
    print_text("\n".join(wrapped(note)))
