"""Pictures of a run over time: its hours, put together where there are too many to draw."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

from peerflex.core.units import KW_PER_MW, SECONDS_PER_HOUR
from peerflex.runs import figures
from peerflex.runs.figure_frequency import draw_frequency, has_frequency
from peerflex.runs.report.numbers import Numbers, Picture, draw, draw_one, percent
from peerflex.scenarios.schema import Scenario

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_POINTS: Final = 1500
ONE_HOUR_DAYS: Final = 1 / 24
LENGTHS_S: Final = (900, 1800, 3600, 6 * 3600, 86_400, 7 * 86_400)

_LEAST, _MOST = ("lowest_voltage_pu",), ("highest_voltage_pu", "highest_loading")
_MEAN: Final = (
    "p2p_mwh", "lfm_mwh", "lfm_up_mwh", "lfm_down_mwh", "lfm_cost_eur", "load_mwh", "pv_mwh", "losses_mwh",
    "discharge_mwh", "charge_mwh", "import_mwh", "export_mwh", "external_in_mwh", "external_out_mwh", "shed_mwh",
    "lost_generation_mwh", "tso_request_mw", "tso_contracted_mw", "tso_delivered_mw", "tso_price_eur_per_mwh",
)  # fmt: skip
_SIGNED: Final = {
    "battery_mwh": ("discharge_mwh", "charge_mwh"),
    "exchange_mwh": ("import_mwh", "export_mwh"),
    "external_mwh": ("external_in_mwh", "external_out_mwh"),
}
_GIVEN: Final = (
    ("pv_mwh", "PV", "#E69F00"), ("discharge_mwh", "battery, discharge", "#009E73"),
    ("import_mwh", "import", "#0072B2"), ("external_in_mwh", "coupled simulators", "#CC79A7"),
    ("shed_mwh", "load taken off", "#7f7f7f"),
)  # fmt: skip
_TAKEN: Final = (
    ("load_mwh", "load", "#56B4E9"), ("charge_mwh", "battery, charge", "#5fc9a8"), ("export_mwh", "export", "#7ba6d6"),
    ("losses_mwh", "losses", "#D55E00"), ("external_out_mwh", "coupled simulators", "#e3b6cd"),
    ("lost_generation_mwh", "generation taken off", "#b0b0b0"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hours:
    """The table ``hours`` to draw: a row a point. ``per_point`` says how many steps a point is, in words if many."""

    frame: "pd.DataFrame"
    per_point: str


def hours_to_draw(hours: "pd.DataFrame", step_s: int) -> Hours:
    """Return the table ``hours`` of a run with what is derived from it, in at most ``MOST_POINTS`` points or by week.

    Voltages and loading are then the extremes of a point, energy and money the mean of its steps, prices averaged by
    volume.
    """
    import pandas as pd

    hours = hours.reindex(columns=[*hours.columns, *({"extreme_hz", "quasi_steady_hz", *_MEAN} - {*hours.columns})])
    for column, (given, taken) in _SIGNED.items():
        hours[given], hours[taken] = hours[column].clip(lower=0.0), -hours[column].clip(upper=0.0)
    for sign, name in ((1, "lfm_up_mwh"), (-1, "lfm_down_mwh")):
        hours[name] = ((hours["lfm_mwh"] + sign * hours["lfm_residual_mwh"]) / 2).clip(lower=0.0)
    fitting = [each for each in LENGTHS_S if each % step_s == 0 and len(hours) * step_s <= MOST_POINTS * each]
    length_s = step_s if len(hours) <= MOST_POINTS else (fitting or LENGTHS_S[-1:])[0]
    if length_s == step_s:
        return Hours(hours, "")
    point = hours["time"].dt.floor(f"{length_s}s").rename("point")
    by_point = hours.groupby(point)
    value_eur = (hours["p2p_price_eur_per_mwh"] * hours["p2p_mwh"]).groupby(point).sum(min_count=1)
    columns = {
        **{name: by_point[name].min() for name in _LEAST},
        **{name: by_point[name].max() for name in _MOST},
        **{name: by_point[name].mean() for name in _MEAN},
        "p2p_price_eur_per_mwh": value_eur / by_point["p2p_mwh"].sum(),
        "extreme_hz": by_point["extreme_hz"].agg(_farthest),
        "quasi_steady_hz": by_point["quasi_steady_hz"].last(),
    }
    frame = pd.DataFrame(columns).rename_axis("time").reset_index()
    told = "day" if length_s == 86_400 else "week" if length_s > 86_400 else f"{length_s / SECONDS_PER_HOUR:g} h"
    return Hours(frame, f" A point is {told}: the extremes of voltage and loading, and means of everything else.")


def _farthest(values: "pd.Series") -> float:
    there = values.dropna().to_numpy()
    return float(there[np.abs(there).argmax()]) if there.size else np.nan


@dataclass(frozen=True, slots=True)
class Timeline:
    """What all pictures over time share: the run's hours, those of the reference, the scenario."""

    hours: Hours
    other: Hours | None
    scenario: Scenario

    def wires(self) -> list[Picture]:
        """Return voltage and loading over time."""
        frame, other = self.hours.frame, None if self.other is None else self.other.frame
        low, high = self.scenario.dso.voltage_pu
        limit = self.scenario.dso.loading
        beside = " Orange: the same without any market." if other is not None else ""
        return [
            self._picture(
                "voltage", "Voltage band",
                f"From the lowest to the highest bus voltage; dashed: the DSO's limits {low:g} and {high:g} pu."
                + beside,
                f"Band of bus voltages over time, from {frame['lowest_voltage_pu'].min():.4f} to "
                f"{frame['highest_voltage_pu'].max():.4f} pu",
                ("lowest_voltage_pu", "highest_voltage_pu"),
                lambda axis: figures.draw_voltages(axis, frame, other, (low, high)),
            ),
            self._picture(
                "loading", "Highest loading",
                f"Of any line or transformer; dashed: the DSO's limit {percent(limit)}.{beside}",
                f"Highest branch loading over time, at most {percent(frame['highest_loading'].max())}",
                ("highest_loading",),
                lambda axis: figures.draw_loadings(axis, frame, other, limit),
            ),
        ]  # fmt: skip

    def markets(self) -> list[Picture]:
        """Return volumes, prices, flexibility and its cost over time."""
        frame, tariffs = self.hours.frame, self.scenario.tariffs
        retail, feed_in = tariffs.retail_eur_per_mwh, tariffs.feed_in_eur_per_mwh
        found = [
            self._picture(
                "volumes", "Energy traded and activated", "Energy per step.",
                "Energy traded between peers, and flexibility activated, over time", ("p2p_mwh", "lfm_mwh"),
                lambda axis: figures.draw_volumes(axis, frame),
            ),
            self._picture(
                "prices", "Prices",
                f"Price of trades between peers, averaged by volume, beside what the supplier asks "
                f"({retail:g} EUR/MWh) and pays ({feed_in:g} EUR/MWh).",
                "Price of trades between peers over time", ("p2p_price_eur_per_mwh", "tso_price_eur_per_mwh"),
                lambda axis: figures.draw_prices(axis, frame, retail, feed_in),
            ),
        ]  # fmt: skip
        if frame["lfm_mwh"].any():
            found.append(
                self._picture(
                    "flexibility", "Flexibility: volume and cost",
                    "Activated per step, upward (more injection) above and downward below, and what the DSO pays.",
                    "Flexibility activated upward and downward, and its cost, over time",
                    ("lfm_up_mwh", "lfm_down_mwh", "lfm_cost_eur"), lambda axis: _flexibility(axis, frame),
                )
            )  # fmt: skip
        return found

    def balance(self) -> Picture:
        """Return who gave and took energy over time, one on the other."""
        frame = self.hours.frame
        given, taken = ([each for each in side if frame[each[0]].any()] for side in (_GIVEN, _TAKEN))
        return self._picture(
            "balance", "Energy balance",
            "Given to the network above, taken from it below, per step; both sides are equal.",
            "Stack of PV, battery, exchange, load and losses over time", tuple(each[0] for each in (*given, *taken)),
            lambda axis: _stack(axis, frame, given, taken), 3.8,
        )  # fmt: skip

    def frequency(self) -> list[Picture]:
        """Return frequency and regulation over time; nothing if they are not simulated."""
        frame = self.hours.frame
        if not has_frequency(frame):
            return []
        columns = ("extreme_hz", "quasi_steady_hz", "tso_request_mw", "tso_contracted_mw", "tso_delivered_mw")

        def artist(figure: "Figure") -> None:
            above, below = figure.subplots(2, 1, sharex=True)
            draw_frequency(above, below, frame)
            for axis in (above, below):
                self._dress(axis)

        caption = (
            "Deviation of the area's frequency (dashed: the standard range), and the TSO's regulation of a feeder."
        )
        numbers = Numbers.of_frame("frequency", frame[["time", *columns]])
        title, alt = "Frequency and regulation", "Frequency deviation and regulation over time"
        return [draw("frequency-picture", title, caption + self.hours.per_point, alt, (numbers,), artist, (9.0, 5.0))]

    def _picture(
        self,
        name: str,
        title: str,
        caption: str,
        alt: str,
        columns: tuple[str, ...],
        artist: "Callable[[Axes], None]",
        height: float = 2.9,
    ) -> Picture:
        def dressed(axis: "Axes") -> None:
            artist(axis)
            self._dress(axis)

        shown = [("", self.hours)]
        if self.other is not None and name in ("voltage", "loading"):
            shown.append(("-without-market", self.other))
        numbers = [Numbers.of_frame(name + told, hours.frame[["time", *columns]]) for told, hours in shown]
        return draw_one(name, title, caption + self.hours.per_point, alt, numbers, dressed, (9.0, height))

    def _dress(self, axis: "Axes") -> None:
        """Give a time axis its days, and a line where something was changed."""
        from matplotlib.dates import date2num

        for change in self.scenario.changes:
            when = self.scenario.time.start + timedelta(hours=change.hour)
            axis.axvline(date2num(when), color=figures.GREY, linestyle="-.", linewidth=1)
        time = date2num(self.hours.frame["time"].to_numpy())
        if len(time) > 1:
            axis.set_xlim(time[0], time[-1])
        else:  # one step is a dot in its hour
            axis.set_xlim(time[0] - ONE_HOUR_DAYS, time[0] + ONE_HOUR_DAYS)
            for line in axis.lines:
                line.set_marker("o")
        figures.label_days(axis)
        axis.spines[["top", "right"]].set_visible(False)


def _flexibility(axis: "Axes", frame: "pd.DataFrame") -> None:
    time = frame["time"].to_numpy()
    for column, sign, color, label in (
        ("lfm_up_mwh", 1, figures.GREEN, "upward"),
        ("lfm_down_mwh", -1, figures.PURPLE, "downward"),
    ):
        axis.fill_between(time, sign * KW_PER_MW * frame[column], step="mid", color=color, linewidth=0, label=label)
    axis.axhline(0.0, color=figures.ink(), linewidth=0.8)
    axis.set_ylabel("flexibility (kWh)")
    cost = axis.twinx()
    cost.step(time, frame["lfm_cost_eur"], where="mid", color=figures.ORANGE, linewidth=1, label="cost (right)")
    cost.set_ylabel("cost (EUR per step)")
    cost.spines[["top"]].set_visible(False)
    handles = [axis.get_legend_handles_labels(), cost.get_legend_handles_labels()]
    axis.legend(
        [*handles[0][0], *handles[1][0]], [*handles[0][1], *handles[1][1]],
        loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, borderaxespad=0.0,
    )  # fmt: skip


def _stack(
    axis: "Axes", frame: "pd.DataFrame", given: list[tuple[str, str, str]], taken: list[tuple[str, str, str]]
) -> None:
    time = frame["time"].to_numpy()
    for side, sign in ((given, 1), (taken, -1)):
        base = np.zeros(len(frame))
        for column, label, color in side:
            top = base + sign * KW_PER_MW * frame[column].fillna(0.0).to_numpy()
            axis.fill_between(time, base, top, step="mid", color=color, linewidth=0, label=label)
            base = top
    axis.axhline(0.0, color=figures.ink(), linewidth=0.8)
    axis.set_ylabel("energy per step (kWh)")
    axis.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=6, fontsize=8, borderaxespad=0.2)
