"""Who can be on either side of an entry in the ledger, and why money moves."""

from enum import IntEnum


class Role(IntEnum):
    """Parties beside the peers; a role's party number is the number of peers plus its value."""

    SUPPLIER = 0
    DSO = 1
    FMO = 2
    MEDIATOR = 3
    TSO = 4
    UPSTREAM = 5
    OTHERS = 6

    def party(self, n_peers: int) -> int:
        return n_peers + self


class Reason(IntEnum):
    """Why an entry of the ledger was made."""

    P2P = 0
    FLEX = 1
    RESIDUAL = 2
    IMBALANCE = 3
    LOSSES = 4
    WHOLESALE = 5
    FLEX_RESIDUAL = 6
    SHED = 7
    INCENTIVE = 8
    FEE = 9
    LAST_RESORT = 10
    AVAILABILITY = 11
    NETWORK_TARIFF = 12
    PENALTY = 13


def party_names(peer_names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the name of every party number."""
    return (*peer_names, *(role.name.lower() for role in Role))
