"""The scanner finds the line of every key that the parser finds."""

import tomllib

import pytest

from lodeline.network.catalogue import chain_ids, chain_text
from lodeline.network.toml_lines import key_lines, line_of

TEXT = '''\
id = "x"          # [not.a.table]
limits = [
    "first = [1",
    "second",
]
note = """
[forms]
key = 1
"""

[[forms]]
id = "a"
[[forms.codes]]
code = "1"
[forms.codes.content]
value = 1
[[forms.codes]]
code = "2"
[[forms]]
"quoted key" = 1
[[forms.codes]]
code = "3"
inline = { value = 1, low = [2, 3] }
a.b = 4
'''


def test_lines_of_headers_keys_and_nested_arrays():
    lines = key_lines(TEXT)
    assert lines["id",] == 1
    assert lines["limits",] == 2
    assert lines["forms", 0] == 11
    assert lines["forms", 0, "codes", 0, "content", "value"] == 16
    assert lines["forms", 0, "codes", 1, "code"] == 18
    assert lines["forms", 1, "quoted key"] == 20
    assert lines["forms", 1, "codes", 0, "code"] == 22
    assert lines["forms", 1, "codes", 0, "a", "b"] == 24


def test_text_inside_strings_and_arrays_is_no_key():
    lines = key_lines(TEXT)
    assert ("key",) not in lines
    assert ("forms", "key") not in lines
    assert not any("first" in str(part) for path in lines for part in path)


def test_inside_an_inline_table_the_nearest_key_around_counts():
    lines = key_lines(TEXT)
    assert line_of(lines, ("forms", 1, "codes", 0, "inline", "low", 1)) == 23
    assert line_of(lines, ("nowhere",)) is None


def _leaves(value, path=()):
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for i, item in enumerate(value):
            yield from _leaves(item, (*path, i))
    else:
        yield path


@pytest.mark.parametrize("chain", chain_ids())
def test_every_key_of_every_packaged_chain_has_its_own_line(chain):
    text = chain_text(chain)
    lines, rows = key_lines(text), text.splitlines()
    for path in _leaves(tomllib.loads(text)):
        assert rows[lines[path] - 1].startswith(f"{path[-1]} =")
