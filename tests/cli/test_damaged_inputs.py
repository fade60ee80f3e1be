"""Whatever happens to an input file: one message, exit code 2 or 1, no traceback."""

import pytest
from damage import TARGETS, damage_to

from lodeline.cli.main import main
from lodeline.errors import InputError

NAMES = sorted(TARGETS)


@pytest.fixture(scope="module")
def damaged():
    return {name: damage_to(TARGETS[name]) for name in NAMES}


@pytest.fixture(scope="module", params=NAMES)
def target(request):
    return TARGETS[request.param]


def write(folder, target, raw):
    path = folder / f"damaged{target.suffix}"
    path.write_bytes(raw)
    return path


def test_the_undamaged_file_is_read(target, tmp_path):
    if target.read is None:
        pytest.skip("read by its command alone")
    assert target.read(write(tmp_path, target, target.good))


def test_there_are_more_than_a_hundred_damaged_inputs(damaged):
    assert sum(d.must_fail for cases in damaged.values() for d in cases) >= 100


def test_the_library_raises_input_errors_and_nothing_else(target, damaged, tmp_path):
    if target.read is None:
        pytest.skip("read by its command alone")
    messages = {d.name: "" for d in damaged[target.name] if d.must_fail}
    for damage in damaged[target.name]:
        path = write(tmp_path, target, damage.raw)
        try:
            target.read(path)
        except InputError as error:
            messages[damage.name] = str(error).removeprefix(str(path))
    assert [name for name, message in messages.items() if not message] == []
    assert max(len(message) for message in messages.values()) < 20_000


def test_the_program_exits_with_2_and_one_message(target, damaged, tmp_path, capsys):
    if target.command is None:
        pytest.skip("no command reads this file")
    for damage in [d for d in damaged[target.name] if d.must_fail][::5]:
        code = main(target.command(write(tmp_path, target, damage.raw)))
        captured = capsys.readouterr()
        assert code in (1, 2), damage.name
        assert captured.out == "", damage.name
        assert captured.err.startswith("lodeline: error: "), damage.name
        assert "Traceback" not in captured.err, damage.name
        assert "bug" not in captured.err, damage.name
