"""Flexible connection agreements: curtailed down to a firm share, unpaid, against a yearly rebate."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Final, Literal, Self

import numpy as np
from pydantic import Field

from peerflex.core.arrays import Floats, floats
from peerflex.core.people import PeerTable
from peerflex.core.trade import FlexNeed, FlexOffers, FlexResult
from peerflex.core.units import KW_PER_MW
from peerflex.markets.idle import nothing_activated
from peerflex.markets.members import of_groups, rows_of
from peerflex.markets.relief import in_turn, unbundled, violated

HOURS_PER_YEAR: Final = 8760.0


@dataclass(frozen=True, slots=True)
class ConnectionAgreement:
    """Flexible access (EUniversal D5.3, 2022, section 2.1.4): members agreed to have their connection curtailed.

    A member is never called on for more than ``1 - firm_share`` of what it offers: of its PV, of the load that it can
    give up, of its battery. The ``order`` of calls: ``pro-rata`` (all who help the same limits give the same share),
    ``last-in-first-out`` (``groups`` stand in the order in which they were connected; the last is called on first, its
    members alike, the one before it for what is then missing) or ``most-effective`` (the least MW in all). A call is
    not paid; only the energy is settled, with the supplier, as with an obligation. Each member is paid a rebate on what
    it has installed that can be curtailed, PV and battery and generator, in every step alike. MW, EUR.
    """

    administered: ClassVar[bool] = True

    groups: Annotated[
        tuple[str, ...],
        Field(description="groups with the agreement, in the order in which they were connected; none: everybody"),
    ] = ()
    order: Annotated[
        Literal["pro-rata", "last-in-first-out", "most-effective"],
        Field(description="who is called on first"),
    ] = "pro-rata"
    firm_share: Annotated[
        float, Field(ge=0, le=1, description="share of what a member offers that is never curtailed")
    ] = 0.3
    rebate_eur_per_kw_year: Annotated[
        float,
        Field(ge=0, le=1000, description="rebate for each kW of a member's PV, battery, generator and boiler, a year"),
    ] = 0.0
    member: Annotated[
        tuple[int, ...], Field(description="row of each peer's group, found from the scenario; none: everybody")
    ] = ()

    def with_members(self, peers: PeerTable, names: Sequence[str], where: str) -> Self:
        """Return this mechanism with everybody's agreement.

        Raises:
            InputError: if a group does not exist.
        """
        return replace(self, member=of_groups(self.groups, peers, names, f"{where}.groups"))

    def standing_eur_per_h(self, peers: PeerTable) -> Floats:
        """Return what the DSO pays each peer whatever is activated ``(peers,)``."""
        installed_kw = KW_PER_MW * (peers.pv_mw + peers.battery_mw + peers.generator_mw + peers.boiler_mw)
        agreed = (rows_of(self.member, np.arange(len(peers))) >= 0) & (peers.behaviour >= 0)
        return np.where(agreed, installed_kw * self.rebate_eur_per_kw_year / HOURS_PER_YEAR, 0.0)

    def clear(self, need: FlexNeed, offers: FlexOffers) -> FlexResult:
        group = rows_of(self.member, offers.peer)
        most_mw = np.where(group >= 0, (1.0 - self.firm_share) * offers.quantity_mw, 0.0)
        if not violated(need):
            return nothing_activated(need, offers)
        turn = np.where(group >= 0, 0, -1)
        if self.order == "last-in-first-out":
            turn = np.where(group >= 0, group.max(initial=0) - group, -1)
        alike = np.full(len(offers), self.order != "most-effective")
        return unbundled(offers, in_turn(need, offers, most_mw, turn, alike), floats(len(offers)))
