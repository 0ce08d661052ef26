"""Bilateral contracts: availability paid by the hour, activation by the MWh, up to a volume."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Self

import numpy as np
from pydantic import Field

from peerflex.core.arrays import Floats, add_up
from peerflex.core.people import PeerTable
from peerflex.core.trade import FlexNeed, FlexOffers, FlexResult
from peerflex.core.units import KW_PER_MW
from peerflex.markets.idle import nothing_activated
from peerflex.markets.members import of_groups, rows_of
from peerflex.markets.relief import call, unbundled, violated


@dataclass(frozen=True, slots=True)
class Contract:
    """What each member of a group agreed with the DSO; '' is every group."""

    group: Annotated[str, Field(description="whose members hold it; '': those of every group")] = ""
    volume_kw: Annotated[
        float, Field(ge=0, le=1e6, description="most that a member has to move, up and down each, in kW")
    ] = 5.0
    availability_eur_per_mw_h: Annotated[
        float, Field(ge=0, le=1e4, description="paid for each MW of volume and hour, called or not")
    ] = 2.0
    activation_eur_per_mwh: Annotated[
        float, Field(ge=0, le=1e4, description="paid for each MWh moved, up or down, beside the energy")
    ] = 100.0


@dataclass(frozen=True, slots=True)
class BilateralContract:
    """Named groups hold contracts with the DSO (EUniversal D5.3, 2022, section 2.1.4), which calls on them by price.

    Called are the cheapest activations that keep the limits: a program over offers, each contract's at its
    ``activation_eur_per_mwh``, all of a member's offers in one direction together at most its ``volume_kw`` (each
    offer cut pro rata where they exceed it). The energy is settled with the supplier; the DSO pays the activation price
    beside it for movement in either direction, and the availability of every member's volume in every step. What a
    peer asks changes nothing. If the limits cannot all be kept, first the sum of missing MW is made least. MW, EUR.
    """

    administered: ClassVar[bool] = True

    contracts: Annotated[tuple[Contract, ...], Field(min_length=1, description="the contracts, one for each group")] = (
        Contract(),
    )
    member: Annotated[
        tuple[int, ...], Field(description="row of each peer's contract, found from the scenario; none: the first")
    ] = ()

    def with_members(self, peers: PeerTable, names: Sequence[str], where: str) -> Self:
        """Return this mechanism with everybody's contract.

        Raises:
            InputError: if a group does not exist, or has two contracts.
        """
        groups = [each.group for each in self.contracts]
        if groups == [""]:
            return self
        return replace(self, member=of_groups(groups, peers, names, f"{where}.contracts"))

    def standing_eur_per_h(self, peers: PeerTable) -> Floats:
        """Return what the DSO pays each peer whatever is activated ``(peers,)``."""
        contract = rows_of(self.member, np.arange(len(peers)))
        contract = np.where(peers.behaviour >= 0, contract, -1)
        a_member = [each.volume_kw / KW_PER_MW * each.availability_eur_per_mw_h for each in self.contracts]
        return np.array([*a_member, 0.0])[contract]

    def clear(self, need: FlexNeed, offers: FlexOffers) -> FlexResult:
        contract = rows_of(self.member, offers.peer)
        paid = np.array([*(each.activation_eur_per_mwh for each in self.contracts), 0.0])[contract]
        if not violated(need):
            return replace(nothing_activated(need, offers), price_eur_per_mwh=paid)
        volume_mw = np.array([*(each.volume_kw / KW_PER_MW for each in self.contracts), 0.0])[contract]
        # one number for each peer and direction
        direction = 2 * offers.peer + (offers.side > 0)
        offered_mw = add_up(direction, offers.quantity_mw, 0)[direction]
        cut = np.minimum(volume_mw / np.where(offered_mw > 0.0, offered_mw, 1.0), 1.0)
        called = call(need, offers, cut * offers.quantity_mw, paid, np.arange(len(offers)))
        return unbundled(offers, called, paid)
