"""What trades are worth, and what the DSO pays for them: columns of the log, made of orders and trades."""

import numpy as np

from peerflex.core.arrays import Floats, add_up
from peerflex.runs.log.columns import Part


def premium(part: Part) -> Floats:
    """Take what the DSO pays both sides of every trade, per hour."""
    trades = "decision.result.trades"
    each = part.joined(f"{trades}.seller_premium_eur_per_mwh") + part.joined(f"{trades}.buyer_premium_eur_per_mwh")
    paid: Floats = each * part.joined(f"{trades}.quantity_mw")
    return paid


def net_sold(part: Part) -> Floats:
    """Take what all peers together sold in each step, of each what it sold less what it bought, if that is above 0."""
    trades, n = "decision.result.trades", len(part.manifest.peers)
    traded_mw = part.joined(f"{trades}.quantity_mw")
    first = np.repeat(np.arange(len(part.records)), part.lengths(trades)) * n
    seller, buyer = (first + part.joined(f"{trades}.{name}") for name in ("seller", "buyer"))
    size = len(part.records) * n
    net_mw = add_up(seller, traded_mw, size) - add_up(buyer, traded_mw, size)
    sold: Floats = np.maximum(net_mw.reshape(-1, n), 0.0).sum(axis=1)
    return sold


def welfare(part: Part) -> Floats:
    """Take what every order's trade is worth to a buyer, less what it costs a seller, at true prices, per hour."""
    orders, traded = "decision.orders", part.joined("decision.result.accepted_mw")
    half_slope = part.joined(f"{orders}.slope_eur_per_mwh2") * traded / 2
    worth: Floats = -traded * (part.joined(f"{orders}.side") * part.joined(f"{orders}.true_eur_per_mwh") + half_slope)
    return worth


def unserved(part: Part) -> Floats:
    """Take what every extra order was not served with."""
    orders = "decision.orders"
    left = part.joined(f"{orders}.quantity_mw") - part.joined("decision.result.accepted_mw")
    return np.where(part.joined(f"{orders}.extra"), left, 0.0)


def penalties(part: Part) -> Floats:
    """Take the penalty of that, per hour."""
    penalty: Floats = part.joined("decision.orders.penalty_eur_per_mwh") * unserved(part)
    return penalty
