import pytest

from lodeline.errors import SpecError
from lodeline.scenarios.yaml_text import MAX_BYTES, parse_yaml


def read(text):
    return parse_yaml(text.encode() if isinstance(text, str) else text, source="x.yaml")


def problem(text):
    with pytest.raises(SpecError) as caught:
        read(text)
    return caught.value.problems[0]


def test_the_key_on_and_the_word_no_stay_text():
    assert read("on: [NO, yes, off]").data == {"on": ["NO", "yes", "off"]}


def test_a_date_stays_text():
    assert read("a: 2026-01-06\nb: 2026-01").data == {"a": "2026-01-06", "b": "2026-01"}


def test_plain_numbers_booleans_and_null():
    data = read("a: 1\nb: -0.5\nc: 1e3\nd: true\ne: null\nf: ~\ng:\nh: '1'\ni: 0x10\nj: 1:30").data
    assert data == {
        **{"a": 1, "b": -0.5, "c": 1000.0, "d": True, "e": None},
        **{"f": None, "g": None, "h": "1", "i": "0x10", "j": "1:30"},
    }


def test_lines_are_known_for_keys_and_items():
    document = read("a:\n  - x\n  - y: 1\nb: 2\n")
    assert document.line(("a", 1, "y")) == 3
    assert document.line(("b",)) == 4
    assert document.line(("a", 1, "absent")) == 3


def test_a_key_given_twice_is_a_problem():
    problems = read("a: 1\nb: 2\na: 3\n").problems
    assert [(p.line, p.place) for p in problems] == [(3, "a")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("# only a comment\n", "empty"),
        ("- a\n- b\n", "not a mapping"),
        ("just words", "not a mapping"),
        ("a: [1, 2", "no YAML"),
        ("a: 'open", "no YAML"),
        ("a: 1\n\tb: 2\n", "no YAML"),
        ("a: 1\n---\nb: 2\n", "no YAML"),
        ("a: &x 1\nb: *x\n", "anchor"),
        ("a: !!python/object:os.system x\n", "tag"),
        ("a: " + "[" * 500, "nested"),
        ("a: 1\x00", "no YAML"),
        (b"a: \xff\xfe", "not UTF-8"),
        (b"\xff\xfea\x00", "not UTF-8"),
        (b"a: 1\n" * MAX_BYTES, "bytes"),
    ],
)
def test_what_is_no_mapping_is_refused_with_a_remedy(text, words):
    found = problem(text)
    assert words in found.what
    assert found.remedy


def test_an_alias_bomb_is_refused_before_it_is_built():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 30)]
    assert "anchor" in problem("\n".join(lines)).what


def test_a_byte_order_mark_and_windows_line_ends_are_fine():
    assert read(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n").data == {"a": 1, "b": 2}


def test_a_key_that_is_no_word_is_a_problem():
    assert "a key is a list" in read("? [a, b]\n: 1\nc: 2\n").problems[0].what


def test_a_tab_is_named_as_the_culprit():
    found = problem("a:\n  b: 1\n\tc: 2\n")
    assert found.line == 3
    assert "tabs" in found.remedy


@pytest.mark.parametrize("loader", ["SafeLoader", "CSafeLoader"])
def test_both_parsers_give_the_same(loader, monkeypatch, good_text):
    module = pytest.importorskip("yaml")
    if not hasattr(module, loader):
        pytest.skip("PyYAML without its C parser")
    usual = read(good_text)
    monkeypatch.setattr("lodeline.scenarios.yaml_text._LOADER", getattr(module, loader))
    assert read(good_text) == usual
