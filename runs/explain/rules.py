"""How each market decides, in a sentence."""

from typing import Final

from peerflex.core.protocols import Market
from peerflex.markets.bilateral import BilateralEquilibrium
from peerflex.markets.communities import Communities
from peerflex.markets.consensus import ConsensusAdmm
from peerflex.markets.continuous import ContinuousDoubleAuction
from peerflex.markets.double_auction import UniformPriceDoubleAuction
from peerflex.markets.idle import NoMarket
from peerflex.markets.k_double_auction import PairwiseDoubleAuction
from peerflex.markets.mcafee import McAfeeAuction
from peerflex.markets.negotiation import Negotiation
from peerflex.markets.pay_as_bid import PayAsBidAuction
from peerflex.markets.pool import BilateralPool
from peerflex.markets.sharing import MidMarketRate, SupplyDemandRatio
from peerflex.markets.walrasian import WalrasianAuction

RULES: Final[dict[type[Market], str]] = {
    UniformPriceDoubleAuction: "The rule: one price clears the largest volume; sales are served from the cheapest up, "
    "purchases from the dearest down, and orders at the margin share what is left by their size.",
    BilateralPool: "The rule: one price clears, and each order trades the more, the better that price is for it.",
    BilateralEquilibrium: "The rule: peers agree in pairs on the trades that are worth most together, on the DSO's "
    "terms; each trade settles at what keeps both sides to it.",
    PayAsBidAuction: "The rule: the largest volume is cleared as in the uniform auction; buyers pay what they bid, "
    "sellers get what they asked, and the mediator keeps the difference.",
    PairwiseDoubleAuction: "The rule: the largest volume is cleared, the best sale against the best purchase; every "
    "pair trades at a price of its own between the two.",
    McAfeeAuction: "The rule: the largest volume but its least valuable trade is cleared, at prices that nobody who "
    "trades could move.",
    ContinuousDoubleAuction: "The rule: quotes meet in an order book by price, then by time; each trade settles at the "
    "price of the quote that was there first.",
    Negotiation: "The rule: peers meet in random pairs, ask for less from round to round, and trade where their prices "
    "cross, half way between them.",
    ConsensusAdmm: "The rule: peers agree in pairs, message by message, on the trades that are worth most together, on "
    "the DSO's terms.",
    WalrasianAuction: "The rule: a price is called and moved until what peers would sell at it is what they would buy.",
    MidMarketRate: "The rule: what the community exchanges is divided at the middle of the supplier's two tariffs.",
    SupplyDemandRatio: "The rule: what the community exchanges is divided at a price that falls as supply per demand "
    "rises.",
    Communities: "The rule: each community holds an auction, and what it leaves is traded between communities in "
    "pairs.",
    NoMarket: "There is no market between peers.",
}
"""How each market decides, in a sentence; a market of a plugin has none."""
