"""Where to draw each bus: the file's coordinates, or a tree layout where it has none."""

import json
from typing import Any

import numpy as np

from peerflex.core.arrays import Floats, Ints


def place_buses(net: Any, bus_index: Ints, row: Ints, roots: Ints, start: Ints, end: Ints) -> tuple[Floats, Floats]:
    """Return x and y ``(buses,)``. ``start``, ``end`` are the edges between rows, ``roots`` the supplied rows."""
    geo = [net.bus.geo[index] for index in bus_index] if "geo" in net.bus else []
    if geo and all(isinstance(place, str) and place for place in geo):
        points = np.array([json.loads(place)["coordinates"][:2] for place in geo], dtype=float)
        return points[:, 0], points[:, 1]
    depth, height = _tree(roots, start, end, int(max(row.max(), start.max(initial=0), end.max(initial=0))) + 1)
    return depth[row], height[row]


def _tree(roots: Ints, start: Ints, end: Ints, n_rows: int) -> tuple[Floats, Floats]:
    """Return (steps from the supply, height) of each row: leaves one below the other, parents amid their children."""
    neighbours: list[list[int]] = [[] for _ in range(n_rows)]
    for one, other in zip(start.tolist(), end.tolist(), strict=True):
        neighbours[one].append(other)
        neighbours[other].append(one)
    depth, height = np.zeros(n_rows), np.zeros(n_rows)
    children: list[list[int]] = [[] for _ in range(n_rows)]
    seen, order = set(roots.tolist()), []
    stack = list(reversed(roots.tolist()))
    while stack:
        here = stack.pop()
        order.append(here)
        for there in neighbours[here]:
            if there not in seen:
                seen.add(there)
                depth[there] = depth[here] + 1
                children[here].append(there)
        stack.extend(reversed(children[here]))
    leaf = 0
    for here in order:  # depth first, so leaves come in the order of their branches
        if not children[here]:
            height[here], leaf = leaf, leaf + 1
    for here in reversed(order):
        if children[here]:
            height[here] = sum(height[there] for there in children[here]) / len(children[here])
    return depth, height
