"""What a study found, and where its runs are."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from peerflex.runs.study.closest import Closest
from peerflex.runs.study.criteria import Judged
from peerflex.runs.study.frozen import FrozenStatus
from peerflex.runs.study.hourly import Drawn
from peerflex.runs.study.occupancy import Occupancy
from peerflex.runs.study.verdicts import Measured, Row
from peerflex.scenarios.study import Variant
from peerflex.scenarios.study_combined import Refused
from peerflex.scenarios.study_designs import Combination
from peerflex.scenarios.study_schema import Study


@dataclass(frozen=True, slots=True)
class Failure:
    """A simulation that stopped: its folder in the study's own (None: no log is kept), and why."""

    folder: str | None
    scenario: str
    point: str
    seed: int
    reason: str


@dataclass(frozen=True, slots=True)
class StudyResult:
    """What a study found; all of it is in ``folder`` too.

    ``rows`` and ``criteria`` are at every point of the sweep, or as the study is and then with every variation.
    ``closest`` is the draw closest to print, if anything can be compared; ``occupancy`` the branches asked for, and
    ``pictures`` what is drawn over the hours. ``designs`` are the combinations that are scenarios, ``refused`` those
    that are none.
    """

    folder: Path
    study: Study
    measured: Measured
    rows: tuple[Row, ...]
    criteria: tuple[Judged, ...]
    failed: tuple[Failure, ...]
    frozen: FrozenStatus
    closest: Closest | None
    occupancy: tuple[Occupancy, ...]
    pictures: tuple[Drawn, ...]
    designs: tuple[Combination, ...] = ()
    refused: tuple[Refused, ...] = ()

    @property
    def variations(self) -> tuple[str, ...]:
        """The variations that were simulated."""
        return tuple(each.name for each in self.study.every_variation if each.name in self.measured.points)

    @property
    def broken(self) -> tuple[Judged, ...]:
        """The criteria that do not hold; those of variations are for the table of robustness."""
        return tuple(each for each in self.criteria if not each.holds and each.point not in self.variations)


def run_folders(asked: Sequence[Variant]) -> tuple[str, ...]:
    """Return where the runs of every variant are in the study's folder: add ``-<seed>``. Points count from 1."""
    points = list(dict.fromkeys(each.point for each in asked))
    if len(points) == 1:
        return tuple(f"runs/{each.case}" for each in asked)
    return tuple(f"runs/{each.case}-point{points.index(each.point) + 1}" for each in asked)
