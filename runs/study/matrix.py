"""The designs of a study beside each other: every figure of every design and seed, and what compares them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from peerflex.core.arrays import Floats
from peerflex.runs.study.result import StudyResult
from peerflex.scenarios.study_designs import NONE, USUAL_SEQUENCE, Combination, Designs
from peerflex.scenarios.study_schema import Kpi

WELFARE, SHARE = "welfare_after_lfm_eur", "welfare_share_of_optimum"
PRICE, DISTORTION = "p2p_price_eur_per_mwh", "price_distortion_eur_per_mwh"
COST, SAVING = "_cost_eur", "_saving_eur"
BENEFIT, GAIN = "_benefit_eur", "_gain_eur"
BILL, BILL_SAVING, BILL_GAIN, EUR = "_bill_eur", "_bill_saving_eur", "_bill_gain_eur", "_eur"
OF_RUNS = ("trader_cost_eur", "customer_cost_eur", "trader_bill_eur", "customer_bill_eur")
PERCENT = 100.0


@dataclass(frozen=True, slots=True)
class Design:
    """A scenario of the study as the matrix calls it: on which grid, and what it is made of ('' if of its own)."""

    case: str
    grid: str
    name: str
    preset: str = ""
    incentive: str = NONE
    service: str = NONE
    sequence: str = USUAL_SEQUENCE


@dataclass(frozen=True, slots=True)
class Column:
    """A figure of the matrix and its unit."""

    name: str
    unit: str


@dataclass(frozen=True)
class Matrix:
    """``values`` has shape ``(designs, seeds, columns)``, NaN where there is no such figure.

    Beside the figures of the study, where it has what they are made of: the welfare after flexibility as a share of
    the central optimum's, the P2P price less that of trade that minds no limit, what each group's cost is less than
    without trade (its saving), and what its benefit, which counts what its assets burn and save, is more (its gain);
    both also by its bill, which is its cost and its part of what the DSO pays.
    """

    seeds: tuple[int, ...]
    designs: tuple[Design, ...]
    columns: tuple[Column, ...]
    values: Floats

    @property
    def grids(self) -> tuple[str, ...]:
        """The names of the grids."""
        return tuple(dict.fromkeys(each.grid for each in self.designs))

    @cached_property
    def _rows(self) -> dict[tuple[str, str], int]:
        return {(each.grid, each.name): row for row, each in enumerate(self.designs)}

    @cached_property
    def _columns(self) -> dict[str, int]:
        return {each.name: column for column, each in enumerate(self.columns)}

    def on(self, grid: str) -> tuple[Design, ...]:
        """Return the designs on a grid."""
        return tuple(each for each in self.designs if each.grid == grid)

    def seeds_of(self, grid: str, name: str, column: str) -> Floats:
        """Return a figure in the order of the seeds; NaN if there is no such design or figure."""
        if (grid, name) not in self._rows or column not in self._columns:
            return np.full(len(self.seeds), np.nan)
        values: Floats = self.values[self._rows[grid, name], :, self._columns[column]]
        return values

    def median(self, grid: str, name: str, column: str) -> float:
        """Return the median over the seeds that have the figure, NaN if none has."""
        values = self.seeds_of(grid, name, column)
        there = values[np.isfinite(values)]
        return float(np.median(there)) if there.size else float("nan")

    def has(self, column: str) -> bool:
        """Return whether there is a column of this name."""
        return column in self._columns


def matrix(result: StudyResult) -> Matrix:
    """Return the matrix of a study with designs."""
    asked = result.study.designs
    assert asked is not None
    designs = tuple(_designs(result, asked))
    kpis = tuple(kpi for kpi in result.study.every_kpi if kpi.hour is None)
    measured = np.array(
        [[result.measured.seeds(each.case, "", kpi.name, None) for kpi in kpis] for each in designs]
    ).transpose(0, 2, 1)
    columns, values = with_derived(designs, kpis, measured, asked)
    return Matrix(tuple(result.study.seed_range), designs, columns, values)


def _designs(result: StudyResult, asked: Designs) -> Iterator[Design]:
    """Yield the scenarios of the file on a grid (their name begins with it), then the combinations, grid by grid."""
    combined = {each.name: each for each in result.designs}
    for grid in asked.over:
        for case in result.study.scenarios:
            if case.name in combined:
                if combined[case.name].grid == grid:
                    yield _design(combined[case.name])
            elif case.name.startswith(f"{grid}-"):
                yield Design(case.name, grid, case.name.removeprefix(f"{grid}-"))


def _design(each: Combination) -> Design:
    name = each.name.removeprefix(f"{each.grid}-")
    return Design(each.name, each.grid, name, each.preset, each.incentive, each.service, each.sequence)


def with_derived(
    designs: tuple[Design, ...], kpis: tuple[Kpi, ...], values: Floats, asked: Designs
) -> tuple[tuple[Column, ...], Floats]:
    """Return the columns of the matrix, figures first and then what follows from them, and ``Matrix.values``.

    ``values`` are those of the figures ``(designs, seeds, kpis)``; ``asked`` names what designs are compared with.
    """
    names = [kpi.name for kpi in kpis]
    columns, parts = [Column(kpi.name, kpi.unit) for kpi in kpis], [values]

    def against(name: str, column: str) -> Floats:
        """Return a figure of the design of this name on each design's grid, ``(designs, seeds)``; NaN without one."""
        row = {each.grid: row for row, each in enumerate(designs) if each.name == name}
        found = np.full(values.shape[:2], np.nan)
        for at, each in enumerate(designs):
            if each.grid in row:
                found[at] = values[row[each.grid], :, names.index(column)]
        return found

    def own(column: str) -> Floats:
        figure: Floats = values[:, :, names.index(column)]
        return figure

    if WELFARE in names:
        best = against(asked.optimum, WELFARE)
        share = np.divide(PERCENT * own(WELFARE), best, out=np.full(best.shape, np.nan), where=best > 0.0)
        columns.append(Column(SHARE, "%"))
        parts.append(share[:, :, None])
    if PRICE in names:
        columns.append(Column(DISTORTION, "EUR/MWh"))
        parts.append((own(PRICE) - against(asked.unconstrained, PRICE))[:, :, None])
    for column, figures in _savings(kpis, own, lambda name: against(asked.untraded, name)):
        columns.append(column)
        parts.append(figures[:, :, None])
    return tuple(columns), np.concatenate(parts, axis=2)


def _savings(
    kpis: tuple[Kpi, ...], own: Callable[[str], Floats], untraded: Callable[[str], Floats]
) -> Iterator[tuple[Column, Floats]]:
    """Yield what everybody saves and gains against the design without trade, by its cost and by its whole bill."""
    of_groups = {kpi.name for kpi in kpis if kpi.groups is not None}
    for name in (kpi.name for kpi in kpis):
        if name in OF_RUNS or (name in of_groups and name.endswith((COST, BILL))):
            group = name.removesuffix(COST) if name.endswith(COST) else name.removesuffix(EUR)
            yield Column(group + SAVING, "EUR"), untraded(name) - own(name)
        if name in of_groups and name.endswith(BENEFIT):
            group, gain = name.removesuffix(BENEFIT), own(name) - untraded(name)
            yield Column(group + GAIN, "EUR"), gain
            cost, bill = group + COST, group + BILL
            if {cost, bill} <= of_groups:
                recovered = (own(bill) - own(cost)) - (untraded(bill) - untraded(cost))
                yield Column(group + BILL_GAIN, "EUR"), gain - recovered
