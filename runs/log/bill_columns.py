"""Columns of the log about what the meters of peers took: what network charges by volume are levied on."""

from collections.abc import Callable

import numpy as np

from peerflex.core.arrays import Floats
from peerflex.core.regulation import TSO
from peerflex.runs.log.columns import Part, Source, added, per_hour
from peerflex.scenarios.schema import CUSTOMERS


def _withdrawn(counts: Callable[[str], bool]) -> Source:
    """Add up what the meters of the peers took whose group counts, in MWh; what one gives helps no other."""

    def taken_mw(part: Part) -> Floats:
        counted = np.array([counts(group) for group in part.manifest.peer_groups], dtype=np.bool_)
        taken: Floats = np.maximum(-part.joined("metered_mw"), 0.0) * np.tile(counted, len(part.records))
        return taken

    return per_hour(added("metered_mw", taken_mw))


withdrawn = _withdrawn(lambda group: group != TSO)
withdrawn_by_customers = _withdrawn(lambda group: group == CUSTOMERS)
