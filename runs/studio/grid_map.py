"""The network as a picture in the browser: lines by loading, buses by voltage, arrows where the power flows.

The picture itself is drawn by ``grid_map.js`` on a canvas. Topology is sent once; a step is a few arrays of 32-bit
numbers, so that ten thousand buses are recoloured in some tens of milliseconds.
"""

from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from json import dumps
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
from nicegui import ui
from nicegui.events import GenericEventArguments

from peerflex.core.arrays import Bools, Floats, Ints
from peerflex.runs.studio.palette import DARK, LIGHT

_PARTS: Final[list[str | Path]] = ["grid_map_scene.js", "grid_map_paint.js", "grid_map_legend.js", "grid_map_words.js"]


class Drawn(Protocol):
    """A network to draw: bus columns ``(buses,)``, branch columns ``(branches,)``; no rating is infinite."""

    @property
    def bus_names(self) -> tuple[str, ...]: ...
    @property
    def x(self) -> Floats: ...
    @property
    def y(self) -> Floats: ...
    @property
    def branch_names(self) -> tuple[str, ...]: ...
    @property
    def from_bus(self) -> Ints: ...
    @property
    def to_bus(self) -> Ints: ...
    @property
    def rating_mva(self) -> Floats: ...


class Hour(Protocol):
    """The network in one step; see ``runs.views_grid.GridView``."""

    @property
    def step(self) -> int: ...
    @property
    def time(self) -> datetime: ...
    @property
    def v_pu(self) -> Floats: ...
    @property
    def p_mw(self) -> Floats: ...
    @property
    def shed_mw(self) -> Floats: ...
    @property
    def loading(self) -> Floats: ...
    @property
    def flow_mw(self) -> Floats: ...
    @property
    def at_risk(self) -> Bools: ...
    @property
    def violated_buses(self) -> Ints: ...
    @property
    def violated_branches(self) -> Ints: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """What the DSO keeps to in a step: voltages in pu (lowest, highest), and loading, 1.0 at the rating."""

    voltage_pu: tuple[float, float]
    loading: float


class GridMap(ui.element, component="grid_map.js", dependencies=_PARTS):
    """A map of the network.

    What was really drawn stands in its data attributes: ``data-mode`` (empty, hour, compare), ``data-step``,
    ``data-buses``, ``data-branches``, ``data-arrows``, ``data-reversed``, ``data-violated``, ``data-sheds``,
    ``data-max-loading``, ``data-min-voltage``, ``data-max-voltage``, in a comparison ``data-max-loading-difference``
    and ``data-max-voltage-difference`` (signed); ``data-draw-ms`` is how long it took, and ``data-painted`` counts
    pictures that are on the screen, each with a ``performance.mark`` named ``grid-map-painted``.
    """

    def __init__(self, wires: Drawn, title: str = "Network") -> None:
        """Draw the wires without values."""
        super().__init__()
        self._sent = 0
        self._ready = False
        self.props["topology"] = _topology(wires)
        self.props["themes"] = {"light": asdict(LIGHT), "dark": asdict(DARK)}
        self.props["title"] = title
        self.props["shown"] = _EMPTY
        self.on("ready", self._catch_up)

    def show(self, view: Hour, limits: Limits) -> None:
        """Colour the network by a step, up to the limits of that step."""
        self._send({"mode": "hour", "hours": [_hour(view)], "names": [], "limits": asdict(limits)})

    def compare(self, a: Hour, b: Hour, limits: Limits, names: tuple[str, str] = ("A", "B")) -> None:
        """Colour the network by the difference ``b - a`` between the same step of two runs; ``limits`` are b's."""
        hours = [_hour(a), _hour(b)]
        self._send({"mode": "compare", "hours": hours, "names": names, "limits": asdict(limits)})

    def clear_values(self) -> None:
        """Draw the wires alone."""
        self._send(_EMPTY)

    def select_bus(self, bus: int) -> None:
        """Mark a bus and say its values, as if it were clicked; no event follows."""
        self.run_method("select", "bus", bus)

    def select_branch(self, branch: int) -> None:
        """Mark a branch and say its values, as if it were clicked; no event follows."""
        self.run_method("select", "branch", branch)

    def picture(self, filename: str = "network.png") -> None:
        """Have the browser save what it draws, legend included, as a PNG of twice the resolution."""
        self.run_method("picture", filename)

    def on_bus(self, handler: Callable[[int], Any]) -> None:
        """Call ``handler`` with the row of each bus that is clicked, or chosen by the Enter key."""
        self.on("bus", lambda event: handler(int(event.args)))

    def on_branch(self, handler: Callable[[int], Any]) -> None:
        """Call ``handler`` with the row of each branch that is clicked, or chosen by the Enter key."""
        self.on("branch", lambda event: handler(int(event.args)))

    def _send(self, shown: dict[str, Any]) -> None:
        self._sent += 1
        shown = shown | {"number": self._sent}
        with self.props.suspend_updates():  # an update would send the topology again
            self.props["shown"] = shown
        if self._ready:
            self.run_method("show", shown)

    def _catch_up(self, event: GenericEventArguments) -> None:
        """Send the newest picture to a map that was mounted with an older one, as when its tab is opened again."""
        self._ready = True
        if int(event.args) != self._sent:
            self.run_method("show", self.props["shown"])


_EMPTY: Final[dict[str, Any]] = {"mode": "empty", "hours": [], "names": [], "number": 0}


def _topology(wires: Drawn) -> dict[str, Any]:
    x, y = np.nan_to_num(wires.x), np.nan_to_num(wires.y)
    return {
        "busNames": dumps(wires.bus_names),
        "branchNames": dumps(wires.branch_names),
        "x": _packed(x - x.mean() if len(x) else x),  # 32 bits are too few for some coordinates far from zero
        "y": _packed(y - y.mean() if len(y) else y),
        "from": _packed(wires.from_bus, "<i4"),
        "to": _packed(wires.to_bus, "<i4"),
        "lane": _packed(_lanes(wires.from_bus, wires.to_bus)),
        "rating": _packed(wires.rating_mva),
    }


def _hour(view: Hour) -> dict[str, Any]:
    return {
        "step": view.step,
        "time": f"{view.time:%Y-%m-%d %H:%M}",
        "voltage": _packed(view.v_pu),
        "injection": _packed(view.p_mw),
        "shed": _packed(view.shed_mw),
        "loading": _packed(view.loading),
        "flow": _packed(view.flow_mw),
        "atRisk": np.flatnonzero(view.at_risk).tolist(),
        "beyondBuses": view.violated_buses.tolist(),
        "beyondBranches": view.violated_branches.tolist(),
    }


def _lanes(from_bus: Ints, to_bus: Ints) -> Floats:
    """Return how far to the side each branch is drawn ``(branches,)``, in lanes: 0 if it has no parallel one."""
    pairs = np.stack([np.minimum(from_bus, to_bus), np.maximum(from_bus, to_bus)])
    _, group, size = np.unique(pairs, axis=1, return_inverse=True, return_counts=True)
    group = group.reshape(-1)
    order = np.argsort(group, kind="stable")
    place = np.empty(len(group))
    place[order] = np.arange(len(group)) - np.repeat(np.cumsum(size) - size, size)
    away = place - (size[group] - 1) / 2
    return np.where(from_bus <= to_bus, away, -away)


def _packed(values: npt.NDArray[Any] | Sequence[float], kind: str = "<f4") -> str:
    return b64encode(np.asarray(values).astype(kind).tobytes()).decode()
