"""The matrix of designs as files: ``designs.csv`` with every figure, ``matrix.md`` with medians, what was refused."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from peerflex.runs.study.matrix import BENEFIT, COST, DISTORTION, GAIN, SAVING, SHARE, Matrix
from peerflex.runs.study.means import means
from peerflex.runs.study.page import number
from peerflex.runs.study.result import StudyResult

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
    Shown(DISTORTION, "price\nchange", 1),
    Shown("customer_saving_eur", "others\nsave EUR"),
    Shown("clearings", "clear-\nings"),
    Shown("messages", "mes-\nsages"),
    Shown("disclosed_values_dso", "told\nDSO"),
)
"""What fits a terminal; ``matrix.md`` and ``designs.csv`` have everything."""


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
    lines += _explained(table)
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


def _explained(table: Matrix) -> list[str]:
    said = []
    if table.has(SHARE):
        said.append(
            f"`{SHARE}` is welfare less what the LFM cost, in % of the central optimum of the same grid and seed."
        )
    if table.has(DISTORTION):
        said.append(f"`{DISTORTION}` is the P2P price less that of trade that minds no limit.")
    if any(column.name.endswith(SAVING) for column in table.columns):
        said.append(f"A saving (`{SAVING}`) is the bill (`{COST}`) without trade less that of the design.")
    if any(column.name.endswith(GAIN) for column in table.columns):
        said.append(f"A gain (`{GAIN}`) is the benefit (`{BENEFIT}`) in the design less that without trade.")
    return [*(f"- {each}" for each in said), ""] if said else []


def _wires(result: StudyResult, table: Matrix, grid: str) -> list[str]:
    """Return what reinforcing the wires for trade without any limit would cost, where the study says so."""
    asked = result.study.designs
    if asked is None or not table.has(REINFORCEMENT):
        return []
    eur = number(table.median(grid, asked.unlimited, REINFORCEMENT))
    return [
        f"Wires that bear `{asked.unlimited}` instead of a market: {eur} EUR a year, at the study's price per MVA.",
        "",
    ]


def _table(table: Matrix, grid: str) -> list[str]:
    header = [column.name if column.unit == "1" else f"{column.name} ({column.unit})" for column in table.columns]
    lines = [f"| design | {' | '.join(header)} |", "|---" * (len(header) + 1) + "|"]
    for each in table.on(grid):
        cells = [number(table.median(grid, each.name, column.name)) for column in table.columns]
        lines.append(f"| {each.name} | {' | '.join(cells)} |")
    return lines
