"""Conditions to run until: what somebody types, and whether it holds in a step."""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from peerflex.core.errors import InputError
from peerflex.runs.log.table_hours import HOURS
from peerflex.runs.stepper.print import CHANGED
from peerflex.runs.views import Log, events_at, series
from peerflex.scenarios.hints import nearest

Condition = Callable[[Log, int], bool]
"""Says of a logged step whether what is waited for happened in it."""

FIGURES: Final = tuple(each.name for each in HOURS.columns if each.kind in ("float", "int", "bool"))
"""Columns of the hours that a condition, or a picture, can be made of."""

SHORT: Final = {
    "price": {">": "p2p_price_eur_per_mwh", "<": "p2p_price_eur_per_mwh"},
    "loading": {">": "highest_loading", "<": "highest_loading"},
    "voltage": {">": "highest_voltage_pu", "<": "lowest_voltage_pu"},
}
"""Short words for the columns that are asked for most: a voltage is the highest or the lowest one."""

WORDS: Final = ("violation", "flexibility", "event", *SHORT)

_COMPARISON: Final = re.compile(r"(\w+)\s*([<>]=?)\s*(\S+)$")
_SIGNS: Final = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}
_MOST_LOADING: Final = 10.0
_USE: Final = (
    "Use violation, flexibility, event [KIND], price > X, loading > X, voltage < X, or any figure of the hours."
)


@dataclass(frozen=True, slots=True)
class _Compared:
    column: str
    sign: str
    limit: float

    def __call__(self, log: Log, step: int) -> bool:
        value = series(log, (self.column,), step, step)[self.column][0]
        return bool(_SIGNS[self.sign](value, self.limit))


@dataclass(frozen=True, slots=True)
class _Event:
    kind: str

    def __call__(self, log: Log, step: int) -> bool:
        kinds = {event.kind for event in events_at(log, step)}
        return self.kind in kinds if self.kind else bool(kinds - {CHANGED})  # who changes something awaits the effect


def condition(text: str) -> Condition:
    """Return the condition that a text says.

    Raises:
        InputError: if it says none.
    """
    word, _, rest = text.strip().partition(" ")
    if word == "event":
        return _Event(rest.strip())
    if text.strip() == "violation":
        return _Compared("violations", ">", 0.0)
    if text.strip() == "flexibility":
        return _Compared("lfm_mwh", ">", 0.0)
    found = _COMPARISON.match(text.strip())
    if found is None:
        raise InputError(f"until {text}".strip(), "is no condition", _USE)
    name, sign, number = found.groups()
    column = SHORT.get(name, {}).get(sign[0], name)
    if column not in FIGURES:
        raise InputError(f"until {text}", f"the hours have no figure {name!r}", nearest(name, (*SHORT, *FIGURES)))
    return _Compared(column, sign, _number(number, column, text))


def _number(text: str, column: str, whole: str) -> float:
    share = text.endswith("%")
    try:
        value = float(text.rstrip("%")) / (100.0 if share else 1.0)
    except ValueError:
        raise InputError(f"until {whole}", f"{text!r} is not a number", "For example: loading > 0.9") from None
    if column == "highest_loading" and value > _MOST_LOADING:
        what = f"a loading of {value:g} is {value:.0%} of the rating"
        raise InputError(f"until {whole}", what, f"Write {value / 100:g} or {value:g}%.")
    return value
