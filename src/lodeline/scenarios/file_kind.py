"""What a YAML file of Lodeline is: told by the keys that only one kind of file has."""

from __future__ import annotations

from enum import StrEnum

from lodeline.errors import Problem, SpecError
from lodeline.scenarios.yaml_text import Document, dotted

__all__ = ["FileKind", "check_kind", "kind_of"]


class FileKind(StrEnum):
    """Kinds of files, as they are called in messages."""

    SCENARIO = "scenario"
    ENSEMBLE = "ensemble"
    EPISODE = "episode"
    PROGRAMME = "programme"
    PLAN = "plan"


_KEYS = {
    FileKind.SCENARIO: ("restrictions",),
    FileKind.ENSEMBLE: ("events",),
    FileKind.EPISODE: ("base_years", "predict_years"),
    FileKind.PROGRAMME: ("bill", "schedule"),
    FileKind.PLAN: ("measures", "partners"),
}
"""Keys of the top that every file of the kind has and no other kind knows."""

_COMMANDS = {
    FileKind.SCENARIO: "stress FILE",
    FileKind.ENSEMBLE: "ensemble FILE",
    FileKind.EPISODE: "backtest --episode FILE",
    FileKind.PROGRAMME: "programme FILE",
    FileKind.PLAN: "plan FILE",
}


def kind_of(document: Document) -> FileKind | None:
    """Return the only kind whose keys a document has; None if it has those of none or several."""
    found = [kind for kind, keys in _KEYS.items() if any(key in document.data for key in keys)]
    return found[0] if len(found) == 1 else None


def check_kind(document: Document, wanted: FileKind, *, source: str) -> None:
    """Refuse a file that is plainly of another kind, instead of listing all that it lacks.

    Raises
    ------
    SpecError
        With one problem, which names the command that takes the file.
    """
    kind = kind_of(document)
    if kind is None or kind is wanted:
        return
    what = f"this is {_with_article(kind)}, not {_with_article(wanted)}"
    remedy = f"Give it to 'lodeline {_COMMANDS[kind]}'."
    raise SpecError(source, [Problem(dotted(()), what, remedy)])


def _with_article(kind: FileKind) -> str:
    return f"{'an' if str(kind)[0] in 'ae' else 'a'} {kind}"
