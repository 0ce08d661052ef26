"""SimBench's named profiles of a year, hour by hour: how load, sun and wind differ from day to day."""

from datetime import datetime
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from peerflex.core.arrays import Floats
from peerflex.core.errors import InputError
from peerflex.scenarios.hints import nearest

YEAR_START = datetime(2016, 1, 1)
"""When SimBench's year of profiles begins."""

Kind = Literal["load", "res"]

_FOLDER = Path("networks") / "1-complete_data-mixed-all-0-sw"
_FILES: dict[Kind, tuple[str, str]] = {"load": ("LoadProfile.csv", "_pload"), "res": ("RESProfile.csv", "")}
_QUARTERS = 4
_HOURS_OF_DAY = 24


def hourly_shape(kind: Kind, name: str, where: str) -> Floats:
    """Return a profile of SimBench's year 2016 as hourly means, ``(8784,)``.

    S. Meinecke et al., "SimBench - a benchmark dataset of electric power systems", Energies 13(12), 3290, 2020.

    Raises:
        InputError: if SimBench has no such profile.
    """
    path, suffix = _path(kind)
    known = _names(path)
    if name + suffix not in known:
        names = [each.removesuffix(suffix) for each in known if each.endswith(suffix) and each != "time"]
        raise InputError(where, f"SimBench has no {kind} profile {name!r}", nearest(name, names))
    return _hourly(path, name + suffix)


def against_its_days(shape: Floats, normal: Literal["mean", "best"]) -> Floats:
    """Return a shape over its own mean (or largest value) at the same hour of the day; 1 where that is nothing."""
    days = shape.reshape(-1, _HOURS_OF_DAY)
    usual = days.mean(axis=0) if normal == "mean" else days.max(axis=0)
    ratio: Floats = np.divide(days, usual, out=np.ones_like(days), where=usual > 0)
    return ratio.ravel()


def _path(kind: Kind) -> tuple[Path, str]:
    spec = find_spec("simbench")
    assert spec is not None  # a requirement of peerflex
    assert spec.submodule_search_locations
    file, suffix = _FILES[kind]
    return Path(spec.submodule_search_locations[0]) / _FOLDER / file, suffix


@cache
def _names(path: Path) -> tuple[str, ...]:
    return tuple(pd.read_csv(path, sep=";", nrows=0).columns)


@cache
def _hourly(path: Path, column: str) -> Floats:
    # wind stands still a little below nothing
    quarters = np.maximum(pd.read_csv(path, sep=";", usecols=[column])[column].to_numpy(dtype=np.float64), 0.0)
    hours: Floats = quarters[: len(quarters) // _QUARTERS * _QUARTERS].reshape(-1, _QUARTERS).mean(axis=1)
    hours.setflags(write=False)
    return hours
