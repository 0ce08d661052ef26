"""The part of a run's picture that shows the area's frequency and the TSO's regulation."""

from typing import TYPE_CHECKING, Final

import numpy as np

from peerflex.core.frequency import STANDARD_RANGE_HZ

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#7f7f7f"
MILLI: Final = 1000.0


def has_frequency(hours: "pd.DataFrame") -> bool:
    """Say whether there is anything to show."""
    return "extreme_hz" in hours and bool(hours["extreme_hz"].notna().any())


def draw_frequency(frequency: "Axes", regulation: "Axes", hours: "pd.DataFrame") -> None:
    """Draw the farthest and the last frequency of every step, and what the TSO asked for and got."""
    from matplotlib import rcParams

    time = hours["time"].to_numpy()
    line = rcParams["axes.edgecolor"]
    extreme = MILLI * hours["extreme_hz"].to_numpy()
    frequency.vlines(time, 0.0, extreme, color=BLUE, linewidth=1.5, label="farthest in the step")
    frequency.step(time, MILLI * hours["quasi_steady_hz"], where="mid", color=ORANGE, linewidth=1, label="at its end")
    for limit in (-STANDARD_RANGE_HZ, STANDARD_RANGE_HZ):
        frequency.axhline(MILLI * limit, color=line, linestyle="--", linewidth=1)
    frequency.set_ylabel("frequency, deviation\nfrom nominal (mHz)")
    regulation.step(time, hours["tso_request_mw"], where="mid", color=GREY, linewidth=2.5, label="requested")
    regulation.step(time, hours["tso_contracted_mw"], where="mid", color=ORANGE, label="contracted")
    delivered = hours["tso_delivered_mw"].to_numpy()
    regulation.fill_between(time, delivered, step="mid", color=GREEN, alpha=0.4, linewidth=0, label="delivered")
    regulation.axhline(0.0, color=line, linewidth=0.8)
    regulation.set_ylabel("regulation of a\nfeeder, > 0 up (MW)")
    worst = np.nanmax(np.abs(extreme))
    frequency.set_ylim(-1.1 * worst, 1.1 * worst)
    for axis in (frequency, regulation):
        axis.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, frameon=False, borderaxespad=0.0)
