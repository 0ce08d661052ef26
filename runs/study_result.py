"""What a study found, and where its runs are."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from peerflex.runs.study_verdicts import Judged, Measured, Row
from peerflex.scenarios.study import Variant
from peerflex.scenarios.study_schema import Study


@dataclass(frozen=True, slots=True)
class Failure:
    """A simulation that stopped: its folder in the study's own, and why."""

    folder: str
    scenario: str
    point: str
    seed: int
    reason: str


@dataclass(frozen=True, slots=True)
class StudyResult:
    """What a study found; all of it is in ``folder`` too. ``figures`` has shape ``(variants, seeds, kpis)``."""

    folder: Path
    study: Study
    measured: Measured
    rows: tuple[Row, ...]
    criteria: tuple[Judged, ...]
    failed: tuple[Failure, ...]

    @property
    def broken(self) -> tuple[Judged, ...]:
        """The criteria that do not hold."""
        return tuple(each for each in self.criteria if not each.holds)


def run_folders(asked: Sequence[Variant]) -> tuple[str, ...]:
    """Return where the runs of every variant are in the study's folder: add ``-<seed>``. Points count from 1."""
    points = list(dict.fromkeys(each.point for each in asked))
    if len(points) == 1:
        return tuple(f"runs/{each.case}" for each in asked)
    return tuple(f"runs/{each.case}-point{points.index(each.point) + 1}" for each in asked)
