"""Bilateral trading where the DSO lets power flow one way only between zones: one price a zone, found exactly."""

from dataclasses import dataclass

import numpy as np

from peerflex.core.arrays import Bools, Floats, Ints, add_up, floats, ints
from peerflex.markets.game import Equilibrium, Game, Side
from peerflex.markets.matching import CRUMB
from peerflex.markets.pairs import agreed
from peerflex.markets.ramps import excess_by_zone, total


@dataclass(frozen=True, slots=True)
class ZoneTree:
    """The zones of a one-way order, from the leaves to the roots.

    ``zone`` ``(places,)`` is the zone of each place, ``order`` the zones, every one before its ``parent`` (-1: a
    root). A zone ``exports`` if it may sell to its parent; else it may buy from it.
    """

    zone: Ints
    order: list[int]
    parent: list[int]
    exports: list[bool]


def solve_zone_tree(game: Game) -> Equilibrium | None:
    """Solve a game of blocked pairs without weights and pair curvature; None if the blocks are no one-way tree.

    In a radial grid a trade that must not load a branch at risk any further may cross it in one direction only. The
    branches at risk cut the grid into zones, a tree, and the trades that are left are a one-way flow on that tree.
    All pair values being a seller's component plus a buyer's, one price a zone clears; along an allowed trade the
    price does not rise. From the leaves to the root each zone tells its parent the flow between them as a function of
    the parent's price: its own excess supply, if that has the direction the branch allows, else nothing. Exact, in
    O(zones N log N) at worst for ``N`` orders.

    Zones are read from ``game.blocked`` alone; branches may allow either direction. Where an interval of prices clears
    a zone by itself, its middle is taken, or the nearest price that the neighbours allow. Source of the structure:
    the blocking rule of EUniversal D5.3 (2022), section 5.3, on the game of Le Cadre et al. (EJOR 282, 2020).
    """
    if game.weighted or game.pair_curvature:
        return None
    tree = one_way_tree(~game.blocked)
    if tree is None:
        return None
    sellers, buyers = game.sellers, game.buyers
    price = _prices(tree, game)
    at_seller, at_buyer = price[tree.zone[sellers.place]], price[tree.zone[buyers.place]]
    seller_dual = np.maximum(sellers.value_eur_per_mwh + at_seller, 0)
    buyer_dual = np.maximum(buyers.value_eur_per_mwh - at_buyer, 0)
    supply = np.clip(seller_dual / sellers.curvature, 0, sellers.most_mw)
    demand = np.clip(buyer_dual / buyers.curvature, 0, buyers.most_mw)
    trades = _trades(tree, sellers, buyers, supply, demand)
    return agreed(game, trades, seller_dual, buyer_dual, "zone-tree")


def one_way_tree(allowed: Bools) -> ZoneTree | None:
    """Return the zones of a relation ``(places, places)``: row may sell to column. None if they are no forest.

    The relation must be reflexive and transitive. Places that may trade both ways are one zone; the direct neighbours
    (no third zone between them) must form a forest, of whatever directions.
    """
    zone_of: dict[bytes, int] = {}
    zone = np.array([zone_of.setdefault(row.tobytes(), len(zone_of)) for row in np.packbits(allowed, axis=1)])
    n = len(zone_of)
    first = ints(n)
    first[zone[::-1]] = np.arange(len(zone))[::-1]
    reach = allowed[first][:, first]
    steps = reach.astype(np.float64)
    between = steps @ steps  # how many zones C with A -> C -> B: whole numbers, exact whatever the order of adding
    transitive = reach.diagonal().all() and not ((between > 0) & ~reach).any()
    if not transitive or (allowed != reach[zone][:, zone]).any():
        return None
    direct = reach & (between == 2)  # A and B themselves
    near = direct | direct.T
    if near.sum() > 2 * (n - 1):
        return None
    neighbours: list[list[int]] = [[] for _ in range(n)]
    for at, other in np.argwhere(near).tolist():
        neighbours[at].append(other)
    parent, found = [-1] * n, [False] * n
    order: list[int] = []
    for root in range(n):
        waiting = [] if found[root] else [root]
        while waiting:
            at = waiting.pop()
            found[at] = True
            order.append(at)
            for other in neighbours[at]:
                if not found[other]:
                    parent[other] = at
                    waiting.append(other)
    if len(order) > n:  # a zone was met on two ways
        return None
    exports = [parent[at] >= 0 and bool(direct[at, parent[at]]) for at in range(n)]
    return ZoneTree(zone, order[::-1], parent, exports)


def _prices(tree: ZoneTree, game: Game) -> Floats:
    """Return the price of each zone, shape ``(zones,)``."""
    n = len(tree.parent)
    own = excess_by_zone(game, tree.zone[game.sellers.place], tree.zone[game.buyers.place], n)
    parts = [[excess] for excess in own]
    price = [0.0] * n
    for at in tree.order:
        excess, parent = total(parts[at]), tree.parent[at]
        price[at] = excess.clearing()
        if parent >= 0:
            flow = excess.exports(price[at]) if tree.exports[at] else excess.imports(price[at])
            parts[parent].append(flow)
    for at in reversed(tree.order):
        parent = tree.parent[at]
        if parent >= 0:
            price[at] = max(price[at], price[parent]) if tree.exports[at] else min(price[at], price[parent])
    return np.array(price)


def _trades(
    tree: ZoneTree, sellers: Side, buyers: Side, supply_mw: Floats, demand_mw: Floats
) -> tuple[Ints, Ints, Floats]:
    """Return who sells what to whom: each zone serves itself, and hands what is left to its parent.

    In a zone, sellers of rising and buyers of falling price serve each other, as in ``markets.matching``.
    What is left is on one side, the one that the price let through; anything else is rounding.
    """
    n = len(tree.parent)
    # Prices come from sums of all that is offered, which round in proportion, however little of it trades.
    crumb = CRUMB * max(float(sellers.most_mw.sum()), float(buyers.most_mw.sum()))
    to_sell = _queues(tree.zone[sellers.place], sellers, supply_mw, crumb, n)
    to_buy = _queues(tree.zone[buyers.place], buyers, demand_mw, crumb, n)
    trades: list[tuple[int, int, float]] = []
    for at in tree.order:  # lists, not arrays: most zones have a handful of orders
        sells, buys = sorted(to_sell[at]), sorted(to_buy[at])
        _serve(sells, buys, crumb, trades)
        parent = tree.parent[at]
        if parent >= 0 and tree.exports[at]:
            to_sell[parent] += sells
        elif parent >= 0:
            to_buy[parent] += buys
    if not trades:
        return ints(0), ints(0), floats(0)
    seller, buyer, traded = (np.array(column) for column in zip(*trades, strict=True))
    return seller, buyer, traded * np.minimum(_within(sellers, seller, traded), _within(buyers, buyer, traded))


Queue = list[tuple[int, int, float]]
"""Orders in the order they are served: rank, row, and MW left."""


def _queues(zone: Ints, side: Side, left_mw: Floats, crumb: float, n_zones: int) -> list[Queue]:
    """Return the orders of each zone; ranks put the most valuable first, equals by their row."""
    queues: list[Queue] = [[] for _ in range(n_zones)]
    order = np.argsort(-side.value_eur_per_mwh, kind="stable")
    columns = (column[order].tolist() for column in (zone, np.arange(len(side)), left_mw))
    for rank, (at, row, left) in enumerate(zip(*columns, strict=True)):
        if left > crumb:
            queues[at].append((rank, row, left))
    return queues


def _serve(sells: Queue, buys: Queue, crumb: float, trades: list[tuple[int, int, float]]) -> None:
    """Let two queues serve each other from the front: add their trades, and leave in each what was not served."""
    i = j = 0
    while i < len(sells) and j < len(buys):
        (sell_rank, seller, supply), (buy_rank, buyer, demand) = sells[i], buys[j]
        quantity = min(supply, demand)
        trades.append((seller, buyer, quantity))
        sells[i], buys[j] = (sell_rank, seller, supply - quantity), (buy_rank, buyer, demand - quantity)
        i += supply - quantity <= crumb
        j += demand - quantity <= crumb
    del sells[:i], buys[:j]


def _within(side: Side, rows: Ints, quantity_mw: Floats) -> Floats:
    """Return per trade the factor that takes the rounding of the running sums off an order that exceeds itself."""
    traded = add_up(rows, quantity_mw, len(side))
    return np.minimum(side.most_mw / np.where(traded > 0, traded, 1), 1)[rows]
