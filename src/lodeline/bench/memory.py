"""The most memory that this process has taken."""

from __future__ import annotations

import sys
from pathlib import Path

__all__ = ["peak_mb"]


def peak_mb() -> float:
    """Return the most memory that this process has had, MB.

    Linux hands ``getrusage``'s peak down from the process that started this one; ``VmHWM`` begins
    anew, so it is read where there is one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return float(line.split()[1]) / 1e3
    import resource  # not on Windows

    unit = 1e6 if sys.platform == "darwin" else 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
