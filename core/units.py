"""Units and the one sign rule.

Sign rule: power and energy are **positive when a party gives them to the network** (generation,
discharge, sale) and negative when it takes them (load, charge, purchase). A side of +1 sells, -1 buys.
Flexibility is upward (+1: more injection) or downward (-1: less injection). At the upstream grid,
an exchange is positive when the area imports: the upstream grid is a party that gives.

Power is in MW and Mvar, energy in MWh, prices in EUR/MWh, voltage in per unit, loading as a fraction
of the limit (1.0 is fully loaded). Time is in seconds since the scenario's start.
"""

from typing import Final

SELL: Final = 1
BUY: Final = -1
UP: Final = 1
DOWN: Final = -1

KW_PER_MW: Final = 1000.0
SECONDS_PER_HOUR: Final = 3600
SECONDS_PER_MINUTE: Final = 60
MINUTES_PER_HOUR: Final = 60
HOURS_PER_DAY: Final = 24

QUANTITY_TOLERANCE_MW: Final = 1e-9
"""A quantity below this (one milliwatt) is nothing: solvers leave crumbs of this size."""
