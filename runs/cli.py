"""The command line. Every import that takes time is inside its command, so that ``--help`` answers at once."""

import os
import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from peerflex.core.errors import InputError, PeerflexError
from peerflex.runs import cli_look
from peerflex.runs.cli_options import Folder, Hours, Plugins, Seed, Settings

app = typer.Typer(
    name="peerflex",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="What happens on the real wires when customers trade energy and flexibility with each other.\n\n"
    "Begin with [bold]peerflex list[/bold], then [bold]peerflex run lv-week[/bold].",
    epilog="Exit codes: 0 done, 1 a criterion of a study fails, 2 bad input, 3 verification failed, "
    "4 the simulation failed (its log is kept and says where).",
)


INTERRUPTED = 130
"""What a shell expects of a command that Ctrl-C ended."""


class Driver(StrEnum):
    """What drives the hours; the tables are the same."""

    MOSAIK = "mosaik"
    MESA = "mesa"


ScenarioName = Annotated[
    str, typer.Argument(metavar="SCENARIO", help="A bundled name (see `peerflex list`) or a YAML file")
]


@app.command("list")
def list_() -> None:
    """Name the bundled scenarios and studies, and the parts a scenario can be made of."""
    from peerflex.runs.show import show_list

    show_list()


@app.command()
def check(scenario: ScenarioName, set_: Settings = None, plugin: Plugins = None) -> None:
    """Read a scenario and resolve every part of it, without simulating; say what it amounts to.

    Example: peerflex check my.yaml --set market.p2p.kind=uniform-auction
    """
    from peerflex.runs.area.plugins import registry
    from peerflex.runs.show import show_area
    from peerflex.runs.simulation import Simulation
    from peerflex.scenarios.load import load_scenario

    loaded = load_scenario(scenario, set_ or [])
    simulation = Simulation(loaded, registry(plugin or []))  # so that every change of it is built, too
    show_area(loaded, simulation.built)
    simulation.close()


@app.command()
def run(
    scenario: Annotated[
        str | None, typer.Argument(metavar="[SCENARIO]", help="A bundled name (see `peerflex list`) or a YAML file")
    ] = None,
    seed: Seed = None,
    hours: Hours = None,
    set_: Settings = None,
    out: Folder = None,
    driver: Annotated[Driver, typer.Option(help="Co-simulation, or Mesa alone in process")] = Driver.MOSAIK,
    plugin: Plugins = None,
    resume: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Go on with a run that was stopped")] = None,
) -> None:
    """Simulate a scenario hour by hour and keep everything in a folder.

    Examples: peerflex run lv-week --hours 24;  peerflex run --resume results/lv-week-1-...
    """
    from peerflex.runs.command import resume_run, start_run

    if (scenario is None) == (resume is None):
        raise InputError("peerflex run", "needs either a SCENARIO or --resume FOLDER", "Name one of the two.")
    if resume is not None:
        if seed is not None or hours is not None or set_ or out is not None:
            raise InputError(
                "peerflex run --resume", "a run goes on as it was begun", "Leave out --seed, --hours, --set and --out."
            )
        resume_run(resume, plugin or [])
    elif scenario is not None:
        start_run(scenario, set_ or [], seed, hours, out, driver.value, plugin or [])


@app.command()
def study(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="A bundled name (see `peerflex list`) or a YAML file")],
    seeds: Annotated[str | None, typer.Option(metavar="A-B", help="First and last seed, both simulated")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes to use")] = max(1, os.cpu_count() or 1),
    vary: Annotated[bool, typer.Option("--vary", help="Also with every variation the study names")] = False,
    hash_: Annotated[bool, typer.Option("--hash", help="Only print the configuration's hash; no simulation")] = False,
    out: Folder = None,
    plugin: Plugins = None,
) -> None:
    """Simulate scenarios over many seeds or settings, and compare them with each other and with what was published.

    Example: peerflex study lv-designs --seeds 1-5
    """
    from peerflex.runs.command import run_study_command, show_hash

    if hash_:
        show_hash(study)
    else:
        run_study_command(study, seeds, jobs, out, plugin or [], vary)


@app.command()
def schema(
    what: Annotated[str, typer.Argument(metavar="[scenario|study]", help="Which schema")] = "scenario",
) -> None:
    """Print the JSON Schema of scenario or study files, for editors."""
    import json

    from peerflex.scenarios.load import json_schema

    print(json.dumps(json_schema(what), indent=2))


cli_look.register(app)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop")] = False,
) -> None:
    if version:
        from peerflex import __version__

        print(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command line; every failure that peerflex explains becomes one message and its exit code."""
    sys.exit(_guarded(app))


def _interrupted() -> int:
    print("peerflex: stopped. A run goes on with: peerflex run --resume FOLDER", file=sys.stderr)
    return INTERRUPTED


def _guarded(command: Callable[[], object]) -> int:
    try:
        command()
    except PeerflexError as error:
        print(f"peerflex: {error}", file=sys.stderr)
        return error.exit_code
    except (OSError, UnicodeError) as error:  # a terminal or pipe that does not take what is printed
        os.write(2, f"peerflex: cannot read or write: {error}\n".encode("ascii", "replace"))
        return 2
    except KeyboardInterrupt:
        return _interrupted()
    except SystemExit as done:
        return _interrupted() if done.code == INTERRUPTED else int(done.code or 0)
    return 0
