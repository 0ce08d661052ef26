"""Two sessions of one market, each cleared again by itself."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from peerflex.core.arrays import floats
from peerflex.core.errors import InputError
from peerflex.core.trade import NAN, MarketResult, Orders, Trades
from peerflex.markets.standing import Edit
from peerflex.runs.stages.desk import DRAWS, EARLY_DRAWS

if TYPE_CHECKING:
    from peerflex.runs.moment import Moment

NOBODY = -1


def cleared_in_sessions(
    edit: Edit, n_late: int, partners_early: bool, clear: Callable[[Orders, str], MarketResult]
) -> MarketResult:
    """Return what the sessions make of edited orders, in their rows: those from row ``n_late`` on were made day-ahead.

    Orders that nobody made (``partners_early``) take part in the session of the order that they are there for. Each
    session is cleared with the random stream that it had.
    """
    early = np.where(edit.origin == NOBODY, partners_early, edit.origin >= n_late)
    accepted_mw, trades, found = floats(len(edit.orders)), [], []
    for rows, draws in ((np.flatnonzero(~early), DRAWS), (np.flatnonzero(early), EARLY_DRAWS)):
        result = clear(edit.orders.take(rows), draws)
        accepted_mw[rows] = result.accepted_mw
        made = result.trades
        trades.append(replace(made, sell_order=rows[made.sell_order], buy_order=rows[made.buy_order]))
        found.append(result)
    prices = {result.price_eur_per_mwh for result in found if len(result.trades)}
    price = prices.pop() if len(prices) == 1 else NAN
    return replace(found[0], accepted_mw=accepted_mw, price_eur_per_mwh=price, trades=Trades.join(trades))


def held(moment: "Moment", order: int) -> str:
    """Return in which session an order was made, as part of a sentence; '' if there is one only."""
    if len(moment.area.sessions) == 1:
        return ""
    early = order >= len(moment.decision.orders) - moment.decision.day_ahead
    return " (day-ahead)" if early else " (intraday)"


def refuse_two_sessions(sessions: tuple[str, ...]) -> None:
    """Refuse to negotiate two sessions again: what peers asked for in the second depends on what the first came to.

    Raises:
        InputError: if there are two.
    """
    if len(sessions) > 1:
        what = "the DSO's word changed the trades of two sessions, which cannot be told apart again"
        raise InputError("explain", what, "Ask about an offer of flexibility, or simulate one session.")
