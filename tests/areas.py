"""A small area made by hand: a street at the end of one line, whose voltage rises with what it gives."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from peerflex.agents.prosumer import Prosumer
from peerflex.agents.truthful import Truthful
from peerflex.core.arrays import Ints
from peerflex.core.network import BranchTable, BusTable, GridState, Injections, Limits, Sensitivities
from peerflex.core.people import PeerState, PeerTable, Profiles
from peerflex.core.record import Tariffs
from peerflex.core.streams import stream
from peerflex.markets.double_auction import UniformPriceDoubleAuction
from peerflex.markets.idle import NoIncentive, NoService
from peerflex.markets.lfm import LocalFlexibilityMarket
from peerflex.markets.pool import BilateralPool
from peerflex.runs.area.area import Area, DsoSettings
from peerflex.runs.stages.sequences import SEQUENCES, SequenceName, p2p_first

HOUR_S = 3600


@dataclass(frozen=True)
class Street:
    """Two buses and a line of ``rating_mw`` without losses: ``v_end = 1 + pu_per_mw * p_end``."""

    rating_mw: float = 0.02
    pu_per_mw: float = 2.0

    @property
    def buses(self) -> BusTable:
        return BusTable(("head", "end"), np.full(2, 0.4), np.array([0.0, 1.0]), np.zeros(2))

    @property
    def branches(self) -> BranchTable:
        return BranchTable(("street",), ("line",), np.array([0]), np.array([1]), np.array([self.rating_mw]))

    def solve(self, injections: Injections) -> GridState:
        end_mw = injections.p_mw[1]
        return GridState(
            v_pu=np.array([1.0, 1.0 + self.pu_per_mw * end_mw]),
            angle_rad=np.zeros(2),
            p_mw=injections.p_mw.copy(),
            q_mvar=injections.q_mvar.copy(),
            shed_mw=np.zeros(2),
            loading=np.array([abs(end_mw) / self.rating_mw]),
            flow_mw=np.array([-end_mw]),
            loss_mw=0.0,
            exchange_mw=-float(injections.p_mw.sum()),
            exchange_mvar=-float(injections.q_mvar.sum()),
            method="linear",
            iterations=0,
            deviation_pu=0.0,
        )

    def sensitivities(self, state: GridState, branches: Ints, buses: Ints) -> Sensitivities:
        by_branch = np.array([[0.0, -1.0 / self.rating_mw]])[branches]
        by_bus = np.array([[0.0, 0.0], [0.0, self.pu_per_mw]])[buses]
        return Sensitivities(
            branch=branches,
            bus=buses,
            value=np.concatenate([(state.flow_mw / self.rating_mw)[branches], state.v_pu[buses]]),
            by_mw=np.concatenate([by_branch, by_bus]),
            by_mvar=np.zeros((len(branches) + len(buses), 2)),
            mw_per_unit=np.concatenate(
                [np.full(len(branches), self.rating_mw), np.array([np.nan, 1 / self.pu_per_mw])[buses]]
            ),
        )


def street(peers: int = 6, steps: int = 24, seed: int = 1, **changes: Any) -> Area:
    """Return households at both ends, half of them prosumers, over random days."""
    rng = stream(seed, "test.street")
    grid = Street()
    hour = np.arange(steps)[:, None] % 24
    load = 0.001 + 0.003 * np.exp(-(((hour - 19) / 3.0) ** 2)) * rng.uniform(0.5, 1.5, (steps, peers))
    pv = 0.006 * np.maximum(np.sin((hour - 6) / 12 * np.pi), 0) * rng.uniform(0.2, 1.0, (steps, peers))
    battery = np.where(np.arange(peers) % 3 == 2, 0.0, 0.008)
    area = Area(
        peers=PeerTable(
            name=tuple(f"house {row}" for row in range(peers)),
            bus=(np.arange(peers) % 3 > 0).astype(np.int64),
            behaviour=np.arange(peers) % 3 - 1,
            pv_mw=np.full(peers, 0.006),
            battery_mwh=battery,
            battery_mw=battery / 2,
            battery_efficiency=np.full(peers, 0.95),
            generator_mw=np.zeros(peers),
            boiler_mw=np.zeros(peers),
            up_eur_per_mwh=np.full(peers, np.nan),
            down_eur_per_mwh=np.full(peers, np.nan),
            trade=np.ones(peers, dtype=np.bool_),
            tan_phi=np.zeros(peers),
            marginal_eur_per_mwh=np.full(peers, np.nan),
            marginal_rise_eur_per_mwh=np.full(peers, np.nan),
            least_mw=np.zeros(peers),
            least_share=np.zeros(peers),
        ),
        start=PeerState(battery / 2),
        profiles=Profiles(load, load * 0.2, pv),
        behaviours=(Prosumer(flexible_load_share=0.5), Truthful(flexible_load_share=0.5)),
        behaviour_names=("prosumer", "truthful"),
        market=BilateralPool(),
        service=NoService(),
        flex_market=LocalFlexibilityMarket(),
        grid=grid,
        diagnostic=None,
        sequence=p2p_first,
        limits=Limits(np.full(2, 0.95), np.full(2, 1.05), np.ones(1)),
        dso=DsoSettings(grid, forecast_error=0.05, at_risk=0.8, publishes=True, lfm_rounds=5, incentive=NoIncentive()),
        tariffs=Tariffs(320.0, 80.0, 90.0, 0.1, 200.0),
        forecast_error=0.05,
        seed=seed,
        steps=steps,
        step_s=HOUR_S,
    )
    return replace(area, **changes)


def three_on_a_line(
    sequence: SequenceName = "p2p-first",
    *,
    bus: Sequence[int],
    load_mw: Sequence[float],
    pv_mw: Sequence[float] = (0.0, 0.0, 0.0),
    battery_of: int,
    stored_mwh: float,
    **changes: Any,
) -> Area:
    """Return the street of several pages, for an hour: two truthful peers, a customer, and a line of 5 kW.

    One of them has a battery of 8 kW and 16 kWh. The DSO forecasts without an error.
    """
    grid = Street(rating_mw=0.005)
    area = street(3, 1, grid=grid, market=UniformPriceDoubleAuction(), forecast_error=0.0, behaviours=(Truthful(),) * 2)
    owns = np.arange(3) == battery_of
    peers = replace(
        area.peers,
        bus=np.array(bus),
        behaviour=np.array([1, 1, -1]),
        pv_mw=np.array(pv_mw),
        battery_mw=0.008 * owns,
        battery_mwh=0.016 * owns,
    )
    load = np.array([load_mw])
    return replace(
        area,
        peers=peers,
        start=PeerState(stored_mwh * owns),
        profiles=Profiles(load, 0.0 * load, np.array([pv_mw])),
        sequence=SEQUENCES[sequence],
        dso=replace(area.dso, grid=grid, forecast_error=0.0),
        **changes,
    )
