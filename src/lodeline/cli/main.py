"""The program ``lodeline``: a group of commands that are imported when they are used."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from types import MappingProxyType

import click

from lodeline import __version__
from lodeline.errors import LodelineError, MachineError

__all__ = ["COMMANDS", "cli", "main", "run"]

COMMANDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "backtest": (
            "lodeline.cli.backtest:backtest",
            "Foretell restrictions that really happened, and score it.",
        ),
        "bench": ("lodeline.cli.bench:bench", "Measure speed beside other programs."),
        "chains": ("lodeline.cli.chains:chains", "Show the chains: forms, years, size."),
        "compare": (
            "lodeline.cli.compare:compare",
            "Show how two runs differ: inputs and figures.",
        ),
        "complement": (
            "lodeline.cli.complement:complement",
            "What partners could do for each other.",
        ),
        "data": ("lodeline.cli.data:data", "Show, check and extend the dataset."),
        "ensemble": (
            "lodeline.cli.ensemble:ensemble",
            "Run thousands of futures: how likely, how bad, and why.",
        ),
        "exposure": (
            "lodeline.cli.exposure:exposure",
            "Measure dependence: published indicators and origin.",
        ),
        "purchases": (
            "lodeline.cli.purchases:purchases",
            "Assess your own purchases: measures, origin, risk preparedness.",
        ),
        "plan": (
            "lodeline.cli.plan:plan",
            "Find the plan that buys the most security for a budget.",
        ),
        "programme": (
            "lodeline.cli.programme:programme",
            "Tell which month a programme slips, and what would prevent it.",
        ),
        "scenarios": ("lodeline.cli.scenarios:scenarios", "List, show and check scenarios."),
        "stress": (
            "lodeline.cli.stress:stress",
            "Run a scenario: who runs short, when, at what price.",
        ),
        "targets": (
            "lodeline.cli.targets:targets",
            "Hold targets of policy against the figures.",
        ),
        "worst-case": (
            "lodeline.cli.worst_case:worst_case",
            "Find the few restrictions that would hurt a country most.",
        ),
    }
)
"""Where each command lives, and its line in the help: so that help imports nothing."""

INTERRUPTED = 130


class LazyGroup(click.Group):
    """A group that imports a command when it is called, not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands, sorted."""
        return sorted({*COMMANDS, *super().list_commands(ctx)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command, imported now."""
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        module, attribute = COMMANDS[cmd_name][0].split(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; an unknown one is reported with the nearest names."""
        from lodeline.errors import suggest

        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in self.list_commands(ctx):
            raise click.UsageError(
                f"unknown command '{name}'. {suggest(name, self.list_commands(ctx))}", ctx
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in sorted(COMMANDS)])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
    epilog="Example: lodeline stress china-dual-use-japan-2026 --json",
)
@click.version_option(__version__, "--version", prog_name="lodeline")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Measure, stress-test and plan critical-mineral supply chains.

    Data goes to standard output, talk to standard error. Exit codes: 0 done, 2 the input is wrong,
    1 anything else.
    """
    del debug  # read by main() from the arguments, so that it also covers errors of the parser


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; every error becomes one message.

    Parameters
    ----------
    arguments
        The command line without the program's name.
    """
    is_debug = "--debug" in arguments
    try:
        code = cli.main(args=list(arguments), prog_name="lodeline", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        return _report("interrupted", INTERRUPTED)
    except BrokenPipeError:
        _close_stdout()
        return 1
    except SystemExit as stop:  # click's own answer to a reader that went away
        return stop.code if isinstance(stop.code, int) else 1
    except LodelineError as error:
        return _fail(error, error.exit_code, is_debug=is_debug)
    except OSError as error:
        return _fail(_machine_error(error), 1, is_debug=is_debug, cause=error)
    except MemoryError as error:
        text = "not enough memory. Close other programs or take fewer months."
        return _fail(MachineError(text), 1, is_debug=is_debug, cause=error)
    except Exception as error:  # noqa: BLE001  the program's edge: no traceback unless asked for
        text = f"this is a bug in Lodeline ({type(error).__name__}: {error}). " + (
            "Please report it with the traceback above."
            if is_debug
            else "Please report it with the output of --debug."
        )
        return _fail(MachineError(text), 1, is_debug=is_debug, cause=error)


def run() -> None:
    """Entry point of the program."""
    sys.exit(main(sys.argv[1:]))


def _machine_error(error: OSError) -> MachineError:
    place = f"{error.filename}: " if error.filename else ""
    reason = error.strerror or str(error)
    return MachineError(f"{place}{reason}. Check that the place exists, is writable and has room.")


def _fail(
    error: LodelineError, code: int, *, is_debug: bool, cause: BaseException | None = None
) -> int:
    if is_debug:
        import traceback

        traceback.print_exception(cause or error, file=sys.stderr)
    return _report(f"error: {error}", code)


def _report(message: str, code: int) -> int:
    click.echo(f"lodeline: {message}", err=True)
    return code


def _close_stdout() -> None:
    """Point standard output at nothing, so that the interpreter's last flush is quiet."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
