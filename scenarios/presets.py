"""The conceptual models of EUniversal D5.3 (2022), Table 4, as parts of a market design that have a name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

PRESET_PARTS: Final = ("p2p", "incentive", "service", "lfm")

PresetName = Literal["CM1", "CM2", "CM3-V1", "CM3-V2", "CM4", "CM4-LFM", "CM5"]
Structure = Literal["auction", "bilateral", "none"]


@dataclass(frozen=True, slots=True)
class Preset:
    """A conceptual model: how peers trade energy, whether the DSO has a say in it, and who sells flexibility to it.

    ``p2p`` is the mechanism it has unless another of the same ``structure`` is named. ``implicit``: trades serve the
    DSO without being asked to; ``explicit``: peers trade its capacity need among themselves. ``lfm``: the kind of
    flexibility market.
    """

    p2p: str
    structure: Structure
    implicit: bool
    lfm: str
    explicit: bool = False

    @property
    def document(self) -> dict[str, Any]:
        """Return the parts as a scenario writes them."""
        kinds = self.p2p, "none", "trade-check" if self.implicit else "none", self.lfm
        return {part: {"kind": kind} for part, kind in zip(PRESET_PARTS, kinds, strict=True)}


PRESETS: Final[dict[PresetName, Preset]] = {
    "CM1": Preset("uniform-auction", "auction", implicit=False, lfm="linear"),
    "CM2": Preset("bilateral-equilibrium", "bilateral", implicit=False, lfm="linear"),
    "CM3-V1": Preset("uniform-auction", "auction", implicit=True, lfm="none"),
    "CM3-V2": Preset("uniform-auction", "auction", implicit=True, lfm="linear"),
    "CM4": Preset("bilateral-equilibrium", "bilateral", implicit=True, lfm="none"),
    "CM4-LFM": Preset("bilateral-equilibrium", "bilateral", implicit=True, lfm="linear"),
    "CM5": Preset("none", "none", implicit=False, lfm="capacity-clock", explicit=True),
}


def filled(design: Any) -> Any:
    """Return a market design with the parts of the preset that it names, where it does not name them itself."""
    name = design.get("preset") if isinstance(design, Mapping) else None
    if not isinstance(name, str) or name not in PRESETS:
        return design  # what is wrong with it is said of its own key
    return {**PRESETS[name].document, **design}
