"""Asking every behaviour for its plan, and taking nothing on trust."""

import numpy as np

from peerflex.core.arrays import Floats, floats
from peerflex.core.errors import SimulationError
from peerflex.core.people import Observation, Plan
from peerflex.core.record import Event
from peerflex.core.streams import stream
from peerflex.core.trade import Orders
from peerflex.markets.sift import sift
from peerflex.runs.area.area import Area
from peerflex.runs.stages.knowledge import MOST_OF_WAITING_LOAD, Base


def ask(area: Area, step: int, seen: list[Observation], forecast: Base) -> tuple[Plan, tuple[Event, ...]]:
    """Return the plan of all peers (peer columns ``(peers,)``, all orders) and what had to be rejected.

    Customers of the supplier have no plan: no battery movement, PV as forecast, no orders.
    A behaviour that raises, or answers with columns of the wrong length, stops the run with its name.
    """
    battery_mw, pv_mw, load_mw = floats(len(area.peers)), forecast.pv_mw.copy(), forecast.load_mw.copy()
    orders, events = [], []
    for kind, (behaviour, rows) in enumerate(zip(area.behaviours, seen, strict=True)):
        name = area.behaviour_names[kind]
        try:
            plan = behaviour.bid(rows, stream(area.seed, f"behaviour.{kind}", step))
        except Exception as error:
            raise SimulationError(f"step {step}, behaviour {name!r}: {type(error).__name__}: {error}") from error
        wanted_mw = rows.load_mw if plan.load_mw is None else plan.load_mw
        if not plan.battery_mw.shape == plan.pv_mw.shape == wanted_mw.shape == rows.peer.shape:
            raise SimulationError(f"step {step}, behaviour {name!r}: its plan needs one row for each of its peers")
        broken = ~(np.isfinite(plan.battery_mw) & np.isfinite(plan.pv_mw) & np.isfinite(wanted_mw))
        if broken.any():
            events.append(
                Event(
                    "plan-rejected",
                    name,
                    f"{int(broken.sum())} schedules are not numbers",
                    "battery idle, PV and load as forecast",
                )
            )
        battery_mw[rows.peer] = np.where(broken, 0.0, plan.battery_mw)
        pv_mw[rows.peer] = np.where(broken, rows.pv_mw, np.clip(plan.pv_mw, 0.0, rows.pv_mw))
        if plan.load_mw is not None:
            load_mw[rows.peer] = np.where(broken, rows.load_mw, np.clip(wanted_mw, 0.0, rows.load_mw))
        peer = plan.orders.peer
        known = (peer >= 0) & (peer < len(area.peers))
        own = known & (area.peers.behaviour[np.where(known, peer, 0)] == kind)
        if not own.all():
            what = f"{int((~own).sum())} orders are for peers of others"
            events.append(Event("orders-rejected", name, what, "dropped"))
        orders.append(plan.orders if own.all() else plan.orders.take(own))
    kept, rejected = sift(
        Orders.join(orders), len(area.peers), step * area.step_s, area.step_s, _most_mw(area, forecast, load_mw)
    )
    return Plan(battery_mw, pv_mw, kept, load_mw), (*events, *rejected)


def _most_mw(area: Area, forecast: Base, load_mw: Floats) -> Floats:
    """Return the largest order a peer could stand for: all it has, its battery from charge to discharge."""
    peers = area.peers
    load_mw = load_mw + MOST_OF_WAITING_LOAD * (forecast.load_mw - load_mw)
    return load_mw + forecast.pv_mw + 2 * peers.battery_mw + peers.generator_mw + peers.boiler_mw
