"""Elastic peers: a load whose value falls, and a source whose cost rises, with every MW; both trade all they have."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from peerflex.agents.orders import Offers, energy, orders_for
from peerflex.core.arrays import Floats, floats
from peerflex.core.people import Observation, Plan
from peerflex.core.trade import FIRM_EUR_PER_MWH
from peerflex.core.units import BUY, SELL

Marginal = Annotated[
    float | None,
    Field(ge=-1000, le=3000, description="what the first MW is worth or costs, EUR/MWh; the peer's own if absent"),
]
Rise = Annotated[
    float | None,
    Field(
        ge=0.01,
        le=3000,
        description="how far that falls (load) or rises (source) up to the peer's size; its own if absent",
    ),
]
Share = Annotated[float, Field(ge=0, le=1, description="share of its load or generation that a peer offers of itself")]
Extra = Annotated[
    Literal["offered", "on-call"],
    Field(description="whether what is beyond that share is offered too, at a penalty, or only when the DSO calls"),
]
Penalty = Annotated[
    float, Field(gt=0, le=5000, description="EUR/MWh by which taking more than the share is dearer than it is worth")
]


@dataclass(frozen=True, slots=True)
class ElasticLoad:
    """A consumer with a quadratic utility (Marques, Soares and Morais, 2023, equation 2) around its usual load B.

    The d-th MW is worth ``marginal - rise * d / B``; it takes between ``1 - flexible_share`` and ``1 + flexible_share``
    of B, all of it bought. Taking less is extra flexibility: offered at a penalty (their equation 9a, where it is
    called alpha), or kept back until the DSO calls on a larger share. What is kept back is firm. The sun on a roof of
    its own flows anyway: it is sold for the feed-in tariff or more.
    """

    has_slopes: ClassVar[bool] = True
    """Its prices change with every MW: it needs a market that heeds that."""

    marginal_eur_per_mwh: Marginal = None
    rise_eur_per_mwh: Rise = None
    flexible_share: Share = 0.3
    extra: Extra = "offered"
    penalty_eur_per_mwh: Penalty = 100.0

    def bid(self, seen: Observation, rng: np.random.Generator) -> Plan:
        first = _own(seen.marginal_eur_per_mwh, self.marginal_eur_per_mwh)
        rise = _own(seen.marginal_rise_eur_per_mwh, self.rise_eur_per_mwh)
        most = np.full(len(first), 1.0 + self.flexible_share)
        ranges = _ranges(seen.called_share, self.flexible_share, most, self.extra, self.penalty_eur_per_mwh)
        nothing = floats(len(first))
        offers = [
            *_offers(BUY, seen.load_mw, _size(seen.load_mw), first, -rise, ranges),
            energy(seen.pv_mw, ask=seen.feed_in_eur_per_mwh, bid=seen.retail_eur_per_mwh),
        ]
        return Plan(nothing, seen.pv_mw, orders_for(seen, offers), load_mw=nothing)


@dataclass(frozen=True, slots=True)
class ElasticSource:
    """A producer with a quadratic cost (the same, equation 2): sun, wind, or a generator.

    The g-th MW costs ``marginal + rise * g / size``. Of sun and wind it gives at least ``1 - flexible_share`` of what
    there is, giving less is extra flexibility, as of a load; a generator runs at its least power or more. All of it is
    given only if it is sold.
    """

    has_slopes: ClassVar[bool] = True
    """Its prices change with every MW: it needs a market that heeds that."""

    marginal_eur_per_mwh: Marginal = None
    rise_eur_per_mwh: Rise = None
    flexible_share: Share = 1.0
    extra: Extra = "offered"
    penalty_eur_per_mwh: Penalty = 100.0

    def bid(self, seen: Observation, rng: np.random.Generator) -> Plan:
        first = _own(seen.marginal_eur_per_mwh, self.marginal_eur_per_mwh)
        rise = _own(seen.marginal_rise_eur_per_mwh, self.rise_eur_per_mwh)
        everything = np.ones(len(first))
        weather = _ranges(seen.called_share, self.flexible_share, everything, self.extra, self.penalty_eur_per_mwh)
        running = np.minimum(seen.least_mw / _size(seen.generator_mw), 1.0)
        engine = [_Range(0.0, running, FIRM_EUR_PER_MWH, 0.0), _Range(running, everything, 0.0, 0.0)]
        offers = [
            *_offers(SELL, seen.pv_mw, _size(seen.installed_mw), first, rise, weather),
            *_offers(SELL, seen.generator_mw, _size(seen.generator_mw), first, rise, engine),
        ]
        nothing = floats(len(first))
        return Plan(nothing, nothing, orders_for(seen, offers))


@dataclass(frozen=True, slots=True)
class _Range:
    """Part of what a peer has, as shares of it, and by how much it bids beyond its true price there."""

    begin: Floats | float
    end: Floats | float
    premium_eur_per_mwh: float
    penalty_eur_per_mwh: float


def _ranges(called_share: Floats, own_share: float, most: Floats, extra: str, penalty: float) -> list[_Range]:
    """Return what is kept back, what the DSO called on beyond the peer's own share, and what it offers of itself."""
    own = np.full(len(most), own_share)
    if extra == "offered":
        return [_Range(0.0, 1.0 - own, penalty, penalty), _Range(1.0 - own, most, 0.0, 0.0)]
    called = np.clip(called_share, own, 1.0)
    return [
        _Range(0.0, 1.0 - called, FIRM_EUR_PER_MWH, penalty),
        _Range(1.0 - called, 1.0 - own, 0.0, penalty),
        _Range(1.0 - own, most, 0.0, 0.0),
    ]


def _offers(
    side: int, there_mw: Floats, size_mw: Floats, first: Floats, rise: Floats, ranges: list[_Range]
) -> list[Offers]:
    """Return an offer for each range of what there is, at the marginal value or cost where it begins."""
    return [
        Offers(
            side=np.full(len(there_mw), side),
            quantity_mw=(part.end - part.begin) * there_mw,
            price_eur_per_mwh=first + rise * (part.begin * there_mw / size_mw) - side * part.premium_eur_per_mwh,
            dispatchable=True,
            slope_eur_per_mwh2=np.abs(rise) / size_mw,
            premium_eur_per_mwh=np.full(len(there_mw), part.premium_eur_per_mwh),
            penalty_eur_per_mwh=part.penalty_eur_per_mwh,
        )
        for part in ranges
    ]


def _own(of_peer: Floats, of_kind: float | None) -> Floats:
    """Return each peer's own value, or the one of its kind where that is given."""
    return of_peer if of_kind is None else np.full(len(of_peer), of_kind)


def _size(mw: Floats) -> Floats:
    """Return what a rise is spread over; a peer of no size offers nothing, whatever it is divided by."""
    return np.where(mw > 0.0, mw, 1.0)
