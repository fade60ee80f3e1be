"""YAML text to plain data, with the line of every value, and nothing else let in.

Why not ``yaml.safe_load``: YAML 1.1 reads the key ``on`` as true and ``NO`` as false, lets a key
appear twice, lets a few lines of aliases grow into gigabytes, and forgets where things stood. Here
only ``true``, ``false``, ``null`` and numbers are special, as in YAML 1.2; a date stays text;
anchors, aliases and tags are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

from lodeline.errors import Problem, SpecError

__all__ = ["MAX_BYTES", "Document", "Path", "parse_yaml"]

MAX_BYTES = 1_000_000
MAX_DEPTH = 20

Path = tuple[str | int, ...]

# The parser written in C, where PyYAML has it, gives the same nodes ten times as fast.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_CONSTANTS: Mapping[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass(frozen=True)
class Document:
    """Plain data and where it stood.

    Parameters
    ----------
    data
        A mapping of text to text, numbers, booleans, None, lists and mappings.
    lines
        Line, counted from 1, by path into the data.
    problems
        Keys given twice and the like: the text could be read, but not trusted.
    """

    data: dict[str, object]
    lines: Mapping[Path, int]
    problems: tuple[Problem, ...]

    def line(self, path: Path) -> int | None:
        """Return the line of a path, or of the nearest thing around it."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return None


def parse_yaml(raw: bytes, *, source: str) -> Document:
    """Read one YAML mapping.

    Parameters
    ----------
    raw
        The file's bytes: UTF-8, at most 1 MB.
    source
        Name of the file for messages.

    Raises
    ------
    SpecError
        If the text is no YAML mapping, or uses what is refused.
    """
    text = _decode(raw, source)
    try:
        problems = tuple(_refused(text))
        if problems:
            raise SpecError(source, problems)
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        raise SpecError(source, [_syntax_problem(error, text)]) from error
    if node is None:
        raise SpecError(source, [Problem("file", "it is empty", _START)])
    if not isinstance(node, yaml.MappingNode):
        what = "it is not a mapping of keys to values"
        raise SpecError(source, [Problem("file", what, _START, _line(node))])
    reader = _Reader()
    data = reader.mapping(node, ())
    return Document(data, reader.lines, tuple(reader.problems))


_START = "Start from a copy of a library scenario: lodeline scenarios show ID."


def _decode(raw: bytes, source: str) -> str:
    if len(raw) > MAX_BYTES:
        what = f"it has {len(raw):,} bytes, more than {MAX_BYTES:,}"
        raise SpecError(source, [Problem("file", what, "A scenario is a small text file.")])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        what = f"byte {error.start + 1} (0x{raw[error.start]:02x}) is not UTF-8"
        problem = Problem("file", what, "Save the file as UTF-8 text.", line)
        raise SpecError(source, [problem]) from error


def _refused(text: str) -> Iterator[Problem]:
    """Yield what is refused, from the event stream, which never builds or nests anything."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        line = event.start_mark.line + 1 if event.start_mark else None
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                what = f"it is nested deeper than {MAX_DEPTH} levels"
                yield Problem("file", what, "A scenario needs four levels.", line)
                return
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            what = f"anchor or alias '{event.anchor[:40]}'"
            yield Problem("file", what, "Write the value out where it is needed.", line)
            return
        tag = getattr(event, "tag", None)
        if tag is not None:
            yield Problem("file", f"tag '{tag[:40]}'", "Remove it; plain values are enough.", line)
            return


def _syntax_problem(error: yaml.YAMLError, text: str) -> Problem:
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark else None
    what = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
    remedy = "Correct the YAML there: indentation by spaces, 'key: value', quotes closed."
    if line and re.match(r" *\t", "".join(text.splitlines()[line - 1 : line])):
        remedy = "Indent with spaces; YAML does not allow tabs."
    return Problem("file", f"no YAML: {what}", remedy, line)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


class _Reader:
    """Turns nodes into plain data and notes lines; depth is bounded by `_refused`."""

    def __init__(self) -> None:
        self.lines: dict[Path, int] = {}
        self.problems: list[Problem] = []

    def value(self, node: yaml.Node, path: Path) -> object:
        self.lines.setdefault(path, _line(node))
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, i)) for i, item in enumerate(node.value)]
        return scalar(str(node.value), is_plain=not getattr(node, "style", None))

    def mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, object]:
        self.lines.setdefault(path, _line(node))
        data: dict[str, object] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                what, remedy = "a key is a list or a mapping", "A key is a word."
                self.problems.append(Problem(dotted(path), what, remedy, _line(key_node)))
                continue
            key = str(key_node.value)
            here = (*path, key)
            if key in data:
                what, remedy = f"key '{key}' is given twice", "Keep one of the two."
                self.problems.append(Problem(dotted(here), what, remedy, _line(key_node)))
            self.lines[here] = _line(key_node)
            data[key] = self.value(value_node, here)
        return data


def scalar(text: str, *, is_plain: bool) -> object:
    """Return a scalar as YAML 1.2 reads it: null, boolean, number, else text.

    Examples
    --------
    >>> [scalar(t, is_plain=True) for t in ("on", "NO", "2026-01-06", "0.5", "true")]
    ['on', 'NO', '2026-01-06', 0.5, True]
    """
    if not is_plain:
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _SPECIAL.fullmatch(text):
        return float(text.lower().replace(".", ""))
    return text


def dotted(path: Path) -> str:
    """Return a path as people write it.

    Examples
    --------
    >>> dotted(("restrictions", 1, "start"))
    'restrictions[1].start'
    """
    text = "".join(f"[{p}]" if isinstance(p, int) else f".{p[:60]}" for p in path)
    return text.removeprefix(".") or "file"
