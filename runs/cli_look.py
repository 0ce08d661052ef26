"""The commands that look into runs and go on with them by hand. Imports that take time are inside each command."""

from pathlib import Path
from typing import Annotated

import typer

from peerflex.core.errors import InputError
from peerflex.runs.cli_options import Folder, Hours, Plugins, Seed, Settings

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run")]
Target = Annotated[
    str, typer.Argument(metavar="SCENARIO|RUN", help="A bundled name, a YAML file, or the folder of a run")
]
At = Annotated[float, typer.Option("--at", metavar="HOUR", min=0, help="Hours from the start of the run, from 0")]


def replay(
    run: RunFolder,
    verify: Annotated[bool, typer.Option("--verify", help="Simulate it again and compare value by value")] = False,
    speed: Annotated[
        float | None, typer.Option(min=0.01, metavar="HOURS", help="Play it, so many simulated hours a second")
    ] = None,
    from_: Annotated[float | None, typer.Option("--from", min=0, metavar="HOUR", help="First hour to play")] = None,
    to: Annotated[float | None, typer.Option(min=0, metavar="HOUR", help="Last hour to play")] = None,
    backwards: Annotated[bool, typer.Option("--backwards", help="Play it from its end")] = False,
    plugin: Plugins = None,
) -> None:
    """Print a run's hours and closing tables from its log alone; with --verify, prove that the log is right.

    Examples: peerflex replay RUN --speed 5;  peerflex replay RUN --from 12 --to 20 --backwards --speed 2
    """
    from peerflex.runs.command import replay_run, verify_run

    if verify:
        verify_run(run, plugin or [])
    elif speed is not None or from_ is not None or to is not None or backwards:
        from peerflex.runs.stepper.play import play_run

        play_run(run, speed, from_, to, backwards)
    else:
        replay_run(run)


def step(
    target: Target,
    seed: Seed = None,
    hours: Hours = None,
    set_: Settings = None,
    out: Folder = None,
    plugin: Plugins = None,
    script: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Take the commands from a file, one a line")
    ] = None,
) -> None:
    """Simulate hour by hour in the terminal: look, ask why, change something, go on, branch.

    `help` inside lists the commands. They can also come from a pipe: printf 'next 3\nkpis\n' | peerflex step lv-week
    """
    from peerflex.runs.stepper.start import step_command

    step_command(target, set_ or [], seed, hours, out, plugin or [], script)


def studio(
    target: Annotated[
        str | None,
        typer.Argument(metavar="[SCENARIO|RUN]", help="A bundled name, a YAML file, or the folder of a run"),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to serve on (0: any free one)")] = 8411,
    host: Annotated[str, typer.Option(help="Address to serve on; another than this machine's needs a token")] = (
        "127.0.0.1"
    ),
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open a browser")] = False,
    set_: Settings = None,
    out: Folder = None,
    plugin: Plugins = None,
) -> None:
    """Open a scenario or a run in the browser: the network hour by hour, and everything said and paid.

    Needs the extra: pip install "peerflex\\[studio]". Example: peerflex studio lv-week
    """
    from peerflex.runs.studio.app import studio_command

    studio_command(target, set_ or [], port, host, out, plugin or [], not no_browser)


def explain(
    run: RunFolder,
    at: At,
    trade: Annotated[int | None, typer.Option(min=0, metavar="N", help="Why this trade (row of the hour)")] = None,
    order: Annotated[int | None, typer.Option(min=0, metavar="N", help="Why this order did or did not trade")] = None,
    offer: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Why this offer of flexibility was or was not activated")
    ] = None,
    price: Annotated[bool, typer.Option("--price", help="Why the price of the hour")] = False,
    shed: Annotated[str | None, typer.Option(metavar="BUS", help="Why load was taken off at a bus")] = None,
    agent: Annotated[str | None, typer.Option(metavar="NAME", help="Why a peer did what it did")] = None,
    plugin: Plugins = None,
) -> None:
    """Say why: the constraint, sensitivity, rule or message behind a decision, proved by clearing again without it.

    Example: peerflex explain RUN --at 13 --trade 17
    """
    from peerflex.runs.explain.command import explain_command

    asked = {
        "trade": trade, "order": order, "offer": offer, "price": "" if price else None, "shed": shed, "agent": agent,
    }  # fmt: skip
    given = [(what, str(which)) for what, which in asked.items() if which is not None]
    if len(given) != 1:
        remedy = "Give one of --trade, --order, --offer, --price, --shed and --agent."
        raise InputError("peerflex explain", f"{len(given)} questions at once", remedy)
    explain_command(run, at, *given[0], plugin or [])


def branch(run: RunFolder, at: At, set_: Settings = None, out: Folder = None, plugin: Plugins = None) -> None:
    """Begin a new run that shares a run's past and goes on differently from an hour on.

    Example: peerflex branch RUN --at 50 --set market.incentive.kind=blocking
    """
    from peerflex.runs.command import branch_run

    branch_run(run, at, set_ or [], out, plugin or [])


def report(
    folder: Annotated[Path, typer.Argument(metavar="RUN|STUDY", help="The folder of a run or a study")],
    out: Annotated[Path | None, typer.Option(metavar="FILE.html", help="The file to write")] = None,
) -> None:
    """Write one HTML file with the pictures, tables, numbers and settings of a run or a study."""
    from peerflex.runs.report.command import report_command

    report_command(folder, out)


def new(
    grid: Annotated[Path, typer.Option(metavar="FILE", help="Your network: pandapower JSON or MATPOWER case")],
    meters: Annotated[Path | None, typer.Option(metavar="FILE.csv", help="Your meters' readings")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the scenario, instead of the grid file's")] = None,
    out: Folder = None,
) -> None:
    """Make a scenario of your own network and meters, and report every gap and mismatch in them.

    Example: peerflex new --grid my.json --meters my.csv --out my-town
    """
    from peerflex.runs.own.command import new_command

    new_command(grid, meters, name, out)


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    for command in (replay, step, studio, explain, branch, report, new):
        app.command()(command)
