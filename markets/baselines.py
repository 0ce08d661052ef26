"""What delivered flexibility is measured against, where that is not what the peer announced: its meter in days before.

The mean of the same time of day over the last days, all of them or those on which nobody called on the peer then, is
the simplest of the baselines of demand response (Coughlin et al. 2008, LBNL-63728). It needs no announcement; what a
peer did in days before need not be what it would have done today (Ziras, Heinrich and Bindner 2021,
doi:10.1016/j.rser.2020.110357).
"""

import numpy as np

from peerflex.core.arrays import Bools, Floats, add_up
from peerflex.core.record import Decision


def called_on(decision: Decision) -> Bools:
    """Return who was activated in a step, by the flexibility market or as a last resort ``(peers,)``."""
    offers, last, n = decision.offers, decision.last_resort, len(decision.baseline_mw)
    called_mw = add_up(offers.peer, decision.flex.accepted_mw, n)
    called: Bools = called_mw + add_up(last.offers.peer, last.result.accepted_mw, n) > 0.0
    return called


def kept(readings_mw: Floats | None, reading_mw: Floats, most: int) -> Floats | None:
    """Return the readings ``(steps, peers)`` with those of one more step ``(peers,)``, of the last ``most`` steps.

    None if that is 0. NaN is a reading that does not count.
    """
    if not most:
        return None
    latest_mw = reading_mw[np.newaxis]
    return latest_mw if readings_mw is None else np.concatenate([readings_mw, latest_mw])[-most:]


def mean_of_days(readings_mw: Floats | None, steps_a_day: int, days: int) -> Floats | None:
    """Return what meters showed at the time of day of the next step, on average over at most so many days ``(peers,)``.

    ``readings_mw`` ``(steps, peers)`` are all steps up to it, the latest last. NaN for a peer of which no day counts;
    None where there is no whole day of anybody.
    """
    if readings_mw is None or not days or len(readings_mw) < steps_a_day:
        return None
    same_time_mw = readings_mw[-steps_a_day::-steps_a_day][:days]
    count = np.isfinite(same_time_mw).sum(axis=0)
    mean_mw = np.full(len(count), np.nan)
    np.divide(np.nansum(same_time_mw, axis=0), count, out=mean_mw, where=count > 0)
    return mean_mw


def baseline_that_counts(announced_mw: Floats, history_mw: Floats | None) -> Floats:
    """Return the baseline that counts ``(peers,)``: that of the days before, what was announced where there is none."""
    return announced_mw if history_mw is None else np.where(np.isnan(history_mw), announced_mw, history_mw)
