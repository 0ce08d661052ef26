"""Who is there: what customers own, what they see, and what they decide."""

from dataclasses import dataclass

from peerflex.core.arrays import Bools, Floats, Ints
from peerflex.core.trade import Orders


@dataclass(frozen=True, slots=True)
class PeerTable:
    """Every connection of the area, trading or not; shapes ``(peers,)``.

    ``behaviour`` is a row of the scenario's list of behaviours, -1 for a customer of the supplier only.
    ``battery_efficiency`` is one way (charging and discharging alike). ``generator_mw`` is generation that a peer
    can start, ``boiler_mw`` load that it can start; both are off unless called. ``up_eur_per_mwh`` and
    ``down_eur_per_mwh`` are prices a peer has listed for more and for less injection (NaN: none listed). Peers that
    do not ``trade`` offer to the flexibility market only. ``tan_phi`` is the reactive power given per active power
    given, when a peer does anything else than its profile (0: reactive power stays as in the profile).
    ``marginal_eur_per_mwh`` is what the first MW costs a peer, or is worth to it, and ``marginal_rise_eur_per_mwh`` how
    far that rises (or falls) up to its size: its load of the hour, its PV, its generator; NaN where it is not known.
    Its generator runs at ``least_mw`` or more. An offer of its flexibility is activated to ``least_share`` or more, or
    not at all.
    """

    name: tuple[str, ...]
    bus: Ints
    behaviour: Ints
    pv_mw: Floats
    battery_mwh: Floats
    battery_mw: Floats
    battery_efficiency: Floats
    generator_mw: Floats
    boiler_mw: Floats
    up_eur_per_mwh: Floats
    down_eur_per_mwh: Floats
    trade: Bools
    tan_phi: Floats
    marginal_eur_per_mwh: Floats
    marginal_rise_eur_per_mwh: Floats
    least_mw: Floats
    least_share: Floats

    def __len__(self) -> int:
        return len(self.name)


@dataclass(frozen=True, slots=True)
class Connections:
    """What a network file says is connected: loads and generators by name and bus; shapes ``(connections,)``.

    Magnitudes (>= 0): ``load_mw`` and ``load_mvar`` (which may be capacitive, below 0) as the file has them,
    ``pv_mw`` the generation at the same connection. Scenarios make peers of these.
    """

    name: tuple[str, ...]
    bus: Ints
    load_mw: Floats
    load_mvar: Floats
    pv_mw: Floats

    def __len__(self) -> int:
        return len(self.name)


@dataclass(frozen=True, slots=True)
class Profiles:
    """What happens at each connection, before anybody decides anything; shapes ``(steps, peers)``.

    All three are magnitudes (>= 0 for load and PV): the injection without storage is ``pv_mw - load_mw``.
    """

    load_mw: Floats
    load_mvar: Floats
    pv_mw: Floats


@dataclass(frozen=True, slots=True)
class PeerState:
    """What peers carry from one step to the next; shape ``(peers,)``."""

    soc_mwh: Floats


@dataclass(frozen=True, slots=True)
class Observation:
    """What the peers of one behaviour may know when they bid; shapes ``(rows,)``, scalars for all.

    ``load_mw`` and ``pv_mw`` are the peer's own forecast for the step; ``voltage_pu`` is the voltage of its
    own bus one step ago (NaN before the first); ``relief`` is the DSO's word about its place
    (see ``Signal``). Prices are the supplier's tariffs at this place and time. ``installed_mw`` is the peer's PV or
    wind. ``called_share`` is what share of its load or generation the DSO calls on (0: it does not call).
    """

    peer: Ints
    load_mw: Floats
    pv_mw: Floats
    soc_mwh: Floats
    battery_mwh: Floats
    battery_mw: Floats
    battery_efficiency: Floats
    generator_mw: Floats
    boiler_mw: Floats
    up_eur_per_mwh: Floats
    down_eur_per_mwh: Floats
    voltage_pu: Floats
    relief: Floats
    retail_eur_per_mwh: Floats
    feed_in_eur_per_mwh: Floats
    installed_mw: Floats
    marginal_eur_per_mwh: Floats
    marginal_rise_eur_per_mwh: Floats
    least_mw: Floats
    called_share: Floats
    start_s: int
    duration_s: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What the peers of one behaviour decide: one row a peer of the observation, and their orders.

    ``battery_mw`` is the battery's own schedule without any trade (positive: discharging);
    ``pv_mw`` what the PV will give without any trade (at most the forecast), ``load_mw`` what the load will take
    without any trade (None: the forecast). A peer whose PV gives, or whose load takes, nothing without a trade orders
    all of it. The last ``closed`` orders are those of a session that is over: what they have left is not for sale.
    """

    battery_mw: Floats
    pv_mw: Floats
    orders: Orders
    load_mw: Floats | None = None
    closed: int = 0
