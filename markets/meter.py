"""What each meter saw: what a party asked for, less what the network had to take off at its bus."""

import numpy as np

from peerflex.core.arrays import Floats, Ints, add_up
from peerflex.core.network import GridState, Injections
from peerflex.core.record import Decision


def metered_mw(
    decision: Decision, external: Injections, state: GridState, bus_of_peer: Ints
) -> tuple[Floats, Injections]:
    """Return the injection of every peer ``(peers,)`` and of the external simulators at every bus, as metered.

    Where the network took load off (``state.shed_mw > 0``), the parties of the bus that withdraw bear it pro rata to
    their net withdrawal; where it took generation off (``< 0``), those that inject. An external simulator's reactive
    power goes with its active power. At every bus the parties then add up to ``state.p_mw``.
    """
    asked = decision.pv_mw + decision.battery_mw - decision.load_mw
    n_buses = len(external.p_mw)
    withdrawn = add_up(bus_of_peer, np.maximum(-asked, 0), n_buses) + np.maximum(-external.p_mw, 0)
    injected = add_up(bus_of_peer, np.maximum(asked, 0), n_buses) + np.maximum(external.p_mw, 0)
    cut_load = _fraction(np.maximum(state.shed_mw, 0), withdrawn)
    cut_generation = _fraction(np.maximum(-state.shed_mw, 0), injected)

    metered = _left(asked, cut_load[bus_of_peer], cut_generation[bus_of_peer])
    p_mw = _left(external.p_mw, cut_load, cut_generation)
    taken_off = np.where(external.p_mw < 0, cut_load, np.where(external.p_mw > 0, cut_generation, 0))
    return metered, Injections(p_mw, external.q_mvar * (1 - taken_off))


def _fraction(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0)


def _left(asked: Floats, cut_load: Floats, cut_generation: Floats) -> Floats:
    return np.where(asked < 0, asked * (1 - cut_load), asked * (1 - cut_generation))
