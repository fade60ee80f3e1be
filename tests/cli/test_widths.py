"""Tables in a terminal: what can be copied is never broken, room is kept where it can be."""

import re

import pytest

from lodeline.cli.output import print_table
from lodeline.cli.widths import column_widths
from lodeline.network.catalogue import load_all
from lodeline.scenarios.library import scenario_ids


def test_words_of_text_are_broken_before_identifiers_are():
    address = "https://example.org/" + 60 * "x"
    widths = column_widths(["a", "b"], [["metals-stock-jpn", address]], whole=(), room=40)
    assert widths == [16, 24]


def test_the_room_goes_to_those_that_need_least_more():
    rows = [["rare-earths", "a b c", 30 * "word "]]
    assert column_widths(["x", "y", "z"], rows, whole=(), room=40) == [11, 5, 24]


def test_where_identifiers_do_not_fit_the_table_is_wider():
    rows = [["metals-stock-jpn", "china-dual-use-japan-2026"]]
    assert sum(column_widths(["x", "y"], rows, whole=(), room=20)) == 16 + 25


@pytest.mark.parametrize("size", [1, 5])
def test_every_cell_is_printed_and_no_identifier_is_cut(capfdbinary, size):
    names = [*scenario_ids(), *load_all()]
    rows = [[name, *["some words that are many"] * size, None] for name in names]
    heads = [f"h{k}" for k in range(size + 2)]
    print_table(heads, rows)
    printed = capfdbinary.readouterr().out.decode()
    assert set(names) <= set(re.split(r"\s+", printed))
    assert printed.count("–") == len(names)
    lines = [len(line.rstrip()) for line in printed.splitlines()]
    assert max(lines) <= 80
