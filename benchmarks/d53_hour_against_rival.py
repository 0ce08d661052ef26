"""One hour of EUniversal D5.3's scenario 2, all in, against mosaik-pandapower-2 stepping the bare grid.

    python benchmarks/d53_hour_against_rival.py [ROUNDS]

Ours is the whole hour, driven by mosaik: 172 bids, the pairs that the DSO blocks, the equilibrium of the 70 peers that
trade, the flexibility market, linear physics as D5.3 defines it (without the AC diagnostic, as the study runs it),
settlement, log. Every hour solves the same system again: nothing is remembered from one to the next. The rival is in
``_rival.py``.
"""

import sys

from _rival import contest

HOURS = 48
REQUIRED = 4.0

if __name__ == "__main__":
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    sys.exit(
        contest(
            "eu-d53-2",
            "scenario 2 of D5.3 (172 bids, 70 peers, 69 buses)",
            HOURS,
            rounds,
            REQUIRED,
            ("diagnostic=none",),
        )
    )
