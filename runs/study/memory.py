"""A run that leaves no log: simulated in process, tallied as it goes, and the records thrown away."""

from collections.abc import Iterator
from types import TracebackType
from typing import Self

import numpy as np

from peerflex.core.arrays import Floats, Ints, add_up
from peerflex.core.errors import SimulationError
from peerflex.core.parties import party_names
from peerflex.core.record import HourRecord
from peerflex.core.regulation import TSO
from peerflex.core.units import SECONDS_PER_HOUR
from peerflex.runs.area.build import build
from peerflex.runs.area.plugins import Registry
from peerflex.runs.kpis.kpis import KPIS, customers_of, figure
from peerflex.runs.kpis.seen import Seen
from peerflex.runs.log.columns import Part
from peerflex.runs.log.limit_columns import missing_mva
from peerflex.runs.log.manifest import PART_STEPS, ROLES, Manifest, distinct
from peerflex.runs.log.mediation_columns import private_value
from peerflex.runs.log.table_hours import HOURS
from peerflex.runs.model import AreaModel
from peerflex.runs.study.source import (
    ELEMENTS,
    NUMBERS,
    Source,
    cost_of,
    element_numbers,
    energy_of,
    row_of_branch,
    withdrawn_by,
)
from peerflex.scenarios.load import LoadedScenario
from peerflex.scenarios.schema import CUSTOMERS

_NUMBERS = tuple(column for column in HOURS.columns if column.name in NUMBERS)
_ELEMENTS = tuple(column for column in HOURS.columns if column.name in ELEMENTS)
_CLOSING = {kpi.name: kpi for kpi in KPIS}


class InMemory:
    """A run of which only the numbers of the table ``hours`` and what everybody paid are kept.

    They are made by the columns of the log from the same records, so that figures equal the logged ones bit by bit.
    Beside them it keeps what the meters of every group of peers saw, and the loading of the ``branches`` named.
    Use it in a ``with`` block, and look at ``seen`` after the last of ``records``.

    Raises:
        InputError: if the scenario cannot be built.
    """

    def __init__(self, loaded: LoadedScenario, parts: Registry, branches: tuple[str, ...] = ()) -> None:
        self.area = build(loaded, parts).area
        self._model = AreaModel(self.area, with_people=False)
        self._records: list[HourRecord] = []
        self._hours: dict[str, list[Floats]] = {column.name: [] for column in (*_NUMBERS, *_ELEMENTS)}
        self._branches, self._buses = distinct(self.area.grid.branches.name), distinct(self.area.grid.buses.name)
        self._watched = {name: row_of_branch(name, self._branches) for name in branches}
        self._loading: dict[str, list[Floats]] = {name: [] for name in branches}
        peers, groups = self.area.peers, (*self.area.behaviour_names, CUSTOMERS)  # whose behaviour is -1
        named = zip(peers.name, peers.behaviour, strict=True)
        self._groups = tuple(TSO if name == TSO else groups[kind] for name, kind in named)
        self._energy: dict[str, list[Floats]] = {group: [] for group in dict.fromkeys(self._groups)}
        self._private: dict[str, list[Floats]] = {group: [] for group in self._energy}
        self._withdrawn: dict[str, list[Floats]] = {group: [] for group in self._energy}
        names = distinct(peers.name, ROLES)
        self._parties, self._customers = party_names(names), customers_of(names, self._groups)
        self._spent = np.zeros(len(self._parties))
        self._received = np.zeros(len(self._parties))
        rating_mva = self.area.grid.branches.rating_mva
        self._missing_mva = np.zeros(len(rating_mva))
        # what columns of numbers read of a manifest; nothing is written
        self._manifest = Manifest.model_construct(
            step_seconds=self.area.step_s,
            start=loaded.scenario.time.start,
            peers=names,
            peer_groups=self._groups,
            branch_rating_mva=tuple(float(mva) if np.isfinite(mva) else None for mva in rating_mva),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._model.close()

    @property
    def steps_per_hour(self) -> int:
        return SECONDS_PER_HOUR // self.area.step_s

    def records(self) -> Iterator[HourRecord]:
        """Simulate to the end, one record a step.

        Raises:
            SimulationError: naming the step that failed.
        """
        for step in range(self.area.steps):
            record = self._step(step)
            self._records.append(record)
            yield record
            if len(self._records) == PART_STEPS:
                self._tally()
        self._tally()

    def seen(self) -> Seen:
        """Return what closing figures are made of."""
        columns = {name: np.concatenate(parts) for name, parts in self._hours.items()}
        step_hours = self.area.step_s / SECONDS_PER_HOUR
        paid_eur = self._spent - self._received
        return Seen(columns.__getitem__, step_hours, self._parties, self._customers, paid_eur, self._missing_mva)

    def source(self) -> Source:
        """Return what a study's figures are made of."""
        seen = self.seen()
        paid_eur = dict(zip(seen.parties, seen.paid_eur.tolist(), strict=True))

        def of_group(figures: dict[str, list[Floats]], group: str) -> Floats:
            return np.concatenate(figures[group]) if group in figures else np.full(self.area.steps, np.nan)

        return Source(
            closing=lambda name: figure(_CLOSING[name], seen),
            hours=seen.hours,
            energy_mwh=lambda group: of_group(self._energy, group),
            cost_eur=lambda group: cost_of(group, self._parties[: len(self._groups)], self._groups, paid_eur),
            private_eur=lambda group: of_group(self._private, group),
            withdrawn_mwh=lambda group: of_group(self._withdrawn, group),
            loading=lambda branch: np.concatenate(self._loading[branch]),
            steps_per_hour=self.steps_per_hour,
        )

    def _step(self, step: int) -> HourRecord:
        try:
            self._model.step()
        except Exception as error:
            text = str(error) if isinstance(error, SimulationError) else f"{type(error).__name__}: {error}"
            raise SimulationError(text if text.startswith("step ") else f"step {step}: {text}") from error
        assert self._model.record is not None
        return self._model.record

    def _tally(self) -> None:
        if not self._records:
            return
        part = Part(self._manifest, self._records)
        for column in _NUMBERS:
            self._hours[column.name].append(np.asarray(column.source(part), dtype=np.float64))
        for column in _ELEMENTS:
            names = self._buses if column.kind == "bus" else self._branches
            self._hours[column.name].append(element_numbers(names, column.source(part)))
        metered_mw = part.joined("metered_mw").reshape(len(part.records), -1)
        for group, energies in self._energy.items():
            energies.append(energy_of(group, self._groups, metered_mw, part.hours))
        for group, energies in self._withdrawn.items():
            energies.append(withdrawn_by(group, self._groups, metered_mw, part.hours))
        private_eur = np.asarray(private_value(part) * part.hours).reshape(len(part.records), -1)
        for group, values in self._private.items():
            values.append(energy_of(group, self._groups, private_eur, 1.0))
        for name, row in self._watched.items():
            self._loading[name].append(np.array([record.state.loading[row] for record in part.records]))
        self._missing_mva = np.maximum(self._missing_mva, self._missing_in(part))
        amount_eur = part.joined("ledger.amount_eur")
        self._spent = _added(self._spent, part.joined("ledger.taker"), amount_eur)
        self._received = _added(self._received, part.joined("ledger.giver"), amount_eur)
        self._records = []

    def _missing_in(self, part: Part) -> Floats:
        branch, excess, limit = (part.joined(f"violations.{name}") for name in ("element", "excess", "limit"))
        rows = ~part.joined("violations.is_voltage")
        return missing_mva(self.area.grid.branches.rating_mva, branch[rows], excess[rows], limit[rows])


def _added(so_far: Floats, rows: Ints, values: Floats) -> Floats:
    """Add values to a running sum one after the other, as one sum over everything would."""
    n = len(so_far)
    return add_up(np.concatenate([np.arange(n), rows]), np.concatenate([so_far, values]), n)
