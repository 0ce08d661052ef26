"""Peers beyond the transformer: the external supplier and the TSO trade at the slack bus, where power costs no wire."""

from dataclasses import fields, replace

import numpy as np

from peerflex.core.people import PeerTable, Profiles
from peerflex.core.regulation import TSO
from peerflex.scenarios.schema import Scenario
from peerflex.scenarios.units import CUSTOMER


def with_upstream(scenario: Scenario, peers: PeerTable, slack_bus: int) -> PeerTable:
    """Return the peers, and below them one for every group with ``upstream_mw``; the TSO's virtual load is the last."""
    for row, group in enumerate(scenario.peers):
        if group.upstream_mw is not None:
            size, least = group.upstream_mw, group.least_activation
            peers = appended(peers, group.name, slack_bus, row, generator_mw=size, least_share=least)
    if scenario.tso is not None:
        most_mw = scenario.tso.most_mw
        peers = appended(peers, TSO, slack_bus, CUSTOMER, generator_mw=most_mw, boiler_mw=most_mw)
    return peers


def appended(
    peers: PeerTable,
    name: str,
    bus: int,
    behaviour: int,
    generator_mw: float = 0.0,
    boiler_mw: float = 0.0,
    least_share: float = 0.0,
) -> PeerTable:
    """Return the peers and one more that trades: it can give ``generator_mw`` and take ``boiler_mw``."""
    nothing = {field.name: 0.0 for field in fields(PeerTable) if field.name != "name"}
    prices = ("up_eur_per_mwh", "down_eur_per_mwh", "marginal_eur_per_mwh", "marginal_rise_eur_per_mwh")
    one = nothing | dict.fromkeys(prices, np.nan) | {"bus": bus, "behaviour": behaviour, "battery_efficiency": 1.0}
    one |= {"generator_mw": generator_mw, "boiler_mw": boiler_mw, "least_share": least_share, "trade": True}
    columns = {
        name: np.append(column := getattr(peers, name), np.asarray(value, column.dtype)) for name, value in one.items()
    }
    return replace(peers, name=(*peers.name, name), **columns)


def padded(profiles: Profiles, n_peers: int) -> Profiles:
    """Return profiles for that many peers: those added have no load and no sun of their own."""
    steps, known = profiles.load_mw.shape
    nothing = np.zeros((steps, n_peers - known))
    return Profiles(*(np.hstack([getattr(profiles, field.name), nothing]) for field in fields(Profiles)))
