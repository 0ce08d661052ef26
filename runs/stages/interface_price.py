"""Whether the interface price lies between what peers ask for upward and pay for downward flexibility."""

import numpy as np

from peerflex.core.errors import InputError
from peerflex.core.people import Observation
from peerflex.core.streams import stream
from peerflex.core.units import SELL
from peerflex.runs.area.area import Area

HALF = 0.5


def check_interface_price(area: Area, origin: str) -> None:
    """Refuse an interface price that is not between what peers ask for upward and pay for downward flexibility.

    Every behaviour is asked once, as if its batteries were half full in a quiet hour with load and sun.
    """
    price = area.tariffs.interface_eur_per_mwh
    for kind, behaviour in enumerate(area.behaviours):
        try:
            orders = behaviour.bid(_quiet_hour(area, kind), stream(area.seed, "build.interface-price")).orders
        except Exception as error:
            where, what = f"{origin}: peers.{kind}.behaviour", f"does not bid: {type(error).__name__}: {error}"
            raise InputError(
                where, what, "Correct the behaviour; docs/how-to/own-behaviour.md has a whole one."
            ) from error
        beyond = orders.dispatchable & (orders.side * (orders.price_eur_per_mwh - price) < 0)
        if beyond.any():
            row = int(np.flatnonzero(beyond)[0])
            what = "asks" if orders.side[row] == SELL else "pays"
            raise InputError(
                f"{origin}: tariffs.interface_eur_per_mwh",
                f"{price:g} is not between the flexibility bids: {area.behaviour_names[kind]!r} {what} "
                f"{orders.price_eur_per_mwh[row]:g} EUR/MWh {'upward' if orders.side[row] == SELL else 'downward'}",
                "Upward bids must cost at least, downward bids at most that: change the price or the bids.",
            )


def _quiet_hour(area: Area, kind: int) -> Observation:
    peers = area.peers
    rows = np.flatnonzero(peers.behaviour == kind)
    n = len(rows)
    return Observation(
        peer=rows,
        load_mw=np.full(n, 0.001),
        pv_mw=np.full(n, 0.001),
        soc_mwh=HALF * peers.battery_mwh[rows],
        battery_mwh=peers.battery_mwh[rows],
        battery_mw=peers.battery_mw[rows],
        battery_efficiency=peers.battery_efficiency[rows],
        generator_mw=peers.generator_mw[rows],
        boiler_mw=peers.boiler_mw[rows],
        up_eur_per_mwh=peers.up_eur_per_mwh[rows],
        down_eur_per_mwh=peers.down_eur_per_mwh[rows],
        voltage_pu=np.full(n, np.nan),
        relief=np.zeros(n),
        retail_eur_per_mwh=np.full(n, area.tariffs.retail_eur_per_mwh),
        feed_in_eur_per_mwh=np.full(n, area.tariffs.feed_in_eur_per_mwh),
        installed_mw=peers.pv_mw[rows],
        marginal_eur_per_mwh=peers.marginal_eur_per_mwh[rows],
        marginal_rise_eur_per_mwh=peers.marginal_rise_eur_per_mwh[rows],
        least_mw=peers.least_mw[rows],
        called_share=np.zeros(n),
        start_s=0,
        duration_s=area.step_s,
    )
