"""The synchronous area and the TSO's request, from what a scenario says of them."""

from datetime import timedelta

import numpy as np

from peerflex.core.arrays import Floats
from peerflex.core.errors import InputError
from peerflex.core.frequency import FrequencyArea
from peerflex.core.regulation import System, SystemEvents
from peerflex.core.units import SECONDS_PER_HOUR, SECONDS_PER_MINUTE
from peerflex.scenarios.calibrated_day import HOURS, read_day
from peerflex.scenarios.load import LoadedScenario
from peerflex.scenarios.series import read_series

UP, DOWN = "up_mw", "down_mw"


def build_system(loaded: LoadedScenario) -> System | None:
    """Return the area a scenario is in, None if it does not say.

    Raises:
        InputError: if the area's parameters do not fit each other.
    """
    scenario = loaded.scenario
    spec, tso = scenario.frequency, scenario.tso
    if spec is None:
        return None
    try:
        area = FrequencyArea(**spec.area.model_dump(exclude={"name"}))
    except InputError as error:
        problem = error.problem
        raise InputError(f"{loaded.origin}: frequency.area", problem.what, problem.remedy) from None
    start_s = [SECONDS_PER_HOUR * each.start_hour + SECONDS_PER_MINUTE * each.at_minute for each in spec.events]
    end_s = [start + SECONDS_PER_HOUR * each.hours for start, each in zip(start_s, spec.events, strict=True)]
    change_mw = [each.change_mw for each in spec.events]
    events = SystemEvents(*(np.array(column, dtype=np.float64) for column in (start_s, end_s, change_mw)))
    return System(area, spec.feeders, events, *((tso.delay_s, tso.ramp_s) if tso else (0.0, 0.0)))


def listed_request_mw(loaded: LoadedScenario) -> Floats | None:
    """Return what the TSO asks for in every step, > 0 up, ``(steps,)``; None if it goes by the frequency.

    Raises:
        InputError: if a file cannot be read, or has other columns than those of a request.
    """
    tso, time = loaded.scenario.tso, loaded.scenario.time
    if tso is None or tso.request.kind == "from-frequency":
        return None
    if tso.request.mw is not None:
        return np.resize(np.array(tso.request.mw, dtype=np.float64), time.steps)
    if tso.request.file is not None:
        return _from_file(loaded, tso.request.file)
    day = read_day()
    for name, factor in (loaded.scenario.units.factors if loaded.scenario.units else {}).items():
        day = day.scaled(name, factor)
    hour = [(time.start + timedelta(seconds=step * time.step_s)).hour % HOURS for step in range(time.steps)]
    return day.request_mw()[hour]


def _from_file(loaded: LoadedScenario, file: str) -> Floats:
    series = read_series(loaded.base / file, loaded.scenario.time)
    for name in series.columns:
        if name not in (UP, DOWN):
            raise InputError(f"{file}: column {name!r}", "is none of a request", f"Call columns {UP} or {DOWN}.")
    values = np.zeros((2, loaded.scenario.time.steps))
    for row, name in enumerate((UP, DOWN)):
        if name in series.columns:
            values[row] = series.values[:, series.columns.index(name)]
    for step in np.flatnonzero((values[0] > 0) & (values[1] > 0)):
        raise InputError(f"{file}: step {step}", f"asks for {UP} and for {DOWN}", "Ask for one of the two in a step.")
    request_mw: Floats = values[0] - values[1]
    return request_mw
