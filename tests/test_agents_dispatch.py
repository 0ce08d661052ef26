"""Batteries keep their books, and assets move in the stated order."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.agents.battery import charge_limit_mw, discharge_limit_mw, soc_after_mwh
from peerflex.agents.dispatch import dispatch
from peerflex.core.people import PeerState, PeerTable


def peers(n: int, battery_mwh: float = 0.01, battery_mw: float = 0.005, efficiency: float = 0.9) -> PeerTable:
    return PeerTable(
        name=tuple(f"peer {i}" for i in range(n)),
        bus=np.zeros(n, dtype=np.int64),
        behaviour=np.zeros(n, dtype=np.int64),
        pv_mw=np.zeros(n),
        battery_mwh=np.full(n, battery_mwh),
        battery_mw=np.full(n, battery_mw),
        battery_efficiency=np.full(n, efficiency),
        generator_mw=np.zeros(n),
        boiler_mw=np.zeros(n),
        up_eur_per_mwh=np.full(n, np.nan),
        down_eur_per_mwh=np.full(n, np.nan),
        trade=np.ones(n, dtype=np.bool_),
        tan_phi=np.zeros(n),
        marginal_eur_per_mwh=np.full(n, np.nan),
        marginal_rise_eur_per_mwh=np.full(n, np.nan),
        least_mw=np.zeros(n),
        least_share=np.zeros(n),
    )


@settings(max_examples=100, deadline=None)
@given(
    soc=st.floats(0, 0.01), power=st.floats(-0.02, 0.02), hours=st.sampled_from([0.25, 1.0]), eff=st.floats(0.5, 1.0)
)
def test_a_battery_never_holds_more_than_it_can_and_gives_back_less_than_it_took(
    soc: float, power: float, hours: float, eff: float
) -> None:
    one = (np.array([soc]), np.array([0.005]), np.array([0.01]), np.array([eff]), hours)
    moved = np.clip(power, -charge_limit_mw(*one), discharge_limit_mw(*one))
    after = soc_after_mwh(np.array([soc]), moved, np.array([0.01]), np.array([eff]), hours)
    assert 0.0 <= after[0] <= 0.01
    given_mwh, change = moved[0] * hours, soc - after[0]
    # What comes out was stored and lost its share; what went in is stored less its share.
    assert given_mwh == pytest.approx(change * eff if change > 0 else change / eff, abs=1e-12)


def test_up_moves_the_battery_then_the_load_and_down_the_battery_then_the_pv() -> None:
    state = PeerState(np.array([0.002, 0.009, 0.005]))
    done = dispatch(
        peers(3),
        state,
        load_mw=np.array([0.004, 0.0, 0.001]),
        pv_mw=np.array([0.0, 0.006, 0.0]),
        battery_mw=np.zeros(3),
        change_mw=np.array([0.003, -0.004, 0.0]),
        hours=1.0,
    )
    assert done.battery_mw == pytest.approx([0.0018, -0.001 / 0.9, 0.0])
    assert done.load_mw == pytest.approx([0.004 - 0.0012, 0.0, 0.001])
    assert done.pv_mw == pytest.approx([0.0, 0.006 - (0.004 - 0.001 / 0.9), 0.0])
    assert done.after.soc_mwh == pytest.approx([0.0, 0.01, 0.005])
    assert done.injection_mw == pytest.approx([0.003 - 0.004, 0.006 - 0.004, -0.001])


def test_what_no_asset_can_do_is_not_done() -> None:
    done = dispatch(
        peers(1, battery_mwh=0.0),
        PeerState(np.zeros(1)),
        np.array([0.001]),
        np.zeros(1),
        np.zeros(1),
        np.array([0.05]),
        1.0,
    )
    assert done.injection_mw == pytest.approx([0.0])


def test_what_can_be_started_is_started_before_load_is_dropped_or_generation_curtailed() -> None:
    everybody = replace(peers(2, battery_mwh=0.0), generator_mw=np.full(2, 0.002), boiler_mw=np.full(2, 0.003))
    done = dispatch(
        everybody,
        PeerState(np.zeros(2)),
        load_mw=np.array([0.004, 0.0]),
        pv_mw=np.array([0.0, 0.006]),
        battery_mw=np.zeros(2),
        change_mw=np.array([0.005, -0.005]),
        hours=1.0,
    )
    assert done.load_mw == pytest.approx([0.001, 0.003])
    assert done.pv_mw == pytest.approx([0.002, 0.004])
    assert done.injection_mw == pytest.approx([0.001, 0.001])
