"""The columns that rooms hand to each other.

Every table is a frozen dataclass of columns of equal length; one row is one peer, order, bus, branch and
so on. Nobody edits an argument: a changed table is a new one. Units are in the names (``core.units`` has
the sign rule). Rows are referred to by position: ``peer`` is a row of ``PeerTable``, ``bus`` a row of
``BusTable``, ``branch`` a row of ``BranchTable``.
"""

from dataclasses import Field, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
import numpy.typing as npt

from peerflex.core.messages import KINDS

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def floats(*shape: int) -> Floats:
    return np.zeros(shape, dtype=np.float64)


def ints(*shape: int) -> Ints:
    return np.zeros(shape, dtype=np.int64)


def add_up(rows: Ints, values: Floats, n: int) -> Floats:
    """Return the sum of the values of each row number, shape ``(n,)``."""
    return np.bincount(rows, weights=values, minlength=n).astype(np.float64, copy=False)


def _columns(table: type["Rows"]) -> "tuple[Field[Any], ...]":
    return fields(cast("type[DataclassInstance]", table))


class Rows:
    """What every table of columns can do: be counted, filtered and joined by row."""

    __slots__ = ()

    def __len__(self) -> int:
        return len(getattr(self, _columns(type(self))[0].name))

    def take(self, rows: Ints | Bools) -> Self:
        """Return the given rows as a new table."""
        columns = (getattr(self, column.name) for column in _columns(type(self)))
        return type(self)(*(column[rows] for column in columns))

    @classmethod
    def join(cls, tables: list[Self]) -> Self:
        """Return several tables, one below the other. An empty list gives an empty table."""
        if not tables:
            return cls.empty()
        names = [column.name for column in _columns(cls)]
        return cls(*(np.concatenate([getattr(table, name) for table in tables]) for name in names))

    @classmethod
    def empty(cls) -> Self:
        kinds: dict[Any, type] = {Ints: np.int64, Bools: np.bool_, Floats: np.float64}
        return cls(*(np.zeros(0, dtype=kinds[column.type]) for column in _columns(cls)))


# ---------------------------------------------------------------- who is there


@dataclass(frozen=True, slots=True)
class PeerTable:
    """Every connection of the area, trading or not; shapes ``(peers,)``.

    ``behaviour`` is a row of the scenario's list of behaviours, -1 for a customer of the supplier only.
    ``battery_efficiency`` is one way (charging and discharging alike).
    """

    name: tuple[str, ...]
    bus: Ints
    behaviour: Ints
    pv_mw: Floats
    battery_mwh: Floats
    battery_mw: Floats
    battery_efficiency: Floats

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


# ---------------------------------------------------------------- the grid


@dataclass(frozen=True, slots=True)
class BusTable:
    """Buses in the order of every bus column. ``x``, ``y`` are coordinates or a layout (for pictures only)."""

    name: tuple[str, ...]
    vn_kv: Floats
    x: Floats
    y: Floats

    def __len__(self) -> int:
        return len(self.name)


@dataclass(frozen=True, slots=True)
class BranchTable:
    """Lines and transformers in the order of every branch column; ``kind`` is 'line', 'trafo' or 'trafo3w'.

    ``rating_mva`` is the power that loads the branch to 1.0 at nominal voltage (infinite: no limit given).
    """

    name: tuple[str, ...]
    kind: tuple[str, ...]
    from_bus: Ints
    to_bus: Ints
    rating_mva: Floats

    def __len__(self) -> int:
        return len(self.name)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the DSO has to keep: voltage per bus, loading per branch (1.0 is the branch's rating)."""

    v_min_pu: Floats
    v_max_pu: Floats
    loading: Floats


@dataclass(frozen=True, slots=True)
class Injections:
    """Power given to the network at every bus; shapes ``(buses,)``."""

    p_mw: Floats
    q_mvar: Floats


@dataclass(frozen=True, slots=True)
class GridState:
    """What the wires did in one step.

    Bus columns ``(buses,)``: ``v_pu`` and ``angle_rad`` (NaN in linear physics), ``p_mw`` and ``q_mvar`` as
    really injected. ``shed_mw`` is signed: what was injected is what was asked plus ``shed_mw`` (> 0: load
    taken off; < 0: generation taken off, in a dark step only). Branch columns ``(branches,)``: ``loading``
    (>= 0, 1.0 is the rating), ``flow_mw`` into the branch at its from-bus (the direction). ``exchange_mw`` is
    the import from the upstream grid; ``loss_mw`` is what the network itself consumes:
    ``sum(p_mw) + exchange_mw == loss_mw``. ``method`` is 'zbus', 'newton' (pandapower) or 'linear', with
    '+shed' behind it when load had to be taken off for a solution; a step without any solution is 'dark':
    everything is off. ``deviation_pu`` is the largest mismatch left.
    """

    v_pu: Floats
    angle_rad: Floats
    p_mw: Floats
    q_mvar: Floats
    shed_mw: Floats
    loading: Floats
    flow_mw: Floats
    loss_mw: float
    exchange_mw: float
    exchange_mvar: float
    method: str
    iterations: int
    deviation_pu: float


@dataclass(frozen=True, slots=True)
class Violations(Rows):
    """Limits that are not kept: ``is_voltage`` says whether ``element`` is a bus or a branch.

    ``value`` and ``limit`` are per unit (voltage) or a fraction of the rating (loading); ``excess`` > 0.
    """

    is_voltage: Bools
    element: Ints
    value: Floats
    limit: Floats
    excess: Floats


@dataclass(frozen=True, slots=True)
class Sensitivities:
    """How chosen quantities move with the injection at every bus, at one operating point.

    Rows are first the branches asked for, then the buses asked for. ``value`` is the **signed** loading of a
    branch (positive: flow from its from-bus) or the voltage of a bus. ``by_mw`` and ``by_mvar`` have shape
    ``(rows, buses)``. ``mw_per_unit`` turns one unit of the row into MW: the branch rating, or the injection
    at the bus itself that lifts its voltage by 1 pu (NaN where no injection can).
    """

    branch: Ints
    bus: Ints
    value: Floats
    by_mw: Floats
    by_mvar: Floats
    mw_per_unit: Floats


# ---------------------------------------------------------------- bids and trades


@dataclass(frozen=True, slots=True)
class Observation:
    """What the peers of one behaviour may know when they bid; shapes ``(rows,)``, scalars for all.

    ``load_mw`` and ``pv_mw`` are the peer's own forecast for the step; ``voltage_pu`` is the voltage of its
    own bus one step ago (NaN before the first); ``relief`` is the DSO's word about its place
    (see ``Signal``). Prices are the supplier's tariffs at this place and time.
    """

    peer: Ints
    load_mw: Floats
    pv_mw: Floats
    soc_mwh: Floats
    battery_mwh: Floats
    battery_mw: Floats
    battery_efficiency: Floats
    voltage_pu: Floats
    relief: Floats
    retail_eur_per_mwh: Floats
    feed_in_eur_per_mwh: Floats
    start_s: int
    duration_s: int


@dataclass(frozen=True, slots=True)
class Orders(Rows):
    """Offers to trade; one row an order.

    ``side`` is +1 to sell, -1 to buy; ``quantity_mw`` >= 0 is constant power from ``start_s`` for
    ``duration_s``; ``price_eur_per_mwh`` is a seller's cost or a buyer's value, never anything else.
    A ``dispatchable`` order moves its asset only if it trades, and what is left of it may be offered as
    flexibility; any other order is energy that flows anyway and otherwise goes to the supplier.
    """

    peer: Ints
    side: Ints
    quantity_mw: Floats
    price_eur_per_mwh: Floats
    dispatchable: Bools
    start_s: Ints
    duration_s: Ints


@dataclass(frozen=True, slots=True)
class Plan:
    """What the peers of one behaviour decide: one row a peer of the observation, and their orders.

    ``battery_mw`` is the battery's own schedule without any trade (positive: discharging);
    ``pv_mw`` what the PV will give without any trade (at most the forecast).
    """

    battery_mw: Floats
    pv_mw: Floats
    orders: Orders


@dataclass(frozen=True, slots=True)
class Trades(Rows):
    """Who trades with whom: ``seller`` and ``buyer`` are peers, ``sell_order`` and ``buy_order`` rows of the orders."""

    seller: Ints
    buyer: Ints
    sell_order: Ints
    buy_order: Ints
    quantity_mw: Floats
    price_eur_per_mwh: Floats


@dataclass(frozen=True, slots=True)
class MarketResult:
    """What a market made of its orders: ``accepted_mw`` row by row as the orders; a price that cleared or NaN."""

    accepted_mw: Floats
    price_eur_per_mwh: float
    trades: Trades


# ---------------------------------------------------------------- signals and flexibility


@dataclass(frozen=True, slots=True)
class Signal:
    """What the DSO publishes before the bids; bus columns ``(buses,)``, branch columns ``(branches,)``.

    ``relief`` lies in [-1, 1]: above 0 more injection helps here (charge later, discharge now), below 0 less
    injection helps (charge now); 0: nothing to say. ``at_risk`` marks the branches the DSO worries about.
    """

    relief: Floats
    at_risk: Bools


@dataclass(frozen=True, slots=True)
class FlexNeed:
    """The limits a flexibility market must keep, linearised: ``lower <= value + by_mw @ change <= upper``.

    ``change`` is the change of injection per bus in MW. One row an element: ``is_voltage`` says whether
    ``element`` is a bus or a branch; branch rows are signed loadings. Shapes ``(rows,)``, ``by_mw``
    ``(rows, buses)``; ``mw_per_unit`` turns a row's unit into MW (for reporting what is missing).
    """

    is_voltage: Bools
    element: Ints
    value: Floats
    lower: Floats
    upper: Floats
    by_mw: Floats
    mw_per_unit: Floats

    def __len__(self) -> int:
        return len(self.element)


@dataclass(frozen=True, slots=True)
class FlexOffers(Rows):
    """Offers of flexibility: ``side`` +1 upward (more injection), -1 downward.

    An upward offer asks to be paid ``price_eur_per_mwh``; a downward one pays it (the energy it saves or
    takes). ``order`` is the row of the orders it is left from.
    """

    order: Ints
    peer: Ints
    bus: Ints
    side: Ints
    quantity_mw: Floats
    price_eur_per_mwh: Floats


@dataclass(frozen=True, slots=True)
class FlexResult:
    """What the flexibility market activates; ``accepted_mw`` and ``price_eur_per_mwh`` row by row as the offers.

    ``residual_mw`` is upward minus downward energy, taken by the supplier at the interface price (0 in
    strict balance). ``cost_eur_per_h`` is what the DSO pays in all. ``missing_mw`` and
    ``multiplier_eur_per_mwh`` are row by row as the need: what could not be relieved, and what one MW of
    relief would have been worth.
    """

    accepted_mw: Floats
    price_eur_per_mwh: Floats
    residual_mw: float
    cost_eur_per_h: float
    missing_mw: Floats
    multiplier_eur_per_mwh: Floats


# ---------------------------------------------------------------- money and the record


@dataclass(frozen=True, slots=True)
class Tariffs:
    """What energy costs outside the local markets, in EUR/MWh.

    The supplier sells at ``retail`` and buys at ``feed_in``; it trades with the upstream grid at ``wholesale``,
    at which the DSO also buys the losses. What a peer delivers other than scheduled is settled at retail
    raised or feed-in lowered by the fraction ``imbalance_spread``. ``interface`` settles the residual of a
    flexibility market between DSO and supplier.
    """

    retail_eur_per_mwh: float
    feed_in_eur_per_mwh: float
    wholesale_eur_per_mwh: float
    imbalance_spread: float
    interface_eur_per_mwh: float


@dataclass(frozen=True, slots=True)
class Ledger(Rows):
    """Who gave energy to whom and was paid for it: ``giver`` and ``taker`` are party numbers.

    Parties are peers (their row) and then the roles of ``core.parties``. ``energy_mwh`` flows from giver to
    taker, ``amount_eur`` from taker to giver; both may be negative. ``reason`` is a ``core.parties.Reason``.
    """

    giver: Ints
    taker: Ints
    reason: Ints
    energy_mwh: Floats
    amount_eur: Floats


@dataclass(frozen=True, slots=True)
class Event:
    """Something out of the ordinary, with its defined consequence."""

    kind: str
    where: str
    what: str
    consequence: str


@dataclass(frozen=True, slots=True)
class MessageBatch:
    """``count`` messages of one kind between two roles in one step; ``kind`` names a type of ``core.messages``."""

    kind: str
    sender: str
    receiver: str
    count: int

    @property
    def fields(self) -> str:
        """What every message of the batch discloses."""
        return ", ".join(KINDS[self.kind].fields)


@dataclass(frozen=True, slots=True)
class Decision:
    """All that was decided before physics (steps 1 to 7 of the hour). Peer columns have shape ``(peers,)``.

    ``load_mw``, ``pv_mw``, ``battery_mw`` are as delivered, so that the injection of a peer is
    ``pv_mw + battery_mw - load_mw``; ``contracted_mw`` is what it sold (positive) or bought in P2P and
    flexibility; ``scheduled_mw`` what it announced to inject, trades and activations included.
    """

    step: int
    signal: Signal
    orders: Orders
    result: MarketResult
    need: FlexNeed
    offers: FlexOffers
    flex: FlexResult
    load_mw: Floats
    load_mvar: Floats
    pv_mw: Floats
    battery_mw: Floats
    contracted_mw: Floats
    scheduled_mw: Floats
    peers: PeerState
    injections: Injections
    messages: tuple[MessageBatch, ...]
    events: tuple[Event, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class HourRecord:
    """One step, whole: what was decided, what the wires did, who paid whom. The log is made of these.

    ``metered_mw`` is what each peer's meter saw ``(peers,)``. ``external`` is what other simulators coupled to
    the buses injected. ``diagnostic`` is the AC state in linear physics, else None.
    """

    decision: Decision
    state: GridState
    metered_mw: Floats
    diagnostic: GridState | None
    external: Injections
    violations: Violations
    ledger: Ledger
    messages: tuple[MessageBatch, ...]
    events: tuple[Event, ...]
