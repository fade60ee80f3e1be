"""docs/cli.md tells of every command and option, and of no others."""

import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import click
import pytest

from lodeline.cli.main import COMMANDS, cli

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"


def commands():
    """Return all commands by their words, those included that live in groups."""
    found = {"lodeline": cli}
    for name, (place, _) in COMMANDS.items():
        module, attribute = place.split(":")
        if find_spec(module) is not None:
            walk(f"lodeline {name}", getattr(import_module(module), attribute), found)
    return found


def walk(words, command, found):
    found[words] = command
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            walk(f"{words} {name}", child, found)


def sections():
    parts = re.split(r"^## (lodeline.*)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip((h.strip() for h in parts[1::2]), parts[2::2], strict=True))


COMMANDS_FOUND = commands()


@pytest.mark.parametrize("words", sorted(COMMANDS_FOUND))
def test_every_command_and_option_is_documented(words):
    section = sections()[words]
    options = [p for p in COMMANDS_FOUND[words].params if isinstance(p, click.Option)]
    arguments = [p for p in COMMANDS_FOUND[words].params if isinstance(p, click.Argument)]
    for option in options:
        for name in option.opts + option.secondary_opts:
            assert f"`{name}" in section, f"{words}: {name} is missing in docs/cli.md"
    for argument in arguments:
        assert f"{argument.make_metavar(click.Context(cli))}" in section


@pytest.mark.parametrize("words", sorted(COMMANDS_FOUND))
def test_no_option_is_documented_that_does_not_exist(words):
    names = {name for p in COMMANDS_FOUND[words].params for name in p.opts + p.secondary_opts} | {
        "--help"
    }
    table = [line for line in sections()[words].splitlines() if line.startswith("| `-")]
    told = {
        n for line in table for n in re.findall(r"(?<![\w-])--?[a-z][a-z-]*", line.split("|")[1])
    }
    assert told - {"-h"} <= names


def test_no_command_is_documented_that_does_not_exist():
    planned = {f"lodeline {name}" for name in COMMANDS}
    told = sections()
    assert all(w in COMMANDS_FOUND or " ".join(w.split()[:2]) in planned for w in told)


@pytest.mark.parametrize("words", sorted(COMMANDS_FOUND))
def test_every_command_has_help_with_an_example(words):
    command = COMMANDS_FOUND[words]
    help_text = f"{command.help} {command.epilog}"
    assert command.help
    if not isinstance(command, click.Group):
        assert re.search(r"Examples?:\s+lodeline ", help_text)
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, f"{words}: {option.opts} has no help"
