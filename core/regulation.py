"""Regulation that the TSO buys from peers, and the synchronous area it buys it for.

Sign rule as everywhere (``core.units``): MW > 0 is up, more power into the area. The TSO's virtual load stands at the
upstream bus: up, it is a load that buys, and the feeder exports more; down, it is a source that sells.
"""

import math
from dataclasses import dataclass
from typing import Final

from peerflex.core.arrays import Floats, Rows
from peerflex.core.frequency import FrequencyArea
from peerflex.core.trade import NAN
from peerflex.core.units import QUANTITY_TOLERANCE_MW

TSO: Final = "tso"
"""Name of the virtual load in the table of peers."""


@dataclass(frozen=True, slots=True)
class Regulation:
    """What the TSO asked of one feeder for a step, what it contracted (both signed, MW), and its mean price.

    ``reference_mw`` is what peers in the network would inject without the TSO, by the schedules of a market that it is
    not in, and ``change_mw`` what their schedules with it are beyond that (both before flexibility is bought; 0 without
    a contract). ``value_eur_per_h`` is what the contract is worth to the TSO itself; where it sells, minus its cost.
    """

    request_mw: float = 0.0
    contracted_mw: float = 0.0
    price_eur_per_mwh: float = NAN
    reference_mw: float = 0.0
    change_mw: float = 0.0
    value_eur_per_h: float = 0.0

    @property
    def planned_mw(self) -> float:
        """How much of the contract the feeder means to deliver: its change, never the other way, nor more."""
        return self.towards_mw(self.change_mw)

    def towards_mw(self, change_mw: float, missing_mw: float = 0.0) -> float:
        """Return the part of a change (> 0: up), less what is missing of it, that counts for the contract."""
        side = math.copysign(1.0, self.contracted_mw)
        there_mw = min(max(side * change_mw - missing_mw, 0.0), abs(self.contracted_mw))
        return side * there_mw if there_mw > QUANTITY_TOLERANCE_MW else 0.0


NO_REGULATION: Final = Regulation()


@dataclass(frozen=True, slots=True)
class SystemEvents(Rows):
    """Imbalance from elsewhere in the area: ``change_mw`` from ``start_s`` to ``end_s`` since the scenario's start."""

    start_s: Floats
    end_s: Floats
    change_mw: Floats


@dataclass(frozen=True, slots=True)
class System:
    """The synchronous area that the network belongs to, with ``feeders`` networks that all do the same.

    What peers sell to the TSO begins ``delay_s`` after the start of the step and is there ``ramp_s`` later.
    """

    area: FrequencyArea
    feeders: float
    events: SystemEvents
    delay_s: float
    ramp_s: float
