"""Where the figures of a study come from: a run's columns, the same whether it was logged or only simulated."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa

from peerflex.core.arrays import Bools, Floats, Ints, add_up
from peerflex.core.errors import InputError
from peerflex.core.regulation import TSO
from peerflex.core.units import SECONDS_PER_HOUR
from peerflex.runs.kpis.kpis import paid_by_party
from peerflex.runs.kpis.seen import Column
from peerflex.runs.log.reader import Run
from peerflex.runs.log.table_hours import HOURS

NUMBERS = tuple(column.name for column in HOURS.columns if column.kind in ("float", "int"))
ELEMENTS = tuple(column.name for column in HOURS.columns if column.kind in ("bus", "branch"))
"""Columns of ``hours`` that name a bus or a branch: as a figure, the number in the name."""

_NUMBER = re.compile(r"(?:.*[\s_-])?(\d+)")


@dataclass(frozen=True, slots=True)
class Source:
    """What figures are made of.

    ``closing`` gives a closing figure, ``hours`` a column of the table hours ``(steps,)`` (elements as numbers),
    ``energy_mwh`` what the meters of a group of peers saw in every step ``(steps,)``, ``cost_eur`` what the group paid
    less what it received, ``private_eur`` what moving its assets was worth to it ``(steps,)``, ``withdrawn_mwh`` what
    its members' meters took, each by itself ``(steps,)``, all NaN without such a group, and ``loading`` that of a
    branch ``(steps,)``, by its name.
    """

    closing: Callable[[str], float]
    hours: Column
    energy_mwh: Column
    cost_eur: Callable[[str], float]
    private_eur: Column
    withdrawn_mwh: Column
    loading: Column
    steps_per_hour: int


def of_run(run: Run) -> Source:
    """Return the source of a logged run; tables are read when first asked for."""
    hours = cache(lambda: run.rows("hours"))
    peers = cache(lambda name: run.rows("peers")[name].to_numpy().reshape(-1, len(run.manifest.peers)))
    manifest, closing = run.manifest, run.kpis
    step_hours = manifest.step_seconds / SECONDS_PER_HOUR

    @cache
    def column(name: str) -> Floats:
        if name not in ELEMENTS:
            return np.asarray(hours()[name].to_numpy(), dtype=np.float64)
        return element_numbers(*_coded(hours()[name]))

    @cache
    def energy_mwh(group: str) -> Floats:
        return energy_of(group, manifest.peer_groups, peers("metered_mw"), step_hours)

    def private_eur(group: str) -> Floats:
        return energy_of(group, manifest.peer_groups, peers("private_value_eur"), 1.0)

    def withdrawn_mwh(group: str) -> Floats:
        return withdrawn_by(group, manifest.peer_groups, peers("metered_mw"), step_hours)

    @cache
    def paid_eur() -> dict[str, float]:
        return dict(zip(*paid_by_party(run), strict=True))

    def cost_eur(group: str) -> float:
        return cost_of(group, manifest.peers, manifest.peer_groups, paid_eur())

    def loading(branch: str) -> Floats:
        row = row_of_branch(branch, manifest.branches)
        values: Floats = run.rows("branches")["loading"].to_numpy().reshape(-1, len(manifest.branches))[:, row]
        return values

    return Source(
        closing.__getitem__,
        column,
        energy_mwh,
        cost_eur,
        private_eur,
        withdrawn_mwh,
        loading,
        SECONDS_PER_HOUR // manifest.step_seconds,
    )


def _coded(column: pa.ChunkedArray) -> tuple[tuple[str, ...], Ints]:
    """Return the words of a column of names, and the word of every row (-1: none)."""
    whole = column.combine_chunks()
    if isinstance(whole, pa.ChunkedArray):  # no chunk, or more than one
        whole = pa.concat_arrays(whole.chunks) if whole.num_chunks else pa.array([], column.type)
    return tuple(whole.dictionary.to_pylist()), whole.indices.fill_null(-1).to_numpy().astype(np.int64)


def element_numbers(names: Sequence[str], rows: Ints) -> Floats:
    """Return the number in the name of the element in each row: of "13" and "line 13" 13, of "T1" NaN (and of -1)."""
    found = [_NUMBER.fullmatch(name) for name in names]
    numbers = np.array([*(float(match[1]) if match else np.nan for match in found), np.nan])
    numbered: Floats = numbers[rows]
    return numbered


def energy_of(group: str, groups: Sequence[str], metered_mw: Floats, step_hours: float) -> Floats:
    """Return what the meters of a group of peers saw in every step, added one after the other; NaN without members.

    ``groups`` names the group of every peer, ``metered_mw`` has shape ``(steps, peers)``.
    """
    steps = len(metered_mw)
    members: Bools = np.array([own == group for own in groups], dtype=np.bool_)
    if not members.any():
        return np.full(steps, np.nan)
    values = metered_mw[:, members]
    energy: Floats = step_hours * add_up(np.repeat(np.arange(steps), values.shape[1]), values.ravel(), steps)
    return energy


def withdrawn_by(group: str, groups: Sequence[str], metered_mw: Floats, step_hours: float) -> Floats:
    """Return what the meters of a group of peers took in every step, each by itself; else as ``energy_of``.

    The TSO's took nothing that the DSO's cost is recovered from (``runs.log.bill_columns``).
    """
    return energy_of(group, groups, np.maximum(-metered_mw, 0.0) * (group != TSO), step_hours)


def cost_of(group: str, peers: Sequence[str], groups: Sequence[str], paid_eur: Mapping[str, float]) -> float:
    """Return what a group of peers paid less what it received; NaN without members.

    ``paid_eur`` is by party; who is not in it paid nothing.
    """
    costs = [paid_eur.get(peer, 0.0) for peer, own in zip(peers, groups, strict=True) if own == group]
    return math.fsum(costs) if costs else math.nan


def row_of_branch(branch: str, branches: Sequence[str]) -> int:
    """Return the row of a branch.

    Raises:
        InputError: if there is none of this name.
    """
    if branch not in branches:
        what = f"there is no branch {branch!r}"
        raise InputError("hourly: branch", what, f"Branches are {', '.join(branches[:20])}, ...")
    return list(branches).index(branch)
