"""Why? Every decision of an hour is traced to its cause, and each cause is proved by clearing the hour without it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from peerflex.core.errors import InputError
from peerflex.core.units import QUANTITY_TOLERANCE_MW, SELL, UP
from peerflex.runs.explain.again import Again
from peerflex.runs.explain.edits import is_willingness
from peerflex.runs.explain.flex_again import buys_untraded
from peerflex.runs.explain.offers import of_offer, offer_outcome
from peerflex.runs.explain.orders import (
    WILLINGNESS,
    asked,
    asked_eur_per_mwh,
    balance_at,
    of_order,
    of_price,
    of_trade,
    order_outcome,
    price_of,
    price_outcome,
    trade_outcome,
)
from peerflex.runs.explain.rules import RULES
from peerflex.runs.explain.search import Decide, find_causes
from peerflex.runs.explain.sessions import held
from peerflex.runs.explain.shed import of_shed, shed_outcome
from peerflex.runs.explain.text import money, power
from peerflex.runs.explain.types import KINDS, Candidate, Explanation, Number, Question
from peerflex.runs.explain.wires import relief_at, said_to

if TYPE_CHECKING:
    from peerflex.runs.moment import Moment


def explain(moment: "Moment", question: Question) -> Explanation:
    """Return why an hour came out as it did in one respect.

    Raises:
        InputError: if the hour has no such trade, order, offer, bus or peer.
    """
    return explain_again(Again(moment), question)


def explain_again(again: Again, question: Question) -> Explanation:
    """Return the same; several questions about one hour share what is cleared again for them."""
    if question.kind == "agent":
        return _agent(again, question)
    asked = ask(again, question)
    causes, others = find_causes(asked.candidates, asked.decide, asked.size_mw)
    return Explanation(question, asked.answer, causes, others, asked.numbers, asked.size_mw)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question made ready: what was decided in words and numbers, what may be why, and how to decide it again."""

    answer: tuple[str, ...]
    numbers: tuple[Number, ...]
    candidates: list[Candidate]
    decide: Decide
    size_mw: float


def ask(again: Again, question: Question) -> Asked:
    if question.kind not in KINDS:
        raise InputError("explain", f"cannot tell why {question.kind!r}", f"Ask about one of {', '.join(KINDS)}.")
    kinds = {"order": _order, "trade": _trade, "offer": _offer, "price": _price, "shed": _shed}
    return kinds[question.kind](again, question)


def _order(again: Again, question: Question) -> Asked:
    moment = again.moment
    orders, accepted_mw = moment.decision.orders, moment.decision.result.accepted_mw
    row = _row(question, len(orders), "orders")
    offered_mw, got_mw, peer = float(orders.quantity_mw[row]), float(accepted_mw[row]), int(orders.peer[row])
    name, price = moment.area.peers.name[peer], asked_eur_per_mwh(orders, row)
    verb = "sell" if orders.side[row] == SELL else "buy"
    would = f"would {verb} {power(offered_mw)} at {asked(orders, row)}; {power(got_mw)} found a partner."
    told = f"Order {row} of {name}{held(moment, row)} {would}"
    if not offered_mw:
        told = f"Order {row} of {name}{held(moment, row)} has nothing left to trade: all was sold or bought before."
        if getattr(moment.area.service, "asks_for_more", False):
            told = f"Order {row} of {name} was withdrawn: the DSO had to call on flexibility, and it comes first."
    answer = told, _mediator(again, peer), _waits(again, row), _rule(again), relief_at(again, peer)
    return Asked(
        answer=tuple(filter(None, answer)),
        numbers=(
            Number("offered", offered_mw, "MW"),
            Number("traded", got_mw, "MW"),
            Number("price", price, "EUR/MWh"),
        ),
        candidates=[*said_to(again, (peer,)), *of_order(again, row)],
        decide=lambda without: order_outcome(again.trades(without), orders, row),
        size_mw=offered_mw or abs(moment.decision.regulation.request_mw),
    )


def _rule(again: Again) -> str:
    """Return how the hour's market decides, in a sentence."""
    market = again.moment.area.market
    rule = RULES.get(type(market), f"The rule is that of {type(market).__name__}.")
    return f"{rule} {WILLINGNESS}" if is_willingness(market) else rule


def _mediator(again: Again, peer: int) -> str:
    """Return who acts for a peer, as a sentence; '' if nobody does."""
    return "".join(f"Its mediator is {each.name}." for each in again.moment.area.mediators if each.member[peer])


def _waits(again: Again, row: int) -> str:
    """Return what happens to what found no partner, as a sentence; '' if all of it did."""
    decision, area = again.moment.decision, again.moment.area
    orders, peer = decision.orders, int(decision.orders.peer[row])
    left_mw = float(orders.quantity_mw[row] - decision.result.accepted_mw[row])
    if left_mw <= QUANTITY_TOLERANCE_MW:
        return ""
    if orders.extra[row]:
        called = decision.effort.called_share
        why = f"the DSO called on {100 * called:.0f} % of what peers have" if called else "nobody paid what it is worth"
        return f"{power(left_mw)} are flexibility beyond what the peer offers of itself: {why}."
    if not orders.dispatchable[row]:
        return f"The other {power(left_mw)} flow anyway: the supplier settles them."
    curtailed = orders.side[row] == SELL and area.profiles.pv_mw[again.moment.step, peer] > 0.0
    if curtailed and decision.pv_mw[peer] < area.profiles.pv_mw[again.moment.step, peer]:
        return f"Its sun or wind waits for a trade: {power(left_mw)} of it are curtailed."
    after = "" if buys_untraded(again.moment) else ", or for the flexibility market"
    after = after or (", or for the last resort" if area.last_resort is not None else "")
    return f"The other {power(left_mw)} wait for somebody to pay for them{after}."


def _trade(again: Again, question: Question) -> Asked:
    moment = again.moment
    trades = moment.decision.result.trades
    row = _row(question, len(trades), "trades")
    seller, buyer = int(trades.seller[row]), int(trades.buyer[row])
    quantity_mw, price = float(trades.quantity_mw[row]), float(trades.price_eur_per_mwh[row])
    names = moment.area.peers.name
    orders = moment.decision.orders
    rows = int(trades.sell_order[row]), int(trades.buy_order[row])
    told = f"{names[seller]} sells {power(quantity_mw)} to {names[buyer]} at {money(price)}{held(moment, rows[0])}."
    both = trade_outcome(moment.decision.result, orders, *rows)
    matched = (
        "Who is matched with whom is a rule of the market; that both orders trade, and the price, is explained here:"
    )
    return Asked(
        answer=(told, _rule(again), f"{matched} in all, each trades {power(both.quantity_mw)} or more."),
        numbers=(Number("traded", quantity_mw, "MW"), Number("price", price, "EUR/MWh")),
        candidates=[*said_to(again, (seller, buyer)), *of_trade(again, *rows)],
        decide=lambda without: trade_outcome(again.trades(without), orders, *rows),
        size_mw=both.quantity_mw,
    )


def _price(again: Again, question: Question) -> Asked:
    decision = again.moment.decision
    price, volume_mw = price_of(decision.result), float(decision.result.trades.quantity_mw.sum())
    one = not np.isnan(decision.result.price_eur_per_mwh)
    each = "sessions" if len(again.moment.area.sessions) > 1 else "trades"
    average = "" if one else f" on average: {each} have prices of their own"
    told = f"{power(volume_mw)} trade at {money(price)}{average}."
    if np.isnan(price):
        told = "Nothing trades, so there is no price."
    balance = () if not one or np.isnan(price) else (balance_at(decision.orders, price),)
    return Asked(
        answer=(told, *balance, _rule(again)),
        numbers=(Number("price", price, "EUR/MWh"), Number("traded", volume_mw, "MW")),
        candidates=[*said_to(again, ()), *of_price(again)],
        decide=lambda without: price_outcome(again.trades(without)),
        size_mw=volume_mw,
    )


def _offer(again: Again, question: Question) -> Asked:
    moment = again.moment
    offers, result = moment.decision.offers, moment.decision.flex
    row = _row(question, len(offers), "offers of flexibility")
    peer, way = int(offers.peer[row]), "more" if offers.side[row] == UP else "less"
    offered_mw, done_mw, price = (
        float(offers.quantity_mw[row]),
        float(result.accepted_mw[row]),
        float(offers.price_eur_per_mwh[row]),
    )
    told = (
        f"Offer {row} of {moment.area.peers.name[peer]} would inject {power(offered_mw)} {way} at bus "
        f"{moment.area.grid.buses.name[offers.bus[row]]} for {money(price)}; {power(done_mw)} were activated."
    )
    return Asked(
        answer=tuple(filter(None, (told, _mediator(again, peer)))),
        numbers=(
            Number("offered", offered_mw, "MW"),
            Number("activated", done_mw, "MW"),
            Number("price", price, "EUR/MWh"),
        ),
        candidates=of_offer(again, row),
        decide=lambda without: offer_outcome(again.flex(without), row),
        size_mw=offered_mw,
    )


def _shed(again: Again, question: Question) -> Asked:
    moment = again.moment
    bus = _named(question, moment.area.grid.buses.name, "bus")
    shed_mw = float(moment.record.state.shed_mw[bus])
    dark = moment.record.state.method == "dark"
    told = f"{power(abs(shed_mw))} of {'load' if shed_mw > 0 else 'generation'} were taken off at bus {question.which}."
    if abs(shed_mw) <= QUANTITY_TOLERANCE_MW:
        told = f"Nothing was taken off at bus {question.which}."
    answer = (told, "No power flow has a solution with any load: everything is off.") if dark else (told,)
    return Asked(
        answer=answer,
        numbers=(Number("taken off", shed_mw, "MW"),),
        candidates=of_shed(again, bus),
        decide=lambda without: shed_outcome(again.flow(without), bus),
        size_mw=abs(shed_mw),
    )


def _agent(again: Again, question: Question) -> Explanation:
    """Return why a peer's orders and offers of the hour came out as they did, one after the other."""
    decision, area = again.moment.decision, again.moment.area
    peer = _named(question, area.peers.name, "peer")
    asked = [Question("order", str(row)) for row in np.flatnonzero(decision.orders.peer == peer)]
    asked += [Question("offer", str(row)) for row in np.flatnonzero(decision.offers.peer == peer)]
    bus = int(area.peers.bus[peer])
    if abs(again.moment.record.state.shed_mw[bus]) > QUANTITY_TOLERANCE_MW:
        asked.append(Question("shed", area.grid.buses.name[bus]))
    found = [explain_again(again, each) for each in asked]
    told = [sentence for each in found for sentence in each.answer]
    last_mw = float(decision.last_resort.activated_mw(len(area.peers))[peer])
    if abs(last_mw) > QUANTITY_TOLERANCE_MW:
        way = "more" if last_mw > 0 else "less"
        told.append(f"After both markets the DSO had it inject {power(abs(last_mw))} {way}: a last resort.")
    return Explanation(
        question=question,
        answer=tuple(dict.fromkeys(told)) or (f"{question.which} had no orders and no offers in this hour.",),
        causes=tuple(cause for each in found for cause in each.causes),
        others=tuple(other for each in found for other in each.others),
        numbers=tuple(number for each in found for number in each.numbers),
        size_mw=max((each.size_mw for each in found), default=0.0),
        parts=tuple(found),
    )


def _row(question: Question, count: int, what: str) -> int:
    row = question.number
    if row >= count:
        has = f"numbered 0 to {count - 1}" if count else "none"
        raise InputError(f"--{question.kind} {row}", f"the hour's {what} are {has}", "Look at the book of the hour.")
    return row


def _named(question: Question, names: tuple[str, ...], what: str) -> int:
    from difflib import get_close_matches

    if question.which not in names:
        close = get_close_matches(question.which, names, n=1)
        remedy = f"Did you mean {close[0]!r}?" if close else f"Choose a {what} of the run."
        raise InputError(f"--{question.kind}", f"there is no {what} {question.which!r}", remedy)
    return names.index(question.which)
