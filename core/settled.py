"""What settlement came to, beside its entries: imbalance by who pays for it, and flexibility as it was delivered."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Settled:
    """What imbalance cost whom in a step, and what became of the flexibility sold.

    ``imbalance_mwh`` adds up what peers did other than announced, either way. It costs ``peers_eur`` more than if they
    had announced it; ``mediator_eur`` and ``supplier_eur`` are what these paid for it less what they received (below 0:
    they earned). Together they are what is paid upstream. ``lfm_delivered_mwh`` is the flexibility that meters saw
    against the baselines, ``lfm_paid_eur`` what the DSO paid for it, its residual and penalties taken off. Against what
    peers announced, ``lfm_paid_not_moved_mwh`` is settled though it was not moved, ``lfm_moved_not_paid_mwh`` the other
    way round.
    """

    imbalance_mwh: float
    peers_eur: float
    mediator_eur: float
    supplier_eur: float
    lfm_delivered_mwh: float
    lfm_paid_eur: float
    lfm_paid_not_moved_mwh: float = 0.0
    lfm_moved_not_paid_mwh: float = 0.0


NOTHING_SETTLED: Final = Settled(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
