"""The scenario as it stood in a step, and what its design makes of each peer: in whose way it bids, who mediates."""

from peerflex.runs.log.manifest import Manifest
from peerflex.runs.views.log import Log
from peerflex.scenarios.changes import standing
from peerflex.scenarios.load import restore_scenario
from peerflex.scenarios.mediator_schema import Mediator
from peerflex.scenarios.schema import Scenario


def standing_at(log: Log, step: int) -> Scenario:
    """Return the scenario of a log as it stood in a step, changes until then included."""
    loaded = restore_scenario(log.manifest.scenario, log.folder / "inputs", f"{log.folder}/manifest.json")
    return standing(loaded, step).scenario


def groups_in(log: Log, stands: Scenario) -> tuple[str, ...]:
    """Return the group in whose way each peer bids, where the scenario stands so."""
    both = zip(log.manifest.peers, log.manifest.peer_groups, strict=True)
    return tuple(stands.agents.get(peer, group) for peer, group in both)


def owner_of(manifest: Manifest, row: int) -> str:
    """Return the group that gave a peer what it owns; '' where the log only says in whose way it bids instead."""
    return "" if manifest.peers[row] in manifest.scenario.get("agents", {}) else manifest.peer_groups[row]


def mediators_in(log: Log, stands: Scenario) -> dict[str, Mediator]:
    """Return who mediates for each peer that has somebody, by its name."""
    of_group = {group: each for each in stands.mediators for group in each.groups}
    if not of_group:
        return {}
    whose = zip(log.manifest.peers, groups_in(log, stands), strict=True)
    return {peer: of_group[group] for peer, group in whose if group in of_group}


def two_sessions(stands: Scenario) -> bool:
    """Whether peers trade twice a step."""
    return len(stands.market.sessions) > 1


def quotes_are_true(stands: Scenario) -> bool:
    """Whether nobody but the peers themselves and the DSO's service decides at what prices their orders stand."""
    return not stands.mediators and stands.market.network_tariff.kind == "none" and not two_sessions(stands)
