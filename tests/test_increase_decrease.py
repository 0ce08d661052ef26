"""The increase-decrease game and who watches it: the pages' examples by hand, and a small study (docs/economics)."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from peerflex.agents.mediation import WITHHELD_EUR_PER_MWH, Honest, IncreaseDecrease, Strategy
from peerflex.agents.monitor import Monitor, ask_excess
from peerflex.core.arrays import Floats, add_up
from peerflex.core.record import HourRecord
from peerflex.core.trade import FlexOffers, FlexResult
from peerflex.core.units import BUY, SELL
from peerflex.runs.log.mediation_columns import private_eur_per_h
from peerflex.runs.stages.sequences import lfm_first, unrelated
from peerflex.runs.study.run import run_study
from tests.contracts import book, offers
from tests.two_buses import aggregator, hour, two_buses

GAME = IncreaseDecrease(overbid_eur_per_mwh=20, mark_up_eur_per_mwh=20)
BACK_OFF_MW = 0.1 * 1e-5
"""The DSO asks the market to stay this far inside the line's limit."""


def benefit_eur(record: HourRecord) -> Floats:
    """Return money received less paid, and the private value of what assets moved, of each peer."""
    ledger, n = record.ledger, len(record.metered_mw)
    peers = ledger.giver < n, ledger.taker < n
    received = add_up(ledger.giver[peers[0]], ledger.amount_eur[peers[0]], n)
    paid = add_up(ledger.taker[peers[1]], ledger.amount_eur[peers[1]], n)
    return received - paid + private_eur_per_h(record.decision)


def gain_eur(strategy: Strategy, line_kw: float = 100.0, at_risk: float = 0.5) -> float:
    """Return what Mia gains by a strategy, against an honest mediator with the same rules."""
    games = [hour(two_buses(line_kw, at_risk, mediators=(aggregator(each),))) for each in (strategy, Honest())]
    of_game, honest = (benefit_eur(record)[2] for record in games)
    return float(of_game - honest)


# ---------------------------------------------------------------- by hand


def test_the_honest_hour_by_hand() -> None:
    record = hour(two_buses(mediators=(aggregator(),)))
    decision = record.decision
    assert decision.signal.relief.tolist() == [0, 1]
    assert decision.result.price_eur_per_mwh == 52.5
    assert decision.result.accepted_mw == pytest.approx([0.1, 0.1, 0])
    assert record.state.loading == pytest.approx([0.6])
    assert benefit_eur(record) == pytest.approx([1.25, 0.25, -19.2], abs=1e-9)


def test_the_game_by_hand() -> None:
    """Mia outbids Otto, fills the line, and is paid 80 EUR/MWh for 60 of the 100 kW that she bought at 62.50."""
    record = hour(two_buses(mediators=(aggregator(GAME),)))
    decision = record.decision
    assert decision.result.price_eur_per_mwh == 62.5
    assert decision.result.accepted_mw == pytest.approx([0.1, 0, 0.1])
    assert decision.outlook.traded.loading == pytest.approx([1.6])
    undone_mw = 0.06 + BACK_OFF_MW
    resale = decision.offers.side == SELL
    assert decision.offers.price_eur_per_mwh[resale].tolist() == [80]
    assert decision.flex.accepted_mw[resale] == pytest.approx([undone_mw], abs=1e-9)
    assert decision.flex.cost_eur_per_h == pytest.approx(undone_mw * 20, abs=1e-9)
    gain = -0.1 * 62.5 + undone_mw * 80 + (0.1 - undone_mw) * 50
    assert gain == pytest.approx(0.55003, abs=1e-9)
    assert gain_eur(GAME) == pytest.approx(gain, abs=1e-9)


def test_the_game_loses_where_no_congestion_follows() -> None:
    """A line of 200 kW is called at risk at 60: Mia pays 62.50 for what is worth 50 to her, and nobody buys it back."""
    assert gain_eur(GAME, line_kw=200, at_risk=0.25) == pytest.approx(-0.1 * 12.5, abs=1e-9)


def test_nothing_is_played_where_the_dso_does_not_worry() -> None:
    assert gain_eur(GAME, line_kw=200, at_risk=0.5) == 0.0


@pytest.mark.parametrize("sequence", [lfm_first, unrelated])
def test_what_is_bought_afterwards_or_beside_cannot_be_resold(sequence: object) -> None:
    areas = [two_buses(mediators=(aggregator(each),), sequence=sequence) for each in (GAME, Honest())]
    game, honest = map(hour, areas)
    decision = game.decision
    assert (decision.offers.side == decision.orders.side[decision.offers.order]).all()
    assert benefit_eur(game)[2] - benefit_eur(honest)[2] == pytest.approx(-1.25, abs=1e-9)
    assert game.state.loading == pytest.approx([1.6])


def test_welfare_counts_true_prices_whatever_is_bid() -> None:
    orders = hour(two_buses(mediators=(aggregator(GAME),))).decision.orders
    assert orders.price_eur_per_mwh.tolist() == [40, 55, 70]
    assert orders.true_eur_per_mwh.tolist() == [40, 55, 50]


# ---------------------------------------------------------------- bids and asks


def test_where_less_injection_is_wanted_it_is_the_mirror_image() -> None:
    orders, own = book((SELL, 0.1, 50), (BUY, 0.1, 40), (SELL, 0.1, 50), (BUY, 0.1, 40)), np.array([1, 1, 0, 0]) > 0
    up, down = GAME.trade(orders, own, np.ones(4)), GAME.trade(orders, own, -np.ones(4))
    assert up.price_eur_per_mwh.tolist() == [50 + WITHHELD_EUR_PER_MWH, 60, 50, 40]
    assert down.price_eur_per_mwh.tolist() == [30, 40 - WITHHELD_EUR_PER_MWH, 50, 40]
    for changed in (up, down):
        np.testing.assert_array_equal(changed.true_eur_per_mwh, orders.price_eur_per_mwh)
    below = IncreaseDecrease(threshold=0.5).trade(orders, own, np.full(4, 0.5))
    np.testing.assert_array_equal(below.price_eur_per_mwh, orders.price_eur_per_mwh)
    flows_anyway = book((SELL, 0.1, 50), dispatchable=False)
    assert GAME.trade(flows_anyway, np.ones(1) > 0, np.ones(1)).price_eur_per_mwh.tolist() == [50]


def test_only_flexibility_that_is_wanted_is_marked_up() -> None:
    rows = offers(np.zeros(4, np.int64), np.array([1, -1, 1, -1]), np.ones(4), np.zeros(4))
    assert GAME.mark_up(rows, np.array([1.0, 1, -1, -1])).tolist() == [20, 0, 0, 20]


# ---------------------------------------------------------------- the monitor


def asked(price: Floats, accepted_mw: Floats) -> tuple[FlexOffers, FlexResult]:
    n = len(price)
    found = offers(np.zeros(n, np.int64), np.ones(n, np.int64), np.ones(n), price)
    return found, FlexResult(accepted_mw, price, 0.0, 0.0, np.zeros(0), np.zeros(0))


@pytest.mark.parametrize(
    ("seller", "price", "accepted", "excess"),
    [
        ([0, 1, 2], [100.0, 105, 140], [1.0, 1, 1], 35),
        ([0, 1, 2], [100.0, 105, 140], [1.0, 1, 0], 5),
        ([0, 1, 1], [100.0, 105, 140], [1.0, 1, 1], 40),
        ([0, 0, 0], [100.0, 105, 140], [1.0, 1, 1], np.nan),
        ([0, 1, 2], [100.0, 105, 140], [0.0, 0, 0], np.nan),
    ],
)
def test_an_ask_is_compared_with_the_next_cheaper_one_of_others(
    seller: list[int], price: list[float], accepted: list[float], excess: float
) -> None:
    found, result = asked(np.array(price), np.array(accepted))
    assert ask_excess(found, np.array(seller), result) == pytest.approx(excess, nan_ok=True)


def test_a_monitor_flags_what_it_sees_and_nothing_else() -> None:
    book_of, seller = asked(np.array([100.0, 100]), np.array([1.0, 1])), np.array([0, 1])
    for sees_trades, undone_mw, flagged in ((True, 0.2, True), (True, 0.1, False), (False, 0.2, False)):
        assert Monitor(sees_trades, 10.0, 0.1).look(book_of[0], seller, book_of[1], undone_mw) == (0.0, flagged)
    dear = asked(np.array([100.0, 111]), np.array([1.0, 1]))
    assert Monitor(False, 10.0, 0.1).look(dear[0], seller, dear[1], 0.0) == (11.0, True)
    idle = asked(np.array([100.0, 111]), np.zeros(2))
    assert not Monitor(True, 10.0, 0.1).look(idle[0], seller, idle[1], 0.0)[1]


def test_the_monitor_sees_the_game_by_hand_if_it_is_told_the_trades() -> None:
    def mediation(strategy: Strategy, sees_trades: bool) -> bool:
        monitor = Monitor(sees_trades, ask_above_eur_per_mwh=10, reversal_share=0.1)
        found = hour(two_buses(mediators=(aggregator(strategy),), monitor=monitor)).decision.mediation
        assert found is not None
        return found.flagged

    assert mediation(GAME, sees_trades=True)
    assert not mediation(GAME, sees_trades=False)  # Mia alone relieves the line: there is nobody to compare with
    assert not mediation(Honest(), sees_trades=True)


# ---------------------------------------------------------------- a small study


@pytest.mark.once
def test_gains_are_measured_seed_by_seed_with_an_interval(tmp_path: Path) -> None:
    both = {"scenario": "increase-decrease", "set": {"time.hours": 1}}
    game = {"scenario": "increase-decrease-game", "set": {"time.hours": 1}, "before": "honest"}
    gain = {"unit": "EUR", "figure": "benefit_eur", "groups": ["members"], "change_from": "before", "interval": "mean"}
    study = {
        "name": "small-game",
        "scenarios": [{"name": "honest", **both}, {"name": "game", **game}],
        "seeds": "1-3",
        "kpis": [
            {"name": "gain_eur", **gain},
            {"name": "benefit_eur", "unit": "EUR", "groups": ["members"]},
            {"name": "cost_eur", "unit": "EUR", "groups": ["members"]},
            {"name": "flagged_hours", "unit": "h", "interval": "mean"},
        ],
    }
    path = tmp_path / "small-game.yaml"
    found = []
    for keep in ("figures", "runs"):
        path.write_text(yaml.safe_dump(study | {"keep": keep}))
        result = run_study(str(path), out=tmp_path / keep)
        assert not result.failed
        found.append(result.measured.values)
    np.testing.assert_array_equal(found[0], found[1])  # in memory as from the log
    honest, gamed = found[0]
    assert np.isnan(honest[:, 0]).all()
    np.testing.assert_array_equal(gamed[:, 0], gamed[:, 1] - honest[:, 1])
    assert np.ptp(gamed[:, 0]) > 1
    with (tmp_path / "figures" / "tables" / "means.csv").open() as file:
        rows = {(row["kpi"], row["scenario"]): row for row in csv.DictReader(file)}
    assert set(rows) == {(kpi, case) for kpi in ("gain_eur", "flagged_hours") for case in ("honest", "game")}
    row = rows["gain_eur", "game"]
    assert float(row["mean"]) == pytest.approx(gamed[:, 0].mean())
    assert float(row["low"]) < float(row["mean"]) < float(row["high"])
    assert (rows["gain_eur", "honest"]["seeds"], rows["gain_eur", "honest"]["mean"]) == ("0", "")


def test_who_fails_moves_nothing_and_what_it_bought_is_worth_nothing_to_it() -> None:
    area = two_buses(mediators=(aggregator(GAME),))
    kept, failed = hour(area), hour(replace(area, fails=(0.0, 1.0)))
    assert private_eur_per_h(kept.decision)[2] == pytest.approx(0.039999 * 50, abs=1e-9)
    assert private_eur_per_h(failed.decision).tolist() == pytest.approx([-4, 0, 0])
