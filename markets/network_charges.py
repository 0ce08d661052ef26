"""Exact charges for using the network: the DSO prices its limits, and trades keep them of themselves."""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import numpy as np
from pydantic import AfterValidator, Field

from peerflex.core.arrays import Bools, Floats, Ints, add_up, floats
from peerflex.core.network import GridState
from peerflex.core.people import PeerTable
from peerflex.core.protocols import Desk, Incentive, Market
from peerflex.core.record import Agreement, Effort
from peerflex.core.trade import Charges, MarketResult, Orders, Signal, TradeTerms
from peerflex.core.units import BUY, QUANTITY_TOLERANCE_MW, SELL
from peerflex.markets.bilateral import injection_charge
from peerflex.markets.idle import NoIncentive
from peerflex.markets.net_positions import NetPositions, NetProgram, solve_net_positions
from peerflex.markets.network_rows import Near, NetworkRows, excess, near, network_rows, slack

KEPT = 5e-7
"""Limits are kept if nothing exceeds them by more, per unit: half of what is a violation in the log."""
LOOSE = 5e-4
"""A limit that has a price is used up to this, per unit: else more is given up for it than it takes."""
PROGRESS = 0.9
"""Where not all limits can be kept, a round that leaves more than this share of the worst excess is the last."""
LEAST_PRICE_EUR_PER_MWH = 1e-2
"""Of a limit: one that is hardly worth a cent may be left unused."""
LEAST_CHARGE_EUR_PER_MWH = 1e-6
"""The multiplier of a limit that does not bind is a crumb of the solver below this."""
REACTIVE_EUR_PER_MVARH = 1.0
"""Marginal cost of a load's reactive power at the end of its range: decides between ways that are as good."""
STEADIER = 10.0
"""How much dearer each round makes it to change reactive power again: what costs little would swing for ever."""


def _rising(tan_phi: tuple[float, float] | None) -> tuple[float, float] | None:
    if tan_phi is not None and not -np.inf < tan_phi[0] < tan_phi[1] < np.inf:
        raise ValueError("the first must be below the second")
    return tan_phi


@dataclass(frozen=True, slots=True)
class NetworkCharges:
    """The DSO charges every trade what it costs the limits of the network, at its own exact AC model.

    The market clears; the DSO solves the flow. If a limit is exceeded it finds the net positions of all orders that are
    worth most within the limits, linearised at that flow (``markets.net_positions``). With multipliers ``mu_k`` of the
    limits ``h_k``, one MWh injected at a place is charged ``sum_k mu_k (dh_k/dP + tan_phi dh_k/dQ)``: what it costs
    all others to make room for it. The market then clears on these charges alone; every order has a slope, so it
    arrives at the same positions. The DSO solves the flow again and, if that still exceeds a limit, linearises there.

    Locational marginal prices as F. C. Schweppe, M. C. Caramanis, R. D. Tabors and R. E. Bohn, Spot Pricing of
    Electricity, 1988; charges on bilateral trades as J. Marques, T. Soares and H. Morais (2023), equation 3, which
    weighs trades by a distance where this has the multipliers.
    """

    sets_terms: ClassVar[bool] = True
    """What it says are terms of trade: it needs a market that heeds them."""

    expects_bids_alone: ClassVar[bool] = True
    """It foresees trades from bids and charges: nothing else may move them."""

    rounds: Annotated[int, Field(ge=1, le=20, description="the most times that the DSO sets its charges anew")] = 6
    near_loading: Annotated[
        float, Field(gt=0, le=1, description="share of its limit from which a branch counts in setting the charges")
    ] = 0.9
    near_voltage_pu: Annotated[
        float, Field(ge=0, le=0.1, description="distance from a limit within which a voltage counts")
    ] = 0.01
    dearest_eur_per_mwh: Annotated[
        float,
        Field(
            ge=1,
            le=100_000,
            description="what relief by one MW is worth to the DSO at most; a limit that is dearer to keep is exceeded",
        ),
    ] = 2000.0
    reactive_range: Annotated[
        tuple[float, float] | None,
        AfterValidator(_rising),
        Field(description="least and most reactive per active power that the DSO may have loads take; none: as it is"),
    ] = None
    curvature_eur_per_mwh: Annotated[
        float, Field(ge=0.01, le=1000, description="the market's own, for orders of one price")
    ] = 5.0
    money: Annotated[bool, Field(description="whether the DSO collects the charges, or they only steer")] = True

    def misfit(self, market: Market, incentive: Incentive) -> str:
        """Return why a market would not end where this expects it to, '' if it will."""
        if not isinstance(incentive, NoIncentive):
            return "sets charges by what trades do to limits, and cannot foresee what the incentive does to trades"
        curvature = getattr(market, "curvature_eur_per_mwh", self.curvature_eur_per_mwh)
        if curvature != self.curvature_eur_per_mwh:
            return f"expects a curvature of {self.curvature_eur_per_mwh:g} EUR/MWh, and the market has {curvature:g}"
        reading = getattr(market, "reading", "costs-and-values")
        return "" if reading == "costs-and-values" else f"takes prices for costs and values, not for {reading}"

    def agree(self, desk: Desk, signal: Signal) -> Agreement:
        silent = floats(len(desk.peers))
        plan, terms, reactive_mvar = desk.bids(silent), signal.terms, silent
        result = desk.trade(plan, terms)
        state = desk.flow(plan, result, reactive_mvar)
        worst, loose, watched = excess(state, desk.limits), 0.0, self._near(desk, state)
        for round_ in range(self.rounds):
            effort = REACTIVE_EUR_PER_MVARH * STEADIER**round_
            if (worst <= KEPT and loose <= LOOSE) or state.method == "dark":
                break
            book = _book(plan.orders, desk.peers, self.reactive_range)
            rows = network_rows(desk.grid, state, desk.limits, watched)
            rows = _without_trades(rows, desk.peers, book, result, reactive_mvar)
            found = solve_net_positions(self._program(book, desk.peers, rows, reactive_mvar, effort, signal.terms))
            if found is None:
                break
            terms = self._terms(signal.terms, _charges(book, desk.peers, rows, found))
            result = desk.trade(plan, terms)
            reactive_mvar = _reactive(book, found, result, len(silent))
            state = desk.flow(plan, result, reactive_mvar)
            before, worst = worst, excess(state, desk.limits)
            loose, watched = slack(state, desk.limits, *_priced(rows, found)), watched | self._near(desk, state)
            if found.beyond_mw.max() > QUANTITY_TOLERANCE_MW and worst > PROGRESS * before:
                break
        return Agreement(plan, result, terms, reactive_mvar, state, Effort(worst <= KEPT, desk.clearings, desk.flows))

    def _near(self, desk: Desk, state: GridState) -> Near:
        return near(state, desk.limits, self.near_loading, self.near_voltage_pu)

    def _program(
        self,
        book: "_Book",
        peers: PeerTable,
        rows: NetworkRows,
        now_mvar: Floats,
        effort_eur_per_mvarh: float,
        said: TradeTerms,
    ) -> NetProgram:
        """Return the program of everybody's net positions; ``rows`` are those without any trade."""
        orders = book.orders
        slope, said_before = orders.slope_eur_per_mwh2, injection_charge(orders, np.arange(len(orders)), said)
        most_mvar = (book.high - book.low) * add_up(book.of_taker, orders.quantity_mw, len(book.taker) + 1)[:-1]
        return NetProgram(
            side=orders.side,
            value_eur_per_mwh=-orders.side * (orders.price_eur_per_mwh + said_before),
            slope_eur_per_mwh2=np.where(slope > 0.0, slope, self.curvature_eur_per_mwh / orders.quantity_mw),
            most_mw=orders.quantity_mw,
            base_mw=rows.value_mw,
            radius_mva=rows.radius_mva,
            lower_mw=rows.lower_mw,
            upper_mw=rows.upper_mw,
            by_order=_by_order(rows, peers, orders),
            by_mvar=rows.by_mvar[:, peers.bus[book.taker]],
            taker=np.where(book.of_taker < len(book.taker), book.of_taker, -1),
            low=book.low,
            high=book.high,
            aim_mvar=now_mvar[book.taker],
            effort=effort_eur_per_mvarh / most_mvar,
            dearest_eur_per_mwh=self.dearest_eur_per_mwh,
        )

    def _terms(self, said: TradeTerms, charge_of_peer: Floats) -> TradeTerms:
        """Return what the DSO says anyway, and a charge for each peer: those with one charge are still at one place."""
        (place, charge), of_peer = np.unique(np.stack([said.place, charge_of_peer]), axis=1, return_inverse=True)
        was = place.astype(np.int64)
        pairs = np.ix_(was, was)
        before = said.charges or Charges(floats(len(said.blocked)), floats(*said.blocked.shape))
        charges = Charges(before.injection_eur_per_mwh[was] + charge, before.pair_eur_per_mwh[pairs])
        of_pairs = said.blocked[pairs], said.gain_factor[pairs], said.cost_factor[pairs]
        return TradeTerms(of_peer.ravel(), *of_pairs, money=said.money or self.money, charges=charges)


@dataclass(frozen=True, slots=True)
class _Book:
    """The orders that trade: ``rows`` of all orders, ``orders`` the same as a table.

    ``taker`` are the peers that the DSO may have give reactive power, from ``low`` to ``high`` times what they take;
    ``of_taker`` is the row of each order's, or their number if it has none.
    """

    rows: Ints
    orders: Orders
    taker: Ints
    of_taker: Ints
    low: Floats
    high: Floats


def _book(orders: Orders, peers: PeerTable, reactive_range: tuple[float, float] | None) -> _Book:
    rows = np.flatnonzero(peers.trade[orders.peer] & (orders.quantity_mw > QUANTITY_TOLERANCE_MW))
    orders = orders.take(rows)
    least, most = reactive_range or (np.inf, -np.inf)
    takes = _has(orders, BUY, len(peers)) & ~_has(orders, SELL, len(peers)) & (peers.tan_phi != 0.0)
    taker = np.flatnonzero(takes & ((least < peers.tan_phi) | (most > peers.tan_phi)))
    position = np.full(len(peers), len(taker))
    position[taker] = np.arange(len(taker))
    tan = peers.tan_phi[taker]
    # what a load takes by itself is always allowed
    high, low = tan - np.minimum(least, tan), tan - np.maximum(most, tan)
    return _Book(rows, orders, taker, np.where(orders.dispatchable, position[orders.peer], len(taker)), low, high)


def _has(orders: Orders, side: int, n_peers: int) -> Bools:
    """Return which peers have orders of this side that move something."""
    has: Bools = add_up(orders.peer, 1.0 * ((orders.side == side) & orders.dispatchable), n_peers) > 0
    return has


def _by_order(rows: NetworkRows, peers: PeerTable, orders: Orders) -> Floats:
    """Return the change of each row per MW of each order that is accepted ``(rows, orders)``."""
    change: Floats = orders.side * orders.dispatchable * rows.by_peer(peers)[:, orders.peer]
    return change


def _without_trades(
    rows: NetworkRows, peers: PeerTable, book: _Book, result: MarketResult, reactive_mvar: Floats
) -> NetworkRows:
    """Return the same lines through a state, by their value where nobody trades."""
    traded = (_by_order(rows, peers, book.orders) * result.accepted_mw[book.rows]).sum(axis=1)
    given = (rows.by_mvar[:, peers.bus] * reactive_mvar).sum(axis=1)
    return replace(rows, value_mw=rows.value_mw - traded - given)


def _priced(rows: NetworkRows, found: NetPositions) -> tuple[Ints, Ints]:
    """Return the branches and the buses whose limits have a price."""
    n = len(rows.branch)
    price = np.abs(found.row_eur_per_mwh) > LEAST_PRICE_EUR_PER_MWH
    return rows.branch[price[:n] | price[n : 2 * n]], rows.bus[price[2 * n :]]


def _charges(book: _Book, peers: PeerTable, rows: NetworkRows, found: NetPositions) -> Floats:
    """Return what each peer is charged for one MWh injected, in EUR/MWh ``(peers,)``."""
    row = np.where(np.abs(found.row_eur_per_mwh) > LEAST_CHARGE_EUR_PER_MWH, found.row_eur_per_mwh, 0.0)
    charge: Floats = (row[:, None] * rows.by_peer(peers)).sum(axis=0)
    charge[book.taker] += found.taken_eur_per_mwh  # who takes more can give more reactive power
    return charge


def _reactive(book: _Book, found: NetPositions, result: MarketResult, n_peers: int) -> Floats:
    """Return the reactive power that each peer is to give beside its own, in proportion to what it takes now."""
    takers = len(book.taker) + 1
    planned_mw = add_up(book.of_taker, found.quantity_mw, takers)[:-1]
    taken_mw = add_up(book.of_taker, result.accepted_mw[book.rows], takers)[:-1]
    share = np.divide(found.reactive_mvar, planned_mw, out=floats(takers - 1), where=planned_mw > QUANTITY_TOLERANCE_MW)
    return add_up(book.taker, np.clip(share, book.low, book.high) * taken_mw, n_peers)
