import errno
import subprocess
import sys

import click
import pytest

from lodeline import __version__
from lodeline.cli.main import COMMANDS, cli, main
from lodeline.errors import DataError, InputError, MachineError

HEAVY = ("numba", "numpy", "plotly", "polars", "pydantic", "rich", "scipy", "yaml")


def run_python(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def failing(monkeypatch):
    """Return a function that adds a command ``boom`` which raises the given error."""

    def add(error):
        @click.command()
        def boom():
            raise error

        monkeypatch.setitem(cli.commands, "boom", boom)
        return ["boom"]

    return add


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["--version"]])
def test_help_and_version_import_nothing_heavy(arguments):
    code = (
        "import sys; from lodeline.cli.main import main; "
        f"code = main({arguments!r}); "
        f"heavy = [m for m in {HEAVY!r} if m in sys.modules]; "
        "print(heavy, file=sys.stderr); sys.exit(code or len(heavy))"
    )
    done = run_python(code)
    assert done.returncode == 0, done.stderr


def test_importing_the_package_imports_nothing_heavy():
    done = run_python(f"import sys, lodeline; sys.exit(sum(m in sys.modules for m in {HEAVY!r}))")
    assert done.returncode == 0


def test_help_lists_every_command(capsys):
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    for name, (_, line) in COMMANDS.items():
        assert f"  {name} " in out
        assert line.split()[0] in out


def test_the_version_is_printed(capsys):
    assert main(["--version"]) == 0
    assert __version__ in capsys.readouterr().out


def test_no_command_shows_the_help(capsys):
    code = main([])
    captured = capsys.readouterr()
    assert code == 2
    assert "Usage: lodeline" in captured.out + captured.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["scenario"], "Did you mean 'scenarios'?"),
        (["--jsn"], "No such option"),
        (["scenarios", "show"], "Missing argument"),
        (["scenarios", "shwo", "x"], "No such command"),
        (["scenarios", "list", "--jsno"], "No such option"),
        (["scenarios", "list", "too-much"], "unexpected"),
    ],
)
def test_wrong_usage_exits_with_2(arguments, words, capsys):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert words in captured.err


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (InputError("x.yaml: wrong"), 2, "x.yaml: wrong"),
        (DataError("table damaged"), 1, "table damaged"),
        (MachineError("disk full"), 1, "disk full"),
        (OSError(errno.ENOSPC, "No space left on device", "out/x"), 1, "out/x: No space left"),
        (PermissionError(errno.EACCES, "Permission denied", "out"), 1, "out: Permission denied"),
        (MemoryError(), 1, "not enough memory"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (ZeroDivisionError("surprise"), 1, "bug in Lodeline (ZeroDivisionError: surprise)"),
        (RecursionError("deep"), 1, "bug in Lodeline"),
    ],
)
def test_every_error_is_one_message_and_a_code(failing, capsys, error, code, words):
    assert main(failing(error)) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert words in captured.err
    assert "Traceback" not in captured.err


def test_debug_shows_the_traceback(failing, capsys):
    assert main(["--debug", *failing(ZeroDivisionError("surprise"))]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_reader_that_goes_away_is_met_in_silence():
    code = "import sys; from lodeline.cli.main import main; sys.exit(main(['scenarios', 'schema']))"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        err = process.stderr.read()
        process.wait(timeout=60)
    assert err == b""
    assert process.returncode == 1


def test_a_full_disk_is_the_machines_fault():
    code = "import sys; from lodeline.cli.main import main; sys.exit(main(['scenarios', 'schema']))"
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 1
    assert b"No space left" in done.stderr
    assert b"Traceback" not in done.stderr
