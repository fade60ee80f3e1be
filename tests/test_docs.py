"""The documentation tells the truth: names exist, links resolve, what is shown to run does run."""

import os
import re
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

import lodeline
from lodeline.cli.main import COMMANDS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.glob("*.md"), *ROOT.glob("*.md")])
BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)

# A command may be announced before its module is there; documentation waits until it is.
# That all commands and options are in docs/cli.md is tested in tests/cli/test_cli_docs.py.
THERE = sorted(n for n, (place, _) in COMMANDS.items() if find_spec(place.split(":")[0]))


def text_of(name):
    return (DOCS / name).read_text(encoding="utf-8")


def blocks(text):
    """Return the fenced blocks of a page: what stands after the fence, and the content."""
    return BLOCK.findall(text)


def slug(heading):
    """Return the anchor that a heading gets."""
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")


def broken_links(page, root=ROOT):
    prose = BLOCK.sub("", page.read_text(encoding="utf-8"))
    found = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if target.startswith(("http://", "https://")):
            continue
        name, _, anchor = target.partition("#")
        goal = (page.parent / name).resolve() if name else page
        if not goal.exists() or not goal.is_relative_to(root):
            found.append(target)
        elif anchor:
            headings = re.findall(r"^#+ (.*)$", goal.read_text(encoding="utf-8"), re.MULTILINE)
            if anchor not in {slug(h) for h in headings}:
                found.append(target)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_resolve(page):
    assert broken_links(page) == []


def test_a_broken_link_would_be_found(tmp_path):
    page = tmp_path / "a.md"
    page.write_text("# One\n[b](b.md) [c](#two) [d](#one)\n")
    assert broken_links(page, tmp_path.resolve()) == ["b.md", "#two"]


@pytest.mark.parametrize("page", sorted(p.name for p in DOCS.glob("*.md")))
def test_every_page_is_in_the_table_of_contents(page):
    assert page == "index.md" or f"]({page})" in text_of("index.md")


def formulation_names():
    pattern = r"^#+ `([^`]+)`\n\n`([a-z_.]+)`$"
    return re.findall(pattern, text_of("formulation.md"), flags=re.MULTILINE)


def test_every_heading_of_the_formulation_that_looks_like_code_has_its_module():
    headings = re.findall(r"^#+ `([^`]+)`$", text_of("formulation.md"), flags=re.MULTILINE)
    assert headings == [name for name, _ in formulation_names()]
    assert len(headings) >= 15


@pytest.mark.parametrize(("name", "module"), formulation_names())
def test_every_heading_of_the_formulation_exists_in_the_code(name, module):
    assert callable(getattr(import_module(module), name))


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_no_command_is_shown_that_does_not_exist(page):
    text = page.read_text(encoding="utf-8")
    shown = re.findall(r"^(?:    |`?)lodeline ([a-z]\S*)", text, flags=re.MULTILINE)
    shown += re.findall(r"`lodeline ([a-z][a-z-]*)", text)
    assert set(shown) <= set(THERE)


def test_every_file_that_the_architecture_names_exists():
    layer, missing = "", []
    for line in text_of("architecture.md").splitlines():
        if match := re.match(r"\| \*\*([a-z]+)\*\*", line):
            layer = match[1]
        cell = line.split("|")[1] if line.startswith("| `") else ""
        for name in re.findall(r"`([a-z_]+(?:\.py|/))`", cell):
            if not (Path(lodeline.__file__).parent / layer / name).exists():
                missing.append(f"{layer}/{name}")
    assert layer == "cli"
    assert missing == []


def test_the_citation_is_whole_and_of_this_version():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(cited)
    assert cited["cff-version"] == "1.2.0"
    assert str(cited["version"]) == lodeline.__version__
    assert cited["license"] == "Apache-2.0"
    assert cited["authors"] == [{"name": "The Lodeline developers"}]


def lodeline_run(command, folder):
    """Run a line of shell with this environment's programs first, in a folder."""
    programs = str(Path(sys.executable).parent)
    env = os.environ | {"PATH": programs + os.pathsep + os.environ["PATH"], "COLUMNS": "80"}
    return subprocess.run(
        ["/bin/sh", "-c", command], cwd=folder, env=env, capture_output=True, text=True, check=False
    )


def answer_lines(text):
    """Return title, answer and the first country's line: what has no figure near rounding."""
    head, _, rest = text.partition("\n\n")
    first = next(line for line in rest.splitlines() if re.match(r"  \S", line))
    return [*head.splitlines(), first.split()]


@pytest.fixture(scope="module")
def tutorial(tmp_path_factory):
    """Work through the tutorial; return the folder and what each command answered."""
    folder = tmp_path_factory.mktemp("tutorial")
    answers = {}
    for info, content in blocks(text_of("tutorial.md")):
        if match := re.fullmatch(r"yaml file=(\S+)", info):
            (folder / match[1]).write_text(content, encoding="utf-8")
        elif info == "sh":
            for command in content.splitlines():
                answers[command] = lodeline_run(command, folder)
    return folder, answers


@pytest.mark.slow
def test_every_command_of_the_tutorial_runs(tutorial):
    folder, answers = tutorial
    failed = {c: a.stderr or a.stdout for c, a in answers.items() if a.returncode != 0}
    assert failed == {}
    assert len(answers) == 7
    assert (folder / "brief" / "report.html").stat().st_size > 10_000


@pytest.mark.slow
def test_the_tutorial_shows_what_comes_out(tutorial):
    _, answers = tutorial
    [shown] = [content for info, content in blocks(text_of("tutorial.md")) if info == "text"]
    [printed] = [a.stdout for c, a in answers.items() if "--out brief" in c]
    assert answer_lines(shown) == answer_lines(printed), "renew the sample in docs/tutorial.md"


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_python_marked_as_runnable_runs(page, tutorial):
    folder, _ = tutorial
    found = [c for info, c in blocks(page.read_text(encoding="utf-8")) if info == "python run"]
    for code in found:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", code],
            cwd=folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stdout
    assert found or page.name != "trust.md"


@pytest.mark.slow
def test_the_sample_in_the_readme_is_what_comes_out(tmp_path):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    [shown] = [content for info, content in blocks(text) if info == "text"]
    [command] = re.findall(r"^    (lodeline stress .*--no-sensitivity)$", text, re.MULTILINE)
    done = lodeline_run(command, tmp_path)
    assert done.returncode == 0, done.stderr
    assert answer_lines(shown) == answer_lines(done.stdout), "renew the sample in README.md"
