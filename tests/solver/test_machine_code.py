"""What is kept on disk is found again, and never when its sources are others."""

import os
import shutil
import subprocess
import sys

import pytest

from lodeline.solver import machine_code

INNER = """
from numba import njit

@njit
def scaled(x):
    return {factor} * x
"""
OUTER = """
from far import CONSTANT
from toy.inner import scaled
from toy.machine_code import kept

@kept()
def total(x):
    return scaled(x) + CONSTANT

if __name__ == "__main__":
    from toy.outer import total
    print(total(1.0), sum(total.stats.cache_hits.values()), total.stats.cache_path)
"""


@pytest.fixture
def toy(tmp_path):
    """Return a folder with a package that keeps one function."""
    package = tmp_path / "toy"
    package.mkdir()
    (package / "__init__.py").touch()
    shutil.copy(machine_code.__file__, package)
    (package / "inner.py").write_text(INNER.format(factor=2.0))
    (package / "outer.py").write_text(OUTER)
    (tmp_path / "far.py").write_text("CONSTANT = 0.5\n")
    return tmp_path


def start(toy):
    places = {"PYTHONPATH": str(toy), "XDG_CACHE_HOME": str(toy / "cache"), "HOME": str(toy)}
    given = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"} | places
    return subprocess.Popen(
        [sys.executable, "-m", "toy.outer"], env=given, stdout=subprocess.PIPE, text=True
    )


def answer(process):
    """Return the value, whether it came from disk, and the folder."""
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    value, hits, folder = out.split()
    return float(value), hits == "1", folder


def test_what_was_compiled_from_other_sources_is_never_used(toy):
    assert answer(start(toy))[:2] == (2.5, False)
    assert answer(start(toy))[:2] == (2.5, True)
    # A file that the kept function only calls.
    (toy / "toy" / "inner.py").write_text(INNER.format(factor=3.0))
    assert answer(start(toy))[:2] == (3.5, False)
    # A number from outside the package.
    (toy / "far.py").write_text("CONSTANT = 0.25\n")
    assert answer(start(toy))[:2] == (3.25, False)


@pytest.mark.slow
def test_processes_that_compile_at_once_agree(toy):
    together = [start(toy) for _ in range(2)]
    assert {answer(p)[0] for p in together} == {2.5}
    assert answer(start(toy))[:2] == (2.5, True)


def test_where_the_package_cannot_be_written_the_users_cache_serves(toy):
    # A file where the folder would be: not even the superuser can write into it.
    (toy / "toy" / "__pycache__").write_text("")
    value, _, folder = answer(start(toy))
    assert (value, folder.startswith(str(toy / "cache"))) == (2.5, True)


def test_all_that_entries_call_is_covered_by_their_stamp():
    """A kept function calls only what lies in the solver or in its own file."""
    from lodeline.solver.kernels import batch, walk
    from lodeline.studies.ensemble import accounts

    entries = [batch.pack_block, batch.solve_blocks, walk.walk, accounts.account]
    for entry in entries:
        own, waiting, seen = entry.__wrapped__.__module__, [entry.__wrapped__], set()
        while waiting:
            function = waiting.pop()
            seen.add(function)
            assert function.__module__.startswith("lodeline.solver.") or function.__module__ == own
            called = [function.__globals__.get(n) for n in function.__code__.co_names]
            inner = [c.__wrapped__ for c in called if hasattr(c, "__wrapped__")]
            waiting += [f for f in inner if f not in seen]
        assert len(seen) > 3
