"""The behaviours a scenario may name. A new one is a file, a line here, a contract-test line and a docs page."""

from peerflex.agents.elastic import ElasticLoad, ElasticSource
from peerflex.agents.listed import Listed
from peerflex.agents.prosumer import Prosumer
from peerflex.agents.truthful import Truthful
from peerflex.core.protocols import Behaviour

BEHAVIOURS: dict[str, type[Behaviour]] = {
    "prosumer": Prosumer,
    "truthful": Truthful,
    "listed": Listed,
    "elastic-load": ElasticLoad,
    "elastic-source": ElasticSource,
}
