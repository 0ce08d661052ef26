"""In which session orders and trades were made: columns of the log."""

import numpy as np

from peerflex.core.arrays import Floats, Ints
from peerflex.runs.log.columns import Part


def of_orders(part: Part) -> Ints:
    """Take 1 for orders made day-ahead, 0 for those made intraday."""
    places = [np.arange(n) for n in part.lengths("decision.orders")]
    return _day_ahead(part, places)


def of_trades(part: Part) -> Ints:
    """Take the same of trades, which are made in one session."""
    return _day_ahead(part, part.values("decision.result.trades.sell_order"))


def traded_day_ahead(part: Part) -> Floats:
    """Take the power of every trade that was made day-ahead."""
    traded: Floats = of_trades(part) * part.joined("decision.result.trades.quantity_mw")
    return traded


def _day_ahead(part: Part, order: list[Ints]) -> Ints:
    """Return 1 for the rows of orders that are among the last of a step, those made day-ahead."""
    first = part.lengths("decision.orders") - np.array(part.values("decision.day_ahead"))
    rows = [each >= since for each, since in zip(order, first, strict=True)]
    return np.concatenate(rows).astype(np.int64)
