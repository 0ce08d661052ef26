"""The matrix of designs as files: ``designs.csv`` with every figure, ``matrix.md`` with medians, what was refused."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from peerflex.runs.study.matrix import (
    BENEFIT,
    BILL,
    BILL_GAIN,
    BILL_SAVING,
    COST,
    DISTORTION,
    GAIN,
    SAVING,
    SHARE,
    Matrix,
)
from peerflex.runs.study.means import means
from peerflex.runs.study.page import number
from peerflex.runs.study.result import StudyResult
from peerflex.scenarios.study_designs import Designs

REINFORCEMENT = "reinforcement_eur_per_year"
PARTS = ("design", "grid", "preset", "incentive", "service", "sequence", "seed")


@dataclass(frozen=True, slots=True)
class Shown:
    """A column of the matrix in the terminal: what it is called there, and how many decimals it has."""

    column: str
    header: str
    decimals: int = 0


SHOWN = (
    Shown(SHARE, "welfare\n% of opt.", 1),
    Shown("violation_hours", "beyond\nlimits h"),
    Shown("overload_mwh", "overflow\nMVAh", 2),
    Shown("voltage_excursion_pu_h", "voltage\npu h", 2),
    Shown("dso_cost_eur", "DSO\nEUR"),
    Shown("lfm_cost_eur", "LFM\nEUR"),
    Shown("missing_mwh", "missing\nMWh", 2),
    Shown("p2p_mwh", "P2P\nMWh", 1),
    Shown(DISTORTION, "price +-\nEUR/MWh", 1),
    Shown("customer_bill_saving_eur", "others\nsave EUR"),
    Shown("clearings", "clear-\nings"),
    Shown("messages", "mes-\nsages"),
    Shown("disclosed_values_dso", "told\nDSO"),
)
"""What fits a terminal; ``designs.csv`` has everything."""


def count_in_words(result: StudyResult) -> str:
    """Return how many combinations are designs."""
    designs, own = len(result.designs), len(result.study.scenarios) - len(result.designs)
    every = designs + len(result.refused)
    return f"{designs} designs of {every} combinations, and {own} scenarios beside them"


def refusals(result: StudyResult) -> list[tuple[int, str]]:
    """Return how many combinations were refused for which reason, the most frequent first."""
    counted = Counter(each.why for each in result.refused)
    return [(count, why) for why, count in counted.most_common()]


def intervals(result: StudyResult) -> list[str]:
    """Return the means, with their intervals over the seeds, that the study asks for and that designs have."""
    there = (each for each in means(result.measured) if not math.isnan(each.mean))
    return [
        f"{each.scenario}: {each.kpi} {number(each.mean)} {each.unit} in the mean, "
        f"95 % interval {number(each.low)} to {number(each.high)}"
        for each in there
    ]


def csv_rows(table: Matrix) -> Iterator[Sequence[object]]:
    """Yield ``designs.csv``: a header, then a row a design and seed; a figure that there is not is empty."""
    yield (*PARTS, *(column.name for column in table.columns))
    for row, each in enumerate(table.designs):
        for at, seed in enumerate(table.seeds):
            figures = (None if math.isnan(value) else float(value) for value in table.values[row, at])
            said = (each.case, each.grid, each.preset, each.incentive, each.service, each.sequence, seed)
            yield (*said, *figures)


def refused_rows(result: StudyResult) -> Iterator[Sequence[object]]:
    """Yield ``refused.csv``: a header, then a row a combination with the part that has to change and the reason."""
    yield ("combination", "part", "reason")
    for each in result.refused:
        yield (each.combination.name, each.part, each.problem.what)


def matrix_page(result: StudyResult, table: Matrix) -> str:
    """Return ``matrix.md``: a table a grid with the medians over the seeds, and the reasons of what was refused."""
    lines = [f"# The matrix of {result.study.name}", ""]
    lines += [f"{count_in_words(result)}. Seeds {result.study.seeds}; a figure is the median over the seeds.", ""]
    asked = result.study.designs
    assert asked is not None
    lines += _explained(table, asked)
    for grid in table.grids:
        lines += [f"## {grid}", "", *_table(table, grid), "", *_wires(result, table, grid)]
    found = intervals(result)
    if found:
        lines += ["## Means over the seeds", "", *(f"- {each}" for each in found), ""]
    reasons = refusals(result)
    if reasons:
        lines += ["## Refused", "", "| combinations | reason |", "|---|---|"]
        lines += [f"| {count} | {why} |" for count, why in reasons]
    return "\n".join([*lines, ""])


def _explained(table: Matrix, asked: Designs) -> list[str]:
    """Return what columns say that are made of others, and which design of the grid each compares with."""

    def there(ending: str) -> bool:
        return any(column.name.endswith(ending) for column in table.columns)

    without, said = f"without trade (`{asked.untraded}`)", []
    if there(SHARE):
        best = f"the central optimum (`{asked.optimum}`) of the same grid and seed"
        said.append(f"`{SHARE}` is welfare less what the LFM cost, in % of {best}.")
    if there(DISTORTION):
        said.append(
            f"`{DISTORTION}` is the P2P price less that of trade that minds no limit (`{asked.unconstrained}`)."
        )
    if there(COST):
        said.append(f"A cost (`{COST}`) is what is paid less what is received: below 0, more is received.")
    if there(SAVING):
        said.append(f"A saving (`{SAVING}`) is the cost {without} less that of the design.")
    if there(BENEFIT):
        said.append(f"A benefit (`{BENEFIT}`) is what moving its assets is worth to a group, less its cost.")
    if there(GAIN):
        said.append(f"A gain (`{GAIN}`) is the benefit in the design less that {without}.")
    if there(BILL):
        said.append(
            f"A bill (`{BILL}`) is the cost and what recovers the DSO's, at one rate for every MWh that a meter takes; "
            f"`{BILL_SAVING}` and `{BILL_GAIN}` are by it, and by cost in `designs.csv` only."
        )
    return [*(f"- {each}" for each in said), ""] if said else []


def _wires(result: StudyResult, table: Matrix, grid: str) -> list[str]:
    """Return what reinforcing the wires for trade without any limit would cost, where the study says so."""
    asked = result.study.designs
    if asked is None or not table.has(REINFORCEMENT):
        return []
    eur = number(table.median(grid, asked.unlimited, REINFORCEMENT))
    return [
        f"Wires that bear `{asked.unlimited}` instead of a market: {eur} EUR a year, at the study's price per MVA. "
        "All other money is of one run.",
        "",
    ]


def _by_bill(column: str) -> str:
    """Return what a saving or gain by cost is called by the bill: where that is there, the page has it instead."""
    for by_cost, by_bill in ((SAVING, BILL_SAVING), (GAIN, BILL_GAIN)):
        if column.endswith(by_cost):
            return column.removesuffix(by_cost) + by_bill
    return ""


def _table(table: Matrix, grid: str) -> list[str]:
    columns = [column for column in table.columns if not table.has(_by_bill(column.name))]
    header = [column.name if column.unit == "1" else f"{column.name} ({column.unit})" for column in columns]
    lines = [f"| design | {' | '.join(header)} |", "|---" * (len(header) + 1) + "|"]
    for each in table.on(grid):
        cells = [number(table.median(grid, each.name, column.name)) for column in columns]
        lines.append(f"| {each.name} | {' | '.join(cells)} |")
    return lines
