"""A year of hourly AC power flows on a SimBench low-voltage grid: the engine in one batch against runpp by the hour.

    python benchmarks/year_of_flows.py [SIMBENCH-CODE]

Both solve the grid's own year of profiles (hourly means). Engine and rival take turns in one process; the engine's
figure is the median of five whole years, the rival's the median hour of 5 x 20 sampled hours times the hours of the
year (an extrapolation, since the whole would take minutes). The voltages of the sampled hours are compared as well;
runpp stops at 1e-8 MVA, which leaves about 1e-8 pu on its side.
"""

import statistics
import sys
import time

import numpy as np

from peerflex.grid.network import Network, open_network
from peerflex.grid.sources import read_network

ROUNDS, SAMPLED = 5, 20
BUDGET_S = 2.0


def hourly(network: Network) -> tuple[np.ndarray, np.ndarray]:
    """Return p_mw and q_mvar of the year, ``(hours, buses)``."""
    profiles = network.profiles
    if profiles is None:
        raise SystemExit("this network brings no year of profiles: give a SimBench code")
    n_buses, n_hours = len(network.ac.buses), len(profiles.load_mw) // 4
    p_mw, q_mvar = np.zeros((n_buses, n_hours)), np.zeros((n_buses, n_hours))
    for total, quarters in ((p_mw, profiles.pv_mw - profiles.load_mw), (q_mvar, -profiles.load_mvar)):
        np.add.at(total, network.connections.bus, quarters.reshape(n_hours, 4, -1).mean(axis=1).T)
    return np.ascontiguousarray(p_mw.T), np.ascontiguousarray(q_mvar.T)


def main(code: str) -> int:
    import pandapower

    network = open_network("simbench", code)
    p_mw, q_mvar = hourly(network)
    net = read_network("simbench", code)
    for table in ("load", "sgen", "storage"):
        net[table] = net[table].iloc[:0]
    by_name = {name: index for index, name in net.bus.name.items()}
    buses = [by_name[name] for name in network.ac.buses.name]
    pandapower.create_loads(net, buses, p_mw=0.0)
    pandapower.runpp(net, numba=False)

    engine_s, rival_s, deviations = [], [], []
    hours = np.random.default_rng(1).choice(len(p_mw), ROUNDS * SAMPLED, replace=False)
    for sample in hours.reshape(ROUNDS, SAMPLED):
        start = time.perf_counter()
        states = network.ac.solve_batch(p_mw, q_mvar)
        engine_s.append(time.perf_counter() - start)
        for hour in sample:
            net.load["p_mw"], net.load["q_mvar"] = -p_mw[hour], -q_mvar[hour]
            start = time.perf_counter()
            pandapower.runpp(net, numba=False)
            rival_s.append(time.perf_counter() - start)
            deviations.append(np.abs(net.res_bus.vm_pu[buses].to_numpy() - states.v_pu[hour]).max())

    year_s, hour_s = statistics.median(engine_s), statistics.median(rival_s)
    print(f"workload   {code}: {len(p_mw)} hours, {len(buses)} buses, {len(network.ac.branches)} branches, AC")
    print(f"solved     {int(states.solved.sum())} of {len(p_mw)} hours")
    print(f"engine     {year_s:.2f} s a year in one batch (median of {ROUNDS}; budget {BUDGET_S} s)")
    print(f"runpp      {hour_s * 1e3:.1f} ms an hour (median of {len(rival_s)})")
    print(f"           extrapolated to {hour_s * len(p_mw):.0f} s a year")
    print(f"ratio      {hour_s * len(p_mw) / year_s:.0f} times, largest voltage difference {max(deviations):.1e} pu")
    return int(year_s > BUDGET_S)


if __name__ == "__main__":
    sys.exit(main(*(sys.argv[1:] or ["1-LV-semiurb5--2-sw"])))
