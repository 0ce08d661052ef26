"""One co-simulated hour of case69-day, all in, against mosaik-pandapower-2 stepping the bare grid.

    python benchmarks/hour_against_rival.py [ROUNDS]

Ours is everything an hour of peerflex is, driven by mosaik: bids, P2P auction, the DSO's check, flexibility market, AC
power flow, settlement, log. The rival is in ``_rival.py``.
"""

import sys

from _rival import contest

HOURS = 48
REQUIRED = 6.0

if __name__ == "__main__":
    sys.exit(contest("case69-day", "case69-day", HOURS, int(sys.argv[1]) if len(sys.argv) > 1 else 5, REQUIRED))
