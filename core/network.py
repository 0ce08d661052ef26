"""The wires: what they are, what is injected, what they do, and what they must keep."""

from dataclasses import dataclass

from peerflex.core.arrays import Bools, Floats, Ints, Rows


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
