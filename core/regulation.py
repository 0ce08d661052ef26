"""Regulation that the TSO buys from peers, and the synchronous area it buys it for.

Sign rule as everywhere (``core.units``): MW > 0 is up, more power into the area. The TSO's virtual load stands at the
upstream bus: up, it is a load that buys, and the feeder exports more; down, it is a source that sells.
"""

from dataclasses import dataclass
from typing import Final

from peerflex.core.arrays import Floats, Rows
from peerflex.core.frequency import FrequencyArea
from peerflex.core.trade import NAN

TSO: Final = "tso"
"""Name of the virtual load in the table of peers."""


@dataclass(frozen=True, slots=True)
class Regulation:
    """What the TSO asked of one feeder for a step, what peers sold it (both signed, MW), and its mean price."""

    request_mw: float = 0.0
    contracted_mw: float = 0.0
    price_eur_per_mwh: float = NAN


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
