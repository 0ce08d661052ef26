"""Pictures of a run, drawn from its log alone. Colours are those of Okabe and Ito, safe for colour blindness."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from peerflex.core.units import KW_PER_MW
from peerflex.runs.log.reader import Run
from peerflex.runs.report.figure_frequency import draw_frequency, has_frequency
from peerflex.runs.report.ledger import gains_eur, money_of
from peerflex.runs.report.points import LEVELS, hours_to_draw, with_levels
from peerflex.scenarios.load import restore_scenario

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Level = npt.NDArray[np.float64]
"""A limit or a tariff, one for each step."""

BLUE, ORANGE, GREEN, GREY, PURPLE = "#0072B2", "#D55E00", "#009E73", "#7f7f7f", "#CC79A7"


def run_picture(run: Run, reference: Run | None = None) -> "Figure":
    """Return the picture of a run: the wires, the trades, the prices and who gained, and the frequency if it has one.

    With a ``reference`` (the same without any market) both are drawn, and gains are against it.
    """
    from matplotlib.figure import Figure

    system = has_frequency(run.hours)
    figure = Figure(figsize=(12, 16 if system else 11), layout="constrained")
    manifest = run.manifest
    figure.suptitle(f"{manifest.scenario['title']}  (seed {manifest.seed})", fontsize=14)
    wires, energy, *beyond = figure.subfigures(3 if system else 2, 1, squeeze=False).ravel()
    voltage, loading = wires.subplots(2, 1, sharex=True)
    loaded = restore_scenario(manifest.scenario, run.folder / "inputs", str(run.folder))
    hours = hours_to_draw(with_levels(run.hours, loaded), manifest.step_seconds).spread_out()
    other = None if reference is None else hours_to_draw(reference.hours, manifest.step_seconds).spread_out()
    low, high, limit, retail, feed_in = (hours[name].to_numpy() for name in LEVELS)
    draw_voltages(voltage, hours, other, (low, high))
    draw_loadings(loading, hours, other, limit)
    left, right = energy.subfigures(1, 2, width_ratios=(2, 1), squeeze=False).ravel()
    trades, prices = left.subplots(2, 1, sharex=True)
    draw_volumes(trades, hours)
    draw_prices(prices, hours, retail, feed_in)
    who = right.subplots(1, 1)
    gains = gains_eur(money_of(run), None if reference is None else money_of(reference))
    draw_gains(who, gains, compared=reference is not None)
    who.set_title("Who gained" if reference is not None else "Who earned", fontsize=11)
    axes = [voltage, loading, trades, prices]
    for part in beyond:
        frequency, regulation = part.subplots(2, 1, sharex=True)
        draw_frequency(frequency, regulation, hours)
        axes += [frequency, regulation]
    for axis in axes:
        axis.margins(x=0)
        label_days(axis)
        axis.spines[["top", "right"]].set_visible(False)
    return figure


def label_days(axis: "Axes") -> None:
    """Label the time axis shortly, however long the run."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(maxticks=9)
    axis.xaxis.set_major_locator(locator)
    axis.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def ink() -> str:
    """Return the colour of lines that are not data: that of the axes."""
    from matplotlib import rcParams

    return str(rcParams["axes.edgecolor"])


def save(figure: "Figure", path: Path) -> None:
    figure.savefig(path, dpi=120, metadata={"Software": None})


def _legend(axis: "Axes") -> None:
    axis.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, frameon=False, borderaxespad=0.0)


def draw_voltages(
    axis: "Axes", hours: "pd.DataFrame", other: "pd.DataFrame | None", limits: tuple[Level, Level]
) -> None:
    """Draw the band from the lowest to the highest bus voltage, with the DSO's limits; ``other`` is the reference."""
    for frame, color, alpha, label in ((other, ORANGE, 0.35, "without market"), (hours, BLUE, 0.55, "with market")):
        if frame is not None:
            band = frame["lowest_voltage_pu"], frame["highest_voltage_pu"]
            axis.fill_between(_time(frame), *band, color=color, alpha=alpha, step="mid", label=label)
    for limit in limits:
        _level(axis, hours, limit, color=ink(), linestyle="--")
    axis.set_ylabel("voltage, lowest to\nhighest bus (pu)")
    _legend(axis)


def draw_loadings(axis: "Axes", hours: "pd.DataFrame", other: "pd.DataFrame | None", limit: Level) -> None:
    """Draw the highest loading of any branch, with the DSO's limit; ``other`` is the reference."""
    for frame, color, label in ((other, ORANGE, "without market"), (hours, BLUE, "with market")):
        if frame is not None:
            axis.step(_time(frame), frame["highest_loading"] * 100, where="mid", color=color, label=label)
    _level(axis, hours, 100 * limit, color=ink(), linestyle="--")
    axis.set_ylabel("highest loading of a\nline or transformer (%)")
    axis.set_ylim(bottom=0)
    _legend(axis)


def draw_volumes(axis: "Axes", hours: "pd.DataFrame") -> None:
    """Draw the energy of trades and of flexibility."""
    for column, color, label in (
        ("p2p_mwh", GREEN, "traded peer to peer"),
        ("lfm_mwh", PURPLE, "flexibility activated"),
    ):
        axis.step(_time(hours), hours[column] * KW_PER_MW, where="mid", color=color, label=label)
    axis.set_ylabel("energy per step (kWh)")
    axis.set_ylim(bottom=0)
    _legend(axis)


def draw_prices(axis: "Axes", hours: "pd.DataFrame", retail_eur_per_mwh: Level, feed_in_eur_per_mwh: Level) -> None:
    """Draw the price of trades between the two tariffs, and what the TSO paid if the frequency is simulated."""
    axis.step(_time(hours), hours["p2p_price_eur_per_mwh"], where="mid", color=GREEN, label="peer to peer")
    if has_frequency(hours):
        axis.step(_time(hours), hours["tso_price_eur_per_mwh"], where="mid", color=PURPLE, label="TSO, for regulation")
        _legend(axis)
    for price, label in ((retail_eur_per_mwh, "retail"), (feed_in_eur_per_mwh, "feed-in")):
        last = _level(axis, hours, price, color=GREY, linestyle=":")
        axis.annotate(label, (1.0, last), xycoords=("axes fraction", "data"), ha="right", va="bottom", color=GREY)
    axis.set_ylabel("price (EUR/MWh)")
    axis.set_ylim(bottom=min(0.0, axis.get_ylim()[0]))  # prices below 0 are prices


def draw_gains(axis: "Axes", gained_eur: dict[str, float], compared: bool) -> None:
    """Draw what groups and roles gained against the reference (``compared``), or their income less cost."""
    names, values = list(gained_eur), list(gained_eur.values())
    axis.barh(names, values, color=[GREEN if value >= 0 else ORANGE for value in values])
    axis.axvline(0, color=ink(), linewidth=0.8)
    axis.set_xlabel("EUR, against no market" if compared else "EUR, income less cost")
    axis.invert_yaxis()
    axis.locator_params(axis="x", nbins=4)
    axis.spines[["top", "right"]].set_visible(False)


def _level(axis: "Axes", hours: "pd.DataFrame", value: Level, color: str, linestyle: str) -> float:
    """Draw a limit or a tariff over time; return its last value."""
    axis.step(_time(hours), value, where="mid", color=color, linestyle=linestyle, linewidth=1)
    return float(value[-1])


def _time(hours: "pd.DataFrame") -> Any:
    return hours["time"].to_numpy()


def worst_step(hours: "pd.DataFrame") -> int:
    """Return the step whose wires are worst: the highest loading, or the lowest voltage where no branch is rated."""
    loading = hours["highest_loading"].to_numpy()
    if np.isfinite(loading).any() and np.nanmax(loading) > 0:
        return int(hours["step"].iloc[int(np.nanargmax(loading))])
    return int(hours["step"].iloc[int(np.nanargmin(hours["lowest_voltage_pu"].to_numpy()))])
