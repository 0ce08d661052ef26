"""Pictures of how voltages and loadings of a run are spread: over buses, over time, over the day."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from peerflex.core.arrays import Bools, Floats
from peerflex.core.errors import InputError
from peerflex.runs.log.reader import Run
from peerflex.runs.report import figures
from peerflex.runs.report.numbers import Numbers, Picture, draw_one, percent, short

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MOST_CURVES: Final = 5
CURVE_POINTS: Final = 400
BINS: Final = 60
MARGIN_PU: Final = 1e-6

COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00")


def spread_pictures(run: Run, reference: Run | None, hours: "pd.DataFrame") -> list[Picture]:
    """Return load-duration curves, the distribution of voltages and the heat map of loading, as far as there are any.

    Raises:
        InputError: if the log is not what its manifest says.
    """
    return [*_durations(run, hours), *_voltages(run, reference, hours), *_heat_map(hours)]


def _values(levels: "pd.DataFrame") -> list[float]:
    """Return all values that limits have in a run."""
    return [float(value) for value in np.unique(levels.to_numpy(dtype=float)) if np.isfinite(value)]


def _by_step(run: Run, table: str, column: str, width: int) -> Iterator[Floats]:
    """Yield a column that every step has the same rows of, part by part, ``(steps, width)``."""
    for point in run.checkpoints:
        values = np.asarray(run.part(table, point.part)[column].to_numpy(), dtype=np.float64)
        if not width or len(values) % width:
            what = f"table {table}, part {point.part}, does not fit the manifest"
            raise InputError(str(run.folder), what, "Restore the folder from a copy, or simulate again.")
        yield values.reshape(-1, width)


def _durations(run: Run, hours: "pd.DataFrame") -> list[Picture]:
    """Return the load-duration curves of the branches with the highest loading; nothing if none is rated."""
    names = run.manifest.branches
    peak = np.full(len(names), -np.inf)
    for part in _by_step(run, "branches", "loading", len(names)):
        np.fmax(peak, np.fmax.reduce(part, axis=0), out=peak)
    first = [int(row) for row in np.argsort(-peak, kind="stable")[:MOST_CURVES] if peak[row] > 0]
    if not first:
        return []
    whole = np.concatenate([part[:, first] for part in _by_step(run, "branches", "loading", len(names))])
    curve = -np.sort(-np.nan_to_num(whole), axis=0)
    rows = np.unique(np.linspace(0, len(curve) - 1, CURVE_POINTS).round().astype(np.int64))
    share = 100 * (rows + 1) / len(curve)
    limits = _values(hours[["allowed_loading"]])
    labels = [f"{place}. {short(names[row])}" for place, row in enumerate(first, start=1)]

    def artist(axis: "Axes") -> None:
        for place, label in enumerate(labels):
            height = 100 * curve[rows, place]
            axis.step([0.0, *share], [height[0], *height], where="pre", color=COLOURS[place], label=label)
        for limit in limits:
            axis.axhline(100 * limit, color=figures.ink(), linestyle="--", linewidth=1)
        axis.set(xlabel="share of the time (%)", ylabel="loading (%)", xlim=(0, 100))
        axis.set_ylim(bottom=0)
        axis.legend(fontsize=8)

    numbers: Mapping[str, npt.ArrayLike] = {
        "share_of_time_percent": share,
        **{names[row]: curve[rows, place] for place, row in enumerate(first)},
    }
    told = " and ".join(map(percent, limits))
    caption = f"For how much of the time each of them is at least so loaded; dashed: the DSO's limit, {told}."
    title = f"Load duration of the {len(first)} branches with the highest loading"
    alt = f"Load-duration curves; the highest begins at {percent(curve[0, 0])}"
    return [draw_one("duration", title, caption, alt, (Numbers.of_columns("duration", numbers),), artist)]


def _voltages(run: Run, reference: Run | None, hours: "pd.DataFrame") -> list[Picture]:
    """Return how bus voltages are spread over all buses and steps; nothing if there are none (linear physics)."""
    runs = [run] if reference is None else [run, reference]
    frames = [hours, *(each.hours for each in runs[1:])]
    lowest, highest = hours["lowest_voltage_pu"].min(), hours["highest_voltage_pu"].max()
    if not np.isfinite([lowest, highest]).all():
        return []
    ends = np.concatenate([frame[name] for frame in frames for name in ("lowest_voltage_pu", "highest_voltage_pu")])
    edges = np.linspace(np.nanmin(ends) - MARGIN_PU, np.nanmax(ends) + MARGIN_PU, BINS + 1)
    shares = [_histogram(each, edges) for each in runs]
    labels = ("with market", "without market")[: len(runs)]

    def artist(axis: "Axes") -> None:
        axis.stairs(shares[0], edges, color=figures.BLUE, alpha=0.35, fill=True)
        for share, label, color in zip(shares, labels, (figures.BLUE, figures.ORANGE), strict=False):
            axis.stairs(share, edges, color=color, linewidth=1.4, label=label)
        for limit in _values(hours[["lowest_allowed_pu", "highest_allowed_pu"]]):
            axis.axvline(limit, color=figures.ink(), linestyle="--", linewidth=1)
        axis.set(xlabel="voltage (pu)", ylabel="share of all buses\nand steps (%)")
        if reference is not None:
            axis.legend(fontsize=8)

    numbers = {"from_pu": edges[:-1], "to_pu": edges[1:]}
    numbers |= {f"share_percent_{label.replace(' ', '_')}": share for label, share in zip(labels, shares, strict=True)}
    caption = "How often voltages occur, over all buses and steps; dashed: the DSO's limits."
    alt = f"Histogram of bus voltages from {lowest:.4f} to {highest:.4f} pu"
    data = (Numbers.of_columns("voltages", numbers),)
    return [draw_one("voltages", "Distribution of voltages", caption, alt, data, artist)]


def _histogram(run: Run, edges: Floats) -> Floats:
    """Return the share of voltages in every bin, in percent."""
    counts = np.zeros(len(edges) - 1)
    for part in _by_step(run, "buses", "v_pu", len(run.manifest.buses)):
        there: Bools = np.isfinite(part)
        counts += np.histogram(part[there], edges)[0]
    share: Floats = 100 * counts / max(counts.sum(), 1.0)
    return share


def _heat_map(hours: "pd.DataFrame") -> list[Picture]:
    """Return the highest loading by day and hour of the day; nothing for a run of less than two days."""
    time, loading = hours["time"].to_numpy(), hours["highest_loading"].to_numpy()
    day = time.astype("datetime64[D]")
    hour = (time - day) // np.timedelta64(1, "h")
    days = np.arange(day[0], day[-1] + 2)
    if len(days) < 3 or not np.isfinite(loading).any():
        return []
    peak = np.full((24, len(days) - 1), np.nan)
    np.fmax.at(peak, (hour, (day - day[0]).astype(np.int64)), loading)
    known = np.argwhere(np.isfinite(peak.T))

    def artist(axis: "Axes") -> None:
        image = axis.pcolormesh(days, np.arange(25), 100 * peak, cmap="cividis", vmin=0.0, rasterized=True)
        axis.set(ylabel="hour of the day", yticks=range(0, 25, 6))
        axis.figure.colorbar(image, ax=axis, label="highest loading (%)", pad=0.01)
        axis.invert_yaxis()
        figures.label_days(axis)

    table: Mapping[str, npt.ArrayLike] = {
        "day": np.datetime_as_string(days[known[:, 0]]),
        "hour_of_day": known[:, 1],
        "highest_loading": peak.T[known[:, 0], known[:, 1]],
    }
    at = np.unravel_index(np.nanargmax(peak), peak.shape)
    worst = f"{percent(peak[at])}, is at {at[0]}:00 on {days[at[1]]}"
    alt = f"Heat map of the highest loading; the most, {worst}"
    caption = "Highest loading of any branch by day and hour of the day, in % of the rating."
    data = (Numbers.of_columns("heat-map", table),)
    return [draw_one("heat-map", "When the network is loaded", caption, alt, data, artist)]
