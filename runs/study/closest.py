"""The seed whose figures are closest to print: picked after seeing the target, so evidence of nothing."""

from dataclasses import dataclass

import numpy as np

from peerflex.core.arrays import Bools, Floats
from peerflex.runs.study.verdicts import Measured
from peerflex.scenarios.study_schema import INFEASIBLE


@dataclass(frozen=True, slots=True)
class Closest:
    """The closest draw: its seed, its place among the seeds, and its distance.

    The distance is the mean over the published values that nothing was calibrated with (``values`` of them) of
    ``|own - published| / max(|own|, |published|)``, at most 1: 0 is equal, 1 is one of the two 0, or signs that
    differ, or no figure. Against ``infeasible`` it is 0 without a figure and 1 with one.
    """

    seed: int
    row: int
    of: int
    distance: float
    values: int

    @property
    def in_words(self) -> str:
        return (
            f"closest draw (seed {self.seed} of {self.of}, chosen after seeing the target; not evidence): "
            f"mean relative difference {self.distance:.3f} over {self.values} values"
        )


def closest_draw(measured: Measured) -> Closest | None:
    """Return the closest draw at the first point of the study (the first of equals), None without anything to match."""
    study, point = measured.study, measured.variants[0].point
    published = [each for each in study.every_published if not each.in_sample]
    if not published:
        return None
    distances = np.array(
        [
            _distance(
                each.value,
                measured.seeds(each.scenario, point, each.kpi, each.hour),
                measured.ended(each.scenario, point),
            )
            for each in published
        ]
    )
    distance = distances.mean(axis=0)
    row = int(distance.argmin())
    return Closest(study.seed_range[row], row, len(study.seed_range), float(distance[row]), len(published))


def _distance(published: float | str, seeds: Floats, ended: Bools) -> Floats:
    """Return the distance of every seed's figure, ``(seeds,)``."""
    if published == INFEASIBLE:
        return np.where(np.isnan(seeds) & ended, 0.0, 1.0)
    value = float(published)
    largest = np.maximum(np.abs(seeds), abs(value))
    relative = np.divide(np.abs(seeds - value), largest, out=np.zeros(len(seeds)), where=largest != 0)
    return np.nan_to_num(np.minimum(relative, 1.0), nan=1.0)
