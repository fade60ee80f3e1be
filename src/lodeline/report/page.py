"""What all reports share: the template engine, addresses, and writing whole files."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined

from lodeline.errors import MachineError

__all__ = ["environment", "no_address", "web_address", "whole_files", "write_texts"]


def environment(**filters: Callable[..., Any]) -> Environment:
    """Return the templates of the reports with filters of their own."""
    env = Environment(
        loader=PackageLoader("lodeline.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters |= filters
    return env


def web_address(address: object) -> str:
    """Return an address if it is one of the web, else nothing: no other scheme becomes a link."""
    text = str(address or "")
    return text if urlsplit(text).scheme in {"http", "https"} else ""


def no_address(address: object) -> str:
    """Refuse every address: for reports that link to nothing."""
    del address
    return ""


_REMEDY = "Free some space or choose another folder with --out."


@contextmanager
def whole_files(folder: Path, *, remedy: str = _REMEDY) -> Iterator[Path]:
    """Give a hidden folder whose files are moved into `folder` at the end: all or none.

    A run that fails half-way leaves nothing behind. The folder is made if it is not there.

    Raises
    ------
    MachineError
        If the disk refuses.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        hidden = Path(tempfile.mkdtemp(dir=folder, prefix=".lodeline-"))
        try:
            yield hidden
            for file in sorted(hidden.iterdir()):
                file.replace(folder / file.name)
        finally:
            shutil.rmtree(hidden, ignore_errors=True)
    except OSError as error:
        reason = f"cannot write the results to '{folder}': {error.strerror}."
        raise MachineError(f"{reason} {remedy}") from error


def write_texts(folder: Path, contents: Mapping[str, str], *, remedy: str = _REMEDY) -> list[Path]:
    """Write text by file name into a folder, all or none; return the paths.

    Raises
    ------
    MachineError
        If the disk refuses.
    """
    with whole_files(folder, remedy=remedy) as hidden:
        for name, text in contents.items():
            (hidden / name).write_text(text, encoding="utf-8")
    return [folder / name for name in contents]
