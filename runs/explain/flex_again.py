"""The flexibility market of an hour, cleared again with something taken out of it."""

from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np

from peerflex.core.arrays import Bools, floats, ints
from peerflex.core.network import GridState
from peerflex.core.protocols import FlexMarket
from peerflex.core.trade import FlexNeed, FlexOffers, FlexResult
from peerflex.markets.lfm import LocalFlexibilityMarket
from peerflex.runs.explain.types import Element, Without
from peerflex.runs.stages.mediation import pooled
from peerflex.runs.stages.sequences import lfm_first, unrelated

if TYPE_CHECKING:
    from peerflex.runs.moment import Moment

BALANCE = "upward and downward must balance"
BLOCKS = "offers with a least activation are activated to it or more, or not at all"
NO_FLEX_MARKET = "there is no flexibility market"
CALLED_FOR = 2.0
"""A limit is drawn in by this much of what all offers that help can do: each of them is called for."""


def buys_untraded(moment: "Moment") -> bool:
    """Whether the DSO buys flexibility before peers have traded, or without knowing what they trade."""
    return moment.area.sequence in (lfm_first, unrelated)


def expected(moment: "Moment") -> GridState:
    """Return the flow that the DSO expects when it begins to buy."""
    outlook = moment.decision.outlook
    return outlook.forecast if buys_untraded(moment) else outlook.traded


def flex_again(moment: "Moment", without: Without) -> FlexResult:
    """Return what is activated of the hour's offers, row by row as these and as the rows of need that are left."""
    decision = moment.decision
    offers = _changed(decision.offers, without)
    kept = np.ones(len(offers), dtype=np.bool_)
    kept[sorted(without.offers)] = False
    need = decision.need
    if without.drawn_in:
        need = drawn_in(moment, without)
    if without.limits:
        need = take(need, ~np.isin(np.arange(len(need)), rows_of(need, without.limits)))
    result = _market(moment, without).clear(need, offers.take(kept))
    accepted_mw, price = floats(len(offers)), offers.price_eur_per_mwh.copy()
    accepted_mw[kept], price[kept] = result.accepted_mw, result.price_eur_per_mwh
    return replace(result, accepted_mw=accepted_mw, price_eur_per_mwh=price)


def take(need: FlexNeed, rows: Bools) -> FlexNeed:
    """Return some rows of a need."""
    return FlexNeed(*(getattr(need, each.name)[rows] for each in fields(FlexNeed)))


def rows_of(need: FlexNeed, elements: frozenset[Element]) -> list[int]:
    """Return the rows of some elements; each was linearised as often as the DSO looked."""
    keys = zip(need.is_voltage.tolist(), need.element.tolist(), strict=True)
    return [row for row, key in enumerate(keys) if key in elements]


def _changed(offers: FlexOffers, without: Without) -> FlexOffers:
    """Return the offers at the prices, and the buses, that some have instead, and without blocks if so asked."""
    price, cost, bus = offers.price_eur_per_mwh.copy(), offers.cost_eur_per_mwh.copy(), offers.bus.copy()
    for row, instead in without.offer_prices:
        price[row] = cost[row] = instead
    for row, instead_bus in without.stand_ins:
        bus[row] = instead_bus
    least = floats(len(offers)) if BLOCKS in without.rules else offers.least_share
    return replace(offers, price_eur_per_mwh=price, cost_eur_per_mwh=cost, bus=bus, least_share=least)


def _market(moment: "Moment", without: Without) -> FlexMarket:
    """Return the market of the hour under the rules that are left, with the pools that mediators sell in."""
    return pooled(_rule(moment, without), moment.area.mediators)


def _rule(moment: "Moment", without: Without) -> FlexMarket:
    market = moment.area.flex_market
    if NO_FLEX_MARKET in without.rules:
        return LocalFlexibilityMarket(interface_eur_per_mwh=moment.area.tariffs.interface_eur_per_mwh)
    if BALANCE in without.rules and isinstance(market, LocalFlexibilityMarket):
        return replace(market, residual="interface")
    return market


def drawn_in(moment: "Moment", without: Without) -> FlexNeed:
    """Return a need of one row: a limit drawn in until every offer that moves it as a given one does is called for."""
    ((is_voltage, element), asked), offers = min(without.drawn_in), _changed(moment.decision.offers, without)
    branches, buses = (ints(0), np.array([element])) if is_voltage else (np.array([element]), ints(0))
    slopes = moment.model.dso.grid.sensitivities(expected(moment), branches, buses)
    reach = slopes.by_mw[0, offers.bus] * offers.side * offers.quantity_mw
    towards = float(np.sign(reach[asked]))
    wanted = slopes.value + towards * CALLED_FOR * np.maximum(towards * reach, 0.0).sum()
    far = np.full(1, np.inf)
    return FlexNeed(
        is_voltage=np.array([is_voltage]),
        element=np.array([element]),
        value=slopes.value,
        lower=wanted if towards > 0 else -far,
        upper=far if towards > 0 else wanted,
        by_mw=slopes.by_mw,
        mw_per_unit=slopes.mw_per_unit,
    )
