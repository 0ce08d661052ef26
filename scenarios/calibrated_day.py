"""The day of the 37-bus network: who is connected, what it costs them, and 24 hours of what there is.

The data file holds facts, each with its unit, its source and a tag that says how far to trust it. It is an identified,
synthetic day, not the data of the paper, which are not public: J. Marques, T. Soares and H. Morais, "P2P flexibility
markets models to support the coordination between the transmission system operators and distribution system operators",
Sustainable Energy, Grids and Networks, 2023. Its SHA-256 is part of it, so that nobody changes a number unseen.
"""

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from peerflex.core.arrays import Floats
from peerflex.core.errors import InputError

DAY = Path(__file__).parent / "data" / "tso-dso-day.json"
HOURS = 24
TAGS = ("paper", "public", "inferred", "assumed")
UPSTREAM = "HV"
"""Name of the bus of the external supplier and of the virtual load."""

_CHANGE_A_COPY = "Restore the file as it was installed; to try another value, use CalibratedDay.scaled."


@dataclass(frozen=True, slots=True)
class Fact:
    """Numbers of one meaning: ``tag`` is one of TAGS, ``source`` the place where they were found or how."""

    name: str
    unit: str
    tag: str
    source: str
    value: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class FittedTo:
    """A published table that numbers were fitted to: what agrees with it since is no evidence."""

    table: str
    cells: str
    used_for: str


@dataclass(frozen=True, slots=True)
class Units:
    """Everybody who trades, loads first; ``(units,)`` or ``(24, units)``, row 0 the hour that the paper calls 1.

    ``kind`` is 'load', 'pv', 'wind', 'chp' or 'supplier', ``node`` the name of a bus of the network ``rbts2``,
    ``share`` the part of all of its kind. With p the injection in MW (a load's is below 0), one more MWh injected costs
    ``cost_eur_per_mwh + cost_eur_per_mwh2 * p``: for a load that is the value of the MWh it goes without, so that all
    kinds have the cost ``b p + a p^2 / 2`` (paper, equation 2). ``least_mw`` and ``most_mw`` are magnitudes (>= 0)
    of consumption or generation. ``tan_phi`` is reactive over active power: a load takes both, the others
    give both (0 for the supplier, which is the upstream grid).
    """

    name: tuple[str, ...]
    kind: tuple[str, ...]
    node: tuple[str, ...]
    share: Floats
    cost_eur_per_mwh: Floats
    cost_eur_per_mwh2: Floats
    least_mw: Floats
    most_mw: Floats
    tan_phi: Floats

    def __len__(self) -> int:
        return len(self.name)


@dataclass(frozen=True, slots=True)
class CalibratedDay:
    """The facts of a day, by name, and the hash of the file they are from."""

    facts: tuple[Fact, ...]
    fitted_to: tuple[FittedTo, ...]
    sha256: str

    def fact(self, name: str) -> Fact:
        """Return a fact; InputError if there is none of this name."""
        for fact in self.facts:
            if fact.name == name:
                return fact
        known = ", ".join(fact.name for fact in self.facts)
        raise InputError("calibrated day", f"there is no fact {name!r}", f"Facts are: {known}.")

    def scaled(self, name: str, factor: float) -> "CalibratedDay":
        """Return a day with one fact times a factor, to see what depends on it; the hash stays the file's.

        Raises:
            InputError: if the fact is unknown or a list of nodes, the factor is not above 0 and finite, or a share
                would not be below 1.
        """
        fact = self.fact(name)
        changed = replace(fact, value=tuple(factor * value for value in fact.value))
        too_much = fact.unit == "share" and max(changed.value) >= 1.0
        if fact.unit == "node" or not 0.0 < factor < np.inf or too_much:
            what = f"fact {name!r} ({fact.unit}) cannot be multiplied by {factor}"
            raise InputError(
                "calibrated day", what, "Scale a quantity by a finite factor above 0; shares stay below 1."
            )
        return replace(self, facts=tuple(changed if fact.name == name else fact for fact in self.facts))

    def column(self, name: str) -> Floats:
        """Return the numbers of a fact, ``(24,)`` for the profiles."""
        return np.array(self.fact(name).value)

    def number(self, name: str) -> float:
        """Return the one number of a fact."""
        (value,) = self.fact(name).value
        return value

    def base_load_mw(self) -> Floats:
        """Return the base load of every load point, ``(24, loads)``: all of it, split by peak load."""
        return self.column("base_load_mw")[:, None] * _parts(self.column("load_peak_mw"))

    def request_mw(self) -> Floats:
        """Return what the TSO asks the virtual load to take in scenarios 4 and 5, ``(24,)``.

        It is the wind and PV that nobody takes in the benchmark: available generation and the least of the CHP less
        the most that loads may consume. (All loads are at their most in these hours, since they value a MWh more
        than it costs there. The paper gives a picture, Figure 10, and the sum.)
        """
        available_mw = self.column("wind_available_mw") + self.column("pv_available_mw")
        most_mw = (1.0 + self.number("load_flexibility")) * self.column("base_load_mw")
        return np.maximum(available_mw + self.number("chp_least_mw") - most_mw, 0.0)

    def units(self) -> Units:
        """Return the 50 traders: 22 loads, 22 PV units, 2 wind farms, 3 CHP units and the external supplier."""
        groups = (_loads(self), _pv(self), _wind(self), _chp(self), _supplier(self))

        def texts(key: str) -> tuple[str, ...]:
            return tuple(text for group in groups for text in getattr(group, key))

        def numbers(key: str) -> Floats:
            return np.concatenate([getattr(group, key) for group in groups], axis=-1)

        return Units(
            name=texts("name"),
            kind=texts("kind"),
            node=texts("node"),
            share=numbers("share"),
            cost_eur_per_mwh=numbers("cost_eur_per_mwh"),
            cost_eur_per_mwh2=numbers("cost_eur_per_mwh2"),
            least_mw=numbers("least_mw"),
            most_mw=numbers("most_mw"),
            tan_phi=numbers("tan_phi"),
        )


def read_day(path: Path = DAY) -> CalibratedDay:
    """Return the calibrated day.

    Raises:
        InputError: if the file cannot be read, or is not what its own SHA-256 says.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        stated = document.pop("sha256")
        facts = tuple(Fact(**row | {"value": tuple(map(float, row["value"]))}) for row in document["facts"])
        fitted_to = tuple(FittedTo(**row) for row in document["fitted_to"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(str(path), f"is not a calibrated day ({error})", _CHANGE_A_COPY) from None
    if content_hash(document) != stated:
        raise InputError(str(path), "its content is not what its sha256 says", _CHANGE_A_COPY)
    return CalibratedDay(facts, fitted_to, stated)


def content_hash(document: Any) -> str:
    """Return the SHA-256 of a document without its ``sha256``: JSON with sorted keys, no spaces, ASCII."""
    return hashlib.sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _parts(weights: Floats) -> Floats:
    parts: Floats = weights / weights.sum()
    return parts


def _nodes(day: CalibratedDay, kind: str) -> tuple[str, ...]:
    return tuple(str(int(node)) for node in day.column(f"{kind}_node"))


def _generators(
    day: CalibratedDay, kind: str, nodes: tuple[str, ...], share: Floats, least_mw: Floats, most_mw: Floats, tan: float
) -> Units:
    """Return units that share the cost curve of their kind: a slope over a share is the slope of one unit."""
    slope = day.number(f"{kind}_slope_eur_per_mwh2") / share
    return Units(
        name=tuple(f"{kind.upper() if len(kind) < 4 else kind} {node}" for node in nodes),
        kind=(kind,) * len(nodes),
        node=nodes,
        share=share,
        cost_eur_per_mwh=np.full(len(nodes), day.number(f"{kind}_cost_eur_per_mwh")),
        cost_eur_per_mwh2=np.tile(slope, (HOURS, 1)),
        least_mw=least_mw[:, None] * share,
        most_mw=most_mw[:, None] * share,
        tan_phi=np.full(len(nodes), tan),
    )


def _loads(day: CalibratedDay) -> Units:
    nodes, base_mw, flexibility = _nodes(day, "load"), day.base_load_mw(), day.number("load_flexibility")
    return Units(
        name=tuple(f"LP{place}" for place in range(1, len(nodes) + 1)),
        kind=("load",) * len(nodes),
        node=nodes,
        share=_parts(day.column("load_peak_mw")),
        cost_eur_per_mwh=np.full(len(nodes), day.number("load_value_eur_per_mwh")),
        cost_eur_per_mwh2=day.number("load_slope_eur_per_mwh") / base_mw,
        least_mw=(1.0 - flexibility) * base_mw,
        most_mw=(1.0 + flexibility) * base_mw,
        tan_phi=np.full(len(nodes), day.number("load_tan_phi")),
    )


def _pv(day: CalibratedDay) -> Units:
    """One unit a load point, split by peak load [assumed]."""
    most_mw, share = day.column("pv_available_mw"), _parts(day.column("load_peak_mw"))
    return _generators(day, "pv", _nodes(day, "load"), share, np.zeros(HOURS), most_mw, day.number("res_tan_phi"))


def _wind(day: CalibratedDay) -> Units:
    most_mw, first = day.column("wind_available_mw"), day.number("wind_first_site_share")
    share = np.array([first, 1.0 - first])
    return _generators(day, "wind", _nodes(day, "wind"), share, np.zeros(HOURS), most_mw, day.number("res_tan_phi"))


def _chp(day: CalibratedDay) -> Units:
    nodes, always = _nodes(day, "chp"), np.ones(HOURS)
    least_mw, most_mw = day.number("chp_least_mw") * always, day.number("chp_most_mw") * always
    return _generators(day, "chp", nodes, _parts(np.ones(len(nodes))), least_mw, most_mw, day.number("chp_tan_phi"))


def _supplier(day: CalibratedDay) -> Units:
    most_mw = np.full(HOURS, day.number("supplier_most_mw"))
    return _generators(day, "supplier", (UPSTREAM,), np.ones(1), np.zeros(HOURS), most_mw, 0.0)
