"""The command ``lodeline compare``: two runs of stress tests beside each other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lodeline.cli.output import console, json_option, out_option, print_json, print_text
from lodeline.errors import InputError

if TYPE_CHECKING:
    from lodeline.results.comparison import RunFiles

__all__ = ["compare"]

_FOLDER = click.Path(path_type=Path)
_NEEDED = {
    "summary.json": ("countries", "chains"),
    "manifest.json": ("lodeline", "dataset", "options", "scenario", "chains"),
}


@click.command(
    short_help="Show how two runs differ: inputs and figures.",
    epilog="Example: lodeline compare before after",
)
@click.argument("before", type=_FOLDER, metavar="BEFORE")
@click.argument("after", type=_FOLDER, metavar="AFTER")
@click.option(
    "--least",
    type=click.FloatRange(0.0, 1.0),
    default=0.01,
    show_default=True,
    metavar="SHARE",
    help="Leave out figures that moved by less than this share.",
)
@out_option
@json_option
def compare(before: Path, after: Path, least: float, out: Path | None, as_json: bool) -> None:
    """Show how two runs differ: what went in otherwise, and which figures moved.

    BEFORE and AFTER are folders that 'lodeline stress … --out' wrote, perhaps by two versions of
    Lodeline.

    Example: lodeline compare before after
    """
    from lodeline.report.comparison import comparison_text
    from lodeline.report.tabular import write_tabular
    from lodeline.results.comparison import compare_runs, comparison_document

    result = compare_runs(_read(before), _read(after), least=least)
    document = comparison_document(result)
    if out is not None:
        paths = write_tabular(out, "comparison", result.figures, document)
        console().print(f"Written: {', '.join(p.name for p in paths)} in {out}")
    if as_json:
        print_json(document)
    else:
        print_text(comparison_text(result))


def _read(folder: Path) -> RunFiles:
    from lodeline.results.comparison import RunFiles

    summary, manifest = (_document(folder / name, keys) for name, keys in _NEEDED.items())
    return RunFiles(str(folder), summary, manifest)


def _document(path: Path, keys: tuple[str, ...]) -> dict[str, Any]:
    remedy = "Name a folder that 'lodeline stress SCENARIO --out DIR' wrote."
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"'{path}' does not exist. {remedy}") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"'{path}' cannot be read as JSON ({error}). {remedy}") from error
    missing = [k for k in keys if not isinstance(document, dict) or k not in document]
    if missing:
        raise InputError(f"'{path}' has no {', '.join(missing)}: it is of no stress test. {remedy}")
    return dict(document)
