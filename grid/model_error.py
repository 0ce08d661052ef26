"""A network model that is wrong: what a DSO knows of its cables is never exact."""

import copy
from typing import Any

import numpy as np

from peerflex.core.streams import stream

_IMPEDANCES = {
    "line": ("r_ohm_per_km", "x_ohm_per_km"),
    "trafo": ("vk_percent", "vkr_percent"),
    "trafo3w": tuple(f"{kind}_{side}_percent" for kind in ("vk", "vkr") for side in ("hv", "mv", "lv")),
    "impedance": ("rft_pu", "xft_pu", "rtf_pu", "xtf_pu"),
}


def misjudge_impedances(net: Any, relative_error: float, seed: int) -> Any:
    """Return a copy of the network whose branch impedances are each off by a factor of their own.

    The factors are lognormal with mean 1 and standard deviation ``relative_error``; resistance and reactance of
    one branch share a factor, as a wrong length would have it.
    """
    rng = stream(seed, "grid.model-error")
    sigma = np.sqrt(np.log1p(relative_error**2))
    wrong = copy.deepcopy(net)
    for table, columns in _IMPEDANCES.items():
        factor = rng.lognormal(-(sigma**2) / 2, sigma, size=len(wrong[table]))
        for column in columns:
            wrong[table][column] = wrong[table][column] * factor
    return wrong
