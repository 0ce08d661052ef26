"""Energy of all trades, and what peers sold on balance, which does not depend on who is paired with whom."""

from dataclasses import replace

import numpy as np
import pytest

from peerflex.core.trade import Trades
from peerflex.core.units import BUY, SELL
from peerflex.markets.double_auction import UniformPriceDoubleAuction
from peerflex.runs.log.columns import Part
from peerflex.runs.log.trade_columns import net_sold
from tests import logs
from tests.contracts import NO_SIGNAL, book

KW = 1e-3
ANN, BOB, CARL = range(3)


def part_of(*trades: Trades) -> Part:
    """Return a part of a run of five peers, one step for each set of trades."""
    page = logs.manifest(len(trades))
    records = []
    for step, made in enumerate(trades):
        record = logs.record(step, len(page.peers), logs.begin(len(page.peers)))
        decision = replace(record.decision, result=replace(record.decision.result, trades=made))
        records.append(replace(record, decision=decision))
    return Part(page, records)


def traded(carl_bids: float) -> Trades:
    """Return the trades of the page: Ann is on both sides, Bob sells, Carl buys."""
    orders = book((SELL, 4 * KW, 10), (BUY, 4 * KW, 50), (SELL, 4 * KW, 20), (BUY, 4 * KW, carl_bids))
    orders = replace(orders, peer=np.array([ANN, ANN, BOB, CARL]))
    result = UniformPriceDoubleAuction().clear(orders, NO_SIGNAL, np.random.default_rng(1))
    assert result.accepted_mw == pytest.approx([4 * KW] * 4)
    return result.trades


def test_what_is_sold_on_balance_is_the_same_whoever_meets_whom() -> None:
    """The example of docs/economics/double-auction.md."""
    herself, others = traded(40), traded(60)
    assert [each.quantity_mw.sum() / KW for each in (herself, others)] == pytest.approx([4, 8])
    assert net_sold(part_of(herself, others)) / KW == pytest.approx([4, 4])


def test_every_step_counts_for_itself_and_one_without_trades_counts_nothing() -> None:
    """What was sold in one step and bought in another is not taken off."""
    there, back = (traded(40).take(np.array([0])) for _ in range(2))
    back = replace(back, seller=there.buyer, buyer=there.seller)
    sold_kw = net_sold(part_of(there, Trades.empty(), back, Trades.join([there, back]))) / KW
    assert sold_kw == pytest.approx([4, 0, 4, 0])
