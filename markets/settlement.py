"""Who pays whom for what: the entries of the ledger, and the proof that they add up.

Each peer's meter is explained in three parts: what it contracted in the local markets, what else it had announced
(the residual, to or from the supplier) and what it did otherwise (the imbalance, likewise, at a worse price). What the
network took off is given back at the tariff it was billed at.
"""

import numpy as np

from peerflex.core.arrays import Bools, Floats, Ints, add_up, floats
from peerflex.core.errors import SimulationError
from peerflex.core.network import GridState, Injections
from peerflex.core.parties import Reason, Role
from peerflex.core.record import Decision, Ledger, Tariffs
from peerflex.core.units import UP
from peerflex.markets.dso_payments import dso_entries
from peerflex.markets.entries import at_amount, bill_eur, entries, exchanged, paid
from peerflex.markets.responsibility import (
    ACTIVATIONS,
    EACH_ITS_OWN,
    Positions,
    Responsibility,
    as_delivered,
    of_imbalance,
)

NOTHING_MWH = 1e-15
"""A nanowatt-hour: entries below are rounding and are not made."""

BALANCE_TOLERANCE = 1e-9
LEAST_TURNOVER_MWH = 1e-5
"""A party that moved less than 10 Wh is held to the tolerance of one that moved 10 Wh."""


def settle(
    decision: Decision,
    metered_mw: Floats,
    external: Injections,
    state: GridState,
    tariffs: Tariffs,
    hours: float,
    rules: Responsibility = EACH_ITS_OWN,
    trades_with_peers: Bools | None = None,
) -> Ledger:
    """Return the ledger of one step of ``hours``.

    ``metered_mw`` ``(peers,)`` and ``external`` ``(buses,)`` are as metered (``markets.meter``). The ``rules`` say who
    answers for what; ``trades_with_peers`` ``(peers,)`` who may trade (None: everybody).
    """
    n = len(metered_mw)
    decision, penalties = as_delivered(decision, rules, hours)
    members = np.ones(n, dtype=np.bool_) if trades_with_peers is None else trades_with_peers
    supplier, dso, mediator, upstream = (
        role.party(n) for role in (Role.SUPPLIER, Role.DSO, Role.MEDIATOR, Role.UPSTREAM)
    )
    peers = np.arange(n)
    trades, flex = decision.result.trades, decision.flex
    others_mwh = np.array([np.maximum(external.p_mw, 0).sum(), np.minimum(external.p_mw, 0).sum()]) * hours
    feed_in, retail = tariffs.feed_in_eur_per_mwh, tariffs.retail_eur_per_mwh
    wholesale = tariffs.wholesale_eur_per_mwh
    upward = decision.offers.side == UP
    flex_giver = np.where(upward, decision.offers.peer, dso)
    flex_taker = np.where(upward, dso, decision.offers.peer)
    taken_mw = floats(len(upward)) if flex.energy_stays else flex.accepted_mw  # else paid in dso_entries
    net_flex_mwh = np.array([(decision.offers.side * taken_mw).sum() * hours])
    residual_mwh = (decision.scheduled_mw - decision.contracted_mw) * hours
    asked_mwh = (decision.pv_mw + decision.battery_mw - decision.load_mw) * hours
    shed_mwh = metered_mw * hours - asked_mwh
    imbalance_mwh = metered_mw * hours - decision.scheduled_mw * hours - shed_mwh
    taken_mwh = add_up(decision.offers.peer, decision.offers.side * taken_mw, n) * hours
    positions = Positions(residual_mwh, imbalance_mwh, taken_mwh, members)
    net_flex_eur = np.array([ACTIVATIONS[rules.activations](positions, tariffs, float(net_flex_mwh[0]))])
    found = (
        entries(Reason.P2P, trades.seller, trades.buyer, trades.quantity_mw * hours, trades.price_eur_per_mwh),
        paid(Reason.FEE, trades.buyer, mediator, -trades.quantity_mw * hours * trades.fee_eur_per_mwh),
        paid(Reason.INCENTIVE, trades.seller, dso, trades.quantity_mw * hours * trades.seller_premium_eur_per_mwh),
        paid(Reason.INCENTIVE, trades.buyer, dso, trades.quantity_mw * hours * trades.buyer_premium_eur_per_mwh),
        *_mediated(decision, peers, mediator, hours),
        entries(Reason.FLEX, flex_giver, flex_taker, taken_mw * hours, flex.price_eur_per_mwh),
        at_amount(Reason.FLEX_RESIDUAL, dso, supplier, net_flex_mwh, net_flex_eur),
        penalties,
        dso_entries(decision, metered_mw, positions, rules.activations, tariffs, hours),
        exchanged(Reason.RESIDUAL, peers, supplier, residual_mwh, bill_eur(residual_mwh, feed_in, retail)),
        exchanged(Reason.RESIDUAL, Role.OTHERS.party(n), supplier, others_mwh, bill_eur(others_mwh, feed_in, retail)),
        # What the network took off is undone at the tariff it was billed at: nobody pays for being cut off.
        exchanged(Reason.SHED, peers, supplier, shed_mwh, bill_eur(shed_mwh, retail, feed_in)),
        *of_imbalance(positions, tariffs, rules),
        entries(Reason.LOSSES, supplier, dso, np.array([state.loss_mw * hours]), wholesale),
        entries(Reason.WHOLESALE, upstream, supplier, np.array([state.exchange_mw * hours]), wholesale),
    )
    ledger = Ledger.join([each for each in found if len(each)])
    nothing = (np.abs(ledger.energy_mwh) < NOTHING_MWH) & (ledger.energy_mwh * 0 == ledger.amount_eur)
    return ledger.take(~nothing)  # keeps what is not a number: the balance will tell


def check_balance(
    ledger: Ledger, metered_mw: Floats, external: Injections, state: GridState, hours: float, where: str = "settlement"
) -> None:
    """Raise SimulationError unless every party gave, on balance, the energy it physically gave, and money adds to 0.

    A peer gives what its meter saw, the upstream grid the exchange, the external simulators what they injected; the
    DSO takes the losses; every other role passes on what it gets. Within 1e-9 of what the party moved.
    """
    n = len(metered_mw)
    physical_mwh = floats(n + len(Role))
    physical_mwh[:n] = metered_mw * hours
    physical_mwh[Role.UPSTREAM.party(n)] = state.exchange_mw * hours
    physical_mwh[Role.DSO.party(n)] = -state.loss_mw * hours
    physical_mwh[Role.OTHERS.party(n)] = external.p_mw.sum() * hours

    given_mwh, turnover_mwh = _per_party(ledger, ledger.energy_mwh, n)
    off_mwh = np.abs(given_mwh - physical_mwh)
    tolerance_mwh = BALANCE_TOLERANCE * np.maximum(turnover_mwh, LEAST_TURNOVER_MWH)
    wrong = np.flatnonzero(~(off_mwh <= tolerance_mwh))  # also when not a number
    if len(wrong):
        party = int(wrong[0])
        name = f"peer {party}" if party < n else Role(party - n).name.lower()
        raise SimulationError(
            f"{where}: the energy of {name} is off by {off_mwh[party]:.3g} MWh "
            f"(given {given_mwh[party]:.9g}, metered {physical_mwh[party]:.9g}; {len(wrong)} parties in all)"
        )
    earned_eur, turnover_eur = _per_party(ledger, ledger.amount_eur, n)
    if not abs(earned_eur.sum()) <= BALANCE_TOLERANCE * turnover_eur.sum():
        raise SimulationError(f"{where}: the money of all parties adds up to {earned_eur.sum():.3g} EUR, not to 0")


def _mediated(decision: Decision, peers: Ints, mediator: int, hours: float) -> tuple[Ledger, ...]:
    """Return what peers pay those who mediate for them, if anybody does."""
    if decision.mediation is None:
        return ()
    return (paid(Reason.FEE, peers, mediator, -decision.mediation.fee_eur_per_h * hours),)


def _per_party(ledger: Ledger, moved: Floats, n_peers: int) -> tuple[Floats, Floats]:
    """Return per party what it gave (or earned) on balance, and the sum of all it moved."""
    parties = n_peers + len(Role)
    given, taken = add_up(ledger.giver, moved, parties), add_up(ledger.taker, moved, parties)
    size = np.abs(moved)
    return given - taken, add_up(ledger.giver, size, parties) + add_up(ledger.taker, size, parties)
