"""The hour itself: it balances, it listens to the wires, and both drivers write the same."""

from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.core.errors import SimulationError
from peerflex.core.network import Injections
from peerflex.core.people import Observation, Plan
from peerflex.core.record import HourRecord
from peerflex.runs.cosim import CoSimulation
from peerflex.runs.model import AreaModel
from tests.areas import Street, street


def simulate(area: Any, steps: int | None = None, *, listen: bool = True) -> list[HourRecord]:
    """Run in process; without ``listen`` the grid's state never reaches the market."""
    model = AreaModel(area)
    records = []
    for _ in range(steps or area.steps):
        model.step()
        assert model.record is not None
        records.append(model.record)
        if not listen:
            model.measured = None
    model.close()
    return records


def flat(value: Any) -> list[str]:
    """Return every number and word of a record, in order, as text (NaN equals itself)."""
    if is_dataclass(value):
        return [item for field in fields(value) for item in flat(getattr(value, field.name))]
    if isinstance(value, tuple | list):
        return [item for each in value for item in flat(each)]
    return [repr(value.tolist() if isinstance(value, np.ndarray) else value)]


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), peers=st.integers(1, 9), error=st.sampled_from([0.0, 0.3]))
def test_energy_balances_at_every_bus_and_money_between_all_parties(seed: int, peers: int, error: float) -> None:
    area = street(peers, 8, seed, forecast_error=error)
    for record in simulate(area):
        at_bus = np.bincount(area.peers.bus, weights=record.metered_mw, minlength=2)
        np.testing.assert_allclose(at_bus, record.state.p_mw, atol=1e-12)
        ledger = record.ledger
        given_mwh = np.bincount(ledger.giver, ledger.energy_mwh, minlength=peers + 7)
        taken_mwh = np.bincount(ledger.taker, ledger.energy_mwh, minlength=peers + 7)
        np.testing.assert_allclose((given_mwh - taken_mwh)[:peers], record.metered_mw, atol=1e-12)
        paid = np.bincount(ledger.taker, ledger.amount_eur, minlength=peers + 7)
        earned = np.bincount(ledger.giver, ledger.amount_eur, minlength=peers + 7)
        assert abs((earned - paid).sum()) <= 1e-9 * max(np.abs(ledger.amount_eur).sum(), 1.0)


def test_the_market_keeps_the_wires_within_their_limits_when_the_dso_knows_them() -> None:
    """The street is overloaded without flexibility, and never with it, unless the market says what is missing."""
    area = street(9, 48)
    exact = replace(area, forecast_error=0.0, dso=replace(area.dso, forecast_error=0.0))
    records = simulate(exact)
    assert any(len(record.decision.need) for record in records)
    for record in records:
        missing = record.decision.flex.missing_mw.sum()
        assert missing > 0 or record.violations.excess.max(initial=0.0) <= 1e-6


def test_cutting_the_link_from_grid_to_market_changes_signals_and_bids() -> None:
    area = street(9, 24)
    alive, cut = simulate(area), simulate(area, listen=False)
    first = next(i for i, (a, b) in enumerate(zip(alive, cut, strict=True)) if flat(a.decision) != flat(b.decision))
    assert first > 0, "the first hour has nothing to hear yet"
    assert any(
        a.decision.signal.relief.tolist() != b.decision.signal.relief.tolist() for a, b in zip(alive, cut, strict=True)
    )
    assert any(flat(a.decision.orders) != flat(b.decision.orders) for a, b in zip(alive, cut, strict=True))


def test_both_drivers_write_the_same_records() -> None:
    area = street(9, 24)
    driver = CoSimulation(AreaModel(area))
    try:
        together = [driver.step() for _ in range(area.steps)]
    finally:
        driver.close()
    assert flat(together) == flat(simulate(area))


def test_a_run_restored_in_the_middle_goes_on_as_if_nothing_had_happened() -> None:
    area = street(6, 24)
    whole = simulate(area)
    model = AreaModel(area)
    model.restore(10, whole[9].decision.peers, whole[9].state)
    driver = CoSimulation(model)
    try:
        rest = [driver.step() for _ in range(14)]
    finally:
        driver.close()
    assert flat(rest) == flat(whole[10:])


class Broken:
    """Behaviours that answer nonsense."""

    def __init__(self, how: str) -> None:
        self.how = how

    def bid(self, seen: Observation, rng: np.random.Generator) -> Plan:
        if self.how == "raises":
            raise ZeroDivisionError("oops")
        plan = street().behaviours[1].bid(seen, rng)
        if self.how == "short":
            return replace(plan, battery_mw=np.zeros(1))
        if self.how == "nan plan":
            return replace(plan, battery_mw=np.full(len(seen.peer), np.nan))
        return replace(plan, orders=replace(plan.orders, price_eur_per_mwh=plan.orders.price_eur_per_mwh * np.nan))


@pytest.mark.parametrize("how", ["nan plan", "nan prices"])
def test_nonsense_from_a_behaviour_is_rejected_and_on_record(how: str) -> None:
    area = street(6, 4)
    records = simulate(replace(area, behaviours=(area.behaviours[0], Broken(how))))
    assert all(record.decision.events for record in records)
    assert all(np.isfinite(record.metered_mw).all() for record in records)


@pytest.mark.parametrize("how", ["raises", "short"])
def test_a_behaviour_that_fails_stops_the_run_with_its_name(how: str) -> None:
    area = street(6, 4)
    broken = replace(area, behaviours=(area.behaviours[0], Broken(how)))
    with pytest.raises(SimulationError, match="step 0, behaviour 'truthful'"):
        simulate(broken)
    driver = CoSimulation(AreaModel(broken))
    with pytest.raises(SimulationError, match="step 0, behaviour 'truthful'"):
        driver.step()
    driver.close()


def test_an_hour_without_any_bid_is_an_ordinary_hour() -> None:
    area = street(6, 2)
    lonely = replace(area, peers=replace(area.peers, behaviour=np.full(6, -1)))
    for record in simulate(lonely):
        assert len(record.decision.orders) == 0
        assert not record.events


class Cracking(Street):
    """A street whose flow fails in the second hour, in the grid simulator."""

    calls = 0

    def solve(self, injections: Injections) -> Any:
        Cracking.calls += 1
        if Cracking.calls > 1:
            raise RuntimeError("cable cut")
        return super().solve(injections)


def test_a_failing_simulator_is_named_with_its_step() -> None:
    driver = CoSimulation(AreaModel(street(6, 4, grid=Cracking())))
    driver.step()
    with pytest.raises(SimulationError, match="step 1: RuntimeError: cable cut"):
        driver.step()
    driver.close()


def test_closing_in_the_middle_leaves_no_thread_and_no_model_behind() -> None:
    import threading

    import mesa

    before, models = threading.active_count(), len(mesa.Agent._ids)
    for _ in range(3):
        model = AreaModel(street(6, 24))
        driver = CoSimulation(model)
        driver.step()
        driver.close()
        model.close()
    assert threading.active_count() == before
    assert len(mesa.Agent._ids) == models
