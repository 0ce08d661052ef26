"""A picture of a figure over time, in plain characters: it works over any line and in any terminal."""

import numpy as np

from peerflex.core.arrays import Floats

ROWS = 9
MARGIN = 13


def plot(values: Floats, width: int, title: str) -> list[str]:
    """Return the lines of a picture of values ``(steps,)`` of at most ``width`` characters.

    Where a column stands for more than one step it reaches from their lowest to their highest value.
    """
    known = values[np.isfinite(values)]
    if not known.size:
        return [f"{title}: nothing to show"]
    low, high = float(known.min()), float(known.max())
    columns = np.array_split(values, min(len(values), max(width - MARGIN, 10)))
    span = (high - low) or 1.0
    picture = [[" "] * len(columns) for _ in range(ROWS)]
    for place, part in enumerate(columns):
        there = part[np.isfinite(part)]
        if there.size:
            bottom, top = (round((ROWS - 1) * (edge - low) / span) for edge in (there.min(), there.max()))
            for row in range(bottom, top + 1):
                picture[ROWS - 1 - row][place] = "*"
    labels = [""] * ROWS
    labels[0], labels[-1] = f"{high:.4g}", f"{low:.4g}"
    lines = [f"{label:>{MARGIN - 2}} |{''.join(row)}".rstrip() for label, row in zip(labels, picture, strict=True)]
    return [title, *lines]
