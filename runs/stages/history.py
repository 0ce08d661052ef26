"""Baselines of flexibility by the meters of days before: what is carried for them, and what they say of a step."""

from typing import TYPE_CHECKING

import numpy as np

from peerflex.core.arrays import Floats
from peerflex.core.record import Event, HourRecord
from peerflex.markets.baselines import called_on, kept, mean_of_days
from peerflex.runs.area.area import Area
from peerflex.runs.stages.sequences import Bargain

if TYPE_CHECKING:
    from peerflex.runs.model import AreaModel


def readings_after(area: Area, readings_mw: Floats | None, record: HourRecord) -> Floats | None:
    """Return the meter readings that baselines of the next steps are made of ``(steps, peers)``, None if of none."""
    rules, reading_mw = area.responsibility, record.metered_mw
    if rules.quiet_days_only:
        reading_mw = np.where(called_on(record.decision), np.nan, reading_mw)
    return kept(readings_mw, reading_mw, rules.baseline_days * area.steps_a_day)


def history_mw(model: "AreaModel", resort_mw: Floats) -> Floats | None:
    """Return what each peer did at this time of the days before, and what the last resort adds to that today.

    That is paid apart: it is not delivered once more to the flexibility market. NaN for a peer of which no day counts,
    None where there is no whole day, or nobody asks.
    """
    area = model.area
    before_mw = mean_of_days(model.readings_mw, area.steps_a_day, area.responsibility.baseline_days)
    return None if before_mw is None else before_mw + resort_mw


def of_history(area: Area, bargain: Bargain, before_mw: Floats | None) -> tuple[Event, ...]:
    """Name how many were activated of whom meters say nothing that counts."""
    if not area.responsibility.baseline_days:
        return ()
    activated = np.unique(bargain.offers.peer[bargain.bought.result.accepted_mw > 0.0])
    lacking = len(activated) if before_mw is None else int(np.isnan(before_mw[activated]).sum())
    if not lacking:
        return ()
    what = f"{lacking} of {len(activated)} activated peers without a day before that counts"
    return (Event("no-history", "flexibility market", what, "the baseline there is what the peer announced"),)
