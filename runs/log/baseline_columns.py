"""The column of the log about baselines that are made of meter readings."""

import numpy as np

from peerflex.core.arrays import Floats
from peerflex.runs.log.columns import Part


def history_baseline_mw(part: Part) -> Floats:
    """Take what meters of the days before say every peer would have done; NaN in steps in which they say nothing."""
    nothing = np.full(len(part.manifest.peers), np.nan)
    return np.concatenate([nothing if each is None else each for each in part.values("decision.history_baseline_mw")])
