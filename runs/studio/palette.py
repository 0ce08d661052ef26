"""Colours of the studio: light and dark, safe for colour blindness, never the only sign of anything.

Single colours are those of Okabe and Ito or near them; the ramp of loadings goes evenly from light to dark, in the
dark from dark to light: the more loaded, the more contrast. Ramps are stops at equal distances; whoever draws blends
between them.
"""

from dataclasses import dataclass
from typing import Final

Ramp = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of one mode, ``#rrggbb``.

    ``loading`` goes from nothing to the limit, ``over`` is beyond it; ``diverging`` goes from below (blue) over as it
    should be (grey) to above (orange to brown). ``curves`` tell quantities of one chart apart. ``missing`` is where
    there is no value, ``at_risk`` the casing of lines the DSO worries about.
    """

    surface: str
    text: str
    muted: str
    rule: str
    loading: Ramp
    over: str
    diverging: Ramp
    missing: str
    at_risk: str
    selected: str
    curves: Ramp
    cursor: str


LIGHT: Final = Theme(
    surface="#ffffff",
    text="#1b1f24",
    muted="#5a6169",
    rule="#d9dde1",
    loading=("#22a085", "#21918c", "#2a788e", "#3b528b", "#472d7b", "#440154"),
    over="#d55e00",
    diverging=("#052f5f", "#0b5ea0", "#3f83b8", "#8b8b8b", "#b0762d", "#93500a", "#5c2a00"),
    missing="#8b8b8b",
    at_risk="#f5c56b",
    selected="#1b1f24",
    curves=("#0072b2", "#d55e00", "#00845f", "#1b1f24"),
    cursor="#1b1f24",
)

DARK: Final = Theme(
    surface="#1d1d1d",
    text="#e8eaed",
    muted="#a8b0b9",
    rule="#3a3f45",
    loading=("#2e7f86", "#3a9799", "#50b0ad", "#79cac3", "#aae2d9", "#e0faf4"),
    over="#ff7a45",
    diverging=("#bfe6ff", "#80c6f2", "#4f98c9", "#7f868e", "#c2833a", "#f0ae48", "#ffd894"),
    missing="#8b9199",
    at_risk="#7a5a1c",
    selected="#ffffff",
    curves=("#56b4e9", "#ff8f57", "#3ecfa0", "#ffffff"),
    cursor="#e8eaed",
)


def theme(dark: bool) -> Theme:
    """Return the colours of a mode."""
    return DARK if dark else LIGHT
