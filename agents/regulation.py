"""How much regulation a TSO wants, and what it bids for it: what its agent goes by."""

from dataclasses import dataclass
from typing import Protocol

from peerflex.core.arrays import Floats
from peerflex.core.frequency import FrequencyState


class Need(Protocol):
    """What the TSO wants of one feeder in a step, knowing what frequency did in the last one (None: there was none)."""

    def mw(self, step: int, last: FrequencyState | None) -> float: ...


@dataclass(frozen=True, slots=True)
class ListedNeed:
    """A request known beforehand, ``(steps,)``, MW, > 0 up."""

    listed_mw: Floats

    def mw(self, step: int, last: FrequencyState | None) -> float:
        return float(self.listed_mw[step])


@dataclass(frozen=True, slots=True)
class NeedFromFrequency:
    """A share of what reserves and peers carried at the end of the last step, split over all feeders.

    What still stands then will stand in the next step too: that is the whole forecast. Peers' part is counted because
    it is contracted for one step only. After a collapse there is nothing to go by, and nothing is wanted.
    """

    share: float
    feeders: float

    def mw(self, step: int, last: FrequencyState | None) -> float:
        if last is None:
            return 0.0
        return self.share * (last.end.fcr_mw + last.end.afrr_mw + last.end.p2p_mw) / self.feeders


@dataclass(frozen=True, slots=True)
class Bid:
    """How the TSO bids for at most ``most_mw``.

    Up, the first MW is worth ``value_eur_per_mwh`` and the last ``fall_eur_per_mwh`` less; down, the first MW is sold
    at ``down_eur_per_mwh`` or more and the last at so much more. ``firm``: it is served before anybody else.
    """

    most_mw: float
    value_eur_per_mwh: float
    fall_eur_per_mwh: float
    down_eur_per_mwh: float
    firm: bool
