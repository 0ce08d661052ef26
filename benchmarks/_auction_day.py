"""A day of 100 agents in a uniform auction, every quarter of an hour: the workload, and peerflex on it.

Fifty sellers each have a power that changes every step and one cost, fifty buyers a demand that changes every step and
one value. All bid the truth. Some buyers value the energy less than the dearest seller asks.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time

import numpy as np
import yaml

from peerflex.core.arrays import Floats, add_up, floats
from peerflex.core.network import Injections
from peerflex.core.people import Observation, Plan
from peerflex.core.streams import stream
from peerflex.core.trade import Orders, Trades
from peerflex.core.units import BUY, SELL
from peerflex.runs.area.build import build
from peerflex.runs.area.plugins import registry
from peerflex.runs.model import AreaModel
from peerflex.runs.stages.desk import open_desk, sold
from peerflex.scenarios.load import load_scenario

STEPS, SIDE = 96, 50
SCENARIO = {
    "name": "auction-day",
    "title": "A day of an auction",
    "grid": {"source": "pandapower", "path": "wire.json"},
    "time": {"start": "2024-01-01", "hours": 24, "step_minutes": 15},
    "profiles": {"source": "csv", "load": "load.csv", "pv": "pv.csv", "unit": "MW"},
    "peers": [{"name": "agents", "share_of_connections": 1.0, "behaviour": {"kind": "priced"}}],
    "market": {"p2p": {"kind": "uniform-auction", "k": 0}, "lfm": {"kind": "none"}},
    "dso": {"publishes": "nothing", "forecast_error": 0.0},
    "reference": "none",
}


@dataclass(frozen=True, slots=True)
class Day:
    """MW by step and agent ``(steps, agents of the side)``, and their prices ``(agents of the side,)``, EUR/MWh."""

    offered_mw: Floats
    wanted_mw: Floats
    ask: Floats
    bid: Floats


def random_day() -> Day:
    rng = stream(1, "benchmark", STEPS)
    hour = np.arange(STEPS) / 4
    evening = 0.3 + 0.7 * np.exp(-(((hour - 19) / 4) ** 2))
    return Day(
        offered_mw=np.round(rng.uniform(1, 5, SIDE) * rng.uniform(0.6, 1, (STEPS, SIDE)), 3),
        wanted_mw=np.round(evening[:, None] * rng.uniform(1, 5, SIDE) * rng.uniform(0.8, 1.2, (STEPS, SIDE)), 3),
        ask=np.round(rng.uniform(10, 90, SIDE), 2),
        bid=np.round(rng.uniform(60, 200, SIDE), 2),
    )


@dataclass(frozen=True, slots=True)
class Cleared:
    """How long a day took (CPU), and by step what it traded (MW) and the dearest ask that did (EUR/MWh)."""

    seconds: float
    volume_mw: Floats
    highest_eur_per_mwh: Floats


@dataclass(frozen=True, slots=True)
class Priced:
    """Bids what it has, or needs, at its own price."""

    price_eur_per_mwh: tuple[float, ...] = ()

    def bid(self, seen: Observation, rng: np.random.Generator) -> Plan:
        n, net_mw = len(seen.peer), seen.pv_mw - seen.load_mw
        orders = Orders.plain(
            peer=seen.peer,
            side=np.where(net_mw > 0, SELL, BUY),
            quantity_mw=np.abs(net_mw),
            price_eur_per_mwh=np.array(self.price_eur_per_mwh),
            dispatchable=np.zeros(n, dtype=np.bool_),
            start_s=np.full(n, seen.start_s),
            duration_s=np.full(n, seen.duration_s),
        )
        return Plan(battery_mw=floats(n), pv_mw=seen.pv_mw, orders=orders)


def write_scenario(folder: Path, day: Day) -> Path:
    """Write the day as a scenario: one wire that limits nothing, and everybody behind it."""
    import pandapower as pp

    network = pp.create_empty_network()
    slack, street = (pp.create_bus(network, 20.0, name=name) for name in ("upstream", "street"))
    pp.create_ext_grid(network, slack)
    pp.create_line_from_parameters(network, slack, street, 1.0, 0.01, 0.01, 0.0, 100.0, name="wire")
    names = [f"agent {row}" for row in range(2 * SIDE)]
    for name in names:
        pp.create_load(network, street, p_mw=1.0, name=name)
    pp.to_json(network, str(folder / "wire.json"))
    nothing = np.zeros((STEPS, SIDE))
    for file, columns in (("pv", [day.offered_mw, nothing]), ("load", [nothing, day.wanted_mw])):
        rows = [",".join([str(step), *map(repr, row)]) for step, row in enumerate(np.hstack(columns).tolist())]
        (folder / f"{file}.csv").write_text("\n".join([",".join(["step", *names]), *rows]) + "\n")
    scenario = folder / "auction-day.yaml"
    scenario.write_text(yaml.safe_dump(SCENARIO))
    return scenario


def open_model(scenario: Path, day: Day) -> AreaModel:
    """Return peerflex's model of the day."""
    kinds = registry([])
    loaded = load_scenario(str(scenario), seed=1)
    area = build(loaded, replace(kinds, behaviours={**kinds.behaviours, "priced": Priced})).area
    prices = tuple(np.concatenate([day.ask, day.bid]).tolist())
    return AreaModel(replace(area, behaviours=(Priced(prices),)))


def market_alone(model: AreaModel) -> Cleared:
    """Play the day without the network: all observe and bid, one auction, what each agent runs at and earns."""
    agents, hours = len(model.peers), model.area.hours
    quiet = model.area.grid.solve(Injections(floats(2), floats(2)))
    volume, highest, earned_eur, contracted_mw = floats(STEPS), floats(STEPS), floats(agents), floats(STEPS, agents)
    start = process_time()
    for step in range(STEPS):
        desk = open_desk(model, step, model.state, None, 0.0, quiet)
        plan = desk.bids(floats(agents))
        result = desk.trade(plan, desk.signal.terms)
        trades = result.trades
        contracted_mw[step] = sold(plan.orders, result, agents)
        eur = trades.quantity_mw * trades.price_eur_per_mwh * hours
        earned_eur += add_up(trades.seller, eur, agents) - add_up(trades.buyer, eur, agents)
        volume[step], highest[step] = _traded(plan.orders, trades)
    return Cleared(process_time() - start, volume, highest)


def whole_step(model: AreaModel) -> Cleared:
    """Play the day as a run does, without its log: also the DSO, power flow, meters, ledger and messages."""
    volume, highest = floats(STEPS), floats(STEPS)
    start = process_time()
    for step in range(STEPS):
        model.step()
        decision = model.record.decision
        volume[step], highest[step] = _traded(decision.orders, decision.result.trades)
    return Cleared(process_time() - start, volume, highest)


def _traded(orders: Orders, trades: Trades) -> tuple[float, float]:
    return float(trades.quantity_mw.sum()), float(orders.price_eur_per_mwh[trades.sell_order].max(initial=0.0))
