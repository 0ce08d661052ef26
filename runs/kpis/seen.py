"""What closing figures are made of, and the sums that most of them are."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from peerflex.core.arrays import Floats
from peerflex.core.parties import Role
from peerflex.core.regulation import TSO
from peerflex.core.units import QUANTITY_TOLERANCE_MW

Column = Callable[[str], Floats]
"""Gives a column of numbers of the table ``hours``, ``(steps,)``, by its name; NaN where there is none."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What KPIs are made of: columns of the hours, the length of a step, and what parties paid (net of received).

    ``paid_eur`` is in the order of the ledger's ``parties``, of whom ``customers`` deal with the supplier only.
    ``missing_mva`` ``(branches,)`` is what their ratings would have to be higher by for every limit to be kept. A value
    that is not there is NaN and left out of sums.
    """

    hours: Column
    step_hours: float
    parties: tuple[str, ...]
    customers: frozenset[str]
    paid_eur: Floats
    missing_mva: Floats

    def sum(self, column: str) -> float:
        return float(np.nansum(self.hours(column)))

    def min(self, column: str) -> float:
        return float(np.fmin.reduce(self.hours(column), initial=np.nan))  # fmin passes over NaN

    def max(self, column: str) -> float:
        return float(np.fmax.reduce(self.hours(column), initial=np.nan))

    def sum_of(self, column: str, sign: int) -> float:
        return float(np.nansum(np.maximum(sign * self.hours(column), 0.0)))

    def hours_with(self, column: str) -> float:
        return float(np.count_nonzero(self.hours(column) > 0)) * self.step_hours

    def if_logged(self, column: str, figure: float) -> float:
        """Return a figure made of a column that older logs lack; NaN without it."""
        return math.nan if np.isnan(self.hours(column)).all() else figure

    def sum_if_logged(self, column: str) -> float:
        return self.if_logged(column, self.sum(column))

    def time_of(self, column: str) -> float:
        """Return the sum of a count times the step, in hours; NaN where older logs lack the column."""
        return self.sum_if_logged(column) * self.step_hours

    def p2p_price(self) -> float:
        volume = self.sum("p2p_mwh")
        value = float(np.nansum(self.hours("p2p_mwh") * self.hours("p2p_price_eur_per_mwh")))
        return value / volume if volume else math.nan

    def preferred(self) -> float:
        volume = self.sum("p2p_mwh")
        return self.sum_if_logged("preferred_mwh") / volume if volume else math.nan

    def full_cost(self) -> float:
        missing = (self.hours("missing_mw") > QUANTITY_TOLERANCE_MW).any()
        return math.nan if missing else self.sum("lfm_cost_eur")

    def missing_mwh(self) -> float:
        return self.sum("missing_mw") * self.step_hours

    def lfm_delivered(self) -> float:
        activated, undelivered = self.sum("lfm_mwh"), self.sum_if_logged("lfm_undelivered_mwh")
        return float(np.maximum(1.0 - undelivered / activated, 0.0)) if activated else math.nan

    def relieved(self) -> float:
        missing_mw = self.hours("missing_mw")
        return float(np.mean(missing_mw <= QUANTITY_TOLERANCE_MW)) if missing_mw.size else math.nan

    def peers_eur(self) -> float:
        others = {role.name.lower() for role in Role}
        paid = zip(self.parties, self.paid_eur, strict=True)
        return math.fsum(eur for party, eur in paid if party not in others and not _is_tso(party))

    def customers_eur(self) -> float:
        return math.fsum(eur for party, eur in zip(self.parties, self.paid_eur, strict=True) if party in self.customers)

    def tso_eur(self) -> float:
        return math.fsum(eur for party, eur in zip(self.parties, self.paid_eur, strict=True) if _is_tso(party))

    def magnitude(self, column: str) -> float:
        return float(np.nansum(np.abs(self.hours(column)))) * self.step_hours

    def role_eur(self, role: Role) -> float:
        name = role.name.lower()
        return float(self.paid_eur[self.parties.index(name)]) if name in self.parties else 0.0


def _is_tso(party: str) -> bool:
    """Whether a party is the TSO's virtual load: a log puts its row behind a name that is a role's too."""
    return party.partition("#")[0] == TSO


@dataclass(frozen=True, slots=True)
class Kpi:
    """A closing figure: its name, its unit, what it means, and how it is computed."""

    name: str
    unit: str
    meaning: str
    of: Callable[[Seen], float]
