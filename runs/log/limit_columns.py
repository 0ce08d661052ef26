"""Limits that were not kept, as figures of a step, and the capacity that would have kept those of branches."""

import numpy as np

from peerflex.core.arrays import Bools, Floats, Ints
from peerflex.core.causes import Cause
from peerflex.runs.log.columns import Part, Source, element


def congested(part: Part) -> Ints:
    """Count the branches whose limit was not kept."""
    return np.bincount(_steps(part)[~_voltage(part)], minlength=len(part.records))


def caused_by(cause: Cause) -> Source:
    """Count the limits that were not kept for one cause."""
    return lambda part: np.bincount(_steps(part)[part.joined("causes") == cause], minlength=len(part.records))


def voltage_excursion_pu(part: Part) -> Floats:
    """Take how far the worst voltage is beyond its limit; 0 where all are kept."""
    worst_pu = np.zeros(len(part.records))
    np.maximum.at(worst_pu, _steps(part), np.where(_voltage(part), part.joined("violations.excess"), 0.0))
    return worst_pu


def overload_mva(part: Part) -> Floats:
    """Turn the excess of every violation into power, by the rating of its branch; 0 for voltages, and without one."""
    rating = np.array([mva or 0.0 for mva in part.manifest.branch_rating_mva] + [0.0])  # the last for row -1
    power: Floats = rating[element("violations", False)(part)] * part.joined("violations.excess")
    return power


def missing_mva(rating_mva: Floats, branch: Ints, excess: Floats, limit: Floats) -> Floats:
    """Return what every branch's rating would have to be higher by for its limit to be kept.

    ``branch``, ``excess`` and ``limit`` are rows of broken limits: a flow of ``excess`` + ``limit`` times the rating
    is within ``limit`` times a rating higher by ``excess / limit``. ``rating_mva`` and the answer: ``(branches,)``.
    """
    missing = np.zeros(len(rating_mva))
    np.maximum.at(missing, branch, rating_mva[branch] * excess / limit)
    return missing


def _voltage(part: Part) -> Bools:
    voltage: Bools = part.joined("violations.is_voltage")
    return voltage


def _steps(part: Part) -> Ints:
    """Return the row of its step for every violation."""
    return np.repeat(np.arange(len(part.records)), part.lengths("violations"))
