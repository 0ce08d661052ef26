"""``table5.md``: what EUniversal D5.3 says of its conceptual models in words, beside what the study measured."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from peerflex.core.arrays import Floats
from peerflex.runs.study.claims_of_models import CLAIMS, MODELS, Claim
from peerflex.runs.study.matrix import Matrix
from peerflex.runs.study.page import number

HALF = 0.5
SAME = 1e-9
"""Relative difference that is rounding."""

SIDES = {"for": "advantage", "against": "disadvantage"}


@dataclass(frozen=True, slots=True)
class Finding:
    """What a grid says of a claim: medians of the model's design and of what it is compared with, and in how many of
    the seeds that have both the claim holds.
    """

    grid: str
    own: float
    other: float
    holds: int
    of: int

    @property
    def yes(self) -> bool:
        """Whether it holds in more than half of the seeds."""
        return self.holds > HALF * self.of


def findings(table: Matrix, claim: Claim) -> tuple[Finding, ...]:
    """Return what every grid says of a claim; nothing of grids without the figure."""
    found = (_finding(table, grid, claim) for grid in table.grids) if claim.kpi else iter(())
    return tuple(each for each in found if each.of)


def _finding(table: Matrix, grid: str, claim: Claim) -> Finding:
    own = table.seeds_of(grid, claim.design, claim.kpi)
    other = table.seeds_of(grid, claim.against, claim.kpi) if claim.against else np.zeros(len(own))
    if claim.size:
        own, other = np.abs(own), np.abs(other)
    there = np.isfinite(own) & np.isfinite(other)
    own, other = own[there], other[there]
    change = (own - other) if claim.more else (other - own)
    holds = int(np.count_nonzero(change > SAME * np.maximum(np.abs(own), np.abs(other))))
    return Finding(grid, _median(own), _median(other), holds, len(own))


def _median(values: Floats) -> float:
    return float(np.median(values)) if values.size else float("nan")


def verdict(claim: Claim, found: tuple[Finding, ...]) -> str:
    """Return what was measured of a claim, in words."""
    if not claim.kpi:
        return "nothing measures it"
    if not found:
        return "no such figure here"
    grids = [each.grid for each in found if each.yes]
    if len(grids) == len(found):
        return "seen"
    return f"seen on {', '.join(grids)} only" if grids else "not seen"


def table5_page(table: Matrix) -> str:
    """Return ``table5.md``."""
    lines = ["# Table 5 of D5.3 beside what was measured", ""]
    designs = ", ".join(f"{model} by `{design}`" for model, design in MODELS.items())
    lines += [
        "EUniversal D5.3 (2022), section 4.1.6, compares its conceptual models in words, here in our own shorter ones. "
        f"Each model is measured by one design, unless a cell names another: {designs}. A cell is the median over the "
        "seeds, what it is compared "
        "with, and in how many seeds the claim holds. *Seen* is what holds in more than half of the seeds on every "
        "grid. These are chosen peers on a few grids: it shows what can happen, not what must. D5.3 leaves CM5 out of "
        "its table, and so does this one.",
        "",
        f"| model | D5.3 sees | claim | figure | {' | '.join(table.grids)} | measured |",
        "|---" * (5 + len(table.grids)) + "|",
    ]
    lines += [f"| {' | '.join(row)} |" for row in _rows(table)]
    return "\n".join([*lines, ""])


def _rows(table: Matrix) -> Iterator[list[str]]:
    for claim in CLAIMS:
        found = findings(table, claim)
        by_grid = {each.grid: each for each in found}
        cells = [_cell(by_grid.get(grid), claim) for grid in table.grids]
        figure = f"`{claim.kpi}`" if claim.kpi else "-"
        yield [claim.model, SIDES[claim.side], claim.words, figure, *cells, verdict(claim, found)]


def _cell(found: Finding | None, claim: Claim) -> str:
    if found is None:
        return "-"
    beside = f", {claim.against} {number(found.other)}" if claim.against else ""
    of = f"{claim.of} " if claim.of else ""
    return f"{of}{number(found.own)}{beside} ({found.holds} of {found.of})"
