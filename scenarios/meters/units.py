"""In which unit meters are: by the name of their column, or by the loads of the network they belong to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from peerflex.core.arrays import Bools, Floats
from peerflex.scenarios.meters import kinds as kinds
from peerflex.scenarios.meters.findings import Finding

POWER_KW: Final = {"kW": 1.0, "W": 1e-3, "MW": 1e3}
ENERGY_KWH: Final = {"kWh": 1.0, "Wh": 1e-3, "MWh": 1e3}
THOUSAND_WITHIN: Final = 0.6
"""How far the logarithm (to 10) of a meter's ratio may be from 3 to be called a thousand: a factor of 4."""

FAR: Final = 1.3
CLEAR: Final = 4.0


@dataclass(frozen=True, slots=True)
class Sized:
    """A meter as its unit is judged: the unit its column names ('' none), the hours of its steps, what it comes
    near at its highest, and the power of its load or PV in the network (0: none)."""

    name: str
    unit: str
    hours: float
    peak: float
    rated_kw: float


def factors_to_kw(meters: Sequence[Sized], file: str) -> tuple[Floats, list[Finding]]:
    """Return by what each meter's values are multiplied to be kW, ``(meters,)``, and what was found."""
    named = np.array([_named_factor(meter) for meter in meters])
    ratio = np.array([m.peak / m.rated_kw if m.rated_kw > 0 and m.peak > 0 else np.nan for m in meters])
    findings = []
    guess = 1.0
    unnamed = np.isnan(named)
    usable = unnamed & np.isfinite(ratio)
    if usable.any():
        typical = float(np.median(ratio[usable]))
        unit = min(POWER_KW, key=lambda unit: abs(np.log10(typical * POWER_KW[unit])))
        guess = POWER_KW[unit]
        what = f"taken as {unit}: a meter comes to {typical * guess:.2g} times the power its load has in the network"
        findings.append(Finding(kinds.FILE_UNIT, file, what))
    elif unnamed.any():
        findings.append(Finding(kinds.FILE_UNIT, file, "taken as kW: the network's loads have no power to compare"))
    units = sorted({meter.unit for meter in meters if meter.unit})
    if units:
        findings.append(Finding(kinds.FILE_UNIT, file, f"{', '.join(units)}, as the columns say"))
    factor = np.where(unnamed, guess, named)
    log = np.log10(ratio * factor)
    if np.isfinite(log).any():
        factor, more = _odd_ones(meters, factor, log, unnamed, file)
        findings += more
    return factor, findings


def _named_factor(meter: Sized) -> float:
    if meter.unit in POWER_KW:
        return POWER_KW[meter.unit]
    return ENERGY_KWH[meter.unit] / meter.hours if meter.unit else np.nan


def _odd_ones(
    meters: Sequence[Sized], factor: Floats, log: Floats, unnamed: Bools, file: str
) -> tuple[Floats, list[Finding]]:
    """Return corrected factors: who is a thousand times off the others is in another unit; others are only named."""
    middle = float(np.nanmedian(log))
    spread = 1.4826 * float(np.nanmedian(np.abs(log - middle)))
    corrected, findings = factor.copy(), []
    for row, meter in enumerate(meters):
        off, times = log[row] - middle, 10 ** (log[row] - middle)
        if not np.isfinite(off):
            continue
        per_step = np.log10(meter.hours)  # kWh of a quarter of an hour are a quarter of the kW
        if abs(abs(off) - 3) < THOUSAND_WITHIN:
            corrected[row] *= 10.0 ** (-3 * np.sign(off))
            what = f"{times:.3g} times what its load suggests, as the other meters compare with theirs"
            findings.append(Finding(kinds.TIMES_1000, meter.name, what))
        elif abs(off) > FAR:
            findings.append(Finding(kinds.MISFIT, meter.name, f"{times:.3g} times what its load suggests"))
        elif per_step and unnamed[row] and abs(off - per_step) < 0.1 and abs(off) > CLEAR * max(spread, 0.02):
            findings.append(Finding(kinds.LIKE_ENERGY, meter.name, f"{times:.2g} times what its load suggests"))
    hours = float(np.median([meter.hours for meter in meters]))
    if hours < 1 and unnamed.all() and 0.7 * hours < 10**middle < 1.2 * hours:
        what = f"a meter comes to {10**middle:.2g} of its load's power, and steps last {hours:g} h"
        findings.append(Finding(kinds.LIKE_ENERGY, file, what))
    return corrected, findings
