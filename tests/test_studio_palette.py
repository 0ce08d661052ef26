"""Colours that can be read and told apart, by everybody, in light and dark."""

import numpy as np
import pytest

from peerflex.runs.studio.palette import DARK, LIGHT, Theme

THEMES = [pytest.param(LIGHT, id="light"), pytest.param(DARK, id="dark")]
# Linear RGB as seen with colour blindness of full severity (Machado, Oliveira and Fernandes 2009, Table 1).
SIGHTS = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]]
)
WHITE = np.array([0.95047, 1.0, 1.08883])


def linear(colour: str) -> np.ndarray:
    share = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of WCAG 2.2, 1 to 21."""
    dark, light = sorted(float(TO_XYZ[1] @ linear(colour)) for colour in (one, other))
    return (light + 0.05) / (dark + 0.05)


def lab(colour: str, sight: str = "normal") -> np.ndarray:
    """Return a colour in CIELAB, as it is seen."""
    x, y, z = np.cbrt(TO_XYZ @ np.clip(SIGHTS[sight] @ linear(colour), 1e-3, 1) / WHITE)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def apart(one: str, other: str, sight: str) -> float:
    return float(np.linalg.norm(lab(one, sight) - lab(other, sight)))


@pytest.mark.parametrize("theme", THEMES)
def test_text_and_marks_stand_out_from_the_ground(theme: Theme) -> None:
    assert contrast(theme.text, theme.surface) >= 4.5
    assert contrast(theme.muted, theme.surface) >= 4.5
    marks = (*theme.loading, *theme.diverging, *theme.curves, theme.over, theme.missing, theme.selected, theme.cursor)
    assert {mark: contrast(mark, theme.surface) for mark in marks if contrast(mark, theme.surface) < 3} == {}


@pytest.mark.parametrize("theme", THEMES)
def test_more_load_and_more_distance_are_more_contrast(theme: Theme) -> None:
    away = 1 if theme is DARK else -1
    loading = [away * lab(colour)[0] for colour in theme.loading]
    assert np.all(np.diff(loading) > 3)
    lightness = [away * lab(colour)[0] for colour in theme.diverging]
    middle = len(lightness) // 2
    assert np.all(np.diff(lightness[middle:]) > 2)
    assert np.all(np.diff(lightness[: middle + 1]) < -2)


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("theme", THEMES)
def test_colours_that_mean_different_things_look_different_to_everybody(theme: Theme, sight: str) -> None:
    """A distance of 20 in CIELAB is about ten times what can just be seen side by side."""
    pairs = [(theme.over, colour) for colour in theme.loading]
    pairs += list(zip(theme.diverging[:3], theme.diverging[:-4:-1], strict=True))
    pairs += [(one, other) for row, one in enumerate(theme.curves) for other in theme.curves[:row]]
    assert {pair: apart(*pair, sight) for pair in pairs if apart(*pair, sight) < 20} == {}
