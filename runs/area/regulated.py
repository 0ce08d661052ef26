"""An area with a TSO: what it wants, how it bids, and who comes first."""

from dataclasses import replace

from peerflex.agents.regulation import Bid, ListedNeed, Need, NeedFromFrequency
from peerflex.core.regulation import TSO
from peerflex.markets.schemes import coordinated
from peerflex.runs.area.area import Area, TsoSettings
from peerflex.scenarios.load import LoadedScenario
from peerflex.scenarios.tso import build_system, listed_request_mw


def regulated(loaded: LoadedScenario, area: Area, upstream_bus: int) -> Area:
    """Return the area with its frequency and its TSO, if the scenario has them.

    Raises:
        InputError: if they cannot be resolved.
    """
    scenario = loaded.scenario
    area = replace(area, upstream_bus=upstream_bus, system=build_system(loaded))
    spec = scenario.tso
    if spec is None:
        return area
    listed_mw = listed_request_mw(loaded)
    feeders = 1.0 if scenario.frequency is None else scenario.frequency.feeders
    need: Need = NeedFromFrequency(spec.request.share, feeders) if listed_mw is None else ListedNeed(listed_mw)
    bid = Bid(spec.most_mw, spec.value_eur_per_mwh, spec.fall_eur_per_mwh, spec.down_eur_per_mwh, spec.firm)
    peer = len(area.peers) - 1
    assert area.peers.name[peer] == TSO
    return replace(area, tso=TsoSettings(need, bid, peer), service=coordinated(spec.scheme, area.service, peer))
