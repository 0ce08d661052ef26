"""The behaviours a scenario may name. A new one is a file, a line here, a contract-test line and a docs page."""

from peerflex.agents.elastic import ElasticLoad, ElasticSource
from peerflex.agents.listed import Listed
from peerflex.agents.mediation import Honest, IncreaseDecrease, Strategy
from peerflex.agents.prosumer import Prosumer
from peerflex.agents.risk_averse import RiskAverse
from peerflex.agents.truthful import Truthful
from peerflex.agents.zero_intelligence import ZeroIntelligence
from peerflex.core.protocols import Behaviour

BEHAVIOURS: dict[str, type[Behaviour]] = {
    "prosumer": Prosumer,
    "truthful": Truthful,
    "zero-intelligence": ZeroIntelligence,
    "risk-averse": RiskAverse,
    "listed": Listed,
    "elastic-load": ElasticLoad,
    "elastic-source": ElasticSource,
}

STRATEGIES: dict[str, type[Strategy]] = {"honest": Honest, "increase-decrease": IncreaseDecrease}
"""How a mediator bids for its members."""
