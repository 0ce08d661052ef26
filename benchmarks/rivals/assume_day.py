# SPDX-License-Identifier: AGPL-3.0-or-later (it builds on assume-framework, which is; nothing of peerflex builds on it)
"""A day of a uniform auction in assume-framework 0.6: python assume_day.py WORKLOAD.npz, prints a line of JSON.

Each agent is a units operator with one unit and the framework's naive strategy (bids marginal cost, or value). Nothing
is written to a database or file. Timed is the run of the world, in CPU seconds, without imports and set-up.
"""

import json
import sys
from datetime import datetime, timedelta
from time import process_time

import numpy as np
from assume import World
from assume.common.fast_pandas import FastIndex, FastSeries
from assume.common.forecaster import DemandForecaster, PowerplantForecaster
from assume.common.market_objects import MarketConfig, MarketProduct
from assume.markets.clearing_algorithms.simple import PayAsClearRole
from dateutil import rrule

MARKET = "auction"
START, STEP = datetime(2024, 1, 1), timedelta(minutes=15)
OPEN = timedelta(minutes=5)


class Noted(PayAsClearRole):
    """The framework's uniform auction, which also notes what it cleared."""

    def clear(self, orderbook, market_products):
        answer = super().clear(orderbook, market_products)
        cleared.extend((each["supply_volume"], each["price"]) for each in answer[2])
        return answer


cleared: list[tuple[float, float]] = []


def build(offered_mw, wanted_mw, ask, bid) -> World:
    """Return the world: an opening every quarter of an hour, for the delivery of the next."""
    end = START + (len(offered_mw) + 2) * STEP  # it opens until two steps before the end of its rule
    index = FastIndex(start=START, end=end, freq="15min")
    world = World(log_level="ERROR")
    world.clearing_mechanisms["noted"] = Noted
    world.setup(start=START, end=end, simulation_id="day", save_frequency_hours=None)
    world.add_market_operator("operator")
    opening = rrule.rrule(rrule.MINUTELY, interval=15, dtstart=START, until=end - STEP)
    world.add_market("operator", MarketConfig(MARKET, opening, OPEN, "noted", [MarketProduct(STEP, 1, STEP)]))

    def series(values):
        """Deliveries are a step after the opening; the rest of the index is never traded."""
        return FastSeries(index=index, value=np.concatenate([values[:1], values, values[-1:], values[-1:]]))

    for row, price in enumerate(ask):
        most_mw = float(offered_mw[:, row].max())
        unit = {"min_power": 0.0, "max_power": most_mw, "additional_cost": float(price), "technology": "any"}
        forecast = PowerplantForecaster(index, availability=series(offered_mw[:, row] / most_mw))
        add(world, f"seller {row}", "power_plant", unit, "powerplant_energy_naive", forecast)
    for row, price in enumerate(bid):
        most_mw = float(wanted_mw[:, row].max())
        unit = {"min_power": 0.0, "max_power": -most_mw, "price": float(price), "technology": "any"}
        forecast = DemandForecaster(index, demand=series(-wanted_mw[:, row]))
        add(world, f"buyer {row}", "demand", unit, "demand_energy_naive", forecast)
    return world


def add(world: World, agent: str, kind: str, unit: dict, strategy: str, forecast) -> None:
    world.add_unit_operator(agent)
    world.add_unit(f"unit of {agent}", kind, agent, unit | {"bidding_strategies": {MARKET: strategy}}, forecast)


def main(path: str) -> None:
    day = np.load(path)
    world = build(day["offered_mw"], day["wanted_mw"], day["ask"], day["bid"])
    start = process_time()
    world.run()
    seconds = process_time() - start
    volume_mw, price = zip(*cleared, strict=True)
    print(json.dumps({"seconds": seconds, "volume_mw": volume_mw, "price_eur_per_mwh": price}))


if __name__ == "__main__":
    main(sys.argv[1])
