"""What the DSO pays and charges beside the flexibility market: entries of the ledger."""

from dataclasses import replace

import numpy as np

from peerflex.core.arrays import Floats, add_up
from peerflex.core.last_resort import Dues, LastResort
from peerflex.core.parties import Reason, Role
from peerflex.core.record import Decision, Ledger, Tariffs
from peerflex.core.trade import FlexOffers, FlexResult
from peerflex.core.units import UP
from peerflex.markets.entries import at_amount, entries, paid
from peerflex.markets.responsibility import ACTIVATIONS, ActivationsName, Positions


def dso_entries(
    decision: Decision,
    metered_mw: Floats,
    positions: Positions,
    activations: ActivationsName,
    tariffs: Tariffs,
    hours: float,
) -> Ledger:
    """Return what movement that leaves the energy with the supplier is paid, and what the last resort, agreements,
    contracts and the network tariff move, in a step of ``hours``.

    ``positions`` are those that ``activations`` of the flexibility market were settled by.
    """
    n = len(metered_mw)
    flex, last = decision.flex, decision.last_resort
    found = [_last_resort(last, positions, activations, tariffs, hours)] if len(last.offers) else []
    if flex.energy_stays:
        found += [_moved(Reason.FLEX, decision.offers, flex, n, hours)]
    if decision.dues is not None:
        taken_mw = last.contracted_mw(n)
        if not flex.energy_stays:
            taken_mw = taken_mw + add_up(decision.offers.peer, decision.offers.side * flex.accepted_mw, n)
        found += _by_rule(decision.dues, (metered_mw - taken_mw) * hours, hours)
    return Ledger.join(found)


def _by_rule(dues: Dues, own_mwh: Floats, hours: float) -> list[Ledger]:
    """Return what agreements and contracts pay, and the network tariff on what peers did of their own ``(peers,)``.

    The tariff leaves out the energy that the DSO took of activations: it does not pay or charge for its own calls.
    """
    peers, dso = np.arange(len(own_mwh)), Role.DSO.party(len(own_mwh))
    rate = np.where(own_mwh < 0.0, dues.withdrawal_eur_per_mwh, dues.injection_eur_per_mwh)
    return [
        paid(Reason.AVAILABILITY, peers, dso, dues.standing_eur_per_h * hours),
        paid(Reason.NETWORK_TARIFF, peers, dso, own_mwh * rate),
    ]


def _moved(reason: Reason, offers: FlexOffers, result: FlexResult, n_peers: int, hours: float) -> Ledger:
    """Return what the DSO pays for each MWh moved, whichever way."""
    return paid(reason, offers.peer, Role.DSO.party(n_peers), result.accepted_mw * hours * result.price_eur_per_mwh)


def _last_resort(
    last: LastResort, positions: Positions, activations: ActivationsName, tariffs: Tariffs, hours: float
) -> Ledger:
    """Return what was activated as energy from or to the DSO and its residual, or what is paid for moving it.

    The supplier takes the residual by the rule for ``activations``, after those of the flexibility market.
    """
    offers, result, n = last.offers, last.result, len(positions.residual_mwh)
    if result.energy_stays:
        return _moved(Reason.LAST_RESORT, offers, result, n, hours)
    dso, supplier, upward = Role.DSO.party(n), Role.SUPPLIER.party(n), offers.side == UP
    energy_mwh = result.accepted_mw * hours
    giver, taker = np.where(upward, offers.peer, dso), np.where(upward, dso, offers.peer)
    net_mwh = np.array([(offers.side * energy_mwh).sum()])
    after_mwh = positions.residual_mwh + positions.activated_mwh
    then = replace(positions, residual_mwh=after_mwh, activated_mwh=last.contracted_mw(n) * hours)
    eur = ACTIVATIONS[activations](then, tariffs, float(net_mwh[0]))
    return Ledger.join(
        [
            entries(Reason.LAST_RESORT, giver, taker, energy_mwh, result.price_eur_per_mwh),
            at_amount(Reason.LAST_RESORT, dso, supplier, net_mwh, np.array([eur])),
        ]
    )
