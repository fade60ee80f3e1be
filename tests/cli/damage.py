"""Damaged inputs, made systematically from a good file.

`TARGETS` is the registry: what reads a file, through the library and through the program. A new
command that reads a user's file is added there.
"""

import copy
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lodeline.network.catalogue import chain_text, load_chain
from lodeline.scenarios.reading import read_scenario
from lodeline.scenarios.yaml_text import parse_yaml

DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

SCENARIO = """\
id: mine
title: A scenario to be damaged
question: What happens?
summary: A ban, a quota and an outage.
kind: hypothetical
start: 2026-01
months: 12
asked: [JPN]
restrictions:
- {id: a, type: ban, by: [CHN], on: [JPN], chain: rare-earths, forms: [metals], start: 2026-01,
   end: 2026-06, source: s, severity: {value: 0.9, low: 0.5, high: 1}, leakage: 0.1}
- {id: b, type: quota, by: [CHN], on: all, chain: tungsten, forms: [powder], start: 2026-01,
   end: null, source: s, tonnes_per_year: 1000, leakage: 0}
- {id: c, type: outage, by: [QAT], chain: lng, forms: all, start: 2026-02, end: 2026-03, source: s,
   severity: 1, recovery_months: 2}
assumptions:
- {text: It lasts., why: Nobody knows.}
sources:
- {key: s, title: A source, url: "https://example.org", date: 2026, confidence: low}
"""


@dataclass(frozen=True)
class Target:
    """What reads a file: a library function, a command line, or both."""

    name: str
    good: bytes
    suffix: str
    read: Callable[[Path], object] | None
    command: Callable[[Path], list[str]] | None


TARGETS = {
    target.name: target
    for target in (
        Target(
            "scenario",
            SCENARIO.encode(),
            ".yaml",
            read_scenario,
            lambda path: ["scenarios", "validate", str(path)],
        ),
        Target(
            "chain",
            chain_text("nickel").encode(),
            ".toml",
            load_chain,
            lambda path: ["chains", "--check", str(path)],
        ),
        Target(
            "stress",
            SCENARIO.encode(),
            ".yaml",
            None,
            lambda path: ["stress", str(path), "--no-sensitivity", "--json"],
        ),
    )
}


@dataclass(frozen=True)
class Damage:
    """A damaged file: its name, its bytes, and whether it must be refused."""

    name: str
    raw: bytes
    must_fail: bool


def bytes_damage(good: bytes, *, cuts: int, flips: int) -> Iterator[Damage]:
    """Yield damage that any text file may suffer."""
    for k in range(cuts):
        end = len(good) * k // cuts
        yield Damage(f"cut after byte {end}", good[:end], must_fail=k < cuts // 2)
    for seed in range(flips):
        chance = random.Random(seed)
        raw = bytearray(good)
        for _ in range(1 + seed % 4):
            raw[chance.randrange(len(raw))] = chance.randrange(256)
        yield Damage(f"flipped bytes, seed {seed}", bytes(raw), must_fail=False)
    for seed in range(5):
        junk = random.Random(seed).randbytes(2000)
        yield Damage(f"random bytes, seed {seed}", junk, must_fail=True)
    text = good.decode()
    yield Damage("empty", b"", must_fail=True)
    yield Damage("blank", b" \n\n", must_fail=True)
    yield Damage("comment only", b"# nothing\n", must_fail=True)
    yield Damage("UTF-16", text.encode("utf-16"), must_fail=True)
    yield Damage("Latin-1", good.replace(b"itle", b"itl\xe9", 1), must_fail=True)
    yield Damage("zero byte", good + b"\x00", must_fail=True)
    yield Damage("control byte", good.replace(b"\n", b"\n\x07", 1), must_fail=True)
    yield Damage("two megabytes", good * (2_000_000 // len(good)), must_fail=True)
    yield Damage("twice", good + good, must_fail=True)
    yield Damage("HTML page", b"<!DOCTYPE html><html><body>404</body></html>", must_fail=True)
    yield Damage("zip archive", b"PK\x03\x04" + bytes(200), must_fail=True)
    yield Damage("JSON list", b"[1, 2, 3]", must_fail=True)
    yield Damage("one number", b"42", must_fail=True)
    yield Damage("open brackets", b"a: " + b"[" * 5000, must_fail=True)
    yield Damage("open braces", b"a: " + b"{a: " * 5000, must_fail=True)
    yield Damage("deep TOML", b"a = " + b"[" * 5000, must_fail=True)
    yield Damage("no line end", b"x" * 500_000, must_fail=True)


def yaml_damage(good: bytes) -> Iterator[Damage]:
    """Yield damage to the text of a YAML file."""
    text = good.decode()
    bomb = ["a: &a [x, x, x]"] + [
        f"{chr(c)}: &{chr(c)} [*{chr(c - 1)}, *{chr(c - 1)}]" for c in range(ord("b"), ord("z"))
    ]
    changes = {
        "tab": text.replace("sources:\n- ", "sources:\n\t- ", 1),
        "alias bomb": "\n".join(bomb),
        "anchor": text.replace("id: mine", "id: &x mine", 1),
        "merge key": text + "<<: {months: 3}\n",
        "tag": text.replace("title: ", "title: !!python/name:os.system ", 1),
        "two documents": text + "---\n" + text,
        "key twice": text + "months: 3\n",
        "unclosed quote": text.replace("title: ", "title: '", 1),
        "no space after colon": text.replace("kind: ", "kind:", 1),
        "indent broken": text.replace("summary:", "   summary:", 1),
        "directive": "%YAML 9.9\n---\n" + text,
        "list for a key": text + "? [a, b]\n: 1\n",
    }
    for name, changed in changes.items():
        yield Damage(name, changed.encode(), must_fail=True)


def data_damage(good: bytes) -> Iterator[Damage]:
    """Yield damage to the data of a scenario: each key, each value, one at a time."""
    data = parse_yaml(good, source="good").data
    for path in sorted(_paths(data), key=str):
        where = ".".join(str(p) for p in path)
        if isinstance(path[-1], str):
            yield _changed(data, path, f"misspelt {where}", misspell=True)
            yield _changed(data, path, f"without {where}", remove=True, must_fail=False)
        for value in ({"a": 1}, [[1]], float("nan"), float("inf"), -1e9, "\u2028?", True):
            must_fail = path[-1] != "assumed"
            yield _changed(data, path, f"{where} = {value!r}", value=value, must_fail=must_fail)
        yield _changed(data, path, f"{where} = null", value=None, must_fail=False)
    first = ("restrictions", 0)
    for key, values in {
        "start": [
            "2026-13",
            "2026-00",
            "26-01",
            "January",
            "2026-01-99x",
            "9999-12",
            "0000-01",
            "",
        ],
        "end": ["2025-12", "1999-01", "2026-6", "never"],
        "by": [["XXX"], ["chn"], ["China"], [], ["EU28"], ["JPN"]],
        "on": [["XXX"], [], ["CHN"], "everybody", ["all"]],
        "chain": ["gallium", "rare_earths", "../../etc/passwd", "x" * 10_000],
        "forms": [["magnets"], [], "metals", ["all"]],
        "type": ["embargo", "", "BAN"],
        "source": ["nowhere", ""],
        "id": ["b", "", "A B"],
        "severity": [1.0001, -0.0001, "1", {"value": 0.5}, {"value": 0.2, "low": 0.5, "high": 1}],
        "leakage": [2, {"value": 0.1, "low": 0, "high": 0.3, "assumed": True}],
    }.items():
        for value in values:
            yield _changed(data, (*first, key), f"{key} = {str(value)[:40]!r}", value=value)


def _changed(
    data: dict[str, Any],
    path: tuple[str | int, ...],
    name: str,
    *,
    value: object = None,
    misspell: bool = False,
    remove: bool = False,
    must_fail: bool = True,
) -> Damage:
    changed = copy.deepcopy(data)
    here: Any = changed
    for part in path[:-1]:
        here = here[part]
    if misspell:
        here[f"{path[-1]}x"] = here.pop(path[-1])
    elif remove:
        del here[path[-1]]
    else:
        here[path[-1]] = value
    text = yaml.dump(changed, Dumper=DUMPER, sort_keys=False, allow_unicode=True)
    return Damage(name, text.encode(), must_fail=must_fail)


def _paths(node: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if path:
        yield path
    items = (
        node.items()
        if isinstance(node, dict)
        else enumerate(node if isinstance(node, list) else ())
    )
    for key, value in items:
        yield from _paths(value, (*path, key))


def damage_to(target: Target) -> list[Damage]:
    """Return all damage to a target's good file."""
    damage = list(bytes_damage(target.good, cuts=40, flips=60))
    if target.suffix == ".yaml":
        damage += [*yaml_damage(target.good), *data_damage(target.good)]
    return damage
