"""Which peers have an agreement or a contract with the DSO: those of named groups."""

from collections.abc import Sequence

import numpy as np

from peerflex.core.arrays import Ints, ints
from peerflex.core.errors import InputError
from peerflex.core.people import PeerTable


def of_groups(groups: Sequence[str], peers: PeerTable, names: Sequence[str], where: str) -> tuple[int, ...]:
    """Return for each peer the row of its group among ``groups``, -1 for peers of other groups; () if none is named.

    ``names`` are those of all groups, in the order of ``peers.behaviour``.

    Raises:
        InputError: if there is no such group, or a group is named twice.
    """
    if not groups:
        return ()
    row_of = np.full(len(names) + 1, -1, dtype=np.int64)  # the last for behaviour -1: customers of the supplier only
    for row, group in enumerate(groups):
        if group not in names:
            raise InputError(where, f"there is no group {group!r}", f"Name one of: {', '.join(names) or 'none'}.")
        if row_of[names.index(group)] >= 0:
            raise InputError(where, f"the group {group!r} is named twice", "Name it once.")
        row_of[names.index(group)] = row
    return tuple(row_of[peers.behaviour].tolist())


def rows_of(member: tuple[int, ...], peer: Ints) -> Ints:
    """Return the row of each peer's agreement, -1 without one; 0 for all if nobody in particular is a member."""
    return np.array(member, dtype=np.int64)[peer] if member else ints(len(peer))
