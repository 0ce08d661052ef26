"""What groups choose beside their behaviour: with whom they would rather trade, and how they quote."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from peerflex.core.errors import InputError
from peerflex.core.protocols import Market
from peerflex.markets.preferences import Neighbourhood, Preference, wishes_of
from peerflex.runs.area.area import Area
from peerflex.runs.area.components import make
from peerflex.scenarios.schema import Scenario


def preferences(kinds: Mapping[str, type[Any]], scenario: Scenario, origin: str) -> tuple[Preference | None, ...]:
    """Return the preference of each group.

    Raises:
        InputError: if there is no such kind or parameter.
    """
    return tuple(
        None
        if group.preference is None
        else make(kinds, group.preference.kind, group.preference.parameters, f"{origin}: peers.{row}.preference")
        for row, group in enumerate(scenario.peers)
    )


def with_wishes_of_all(area: Area, origin: str) -> Area:
    """Return the area with what trades are worth to its peers beside money.

    Raises:
        InputError: if a preference has no meaning here.
    """
    if not any(area.preferences):
        return area
    there = Neighbourhood(area.peers, area.grid, area.behaviour_names, area.seed)
    return replace(area, wishes=wishes_of(area.preferences, there, origin))


def check_preferences(area: Area, with_tso: bool, origin: str) -> None:
    """Refuse preferences in a market that does not ask who is who, or beside parts that do not reckon with them.

    Raises:
        InputError: if they are refused.
    """
    held = [row for row, each in enumerate(area.preferences) if each is not None]
    if not held:
        return
    where = f"{origin}: peers.{held[0]}.preference"
    if not getattr(area.market, "heeds_terms", False):
        what = "asks who the other is, and in this market nobody knows with whom it trades, only at what price"
        raise InputError(where, what, "Use bilateral-equilibrium, consensus-admm or negotiation, or leave it out.")
    if getattr(area.service, "expects_bids_alone", False):
        what = "moves trades away from what the DSO's service expects of bids alone"
        raise InputError(where, what, "Use another service, or leave it out.")
    if with_tso:
        what = "would change the price at which the TSO's firm request is settled"
        raise InputError(where, what, "Leave out either of the two.")


def quoted(market: Market, scenario: Scenario, origin: str) -> Market:
    """Return the market, told how the groups quote that say so.

    Raises:
        InputError: if nobody quotes in it.
    """
    kinds = tuple(group.quoting for group in scenario.peers)
    if not any(kinds):
        return market
    if not hasattr(market, "quoted_by"):
        row = next(row for row, kind in enumerate(kinds) if kind is not None)
        what = f"is for a market of quotes, and {scenario.market.p2p.kind!r} asks for one bid"
        raise InputError(f"{origin}: peers.{row}.quoting", what, "Use continuous-double-auction, or leave it out.")
    told: Market = market.quoted_by(kinds)
    return told
