"""Pictures of a run, drawn from its log alone. Colours are those of Okabe and Ito, safe for colour blindness."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from peerflex.core.units import KW_PER_MW
from peerflex.runs.figure_frequency import draw_frequency, has_frequency
from peerflex.runs.reader import Run

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, GREY, PURPLE = "#0072B2", "#D55E00", "#009E73", "#7f7f7f", "#CC79A7"


def run_picture(run: Run, reference: Run | None = None) -> "Figure":
    """Return the picture of a run: the wires, the trades, the prices and who gained, and the frequency if it has one.

    With a ``reference`` (the same without any market) both are drawn, and gains are against it.
    """
    from matplotlib.figure import Figure

    system = has_frequency(run)
    figure = Figure(figsize=(12, 16 if system else 11), layout="constrained")
    scenario = run.manifest.scenario
    figure.suptitle(f"{scenario['title']}  (seed {run.manifest.seed})", fontsize=14)
    wires, energy, *beyond = figure.subfigures(3 if system else 2, 1, squeeze=False).ravel()
    voltage, loading = wires.subplots(2, 1, sharex=True)
    _voltages(voltage, run, reference)
    _loadings(loading, run, reference)
    left, right = energy.subfigures(1, 2, width_ratios=(2, 1), squeeze=False).ravel()
    trades, prices = left.subplots(2, 1, sharex=True)
    _volumes(trades, run)
    _prices(prices, run)
    _gains(right.subplots(1, 1), run, reference)
    axes = [voltage, loading, trades, prices]
    for part in beyond:
        frequency, regulation = part.subplots(2, 1, sharex=True)
        draw_frequency(frequency, regulation, run)
        axes += [frequency, regulation]
    for axis in axes:
        axis.margins(x=0)
        _days(axis)
        axis.spines[["top", "right"]].set_visible(False)
    return figure


def _days(axis: "Axes") -> None:
    """Label the time axis shortly, however long the run."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(maxticks=9)
    axis.xaxis.set_major_locator(locator)
    axis.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def save(figure: "Figure", path: Path) -> None:
    figure.savefig(path, dpi=120, metadata={"Software": None})


def _legend(axis: "Axes") -> None:
    axis.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, frameon=False, borderaxespad=0.0)


def _voltages(axis: "Axes", run: Run, reference: Run | None) -> None:
    hours = run.hours
    low, high = run.manifest.scenario["dso"]["voltage_pu"]
    if reference is not None:
        other = reference.hours
        axis.fill_between(
            _time(other),
            other["lowest_voltage_pu"],
            other["highest_voltage_pu"],
            color=ORANGE,
            alpha=0.35,
            step="mid",
            label="without market",
        )
    axis.fill_between(
        _time(hours),
        hours["lowest_voltage_pu"],
        hours["highest_voltage_pu"],
        color=BLUE,
        alpha=0.55,
        step="mid",
        label="with market",
    )
    for limit in (low, high):
        axis.axhline(limit, color="black", linestyle="--", linewidth=1)
    axis.set_ylabel("voltage, lowest to\nhighest bus (pu)")
    _legend(axis)


def _loadings(axis: "Axes", run: Run, reference: Run | None) -> None:
    if reference is not None:
        other = reference.hours
        axis.step(_time(other), other["highest_loading"] * 100, where="mid", color=ORANGE, label="without market")
    hours = run.hours
    axis.step(_time(hours), hours["highest_loading"] * 100, where="mid", color=BLUE, label="with market")
    axis.axhline(run.manifest.scenario["dso"]["loading"] * 100, color="black", linestyle="--", linewidth=1)
    axis.set_ylabel("highest loading of a\nline or transformer (%)")
    axis.set_ylim(bottom=0)
    _legend(axis)


def _volumes(axis: "Axes", run: Run) -> None:
    hours = run.hours
    per_step = KW_PER_MW
    axis.step(_time(hours), hours["p2p_mwh"] * per_step, where="mid", color=GREEN, label="traded peer to peer")
    axis.step(_time(hours), hours["lfm_mwh"] * per_step, where="mid", color=PURPLE, label="flexibility activated")
    axis.set_ylabel("energy per step (kWh)")
    axis.set_ylim(bottom=0)
    _legend(axis)


def _prices(axis: "Axes", run: Run) -> None:
    hours, tariffs = run.hours, run.manifest.scenario["tariffs"]
    axis.step(_time(hours), hours["p2p_price_eur_per_mwh"], where="mid", color=GREEN, label="peer to peer")
    if has_frequency(run):
        axis.step(_time(hours), hours["tso_price_eur_per_mwh"], where="mid", color=PURPLE, label="TSO, for regulation")
        _legend(axis)
    for name, label in (("retail_eur_per_mwh", "retail"), ("feed_in_eur_per_mwh", "feed-in")):
        axis.axhline(tariffs[name], color=GREY, linestyle=":", linewidth=1)
        axis.annotate(
            label, (1.0, tariffs[name]), xycoords=("axes fraction", "data"), ha="right", va="bottom", color=GREY
        )
    axis.set_ylabel("price (EUR/MWh)")
    axis.set_ylim(bottom=0)


def _gains(axis: "Axes", run: Run, reference: Run | None) -> None:
    """Draw income less cost of the whole run, or what it is more than in the reference."""
    ours = incomes(run)
    if reference is not None:
        theirs = incomes(reference)
        ours = {name: ours.get(name, 0.0) - theirs.get(name, 0.0) for name in ours | theirs}
    names, values = list(ours), [ours[name] for name in ours]
    axis.barh(names, values, color=[GREEN if value >= 0 else ORANGE for value in values])
    axis.axvline(0, color="black", linewidth=0.8)
    axis.set_xlabel("EUR, against no market" if reference is not None else "EUR, income less cost")
    axis.set_title("Who gained" if reference is not None else "Who earned", fontsize=11)
    axis.invert_yaxis()
    axis.locator_params(axis="x", nbins=4)
    axis.spines[["top", "right"]].set_visible(False)


def incomes(run: Run) -> dict[str, float]:
    """Return income less cost in EUR of every group of peers and every role that has any."""
    ledger = run.table("ledger")
    money = (
        ledger.groupby("giver", observed=True)["amount_eur"]
        .sum()
        .sub(ledger.groupby("taker", observed=True)["amount_eur"].sum(), fill_value=0.0)
    )
    group = dict(zip(run.manifest.peers, run.manifest.peer_groups, strict=True))
    by_party: dict[str, float] = {}
    for party, amount in money.items():
        name = group.get(str(party), str(party))
        by_party[name] = by_party.get(name, 0.0) + float(amount)
    return by_party


def _time(hours: "pd.DataFrame") -> Any:
    return hours["time"].to_numpy()


def worst_step(hours: "pd.DataFrame") -> int:
    """Return the step whose wires are worst: the highest loading, or the lowest voltage where no branch is rated."""
    loading = hours["highest_loading"].to_numpy()
    if np.isfinite(loading).any() and np.nanmax(loading) > 0:
        return int(hours["step"].iloc[int(np.nanargmax(loading))])
    return int(hours["step"].iloc[int(np.nanargmin(hours["lowest_voltage_pu"].to_numpy()))])
