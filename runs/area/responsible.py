"""Who answers for what in a scenario, and where its two markets are: areas of buses."""

from dataclasses import replace

import numpy as np

from peerflex.core.arrays import Bools
from peerflex.core.errors import InputError
from peerflex.core.network import BusTable
from peerflex.core.people import PeerTable
from peerflex.markets.idle import NoFlexMarket, NoMarket
from peerflex.markets.responsibility import EACH_ITS_OWN, Responsibility
from peerflex.runs.area.agreements import takes_energy
from peerflex.runs.area.area import Area
from peerflex.scenarios.population import bus_called
from peerflex.scenarios.schema import Scenario


def responsibility(scenario: Scenario) -> Responsibility:
    """Return the rules of settlement."""
    said = scenario.market.settlement
    return Responsibility(
        said.imbalance,
        said.activations,
        said.flexibility == "delivered",
        said.tolerance,
        said.penalty_eur_per_mwh,
        said.baseline_days,
        said.quiet_days_only,
    )


def within_p2p_area(scenario: Scenario, peers: PeerTable, buses: BusTable, origin: str) -> PeerTable:
    """Return the peers, those outside the area of the P2P market not trading.

    Raises:
        InputError: if a bus does not exist, or nobody in the area trades.
    """
    where = f"{origin}: market.p2p_area"
    area = _buses(scenario.market.p2p_area, buses, where)
    if area is None:
        return peers
    trade = peers.trade & area[peers.bus]
    if not trade.any():
        raise InputError(where, "nobody at these buses trades with peers", "Name buses of peers that do.")
    return replace(peers, trade=trade)


def lfm_buses(scenario: Scenario, peers: PeerTable, buses: BusTable, origin: str) -> Bools | None:
    """Return where flexibility is offered ``(buses,)``, None: everywhere.

    Raises:
        InputError: if a bus does not exist, or nobody in the area could offer any.
    """
    where = f"{origin}: market.lfm_area"
    area = _buses(scenario.market.lfm_area, buses, where)
    if area is not None and not (area[peers.bus] & (peers.behaviour >= 0)).any():
        raise InputError(where, "nobody at these buses offers flexibility", "Name buses of peers in a group.")
    return area


def check_responsibility(area: Area, with_tso: bool, where: str) -> None:
    """Refuse rules of settlement for what there is not: a mediator, traders, or a flexibility market.

    Raises:
        InputError: with the rule that has to change.
    """
    rules = area.responsibility
    if rules.imbalance == "mediator":
        if isinstance(area.market, NoMarket) or getattr(area.market, "without_mediator", False):
            what = "there is no mediator who could net the imbalance: peers talk to each other alone, or not at all"
            raise InputError(f"{where}.imbalance", what, "Use peers or supplier, or a market with a mediator.")
        if with_tso:
            what = "what the TSO's contracts lack would be netted with the imbalance of others, and nobody would pay it"
            raise InputError(f"{where}.imbalance", what, "Use peers or supplier, or leave out the TSO.")
    if rules.delivered and isinstance(area.flex_market, NoFlexMarket):
        what = "there is no flexibility market whose activations could be delivered"
        raise InputError(f"{where}.flexibility", what, "Use sold, or add a flexibility market.")
    takes = takes_energy(area.flex_market) or takes_energy(area.last_resort)
    if rules.activations != EACH_ITS_OWN.activations and not takes:
        what = "there is no flexibility market in which the DSO takes energy that it could pass on to the supplier"
        remedy = "Leave it out, or use another flexibility market, or the last resort cost-based."
        raise InputError(f"{where}.activations", what, remedy)


def _buses(names: tuple[str, ...] | None, buses: BusTable, where: str) -> Bools | None:
    """Return which buses are named ``(buses,)``; None if all are meant."""
    if names is None:
        return None
    area = np.zeros(len(buses), dtype=np.bool_)
    area[[bus_called(name, buses, f"{where}.{row}") for row, name in enumerate(names)]] = True
    return area
