"""What the DSO has beside markets: a last resort, agreements and contracts with groups, a network tariff."""

from collections.abc import Mapping
from dataclasses import fields, replace
from importlib.metadata import EntryPoint
from typing import Any, Final

import numpy as np

from peerflex.core.errors import InputError
from peerflex.core.protocols import FlexMarket, NetworkTariff
from peerflex.markets.idle import NoFlexMarket
from peerflex.markets.network_tariffs import NoNetworkTariff
from peerflex.runs.area.area import Area
from peerflex.runs.area.components import make
from peerflex.scenarios.peer_schema import Component
from peerflex.scenarios.schema import Scenario

FOUND: Final = {"member": "is found from the scenario", "interface_eur_per_mwh": "belongs to the tariffs"}
"""Parameters that a scenario does not write."""


def flex_market(kinds: Mapping[str, type[Any]], component: Component, scenario: Scenario, where: str) -> FlexMarket:
    """Return a flexibility market or another mechanism, at the interface price of the tariffs if it has one.

    Raises:
        InputError: if there is no such kind or parameter, or if a parameter is not written here.
    """
    for name, what in FOUND.items():
        if name in component.parameters:
            remedy = f"Write it as tariffs.{name}." if name.endswith("mwh") else "Name the groups instead."
            raise InputError(f"{where}.{name}", what, remedy)
    market: FlexMarket = make(kinds, component.kind, component.parameters, where)
    price = {"interface_eur_per_mwh": scenario.tariffs.interface_eur_per_mwh}
    if price.keys() <= {field.name for field in fields(market)}:  # type: ignore[arg-type]
        market = make(kinds, component.kind, component.parameters | price, where)
    return market


def last_resort(kinds: Mapping[str, type[Any]], scenario: Scenario, where: str) -> FlexMarket | None:
    """Return what the DSO has when both markets have been held, None if nothing.

    Raises:
        InputError: likewise, or if it is a market, which a last resort is not.
    """
    component = scenario.market.last_resort
    fit = {kind: found for kind, found in kinds.items() if _may_be_last(found)}
    if component.kind not in kinds:
        return flex_market(fit, component, scenario, where)  # which says what there is
    found = flex_market(kinds, component, scenario, where)
    if isinstance(found, NoFlexMarket):
        return None
    if not getattr(found, "administered", False):
        what = f"{component.kind!r} is a market: peers would ask what they like when the DSO has no other way left"
        raise InputError(where, what, f"Known: {', '.join(sorted(fit))}.")
    return found


def _may_be_last(kind: type[Any]) -> bool:
    """Whether a kind can be a last resort; of an installed one that is not loaded yet it is not known."""
    return isinstance(kind, EntryPoint) or getattr(kind, "administered", False) or kind is NoFlexMarket


def network_tariff(kinds: Mapping[str, type[Any]], scenario: Scenario, where: str) -> NetworkTariff | None:
    """Return what the DSO charges for using the network by time and place, None if nothing."""
    component = scenario.market.network_tariff
    found: NetworkTariff = make(kinds, component.kind, component.parameters, where)
    return None if isinstance(found, NoNetworkTariff) else found


def agreed(area: Area, where: str) -> Area:
    """Return the area with every peer's agreement or contract, and what the DSO pays for them by the hour.

    Raises:
        InputError: if there is no such group.
    """
    flex = _with_members(area.flex_market, area, f"{where}.lfm")
    last = None if area.last_resort is None else _with_members(area.last_resort, area, f"{where}.last_resort")
    means = [each for each in (flex, last) if each is not None]
    paid = [each.standing_eur_per_h(area.peers) for each in means if hasattr(each, "standing_eur_per_h")]
    standing = np.sum(paid, axis=0) if paid else None
    return replace(area, flex_market=flex, last_resort=last, standing_eur_per_h=standing)


def _with_members(market: FlexMarket, area: Area, where: str) -> FlexMarket:
    if not hasattr(market, "with_members"):
        return market
    found: FlexMarket = market.with_members(area.peers, area.behaviour_names, where)
    return found


def takes_energy(market: FlexMarket | None) -> bool:
    """Whether the DSO takes the energy that it activates there, so that what is left of it has a price."""
    if market is None or isinstance(market, NoFlexMarket):
        return False
    return hasattr(market, "interface_eur_per_mwh") or not getattr(market, "administered", False)


def check_means(area: Area, with_tso: bool, where: str) -> None:
    """Refuse agreements, a last resort or a network tariff that contradict who takes part.

    Raises:
        InputError: with the part that has to change.
    """
    last = area.last_resort
    if last is not None and area.peers.least_share.any() and not getattr(last, "heeds_blocks", False):
        what = "it activates any part of an offer, and groups of peers have a least_activation"
        raise InputError(f"{where}.last_resort", what, "Use cost-based, or leave out least_activation.")
    if hasattr(area.flex_market, "with_members") and any(each.class_eur_per_mwh for each in area.mediators):
        what = "its agreements and contracts are of single peers, and mediators sell in pools"
        raise InputError(f"{where}.lfm", what, "Use another mechanism, or pools: none.")
    if area.network_tariff is None:
        return
    if with_tso:
        what = "the TSO pays peers what moving costs them, and the tariff of their place would be paid beside it"
        raise InputError(f"{where}.network_tariff", what, "Use none, or leave out the TSO.")
    for name, behaviour in zip(area.behaviour_names, area.behaviours, strict=True):
        if getattr(behaviour, "has_slopes", False):
            what = f"is taken off the prices of assets that move, and {name!r} trades all that it uses"
            raise InputError(f"{where}.network_tariff", what, "Use none, or another behaviour.")
