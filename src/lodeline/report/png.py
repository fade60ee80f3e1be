"""A picture as PNG, with letters on every machine.

The drawing library leaves text out, without a word, where it finds no font. So the font comes with
a dependency: DejaVu Sans, which Matplotlib ships (SALib needs Matplotlib). The system's fonts are
not looked at: the same SVG gives the same picture everywhere.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

from lodeline.errors import MachineError

__all__ = ["png"]

_FAMILY = "DejaVu Sans"
_FILES = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")
ZOOM = 2.0
"""Pixels per SVG unit."""


def png(svg: str, *, zoom: float = ZOOM) -> bytes:
    """Return an SVG document as PNG on white.

    Raises
    ------
    MachineError
        If the font is not there: the picture would have no text.
    """
    from resvg_py import svg_to_bytes

    return svg_to_bytes(
        svg_string=svg,
        background="#ffffff",
        zoom=zoom,
        skip_system_fonts=True,
        font_files=list(_fonts()),
        font_family=_FAMILY,
        sans_serif_family=_FAMILY,
    )


@cache
def _fonts() -> tuple[str, ...]:
    """Return the font files; Matplotlib is looked up, not imported."""
    spec = importlib.util.find_spec("matplotlib")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    for folder in folders:
        files = [Path(folder, "mpl-data", "fonts", "ttf", name) for name in _FILES]
        if all(file.is_file() for file in files):
            return tuple(str(file) for file in files)
    raise MachineError(
        "no font for PNG pictures: DejaVu Sans comes with Matplotlib, which is not installed. "
        "Run 'pip install matplotlib'; the SVG pictures need no font."
    )
