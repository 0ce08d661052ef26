"""What batteries can do, and what they did. Power is positive when discharging; shapes ``(peers,)``."""

import numpy as np

from peerflex.core.arrays import Floats
from peerflex.core.people import Observation


def discharge_limit_mw(
    soc_mwh: Floats, battery_mw: Floats, battery_mwh: Floats, efficiency: Floats, hours: float
) -> Floats:
    """Return the most each battery can give for ``hours``: its converter or what is stored."""
    return np.minimum(battery_mw, np.clip(soc_mwh, 0.0, battery_mwh) * efficiency / hours)


def charge_limit_mw(
    soc_mwh: Floats, battery_mw: Floats, battery_mwh: Floats, efficiency: Floats, hours: float
) -> Floats:
    """Return the most each battery can take for ``hours``: its converter or the room that is left."""
    return np.minimum(battery_mw, np.clip(battery_mwh - soc_mwh, 0.0, None) / (efficiency * hours))


def soc_after_mwh(soc_mwh: Floats, power_mw: Floats, battery_mwh: Floats, efficiency: Floats, hours: float) -> Floats:
    """Return what is stored after ``power_mw`` for ``hours``; losses are paid on the way in and on the way out."""
    drawn_mw = np.where(power_mw > 0, power_mw / efficiency, power_mw * efficiency)
    return np.clip(soc_mwh - drawn_mw * hours, 0.0, battery_mwh)


def own_limits_mw(seen: Observation) -> tuple[Floats, Floats]:
    """Return how much the batteries of an observation can discharge and charge in its step."""
    hours = seen.duration_s / 3600
    battery = (seen.soc_mwh, seen.battery_mw, seen.battery_mwh, seen.battery_efficiency, hours)
    return discharge_limit_mw(*battery), charge_limit_mw(*battery)
