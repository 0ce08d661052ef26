"""Every market by the name it has in a scenario. A new market is one file, one line here, one page of docs."""

from peerflex.core.protocols import FlexMarket, Incentive, Market, Service
from peerflex.markets.bilateral import BilateralEquilibrium
from peerflex.markets.differentiation import ProductDifferentiation
from peerflex.markets.double_auction import UniformPriceDoubleAuction
from peerflex.markets.idle import NoFlexMarket, NoIncentive, NoMarket, NoService
from peerflex.markets.incentives import TradeBlocking, TradePreference
from peerflex.markets.lfm import LocalFlexibilityMarket
from peerflex.markets.network_charges import NetworkCharges
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

SERVICES: dict[str, type[Service]] = {
    "network-charges": NetworkCharges,
    "product-differentiation": ProductDifferentiation,
    "none": NoService,
}
"""How trades and the DSO's network come to terms before flexibility is bought."""

FLEX_MARKETS: dict[str, type[FlexMarket]] = {
    "linear": LocalFlexibilityMarket,
    "none": NoFlexMarket,
}
"""Local flexibility markets."""
