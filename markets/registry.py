"""Every market by the name it has in a scenario. A new market is one file, one line here, one page of docs."""

from peerflex.core.protocols import FlexMarket, Incentive, Market
from peerflex.markets.bilateral import BilateralEquilibrium
from peerflex.markets.double_auction import UniformPriceDoubleAuction
from peerflex.markets.idle import NoFlexMarket, NoIncentive, NoMarket
from peerflex.markets.incentives import TradeBlocking, TradePreference
from peerflex.markets.lfm import LocalFlexibilityMarket
from peerflex.markets.pool import BilateralPool

MARKETS: dict[str, type[Market]] = {
    "uniform-auction": UniformPriceDoubleAuction,
    "bilateral-pool": BilateralPool,
    "bilateral-equilibrium": BilateralEquilibrium,
    "none": NoMarket,
}
"""Peer-to-peer mechanisms; their parameters are the annotated fields of the dataclass."""

INCENTIVES: dict[str, type[Incentive]] = {
    "blocking": TradeBlocking,
    "preference": TradePreference,
    "none": NoIncentive,
}
"""What the DSO may say about trades before they are made."""

FLEX_MARKETS: dict[str, type[FlexMarket]] = {
    "linear": LocalFlexibilityMarket,
    "none": NoFlexMarket,
}
"""Local flexibility markets."""
