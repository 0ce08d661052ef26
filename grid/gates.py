"""Which networks the fast engine solves exactly, which need pandapower's Newton, and which are refused."""

from typing import Any

from peerflex.core.errors import InputError

_OUTSIDE = ("load", "sgen", "storage", "asymmetric_load", "asymmetric_sgen")
_EXACT = frozenset(
    ("bus", "switch", "ext_grid", "line", "trafo", "trafo3w", "impedance", "shunt", "ward", "motor", *_OUTSIDE)
)
_NEWTON = frozenset({"gen", "xward", "dcline"})
_VOLTAGE_DEPENDENT = ("const_z_p_percent", "const_z_q_percent", "const_i_p_percent", "const_i_q_percent")


def choose_engine(net: Any, where: str) -> str:
    """Return 'zbus', or 'newton' if generators hold voltages; InputError if neither would be right.

    Refused: elements that are not modelled (power electronics, controllers, DC), loads that depend on voltage
    (what a peer asks for, trades and is metered at is a power), networks without an upstream grid.
    """
    present = {name for name, table in net.items() if _in_service(table)}
    for name in sorted(present - _EXACT - _NEWTON):
        raise InputError(
            f"{where}: net.{name}",
            f"the network has elements in service that peerflex does not model ({name})",
            "Take them out of service in the file; peerflex keeps taps and set-points as they are.",
        )
    for name in _VOLTAGE_DEPENDENT:
        if name in net.load and (net.load[name].fillna(0) != 0)[net.load.in_service].any():
            raise InputError(
                f"{where}: net.load.{name}",
                "a load depends on voltage, but peers trade and are metered at a power",
                "Set the column to 0, or model the constant impedance as a shunt, which is solved exactly.",
            )
    if "ext_grid" not in present:
        raise InputError(
            f"{where}: net.ext_grid",
            "the network has no upstream grid in service",
            "Add an ext_grid at its supply bus.",
        )
    return "newton" if present & _NEWTON else "zbus"


def _in_service(table: Any) -> bool:
    return "in_service" in getattr(table, "columns", ()) and bool(table.in_service.any())


def refuse_islands(net: Any, dead_buses: frozenset[int], where: str) -> None:
    """InputError if a load or generator stands at a bus without a path to the upstream grid."""
    for name in ("load", "sgen", "gen", "asymmetric_load", "asymmetric_sgen"):
        table = net[name]
        stranded = table.index[table.in_service & table.bus.isin(dead_buses)]
        if len(stranded):
            bus = table.bus[stranded[0]]
            raise InputError(
                f"{where}: net.{name}, row {stranded[0]}",
                f"it stands at bus {net.bus.name[bus]!r} (index {bus}), an island without a path to the upstream grid",
                "Close a switch or put the line that feeds it in service, or take the element out of service.",
            )
