"""Providers of flexibility do not trade with peers, and nobody else notices."""

import numpy as np
import pytest
from hypothesis import given

from peerflex.core.streams import stream
from peerflex.core.trade import Orders
from peerflex.core.units import SELL
from peerflex.markets.pool import BilateralPool
from peerflex.markets.tradable import clear_tradable
from tests.contracts import NO_SIGNAL, books

PEERS = 10


@pytest.mark.once
@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
@given(books())
def test_orders_of_providers_are_as_if_they_were_not_there(share: float, orders: Orders) -> None:
    may_trade = np.arange(PEERS) < share * PEERS
    rng = stream(1, "market")
    result = clear_tradable(BilateralPool(), orders, may_trade, NO_SIGNAL, rng)
    alone = BilateralPool().clear(orders.take(may_trade[orders.peer]), NO_SIGNAL, rng)

    assert (result.accepted_mw[~may_trade[orders.peer]] == 0).all()
    np.testing.assert_array_equal(result.accepted_mw[may_trade[orders.peer]], alone.accepted_mw)
    trades = result.trades
    assert (orders.side[trades.sell_order] == SELL).all()
    np.testing.assert_array_equal(orders.peer[trades.sell_order], trades.seller)
    np.testing.assert_array_equal(orders.peer[trades.buy_order], trades.buyer)
