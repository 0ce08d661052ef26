"""Whether the interface price lies between what peers ask for upward and pay for downward flexibility."""

import numpy as np

from peerflex.core.arrays import floats
from peerflex.core.errors import InputError
from peerflex.core.people import Observation, PeerState
from peerflex.core.streams import stream
from peerflex.core.units import SELL
from peerflex.runs.area.area import Area
from peerflex.runs.stages.knowledge import Base, observe

HALF = 0.5
A_LITTLE_MW = 0.001


def check_interface_price(area: Area, origin: str) -> None:
    """Refuse an interface price that is not between what peers ask for upward and pay for downward flexibility.

    Every behaviour is asked once, as if its batteries were half full in a quiet hour with load and sun.
    """
    price = area.tariffs.interface_eur_per_mwh
    for kind, (behaviour, seen) in enumerate(zip(area.behaviours, _quiet_hour(area), strict=True)):
        try:
            orders = behaviour.bid(seen, stream(area.seed, "build.interface-price")).orders
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


def _quiet_hour(area: Area) -> list[Observation]:
    peers, n, tariffs = area.peers, len(area.peers), area.tariffs
    a_little = Base(load_mw=np.full(n, A_LITTLE_MW), load_mvar=floats(n), pv_mw=np.full(n, A_LITTLE_MW))
    prices = np.full(n, tariffs.retail_eur_per_mwh), np.full(n, tariffs.feed_in_eur_per_mwh)
    half_full = PeerState(HALF * peers.battery_mwh)
    return observe(area, 0, half_full, a_little, floats(len(area.grid.buses)), None, prices, called_share=floats(n))
