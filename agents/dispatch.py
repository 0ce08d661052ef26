"""What trades and activations make of peers' assets: who moves what, and what is stored afterwards."""

from dataclasses import dataclass

import numpy as np

from peerflex.agents.battery import charge_limit_mw, discharge_limit_mw, soc_after_mwh
from peerflex.core.arrays import Floats, floats
from peerflex.core.people import PeerState, PeerTable


@dataclass(frozen=True, slots=True)
class Dispatch:
    """What the assets of every peer do in a step; shapes ``(peers,)``. Loads and PV are magnitudes.

    A boiler that was started is in ``load_mw``, a generator in ``pv_mw``.
    """

    load_mw: Floats
    pv_mw: Floats
    battery_mw: Floats
    after: PeerState

    @property
    def injection_mw(self) -> Floats:
        return self.pv_mw + self.battery_mw - self.load_mw


def dispatch(
    peers: PeerTable,
    state: PeerState,
    load_mw: Floats,
    pv_mw: Floats,
    battery_mw: Floats,
    change_mw: Floats,
    hours: float,
    spare_load_mw: Floats | None = None,
    spare_pv_mw: Floats | None = None,
) -> Dispatch:
    """Return what the assets do when a peer has to change its injection by ``change_mw`` beside its schedule.

    Upward the battery moves first, then a generator is started, then load is reduced; downward the battery moves
    first, then a boiler is started, then PV is curtailed. A peer whose PV or load waits for a trade (``spare_pv_mw``,
    ``spare_load_mw``) gives or takes of that instead, then of generator or boiler, and nothing else: what it traded is
    no reason to cut a load that it did not offer. What no asset can do is not done: the meter will show it.
    """
    spare_load_mw = floats(len(peers)) if spare_load_mw is None else spare_load_mw
    spare_pv_mw = floats(len(peers)) if spare_pv_mw is None else spare_pv_mw
    waiting = (spare_load_mw > 0.0) | (spare_pv_mw > 0.0)
    woken_mw = np.where(waiting, np.clip(change_mw, -spare_load_mw, spare_pv_mw), 0.0)
    beside_mw = np.where(waiting, 0.0, change_mw)
    battery = (state.soc_mwh, peers.battery_mw, peers.battery_mwh, peers.battery_efficiency, hours)
    wanted_mw = battery_mw + beside_mw
    moved_mw = np.clip(wanted_mw, -charge_limit_mw(*battery), discharge_limit_mw(*battery))
    # A schedule no battery can follow is an error of the schedule, not a reason to cut load or PV.
    rest_mw = np.where(beside_mw == 0.0, 0.0, wanted_mw - moved_mw)
    started_mw = np.clip(np.where(waiting, change_mw - woken_mw, rest_mw), -peers.boiler_mw, peers.generator_mw)
    rest_mw = np.where(waiting, 0.0, rest_mw - started_mw)
    started_mw = started_mw + woken_mw
    return Dispatch(
        load_mw=np.maximum(load_mw - np.maximum(rest_mw, 0.0), 0.0) + np.maximum(-started_mw, 0.0),
        pv_mw=np.maximum(pv_mw + np.minimum(rest_mw, 0.0), 0.0) + np.maximum(started_mw, 0.0),
        battery_mw=moved_mw,
        after=PeerState(soc_after_mwh(state.soc_mwh, moved_mw, peers.battery_mwh, peers.battery_efficiency, hours)),
    )
