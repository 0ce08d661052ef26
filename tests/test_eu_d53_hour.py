"""What trading does to the wires in the scenarios of EUniversal D5.3, and what the DSO pays for its say in it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from peerflex.core.record import Outlook
from peerflex.runs.area.build import build
from peerflex.runs.area.plugins import registry
from peerflex.runs.log.reader import open_run
from peerflex.runs.model import AreaModel
from peerflex.runs.session import Session
from peerflex.scenarios.load import load_scenario


def test_trading_worsens_branches_at_risk_unless_pairs_are_blocked() -> None:
    """By hand from the two loadings: further in the same direction, at 80 % or above in the forecast."""
    for scenario, some in (("eu-d53-1", True), ("eu-d53-2", False)):
        built = build(load_scenario(scenario, seed=7), registry([]))
        outlook = AreaModel(built.area).decide().outlook
        before, after = outlook.forecast, outlook.traded
        onward = before.flow_mw * after.flow_mw > 0
        by_hand = (before.loading >= 0.8) & (np.abs(after.flow_mw) > np.abs(before.flow_mw) + 1e-9) & onward
        np.testing.assert_array_equal(outlook.worsened, by_hand)
        assert by_hand.any() == some


def test_a_reversed_flow_is_not_worse_and_a_little_more_is() -> None:
    model = AreaModel(build(load_scenario("eu-d53-1", seed=7), registry([])).area)
    before = model.decide().outlook.forecast
    at_risk = before.loading >= 0.8
    more = replace(before, loading=before.loading * 1.001, flow_mw=before.flow_mw * 1.001)
    turned = replace(more, flow_mw=-more.flow_mw)
    np.testing.assert_array_equal(model.dso.outlook(before, more).worsened, at_risk)
    assert not model.dso.outlook(before, turned).worsened.any()


def test_the_overflow_average_is_weighed_by_limits() -> None:
    state = AreaModel(build(load_scenario("eu-d53-1"), registry([])).area).decide().outlook.forecast
    outlook = Outlook(state, state, np.array([0.1, 0.0, 0.4]), np.array([1.0, 5.0, 3.0]), np.zeros(3, dtype=np.bool_))
    assert outlook.overflow_average_mva == pytest.approx((0.1 * 1 + 0.4 * 3) / 4)


@pytest.mark.parametrize("seed", range(12))
def test_no_cost_without_congestion_and_no_congestion_without_cost(seed: int) -> None:
    for scenario in ("eu-d53-0", "eu-d53-2", "eu-d53-1-chosen"):
        decision = AreaModel(build(load_scenario(scenario, seed=seed), registry([])).area).decide()
        assert (decision.flex.cost_eur_per_h > 1e-9) == (decision.outlook.congested_count > 0)


@pytest.mark.parametrize("minutes", [60, 15])
def test_what_the_dso_pays_for_weights_that_are_money_is_in_the_ledger_and_in_the_figures(
    minutes: int, tmp_path: Path
) -> None:
    settings = ["market.incentive.money=true", "diagnostic=none", f"time.step_minutes={minutes}"]
    with Session.begin(load_scenario("eu-d53-3-80", settings), registry([]), tmp_path / "run", "mesa") as session:
        for _ in session.advance():
            pass
    run = open_run(tmp_path / "run")
    trades, ledger = run.table("trades"), run.table("ledger")
    both = trades["seller_premium_eur_per_mwh"] + trades["buyer_premium_eur_per_mwh"]
    bill = float((trades["quantity_mw"] * both).sum()) * minutes / 60
    entries = ledger[ledger["reason"] == "incentive"]
    assert bill > 0
    assert (entries["taker"] == "dso").all()
    assert entries["amount_eur"].sum() == pytest.approx(bill)
    assert run.kpis["incentive_cost_eur"] == pytest.approx(bill)
