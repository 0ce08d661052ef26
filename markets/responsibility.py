"""Who answers for what was not announced, and who pays the supplier for energy that is activated.

Three choices of a design: whether flexibility is paid as sold or as delivered; who bears the imbalance of peers; and
at which price activated energy goes to the supplier, who had bought it for the peer (the models of independent
aggregators of the Universal Smart Energy Framework: central settlement, uncorrected, corrected).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from peerflex.core.arrays import Bools, Floats, add_up
from peerflex.core.parties import Reason, Role
from peerflex.core.record import Decision, Ledger, Tariffs
from peerflex.core.trade import FlexOffers, FlexResult
from peerflex.markets.baselines import baseline_that_counts
from peerflex.markets.entries import NO_ENTRIES, bill_eur, exchanged, paid

WHOLLY: Final = 1 - 1e-9
"""An activation of which this share was delivered was delivered: what is missing is rounding."""

ImbalanceName = Literal["peers", "mediator", "supplier"]
ActivationsName = Literal["dso", "supplier", "peers"]


@dataclass(frozen=True, slots=True)
class Positions:
    """What peers did towards the supplier in a step, in MWh ``(peers,)``; > 0: they gave.

    ``residual_mwh`` is what they had announced beside local contracts, ``imbalance_mwh`` what they did otherwise,
    ``activated_mwh`` the flexibility that is settled. ``trades``: who trades with peers.
    """

    residual_mwh: Floats
    imbalance_mwh: Floats
    activated_mwh: Floats
    trades: Bools


@dataclass(frozen=True, slots=True)
class Imbalance:
    """What peers receive for their imbalance, and which of them settle it with the mediator ``(peers,)``."""

    received_eur: Floats
    with_mediator: Bools


def own(positions: Positions, tariffs: Tariffs) -> Imbalance:
    """Each peer pays for its own: retail raised, or feed-in lowered, by the spread."""
    energy = positions.imbalance_mwh
    return Imbalance(bill_eur(energy, *_spread(tariffs, tariffs.imbalance_spread)), np.zeros(len(energy), np.bool_))


def netted(positions: Positions, tariffs: Tariffs) -> Imbalance:
    """Traders settle theirs with the mediator, who is short or long only by their sum: the spread falls with it.

    No trader gains by announcing anything else than it does: none is paid more than feed-in, or charged less than
    retail. What the mediator sells of some to others is its own gain.
    """
    energy, trades = positions.imbalance_mwh, positions.trades
    moved = float(np.abs(energy[trades]).sum())
    left = abs(float(energy[trades].sum())) / moved if moved else 1.0
    among = bill_eur(energy, *_spread(tariffs, tariffs.imbalance_spread * left))
    return Imbalance(np.where(trades, among, own(positions, tariffs).received_eur), trades)


def socialised(positions: Positions, tariffs: Tariffs) -> Imbalance:
    """Nobody is charged for it: the supplier bills what the meter shows, as if it had been announced."""
    feed_in, retail = tariffs.feed_in_eur_per_mwh, tariffs.retail_eur_per_mwh
    announced = bill_eur(positions.residual_mwh, feed_in, retail)
    metered = bill_eur(positions.residual_mwh + positions.imbalance_mwh, feed_in, retail)
    return Imbalance(metered - announced, np.zeros(len(announced), np.bool_))


def at_interface(positions: Positions, tariffs: Tariffs, net_mwh: float) -> float:
    """The supplier pays the DSO an agreed price for activated energy."""
    return net_mwh * tariffs.interface_eur_per_mwh


def at_wholesale(positions: Positions, tariffs: Tariffs, net_mwh: float) -> float:
    """The supplier pays what it would have paid upstream: it neither gains nor loses, peers pay it what they sold."""
    return net_mwh * tariffs.wholesale_eur_per_mwh


def at_tariffs(positions: Positions, tariffs: Tariffs, net_mwh: float) -> float:
    """The supplier bills what it bills for metered energy, and gives back what it billed beyond that."""
    feed_in, retail = tariffs.feed_in_eur_per_mwh, tariffs.retail_eur_per_mwh
    without = bill_eur(positions.residual_mwh, feed_in, retail)
    metered = bill_eur(positions.residual_mwh + positions.activated_mwh, feed_in, retail)
    return float((metered - without).sum())


IMBALANCE: Final[dict[ImbalanceName, Callable[[Positions, Tariffs], Imbalance]]] = {
    "peers": own,
    "mediator": netted,
    "supplier": socialised,
}

ACTIVATIONS: Final[dict[ActivationsName, Callable[[Positions, Tariffs, float], float]]] = {
    "dso": at_interface,
    "supplier": at_tariffs,
    "peers": at_wholesale,
}


@dataclass(frozen=True, slots=True)
class Responsibility:
    """Who answers for what, by the words of a scenario (``market.settlement``).

    ``delivered``: flexibility is paid as delivered, and what is missing beyond the share ``tolerance`` of an activation
    costs ``penalty_eur_per_mwh``; else it is paid as sold. Its baseline is made of the meters of so many days before,
    ``baseline_days`` (0: it is what was announced), on which nobody called on the peer then if ``quiet_days_only``.
    """

    imbalance: ImbalanceName = "peers"
    activations: ActivationsName = "dso"
    delivered: bool = False
    tolerance: float = 0.0
    penalty_eur_per_mwh: float = 0.0
    baseline_days: int = 0
    quiet_days_only: bool = False


EACH_ITS_OWN: Final = Responsibility()


def delivered_share(decision: Decision) -> Floats:
    """Return which share of what it sold as flexibility each peer delivered, by its meter ``(peers,)``; 1 of nothing.

    Its baseline is what it announced without the activation, or what meters say of the days before; what the network
    took off counts as delivered.
    """
    return _share_beyond(decision, baseline_that_counts(decision.baseline_mw, decision.history_baseline_mw))


def moved_share(decision: Decision) -> Floats:
    """Return the same against what it announced, whatever the baseline that counts ``(peers,)``."""
    return _share_beyond(decision, decision.baseline_mw)


def _share_beyond(decision: Decision, baseline_mw: Floats) -> Floats:
    done_mw = decision.pv_mw + decision.battery_mw - decision.load_mw
    return _share(decision.offers, decision.flex, done_mw - baseline_mw)


def settled_mw(rules: Responsibility, offers: FlexOffers, flex: FlexResult, changed_mw: Floats) -> Floats:
    """Return what of each activation is paid for ``(offers,)``, of peers who did ``changed_mw`` ``(peers,)`` otherwise
    than their baseline."""
    return flex.accepted_mw * _share(offers, flex, changed_mw)[offers.peer] if rules.delivered else flex.accepted_mw


def _share(offers: FlexOffers, flex: FlexResult, changed_mw: Floats) -> Floats:
    if not len(offers):
        return np.ones(len(changed_mw))
    activated_mw = add_up(offers.peer, offers.side * flex.accepted_mw, len(changed_mw))
    share = np.divide(changed_mw, activated_mw, out=np.ones(len(changed_mw)), where=activated_mw != 0.0)
    return np.where(share >= WHOLLY, 1.0, np.maximum(share, 0.0))


def of_imbalance(positions: Positions, tariffs: Tariffs, rules: Responsibility) -> list[Ledger]:
    """Return the entries of imbalance: of peers, of the mediator, and what the supplier owes upstream for the sum."""
    energy_mwh = positions.imbalance_mwh
    n = len(energy_mwh)
    supplier, mediator, upstream = (role.party(n) for role in (Role.SUPPLIER, Role.MEDIATOR, Role.UPSTREAM))
    found = IMBALANCE[rules.imbalance](positions, tariffs)
    counterparty = np.where(found.with_mediator, mediator, supplier)
    netted_mwh = np.array([energy_mwh[found.with_mediator].sum()])
    owed_eur = bill_eur(netted_mwh, *_spread(tariffs, tariffs.imbalance_spread))
    upstream_eur = abs(float(energy_mwh.sum()) * tariffs.wholesale_eur_per_mwh) * tariffs.wholesale_imbalance_spread
    return [
        exchanged(Reason.IMBALANCE, np.arange(n), counterparty, energy_mwh, found.received_eur),
        exchanged(Reason.IMBALANCE, mediator, supplier, netted_mwh, owed_eur),
        paid(Reason.IMBALANCE, upstream, supplier, np.array([upstream_eur])),
    ]


def as_delivered(decision: Decision, rules: Responsibility, hours: float) -> tuple[Decision, Ledger]:
    """Return the decision with what is settled as flexibility, and the penalties for what is not.

    What was not delivered is no longer contracted: it was announced all the same, so the meter shows it as imbalance.
    """
    if not rules.delivered:
        return decision, NO_ENTRIES
    share, peer, sold_mw = delivered_share(decision), decision.offers.peer, decision.flex.accepted_mw
    n, taken_mw = len(share), sold_mw * share[peer]
    missing_mw = add_up(peer, decision.offers.side * (sold_mw - taken_mw), n)
    allowed_mw = rules.tolerance * np.abs(add_up(peer, decision.offers.side * sold_mw, n))
    beyond_mwh = np.maximum(np.abs(missing_mw) - allowed_mw, 0.0) * hours
    contracted_mw = decision.contracted_mw - (0.0 if decision.flex.energy_stays else missing_mw)
    settled = replace(decision, flex=replace(decision.flex, accepted_mw=taken_mw), contracted_mw=contracted_mw)
    penalty_eur = -beyond_mwh * rules.penalty_eur_per_mwh
    return settled, paid(Reason.PENALTY, np.arange(n), Role.DSO.party(n), penalty_eur)


def _spread(tariffs: Tariffs, spread: float) -> tuple[float, float]:
    """Return feed-in lowered and retail raised by a fraction."""
    return tariffs.feed_in_eur_per_mwh * (1 - spread), tariffs.retail_eur_per_mwh * (1 + spread)
