"""What if: the same network with other impedances or ratings, all by a factor."""

import copy
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from peerflex.core.arrays import Floats
from peerflex.core.errors import InputError
from peerflex.core.network import BranchTable

_KIND = {"line": "line_rating", "trafo": "trafo_rating", "trafo3w": "trafo_rating"}


@dataclass(frozen=True, slots=True)
class Factors:
    """Factors above 0; 1 leaves every number as it is, to the last bit.

    ``line_impedance`` multiplies resistance and reactance of every line (not its charging), ``line_rating`` and
    ``trafo_rating`` what every line and transformer may carry; ratings leave impedances alone.
    """

    line_impedance: float = 1.0
    line_rating: float = 1.0
    trafo_rating: float = 1.0

    def check(self, where: str) -> None:
        """InputError unless every factor is finite and above 0."""
        for field in fields(self):
            factor = getattr(self, field.name)
            if not 0.0 < factor < np.inf:
                raise InputError(f"{where}: {field.name}_factor", f"is {factor}", "Give a finite number above 0.")

    def on_lines(self, net: Any) -> Any:
        """Return the pandapower network with its line impedances multiplied; a copy, if there is anything to do."""
        if self.line_impedance == 1.0:
            return net
        other = copy.deepcopy(net)
        for column in ("r_ohm_per_km", "x_ohm_per_km"):
            other.line[column] = other.line[column] * self.line_impedance
        return other

    def on_ratings(self, branches: BranchTable) -> Floats:
        """Return the ratings of the branches multiplied, MVA ``(branches,)``."""
        factor = np.array([getattr(self, _KIND[kind]) for kind in branches.kind], dtype=float)
        return np.asarray(branches.rating_mva * factor)


AS_IS = Factors()
