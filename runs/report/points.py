"""The hours of a run as points to draw: with the limits and tariffs of each, put together where there are too many."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from peerflex.core.units import SECONDS_PER_HOUR
from peerflex.scenarios.changes import standing, steps_of_changes
from peerflex.scenarios.load import LoadedScenario
from peerflex.scenarios.schema import Scenario

if TYPE_CHECKING:
    import pandas as pd

MOST_POINTS: Final = 1500
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
LEVELS: Final[Mapping[str, Callable[[Scenario], float]]] = {
    "lowest_allowed_pu": lambda scenario: scenario.dso.voltage_pu[0],
    "highest_allowed_pu": lambda scenario: scenario.dso.voltage_pu[1],
    "allowed_loading": lambda scenario: scenario.dso.loading,
    "retail_eur_per_mwh": lambda scenario: scenario.tariffs.retail_eur_per_mwh,
    "feed_in_eur_per_mwh": lambda scenario: scenario.tariffs.feed_in_eur_per_mwh,
}
"""Limits and tariffs beside which a run is drawn: a change in the middle may be one of them."""


def with_levels(hours: "pd.DataFrame", loaded: LoadedScenario) -> "pd.DataFrame":
    """Return the table ``hours`` with the limits and tariffs of every step."""
    step = hours["step"].to_numpy()
    columns = {name: np.full(len(hours), np.nan) for name in LEVELS}
    for first in (0, *steps_of_changes(loaded.scenario)):
        scenario = standing(loaded, first).scenario
        for name, level in LEVELS.items():
            columns[name][step >= first] = level(scenario)
    return hours.assign(**columns)


def in_words(frame: "pd.DataFrame", level: str, told: Callable[[float], str]) -> str:
    """Return what a limit or tariff is over time: a value, and from when on it is another."""
    values = frame[level].to_numpy()
    found = [told(values[0])]
    for row in np.flatnonzero((values[1:] != values[:-1]) & np.isfinite(values[1:])) + 1:
        found.append(f"{told(values[row])} from {frame['time'].iloc[row]:%Y-%m-%d %H:%M} on")
    return ", ".join(found)


@dataclass(frozen=True, slots=True)
class Hours:
    """The table ``hours`` to draw: a row a point of ``length_s``, ``per_point`` in words if that is many steps."""

    frame: "pd.DataFrame"
    per_point: str
    length_s: int

    def spread_out(self) -> "pd.DataFrame":
        """Return the rows at the middle of their points, the first and the last once more at both ends of the time.

        A picture with steps round each row then shows every point from its beginning to its end.
        """
        import pandas as pd

        frame, length = self.frame, pd.Timedelta(seconds=self.length_s)
        first, last = frame.iloc[:1], frame.iloc[-1:].assign(time=frame["time"].iloc[-1:] + length)
        ends = [each.assign(extreme_hz=np.nan) for each in (first, last)]  # drawn as a line a point
        middle = frame.assign(time=frame["time"] + length / 2)
        return pd.concat([ends[0], middle, ends[1]], ignore_index=True)


def hours_to_draw(hours: "pd.DataFrame", step_s: int) -> Hours:
    """Return the table ``hours`` of a run with what is derived from it, in at most ``MOST_POINTS`` points or by week.

    Voltages and loading are then the extremes of a point, energy and money the mean of its steps, prices averaged by
    volume.
    """
    import pandas as pd

    wanted = {"extreme_hz", "quasi_steady_hz", *_MEAN, *LEVELS}
    hours = hours.reindex(columns=[*hours.columns, *(wanted - {*hours.columns})])
    for column, (given, taken) in _SIGNED.items():
        hours[given], hours[taken] = hours[column].clip(lower=0.0), -hours[column].clip(upper=0.0)
    for sign, name in ((1, "lfm_up_mwh"), (-1, "lfm_down_mwh")):
        hours[name] = ((hours["lfm_mwh"] + sign * hours["lfm_residual_mwh"]) / 2).clip(lower=0.0)
    fitting = [each for each in LENGTHS_S if each % step_s == 0 and len(hours) * step_s <= MOST_POINTS * each]
    length_s = step_s if len(hours) <= MOST_POINTS else (fitting or LENGTHS_S[-1:])[0]
    if length_s == step_s:
        return Hours(hours, "", step_s)
    point = hours["time"].dt.floor(f"{length_s}s").rename("point")
    by_point = hours.groupby(point)
    value_eur = (hours["p2p_price_eur_per_mwh"] * hours["p2p_mwh"]).groupby(point).sum(min_count=1)
    columns = {
        **{name: by_point[name].min() for name in _LEAST},
        **{name: by_point[name].max() for name in _MOST},
        **{name: by_point[name].mean() for name in _MEAN},
        "p2p_price_eur_per_mwh": value_eur / by_point["p2p_mwh"].sum(),
        "extreme_hz": by_point["extreme_hz"].agg(_farthest),
        **{name: by_point[name].last() for name in ("quasi_steady_hz", *LEVELS)},
    }
    frame = pd.DataFrame(columns).rename_axis("time").reset_index()
    told = "day" if length_s == 86_400 else "week" if length_s > 86_400 else f"{length_s / SECONDS_PER_HOUR:g} h"
    return Hours(
        frame, f" A point is {told}: the extremes of voltage and loading, and means of everything else.", length_s
    )


def _farthest(values: "pd.Series") -> float:
    there = values.dropna().to_numpy()
    return float(there[np.abs(there).argmax()]) if there.size else np.nan
