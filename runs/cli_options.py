"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change one field, e.g. --set grid.demand_factor=3 (repeatable)"),
]
Plugins = Annotated[
    list[Path] | None,
    typer.Option(
        "--plugin", metavar="FILE.py", help="Your own behaviours or markets; the file is executed (repeatable)"
    ),
]
Folder = Annotated[
    Path | None, typer.Option("--out", metavar="FOLDER", help="The new folder to write to; must not exist")
]
Seed = Annotated[int | None, typer.Option(min=0, help="Seed of every random draw, instead of the scenario's own")]
Hours = Annotated[
    int | None, typer.Option(min=1, help="Hours to simulate, whatever the step, instead of the scenario's")
]
