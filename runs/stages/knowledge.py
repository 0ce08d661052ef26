"""Who knows what: the truth of a step, the peers' and the DSO's forecasts of it, and what each peer may see."""

from dataclasses import dataclass

import numpy as np

from peerflex.core.arrays import Bools, Floats, add_up
from peerflex.core.network import GridState, Injections
from peerflex.core.people import Observation, PeerState
from peerflex.core.streams import stream
from peerflex.runs.area.area import Area

MOST_OF_WAITING_LOAD = 2.0
"""A load that waits for a trade can take this much of what it would have taken."""


@dataclass(frozen=True, slots=True)
class Base:
    """Load and PV of every peer before anybody decides anything (magnitudes); shapes ``(peers,)``."""

    load_mw: Floats
    load_mvar: Floats
    pv_mw: Floats


def actual(area: Area, step: int) -> Base:
    """Return what really happens at every connection."""
    return Base(area.profiles.load_mw[step], area.profiles.load_mvar[step], area.profiles.pv_mw[step])


def own_forecast(area: Area, step: int, base: Base) -> Base:
    """Return what peers expect of themselves: the truth times one plus a normal error, never below nothing."""
    return _believed(area, step, base, area.forecast_error, "peers.forecast")


def day_ahead(area: Area, step: int, base: Base) -> Base:
    """Return what they expected the day before, with an error of its own."""
    return _believed(area, step, base, area.day_ahead_error, "peers.day-ahead")


def _believed(area: Area, step: int, base: Base, relative_error: float, purpose: str) -> Base:
    if relative_error == 0.0:
        return base
    n_connected = len(area.peers) - area.n_beyond  # whoever else there is, connections draw the same errors
    error = np.zeros((2, len(area.peers)))
    error[:, :n_connected] = stream(area.seed, purpose, step).normal(0.0, relative_error, size=(2, n_connected))
    factor = np.maximum(1.0 + error, 0.0)
    return Base(base.load_mw * factor[0], base.load_mvar, base.pv_mw * factor[1])


def by_bus(area: Area, injection_mw: Floats, injection_mvar: Floats) -> Injections:
    """Return peers' injections added up at their buses."""
    buses = len(area.grid.buses)
    return Injections(
        add_up(area.peers.bus, injection_mw, buses),
        add_up(area.peers.bus, injection_mvar, buses),
    )


def dso_forecast(area: Area, step: int, base: Base) -> Injections:
    """Return what the DSO expects at every bus before it hears of any schedule: load and PV, each with an error."""
    if area.dso.forecast_error == 0.0:
        return by_bus(area, base.pv_mw - base.load_mw, -base.load_mvar)
    error = stream(area.seed, "dso.forecast", step).normal(0.0, area.dso.forecast_error, size=(2, len(area.grid.buses)))
    factor = np.maximum(1.0 + error, 0.0)[:, area.peers.bus]
    return by_bus(area, base.pv_mw * factor[1] - base.load_mw * factor[0], -base.load_mvar * factor[0])


def announcing(area: Area) -> Bools:
    """Return who announces a schedule ``(peers,)``; the supplier's other customers do not."""
    return area.peers.trade | (area.peers.behaviour >= 0)


def dso_expects(
    area: Area, forecast: Injections, base: Base, scheduled_mw: Floats, reactive_mvar: Floats
) -> Injections:
    """Return what the DSO expects once traders announced their schedules: they correct its forecast, not its error."""
    trading = announcing(area)
    announced_mw = np.where(trading, scheduled_mw - (base.pv_mw - base.load_mw), 0.0)
    announced = by_bus(area, announced_mw, area.peers.tan_phi * announced_mw + reactive_mvar)
    return Injections(forecast.p_mw + announced.p_mw, forecast.q_mvar + announced.q_mvar)


def load_mvar(area: Area, base: Base, injection_mw: Floats, reactive_mvar: Floats) -> Floats:
    """Return the reactive power that every peer takes: its profile's, and what goes with what it does otherwise."""
    changed_mw = injection_mw - (base.pv_mw - base.load_mw)
    return base.load_mvar - area.peers.tan_phi * changed_mw - reactive_mvar


def observe(
    area: Area,
    step: int,
    state: PeerState,
    forecast: Base,
    relief: Floats,
    measured: GridState | None,
    tariffs_eur_per_mwh: tuple[Floats, Floats],
    called_share: Floats,
) -> list[Observation]:
    """Return what the peers of each behaviour see, in the order of the behaviours. Nothing else reaches a bid.

    ``relief`` ``(buses,)`` is the DSO's word, ``tariffs_eur_per_mwh`` the supplier's retail and feed-in ``(peers,)``.
    """
    peers, (retail, feed_in) = area.peers, tariffs_eur_per_mwh
    voltage = np.full(len(area.grid.buses), np.nan) if measured is None else measured.v_pu
    seen = []
    for kind in range(len(area.behaviours)):
        rows = np.flatnonzero(peers.behaviour == kind)
        bus = peers.bus[rows]
        seen.append(
            Observation(
                peer=rows,
                load_mw=forecast.load_mw[rows],
                pv_mw=forecast.pv_mw[rows],
                soc_mwh=state.soc_mwh[rows],
                battery_mwh=peers.battery_mwh[rows],
                battery_mw=peers.battery_mw[rows],
                battery_efficiency=peers.battery_efficiency[rows],
                generator_mw=peers.generator_mw[rows],
                boiler_mw=peers.boiler_mw[rows],
                up_eur_per_mwh=peers.up_eur_per_mwh[rows],
                down_eur_per_mwh=peers.down_eur_per_mwh[rows],
                voltage_pu=voltage[bus],
                relief=relief[bus],
                retail_eur_per_mwh=retail[rows],
                feed_in_eur_per_mwh=feed_in[rows],
                installed_mw=peers.pv_mw[rows],
                marginal_eur_per_mwh=peers.marginal_eur_per_mwh[rows],
                marginal_rise_eur_per_mwh=peers.marginal_rise_eur_per_mwh[rows],
                least_mw=peers.least_mw[rows],
                called_share=called_share[rows],
                start_s=step * area.step_s,
                duration_s=area.step_s,
            )
        )
    return seen
