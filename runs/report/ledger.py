"""Who paid whom and for what, of a whole run: its ledger added up by party and reason."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from peerflex.core.arrays import Floats, Ints, add_up
from peerflex.core.errors import InputError
from peerflex.core.parties import Reason, party_names
from peerflex.runs.log.reader import Run

REASONS = tuple(reason.name.lower().replace("_", "-") for reason in Reason)


@dataclass(frozen=True, slots=True)
class Money:
    """Of every party: its group (a role is its own), ``received_eur`` less what was paid, and ``given_mwh`` less taken.

    The columns have shape ``(parties, reasons)``.
    """

    parties: tuple[str, ...]
    groups: tuple[str, ...]
    received_eur: Floats
    given_mwh: Floats

    def by_group_eur(self) -> dict[str, float]:
        """Return income less cost of every group of peers and every role that has any, in EUR."""
        found: dict[str, float] = {}
        for name, received_eur in zip(self.groups, self.received_eur, strict=True):
            if received_eur.any():
                found[name] = found.get(name, 0.0) + float(received_eur.sum())
        return found


def gains_eur(money: Money, reference: Money | None) -> dict[str, float]:
    """Return income less cost of groups and roles in EUR; with a ``reference``, what it is more than there."""
    ours, theirs = money.by_group_eur(), {} if reference is None else reference.by_group_eur()
    return {name: ours.get(name, 0.0) - theirs.get(name, 0.0) for name in ours | theirs}


def money_of(run: Run) -> Money:
    """Return the ledger of a run added up; it is read part by part, since a year of it is long.

    Raises:
        InputError: if the log is not what its manifest says.
    """
    parties = party_names(run.manifest.peers)
    n_reasons = len(REASONS)
    received_eur, given_mwh = (np.zeros(len(parties) * n_reasons) for _ in range(2))
    for point in run.checkpoints:
        rows = run.part("ledger", point.part)
        giver, taker = (_codes(run.folder, rows[name], parties) for name in ("giver", "taker"))
        reason = _codes(run.folder, rows["reason"], REASONS)
        for column, total in (("amount_eur", received_eur), ("energy_mwh", given_mwh)):
            amount = rows[column].to_numpy()
            total += add_up(giver * n_reasons + reason, amount, len(total))
            total -= add_up(taker * n_reasons + reason, amount, len(total))
    shape = len(parties), n_reasons
    groups = (*run.manifest.peer_groups, *parties[len(run.manifest.peers) :])
    return Money(parties, groups, received_eur.reshape(shape), given_mwh.reshape(shape))


def _codes(folder: Path, column: pa.ChunkedArray, names: tuple[str, ...]) -> Ints:
    """Return the row of every name: a part knows only the names that it uses."""
    whole = column.combine_chunks()
    place = {name: row for row, name in enumerate(names)}
    used = whole.dictionary.to_pylist()
    if not place.keys() >= set(used):
        where = f"{folder}, table ledger"
        raise InputError(where, "names parties that the manifest does not", "Restore the folder from a copy.")
    known = np.array([place[name] for name in used], dtype=np.int64)
    codes: Ints = known[whole.indices.to_numpy()]
    return codes
