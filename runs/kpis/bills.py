"""Closing figures of whole bills: what the DSO paid is recovered from everybody, at one rate per MWh of consumption.

How a regulator has it recovered is no result of a simulation. That all pay the same for a MWh that their meter saw them
take is how network charges by volume are made: an assumption. The DSO's ``dso_cost_eur`` has what it received from
charges and tariffs taken off, so the rate may be negative. Without any consumption there is no rate and no bill.
"""

import math
from typing import Final

from peerflex.core.parties import Role
from peerflex.runs.kpis.seen import Kpi, Seen

RECOVERY: Final = "recovery_eur_per_mwh"
WITHDRAWN: Final = "withdrawn_mwh"
BY_CUSTOMERS: Final = "customer_withdrawn_mwh"


def _rate(seen: Seen) -> float:
    withdrawn_mwh = seen.sum_if_logged(WITHDRAWN)
    return seen.role_eur(Role.DSO) / withdrawn_mwh if withdrawn_mwh else math.nan


def _traders(seen: Seen) -> float:
    withdrawn_mwh = seen.sum_if_logged(WITHDRAWN) - seen.sum_if_logged(BY_CUSTOMERS)
    return seen.peers_eur() - seen.customers_eur() + _rate(seen) * withdrawn_mwh


def _customers(seen: Seen) -> float:
    return seen.customers_eur() + _rate(seen) * seen.sum_if_logged(BY_CUSTOMERS)


BILLS: Final = (
    Kpi(RECOVERY, "EUR/MWh", "Rate that recovers the cost of the DSO from what the meters of all peers took", _rate),
    Kpi("trader_bill_eur", "EUR", "The cost of those in a group, with what they pay at that rate", _traders),
    Kpi("customer_bill_eur", "EUR", "The same of those who deal with the supplier only", _customers),
)
