"""Pictures of a run over time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

from peerflex.core.units import KW_PER_MW
from peerflex.runs.report import figures
from peerflex.runs.report.figure_frequency import draw_frequency, has_frequency
from peerflex.runs.report.numbers import Numbers, Picture, draw, draw_one, percent
from peerflex.runs.report.points import LEVELS, Hours, in_words
from peerflex.scenarios.schema import Scenario

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LIMITS: Final = ("lowest_allowed_pu", "highest_allowed_pu", "allowed_loading")
_TARIFFS: Final = ("retail_eur_per_mwh", "feed_in_eur_per_mwh")
_GIVEN: Final = (
    ("pv_mwh", "local generation", "#E69F00"), ("discharge_mwh", "battery, discharge", "#009E73"),
    ("import_mwh", "import", "#0072B2"), ("external_in_mwh", "coupled simulators", "#CC79A7"),
    ("shed_mwh", "load taken off", "#7f7f7f"),
)  # fmt: skip
_TAKEN: Final = (
    ("load_mwh", "load", "#56B4E9"), ("charge_mwh", "battery, charge", "#5fc9a8"), ("export_mwh", "export", "#7ba6d6"),
    ("losses_mwh", "losses", "#D55E00"), ("external_out_mwh", "coupled simulators", "#e3b6cd"),
    ("lost_generation_mwh", "generation taken off", "#b0b0b0"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Timeline:
    """What all pictures over time share: the run's hours, those of the reference, the scenario."""

    hours: Hours
    other: Hours | None
    scenario: Scenario

    def wires(self) -> list[Picture]:
        """Return voltage and loading over time."""
        frame, drawn = self.hours.frame, self.hours.spread_out()
        other = None if self.other is None else self.other.spread_out()
        low, high, limit = (drawn[name].to_numpy() for name in _LIMITS)
        told_low, told_high = (in_words(frame, name, "{:g}".format) for name in _LIMITS[:2])
        beside = " Orange: the same without any market." if other is not None else ""
        return [
            self._picture(
                "voltage", "Voltage band",
                f"From the lowest to the highest bus voltage; dashed: the DSO's limits, {told_low} and {told_high} pu."
                + beside,
                f"Band of bus voltages over time, from {frame['lowest_voltage_pu'].min():.4f} to "
                f"{frame['highest_voltage_pu'].max():.4f} pu",
                ("lowest_voltage_pu", "highest_voltage_pu", *_LIMITS[:2]),
                lambda axis: figures.draw_voltages(axis, drawn, other, (low, high)),
            ),
            self._picture(
                "loading", "Highest loading",
                "Of any line or transformer, in % of its rating; dashed: the DSO's limit, "
                f"{in_words(frame, 'allowed_loading', percent)}.{beside}",
                f"Highest branch loading over time, at most {percent(frame['highest_loading'].max())}",
                ("highest_loading", "allowed_loading"),
                lambda axis: figures.draw_loadings(axis, drawn, other, limit),
            ),
        ]  # fmt: skip

    def markets(self) -> list[Picture]:
        """Return volumes, prices, flexibility and its cost over time."""
        frame, drawn = self.hours.frame, self.hours.spread_out()
        retail, feed_in = (drawn[name].to_numpy() for name in _TARIFFS)
        told_retail, told_feed_in = (in_words(frame, name, "{:g} EUR/MWh".format) for name in _TARIFFS)
        tso = ("tso_price_eur_per_mwh",) if has_frequency(frame) else ()
        found = [
            self._picture(
                "volumes", "Energy traded and activated", "Energy per step.",
                "Energy traded between peers, and flexibility activated, over time", ("p2p_mwh", "lfm_mwh"),
                lambda axis: figures.draw_volumes(axis, drawn),
            ),
            self._picture(
                "prices", "Prices",
                "Price of trades between peers, averaged by volume, beside what the supplier asks "
                f"({told_retail}) and pays ({told_feed_in}).",
                "Price of trades between peers over time", ("p2p_price_eur_per_mwh", *tso, *_TARIFFS),
                lambda axis: figures.draw_prices(axis, drawn, retail, feed_in),
            ),
        ]  # fmt: skip
        return [*found, self._flexibility()] if frame["lfm_mwh"].any() else found

    def _flexibility(self) -> Picture:
        drawn = self.hours.spread_out()
        columns = ("lfm_up_mwh", "lfm_down_mwh", "lfm_cost_eur")

        def artist(figure: "Figure") -> None:
            above, below = figure.subplots(2, 1, sharex=True)
            _draw_flexibility(above, below, drawn)
            for axis in (above, below):
                self._dress(axis)

        caption = (
            "Activated per step, upward (more injection) above and downward below; and what the DSO pays for it, "
            "less what it gets back for the energy."
        )
        title, alt = "Flexibility: volume and cost", "Flexibility activated up- and downward, and its cost, over time"
        numbers = Numbers.of_frame("flexibility", self.hours.frame[["time", *columns]])
        return draw("flexibility", title, self._told(caption), alt, (numbers,), artist, (9.0, 4.4))

    def balance(self) -> Picture:
        """Return who gave and took energy over time, one on the other."""
        frame = self.hours.frame
        given, taken = ([each for each in side if frame[each[0]].any()] for side in (_GIVEN, _TAKEN))
        return self._picture(
            "balance", "Energy balance",
            "Given to the network above, taken from it below, per step; both sides are equal.",
            "Stack of generation, battery, exchange, load and losses over time",
            tuple(each[0] for each in (*given, *taken)),
            lambda axis: _stack(axis, self.hours.spread_out(), given, taken), 3.8,
        )  # fmt: skip

    def frequency(self) -> list[Picture]:
        """Return frequency and regulation over time; nothing if they are not simulated."""
        frame = self.hours.frame
        if not has_frequency(frame):
            return []
        columns = ("extreme_hz", "quasi_steady_hz", "tso_request_mw", "tso_contracted_mw", "tso_delivered_mw")

        def artist(figure: "Figure") -> None:
            above, below = figure.subplots(2, 1, sharex=True)
            draw_frequency(above, below, self.hours.spread_out())
            for axis in (above, below):
                self._dress(axis)

        caption = (
            "Deviation of the area's frequency (dashed: the standard range), and the TSO's regulation of a feeder."
        )
        numbers = Numbers.of_frame("frequency", frame[["time", *columns]])
        title, alt = "Frequency and regulation", "Frequency deviation and regulation over time"
        return [draw("frequency-picture", title, self._told(caption), alt, (numbers,), artist, (9.0, 5.0))]

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

        shown = [("", self.hours, columns)]
        if self.other is not None and name in ("voltage", "loading"):
            shown.append(("-without-market", self.other, tuple(each for each in columns if each not in LEVELS)))
        numbers = [Numbers.of_frame(name + told, hours.frame[["time", *drawn]]) for told, hours, drawn in shown]
        return draw_one(name, title, self._told(caption), alt, numbers, dressed, (9.0, height))

    def _told(self, caption: str) -> str:
        changed = " Dash-dotted: something was changed." if self._changes() else ""
        return caption + changed + self.hours.per_point

    def _changes(self) -> list[datetime]:
        """Return when something was changed within the hours that are drawn."""
        start, frame = self.scenario.time.start, self.hours.frame
        when = [start + timedelta(hours=change.hour) for change in self.scenario.changes]
        return [each for each in when if frame["time"].iloc[0] <= each <= frame["time"].iloc[-1]]

    def _dress(self, axis: "Axes") -> None:
        """Give a time axis its days, and a line where something was changed."""
        from matplotlib.dates import date2num

        for when in self._changes():
            axis.axvline(date2num(when), color=figures.GREY, linestyle="-.", linewidth=1)
        time = date2num(self.hours.spread_out()["time"].to_numpy())
        axis.set_xlim(time[0], time[-1])
        figures.label_days(axis)
        axis.spines[["top", "right"]].set_visible(False)


def _draw_flexibility(volume: "Axes", cost: "Axes", frame: "pd.DataFrame") -> None:
    time = frame["time"].to_numpy()
    for column, sign, color, label in (
        ("lfm_up_mwh", 1, figures.GREEN, "upward"),
        ("lfm_down_mwh", -1, figures.PURPLE, "downward"),
    ):
        volume.fill_between(time, sign * KW_PER_MW * frame[column], step="mid", color=color, linewidth=0, label=label)
    volume.axhline(0.0, color=figures.ink(), linewidth=0.8)
    volume.set_ylabel("flexibility\nper step (kWh)")
    volume.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, borderaxespad=0.0)
    cost.fill_between(time, frame["lfm_cost_eur"], step="mid", color=figures.ORANGE, linewidth=0)
    cost.axhline(0.0, color=figures.ink(), linewidth=0.8)
    cost.set_ylabel("cost\nper step (EUR)")


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
