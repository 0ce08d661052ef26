"""The picture of the network of a run in its worst hour."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from peerflex.core.arrays import Floats
from peerflex.runs.log.reader import Run
from peerflex.runs.log.wires import Wires, wires_of
from peerflex.runs.report import figures
from peerflex.runs.report.numbers import Numbers, Picture, draw, percent
from peerflex.runs.views.grid import GridView, grid_at
from peerflex.scenarios.schema import Dso

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

MOST_VECTORS: Final = 2000
"""Branches that are drawn one by one; more become dots of a photograph."""

_LOADING: Final = ("#9fb0bd", "#E69F00", "#D55E00")
_VOLTAGE: Final = ("#0072B2", "#c8ced4", "#AA3377")


def network_picture(run: Run, hours: "pd.DataFrame", dso: Dso) -> Picture:
    """Return the network in the hour with the highest loading (of unrated branches: the lowest voltage).

    Raises:
        InputError: if it cannot be drawn: there are no coordinates in an older log, or they were altered.
    """
    wires = wires_of(run.folder, run.manifest)
    step = figures.worst_step(hours)
    grid = grid_at(run, step)
    worst = ""
    if np.isfinite(grid.loading).any():
        worst += f"; the highest loading is {percent(np.nanmax(grid.loading))}"
    if np.isfinite(grid.v_pu).any():
        worst += f", voltages are {np.nanmin(grid.v_pu):.4f} to {np.nanmax(grid.v_pu):.4f} pu"
    hour = f"{grid.time:%Y-%m-%d %H:%M}"
    buses: Mapping[str, npt.ArrayLike] = {
        "bus": wires.bus_names,
        "x": wires.x,
        "y": wires.y,
        "v_pu": grid.v_pu,
        "p_mw": grid.p_mw,
    }
    branches: Mapping[str, npt.ArrayLike] = {
        "branch": wires.branch_names,
        "from_bus": [wires.bus_names[row] for row in wires.from_bus],
        "to_bus": [wires.bus_names[row] for row in wires.to_bus],
        "loading": grid.loading,
        "flow_mw": grid.flow_mw,
    }
    caption = (
        f"The network in its worst hour, {hour}, on its coordinates or, without any, as a tree. Lines are the wider "
        "and the more orange the more they are loaded, buses blue where the voltage is low and purple where it is "
        "high; a ring marks a limit not kept."
    )
    return draw(
        "network",
        "The network in its worst hour",
        caption,
        f"Map of {len(wires.bus_names)} buses and {len(wires.branch_names)} branches at {hour}{worst}",
        (Numbers.of_columns("network-buses", buses), Numbers.of_columns("network-branches", branches)),
        lambda figure: _map(figure, wires, np.column_stack([wires.x, wires.y]), grid, dso),
        (9.0, 6.0),
    )


def _map(figure: "Figure", wires: Wires, at: Floats, grid: GridView, dso: Dso) -> None:
    from matplotlib.collections import LineCollection
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    axis = figure.subplots()
    many = len(wires.from_bus) > MOST_VECTORS
    loading = np.nan_to_num(grid.loading)
    ramp, around = (LinearSegmentedColormap.from_list("ramp", colours) for colours in (_LOADING, _VOLTAGE))
    lines = LineCollection(
        list(np.stack([at[wires.from_bus], at[wires.to_bus]], axis=1)),
        cmap=ramp, norm=Normalize(0.0, dso.loading), linewidths=1.0 + 3.0 * np.clip(loading, 0.0, 1.5),
        capstyle="round", zorder=1, rasterized=many,
    )  # fmt: skip
    lines.set_array(loading)
    axis.add_collection(lines)
    low, high = dso.voltage_pu
    size = 26 if len(at) < 400 else 8 if not many else 2
    dots = axis.scatter(
        at[:, 0], at[:, 1], s=size, c=grid.v_pu, plotnonfinite=True, cmap=around, norm=Normalize(low, high),
        linewidths=0, zorder=2, rasterized=many,
    )  # fmt: skip
    middle = (at[wires.from_bus] + at[wires.to_bus])[grid.violated_branches] / 2
    beyond = np.concatenate([at[grid.violated_buses], middle])
    edge, width = (figures.GREY, 0.5) if many else (figures.ink(), 1.2)  # a photograph has one colour, light or dark
    axis.scatter(
        beyond[:, 0], beyond[:, 1], s=4 * size, facecolors="none", edgecolors=edge, linewidths=width, zorder=3,
        rasterized=many,
    )  # fmt: skip
    figure.colorbar(lines, ax=axis, shrink=0.6, extend="max", label="loading (1.0 at the rating)")
    if np.isfinite(grid.v_pu).any():
        figure.colorbar(dots, ax=axis, shrink=0.6, extend="both", label="voltage (pu)")
    axis.set_axis_off()
    axis.margins(0.03)
