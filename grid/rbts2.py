"""The 37-bus network: bus 2 of the Roy Billinton test system with a transformer and a cable of our choice.

Topology, lengths and loads: R. N. Allan, R. Billinton, I. Sjarief, L. Goel and K. S. So, "A reliability test system
for educational purposes - basic distribution system data and results", IEEE Trans. Power Systems 6(2), 813-820, 1991.
Node numbers, and why this is the network of J. Marques, T. Soares and H. Morais (2023): docs/reference/rbts2.md, which
also says which of the values below are assumed.
"""

import csv
from importlib.resources import files
from typing import Any

DATA = "rbts2.csv"
TAN_PHI = 0.4
"""Reactive over active power of every load [assumed]."""
TRANSFORMER = {"sn_mva": 25.0, "vk_percent": 10.0, "vkr_percent": 0.5, "pfe_kw": 0.0, "i0_percent": 0.0}
"""[inferred] the rating, [assumed] the rest: lossless iron, no tap changer."""
CABLE = {"r_ohm_per_km": 0.253, "x_ohm_per_km": 0.113, "max_i_ka": 0.280, "c_nf_per_km": 0.0}
"""[inferred, assumed] 120 mm2 aluminium, as pandapower's NA2XS2Y 1x120 RM/25 6/10 kV, without charging."""

_HV_KV, _MV_KV = 33.0, 11.0
_WAYS = {"1": 0, "2": 2, "3": 4, "4": 6}
"""The eighth of a turn, clockwise from north, in which each feeder leaves the busbar [assumed]."""
_EAST_NORTH = ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1))


def rbts2() -> Any:
    """Return the pandapower network: bus 'HV' (33 kV, slack), nodes '1' to '37' (11 kV), lines '1' to '36'.

    Line k ends in node k+1. Loads 'LP1' to 'LP22' have their peak values. Coordinates are in km.
    """
    import pandapower

    net = pandapower.create_empty_network(name="rbts2", f_hz=50.0)
    place = {"1": (0.0, 0.0)}
    source = pandapower.create_bus(net, vn_kv=_HV_KV, name="HV", geodata=place["1"])
    pandapower.create_ext_grid(net, source, vm_pu=1.0)
    buses = {"1": pandapower.create_bus(net, vn_kv=_MV_KV, name="1", geodata=place["1"])}
    pandapower.create_transformer_from_parameters(
        net, source, buses["1"], vn_hv_kv=_HV_KV, vn_lv_kv=_MV_KV, name="T1", **TRANSFORMER
    )
    for section in sections():
        start, end, length_km = section["from_node"], section["to_node"], float(section["length_km"])
        place[end] = _beyond(place[start], length_km, _way(section))
        buses[end] = pandapower.create_bus(net, vn_kv=_MV_KV, name=end, geodata=place[end])
        pandapower.create_line_from_parameters(
            net, buses[start], buses[end], length_km, name=section["section"], **CABLE
        )
        if section["load_point"]:
            p_mw = float(section["peak_mw"])
            pandapower.create_load(net, buses[end], p_mw, TAN_PHI * p_mw, name=section["load_point"])
    return net


def sections() -> list[dict[str, str]]:
    """Return the rows of the data file, one a section."""
    return list(csv.DictReader((files("peerflex.grid") / "data" / DATA).read_text(encoding="utf-8").splitlines()))


def _way(section: dict[str, str]) -> int:
    """Return the way of a section: a feeder goes straight on, its load points fork off, odd ones left, even right."""
    if not section["load_point"]:
        return _WAYS[section["feeder"]]
    return _WAYS[section["feeder"]] + (-1 if int(section["load_point"].removeprefix("LP")) % 2 else 1)


def _beyond(place: tuple[float, float], length_km: float, way: int) -> tuple[float, float]:
    east, north = _EAST_NORTH[way % 8]
    step = length_km / (east * east + north * north) ** 0.5
    return place[0] + east * step, place[1] + north * step
