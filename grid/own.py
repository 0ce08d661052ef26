"""What a network of a user's own needs before it can be a scenario's: what nothing feeds, and a file to keep it in."""

import warnings
from pathlib import Path
from typing import Any

CONNECTED = ("load", "asymmetric_load", "sgen", "asymmetric_sgen", "gen", "storage")
"""Tables of what stands at a bus, gives or takes power, and may be taken out of service."""


def dark_buses(net: Any) -> frozenset[int]:
    """Return the buses of a network in service that no upstream grid feeds."""
    from pandapower.topology import unsupplied_buses

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        served = set(net.bus.index[net.bus.in_service])
        return frozenset(int(bus) for bus in unsupplied_buses(net) if bus in served)


def save_network(net: Any, path: Path) -> None:
    """Write a network as pandapower JSON, as ``grid.source: pandapower`` reads it."""
    import pandapower

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pandapower.to_json(net, str(path))
