"""Two buses and three peers made by hand: who congests a line in order to be paid for relieving it."""

from dataclasses import replace
from typing import Any

import numpy as np

from peerflex.agents.listed import Listed
from peerflex.agents.mediation import Honest, Strategy
from peerflex.agents.mediator import MediatorSettings
from peerflex.core.arrays import Floats
from peerflex.core.people import PeerState, PeerTable, Profiles
from peerflex.core.record import HourRecord, Tariffs
from peerflex.markets.double_auction import UniformPriceDoubleAuction
from peerflex.markets.lfm import LocalFlexibilityMarket
from peerflex.runs.area.area import Area
from peerflex.runs.model import AreaModel
from tests.areas import Street, street

KW = 1e-3
INTERFACE = 60.0
"""EUR/MWh, above what any boiler here is worth and below what any generator asks of the DSO."""


def two_buses(line_kw: float = 100.0, at_risk: float = 0.5, **changes: Any) -> Area:
    """Return Gina's generator and Otto's boiler at the head, Mia's load of 60 kW and her boiler at the end.

    All have 100 kW; the generator costs 40 EUR/MWh, Otto's boiler is worth 55 to him, Mia's 50 to her.
    """
    n, grid = 3, Street(rating_mw=line_kw * KW, pu_per_mw=0.01)

    def column(*values: float) -> Floats:
        return np.array(values, dtype=np.float64)

    nothing, nan = np.zeros(n), np.nan
    peers = PeerTable(
        name=("Gina", "Otto", "Mia"),
        bus=np.array([0, 0, 1]),
        behaviour=np.array([0, 0, 1]),
        pv_mw=nothing,
        battery_mwh=nothing,
        battery_mw=nothing,
        battery_efficiency=np.ones(n),
        generator_mw=column(100, 0, 0) * KW,
        boiler_mw=column(0, 100, 100) * KW,
        up_eur_per_mwh=column(40, nan, nan),
        down_eur_per_mwh=column(nan, 55, 50),
        trade=np.ones(n, dtype=np.bool_),
        tan_phi=nothing,
        marginal_eur_per_mwh=np.full(n, nan),
        marginal_rise_eur_per_mwh=np.full(n, nan),
        least_mw=nothing,
        least_share=nothing,
    )
    load = column(0, 0, 60)[None] * KW
    area = street(
        peers=n,
        steps=1,
        grid=grid,
        start=PeerState(nothing),
        profiles=Profiles(load, 0 * load, 0 * load),
        behaviours=(Listed(), Listed(flexible_share=0.0)),
        behaviour_names=("others", "members"),
        market=UniformPriceDoubleAuction(),
        flex_market=LocalFlexibilityMarket(interface_eur_per_mwh=INTERFACE),
        tariffs=Tariffs(320.0, 20.0, 30.0, 0.0, INTERFACE),
        forecast_error=0.0,
    )
    area = replace(area, peers=peers, dso=replace(area.dso, grid=grid, forecast_error=0.0, at_risk=at_risk))
    return replace(area, **changes)


def aggregator(strategy: Strategy | None = None, **changes: Any) -> MediatorSettings:
    """Return Mia's aggregator; it resells."""
    settings = MediatorSettings("aggregator", "aggregator", np.array([False, False, True]), strategy or Honest())
    return replace(settings, resells=True, **changes)


def hour(area: Area) -> HourRecord:
    model = AreaModel(area)
    model.step()
    assert model.record is not None
    return model.record
