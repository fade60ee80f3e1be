"""What all reports share: the template engine, addresses, and writing whole files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined

from lodeline.errors import MachineError

__all__ = ["environment", "no_address", "web_address", "write_texts"]


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


def write_texts(folder: Path, contents: Mapping[str, str], *, remedy: str) -> list[Path]:
    """Write files, each whole or not at all, into a folder; return their paths.

    Parameters
    ----------
    folder
        Where to; made if it is not there.
    contents
        Text by file name.
    remedy
        What to do if the disk refuses, as a sentence.

    Raises
    ------
    MachineError
        If the disk refuses.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in contents.items():
            hidden = folder / f".{name}"
            hidden.write_text(text, encoding="utf-8")
            hidden.replace(folder / name)
    except OSError as error:
        reason = f"cannot write the results to '{folder}': {error.strerror}."
        raise MachineError(f"{reason} {remedy}") from error
    return [folder / name for name in contents]
