"""The command ``lodeline scenarios``: list, show, validate, schema."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lodeline.cli.output import json_option, print_json, print_table, print_text
from lodeline.errors import Problem, SpecError

if TYPE_CHECKING:
    from lodeline.scenarios.spec import Scenario

__all__ = ["scenarios"]

INVALID = 2


@click.group()
def scenarios() -> None:
    """List, show and check scenarios.

    A scenario is a small YAML file: who restricts what, to whom, from when on, and who says so.

    Example: lodeline scenarios show china-dual-use-japan-2026
    """


@scenarios.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the scenarios that ship with Lodeline.

    Example: lodeline scenarios list --json
    """
    from lodeline.scenarios.library import load_scenario, scenario_ids

    loaded = [load_scenario(name) for name in scenario_ids()]
    if as_json:
        print_json({"scenarios": [_entry(s) for s in loaded]})
        return
    print_table(["id", "start", "title"], [(s.id, s.start, s.title) for s in loaded])


@scenarios.command(short_help="Print a scenario: its YAML, or checked JSON.")
@click.argument("scenario", metavar="ID")
@json_option
def show(scenario: str, as_json: bool) -> None:
    """Print a scenario: its YAML as it stands, or the checked document with --json.

    ID is a scenario of the library, or the path of a file that ends in .yaml.

    Example: lodeline scenarios show china-dual-use-japan-2026 > mine.yaml
    """
    from lodeline.scenarios.library import load_scenario, scenario_text

    if as_json:
        print_json(load_scenario(scenario).document())
    else:
        print_text(scenario_text(scenario))


@scenarios.command()
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.option(
    "--chain",
    "chain_files",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A chain file of your own that the scenario names. Repeatable.",
)
@json_option
def validate(file: Path, chain_files: tuple[Path, ...], as_json: bool) -> None:
    """Check a scenario file and report all its problems at once.

    Exit code 2 if there are any.

    Example: lodeline scenarios validate mine.yaml
    """
    from lodeline.network.catalogue import load_chain
    from lodeline.scenarios.reading import read_scenario

    own = {chain.id: chain for chain in map(load_chain, chain_files)}
    try:
        scenario = read_scenario(file, chains=own)
    except SpecError as error:
        if not as_json:
            raise
        problems = [_problem(p) for p in error.problems]
        print_json({"file": str(file), "valid": False, "id": None, "problems": problems})
        raise click.exceptions.Exit(INVALID) from error
    if as_json:
        print_json({"file": str(file), "valid": True, "id": scenario.id, "problems": []})
    else:
        count = len(scenario.restrictions)
        print_text(f"{file}: valid, {count} restriction{'s' if count != 1 else ''}.")


@scenarios.command()
def schema() -> None:
    """Print the JSON Schema of a scenario file, for editors.

    Example: lodeline scenarios schema > scenario.schema.json
    """
    from lodeline.scenarios.schema import scenario_schema

    print_json(scenario_schema())


def _entry(scenario: Scenario) -> dict[str, Any]:
    document = scenario.document()
    return {
        **{key: document[key] for key in ("id", "title", "kind", "question", "start", "months")},
        "end": str(scenario.end),
        "chains": list(scenario.chains),
        "asked": document["asked"],
        "sources": document["sources"],
    }


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "place": problem.place,
        "line": problem.line,
        "what": problem.what,
        "remedy": problem.remedy,
    }
