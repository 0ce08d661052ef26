"""Every market by the name it has in a scenario. A new market is one file, one line here, one page of docs."""

from peerflex.core.protocols import FlexMarket, Incentive, Market, NetworkTariff, Service
from peerflex.markets.allocation import CostAllocation
from peerflex.markets.bilateral import BilateralEquilibrium
from peerflex.markets.bilateral_contract import BilateralContract
from peerflex.markets.capacity_clock import CapacityClock
from peerflex.markets.communities import Communities
from peerflex.markets.connection_agreement import ConnectionAgreement
from peerflex.markets.consensus import ConsensusAdmm
from peerflex.markets.continuous import ContinuousDoubleAuction
from peerflex.markets.cost_based import CostBased
from peerflex.markets.differentiation import ProductDifferentiation
from peerflex.markets.double_auction import UniformPriceDoubleAuction
from peerflex.markets.envelopes import Envelopes
from peerflex.markets.idle import NoFlexMarket, NoIncentive, NoMarket, NoService
from peerflex.markets.incentives import TradeBlocking, TradePreference
from peerflex.markets.k_double_auction import PairwiseDoubleAuction
from peerflex.markets.lfm import LocalFlexibilityMarket
from peerflex.markets.mcafee import McAfeeAuction
from peerflex.markets.negotiation import Negotiation
from peerflex.markets.network_charges import NetworkCharges
from peerflex.markets.network_tariffs import DynamicTariff, NoNetworkTariff, TimeOfUse
from peerflex.markets.obligation import Obligation
from peerflex.markets.pay_as_bid import PayAsBidAuction
from peerflex.markets.pool import BilateralPool
from peerflex.markets.preferences import Green, Local, Loyal, Philanthropic, Preference
from peerflex.markets.sharing import MidMarketRate, SupplyDemandRatio
from peerflex.markets.trade_check import TradeCheck
from peerflex.markets.walrasian import WalrasianAuction
from peerflex.markets.weights import ConstraintWeights

MARKETS: dict[str, type[Market]] = {
    "uniform-auction": UniformPriceDoubleAuction,
    "pay-as-bid": PayAsBidAuction,
    "k-double-auction": PairwiseDoubleAuction,
    "mcafee": McAfeeAuction,
    "continuous-double-auction": ContinuousDoubleAuction,
    "negotiation": Negotiation,
    "bilateral-pool": BilateralPool,
    "bilateral-equilibrium": BilateralEquilibrium,
    "consensus-admm": ConsensusAdmm,
    "walrasian": WalrasianAuction,
    "communities": Communities,
    "mid-market-rate": MidMarketRate,
    "supply-demand-ratio": SupplyDemandRatio,
    "none": NoMarket,
}
"""Peer-to-peer mechanisms; their parameters are the annotated fields of the dataclass."""

INCENTIVES: dict[str, type[Incentive]] = {
    "blocking": TradeBlocking,
    "preference": TradePreference,
    "constraint-weights": ConstraintWeights,
    "cost-allocation": CostAllocation,
    "envelopes": Envelopes,
    "none": NoIncentive,
}
"""What the DSO may say about trades before they are made."""

SERVICES: dict[str, type[Service]] = {
    "network-charges": NetworkCharges,
    "product-differentiation": ProductDifferentiation,
    "trade-check": TradeCheck,
    "none": NoService,
}
"""How trades and the DSO's network come to terms before flexibility is bought."""

FLEX_MARKETS: dict[str, type[FlexMarket]] = {
    "linear": LocalFlexibilityMarket,
    "capacity-clock": CapacityClock,
    "cost-based": CostBased,
    "obligation": Obligation,
    "connection-agreement": ConnectionAgreement,
    "bilateral-contract": BilateralContract,
    "none": NoFlexMarket,
}
"""Local flexibility markets, and the other mechanisms by which a DSO gets flexibility."""

NETWORK_TARIFFS: dict[str, type[NetworkTariff]] = {
    "time-of-use": TimeOfUse,
    "dynamic": DynamicTariff,
    "none": NoNetworkTariff,
}
"""What the DSO charges for using the network by time and place."""

PREFERENCES: dict[str, type[Preference]] = {
    "green": Green,
    "local": Local,
    "loyal": Loyal,
    "philanthropic": Philanthropic,
}
"""With whom a group would rather trade."""
