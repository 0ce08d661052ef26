"""Which messages a step consists of: who told whom what, and how often."""

from typing import TYPE_CHECKING

import numpy as np

from peerflex.core.last_resort import LastResort
from peerflex.core.messages import KINDS
from peerflex.core.record import MessageBatch
from peerflex.core.regulation import Regulation
from peerflex.markets.idle import NoFlexMarket, NoIncentive, NoMarket, NoService
from peerflex.runs.stages.desk import HourDesk
from peerflex.runs.stages.mediation import pools, sellers
from peerflex.runs.stages.sequences import Bargain

if TYPE_CHECKING:
    from peerflex.runs.model import AreaModel


Said = tuple[str, str, str, int]
"""A kind of message, who says it to whom, and how often."""


def batch(kind: str, sender: str, receiver: str, count: int) -> MessageBatch:
    """Return a batch, or raise KeyError or ValueError for a message that nobody may send."""
    allowed = KINDS[kind]
    if sender not in allowed.senders or receiver not in allowed.receivers:
        raise ValueError(f"a {sender} does not send {kind!r} to a {receiver}")
    return MessageBatch(kind, sender, receiver, int(count))


def said(
    model: "AreaModel", desk: HourDesk, bargain: Bargain, last: LastResort, regulation: Regulation
) -> tuple[MessageBatch, ...]:
    """Return what was said in steps 1 to 7, without the batches that are empty.

    Where the DSO has a service, it sees the trades of every clearing and answers; what it answers with are terms for
    the next clearing, or a call for flexibility and new bids.
    """
    agreed, bought = bargain.agreed, bargain.bought
    trading = int(np.count_nonzero(model.peers.behaviour >= 0))
    traders = int(np.count_nonzero(model.peers.trade))
    reports = desk.measured is not None
    trades = not isinstance(model.area.market, NoMarket)
    checks = desk.clearings * (not isinstance(model.area.service, NoService))
    new_terms = max(desk.clearings - desk.count.asked, 0) * bool(checks)
    middle = "peer" if getattr(model.area.market, "without_mediator", False) else "mediator"
    need = bool(len(bought.need)) and not isinstance(model.area.flex_market, NoFlexMarket)
    rows = (
        ("state-report", "grid", "dso", reports),
        ("own-voltage", "grid", "peer", trading * reports),
        ("signal", "dso", "peer", trading * model.dso.publishes),
        ("signal", "dso", "mediator", len(model.mediators) * model.dso.publishes),
        ("trade-terms", "dso", "peer", traders * (_speaks(model) + new_terms)),
        (
            "flexibility-call",
            "dso",
            "peer",
            traders * max(desk.count.asked - bargain.rounds * (1 + desk.two_sessions), 0),
        ),
        ("bid", "peer", middle, desk.count.bids * trades),
        ("negotiation", middle, "peer", agreed.result.messages),
        ("proposed-trades", middle, "dso", checks),
        ("check-answer", "dso", middle, checks),
        ("award", middle, "peer", int(np.count_nonzero(agreed.result.accepted_mw))),
        ("schedule", "peer", "supplier", trading),
        ("schedule", "peer", "dso", trading),
        ("flex-need", "dso", "fmo", bought.rounds * need),
        *_of_flexibility(model, bargain, bargain.rounds * need),
        ("flex-result", "fmo", "dso", bought.rounds * need),
        ("network-tariff", "dso", "peer", trading * (model.area.network_tariff is not None)),
        ("last-resort-call", "dso", "peer", int(np.count_nonzero(last.activated_mw(len(model.peers))))),
        ("regulation-request", "tso", "mediator", regulation.request_mw != 0.0),
        ("regulation-offer", "mediator", "tso", regulation.request_mw != 0.0),
    )
    return tuple(batch(*row) for row in rows if row[3])


def _of_flexibility(model: "AreaModel", bargain: Bargain, times: int) -> tuple[Said, ...]:
    """Return what is offered (so often) and activated; mediators that sell flexibility speak for their members."""
    if not len(bargain.offers):
        return ()
    offers, activated = bargain.offers, bargain.bought.result.accepted_mw > 0
    mediated = sellers(model, offers) < 0
    pool = pools(model, offers)
    own_offers, own_calls = int(np.count_nonzero(~mediated)), int(np.count_nonzero(activated & ~mediated))
    return (
        ("flex-offer", "peer", "fmo", own_offers * times),
        ("flex-offer", "peer", "mediator", int(np.count_nonzero(mediated)) * times),
        ("flex-offer", "mediator", "fmo", len(np.unique(pool[mediated])) * times),
        ("activation", "fmo", "peer", own_calls),
        ("activation", "fmo", "mediator", len(np.unique(pool[mediated & activated]))),
        ("activation", "mediator", "peer", int(np.count_nonzero(mediated & activated))),
    )


def _speaks(model: "AreaModel") -> bool:
    """Whether the DSO says anything about trades."""
    return not isinstance(model.dso.incentive, NoIncentive)


def metered(n_peers: int) -> tuple[MessageBatch, ...]:
    """Return what the meters and the supplier say at the end of a step."""
    return (
        batch("meter-reading", "meter", "supplier", n_peers),
        batch("meter-reading", "meter", "dso", n_peers),
        batch("bill", "supplier", "peer", n_peers),
    )
