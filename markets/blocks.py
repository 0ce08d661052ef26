"""Offers of flexibility that are activated at their least or more, or not at all."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from peerflex.core.arrays import Bools, Floats
from peerflex.core.units import QUANTITY_TOLERANCE_MW
from peerflex.markets.linear import CutShortError, Program, Solution, find, solve

MOST_NODES: Final = 200
"""Nodes of a search; a thousand found nothing better than two hundred on hard programs of up to 2000 blocks."""


@dataclass(frozen=True, slots=True)
class Activated:
    """The cheapest activations with blocks whole, or, ``cut_short``, the best that were found.

    Multipliers of the solution hold for the blocks that it takes.
    """

    solution: Solution
    cut_short: bool


def solve_whole(program: Program, least: Floats, most_nodes: int = MOST_NODES) -> Activated:
    """Return the cheapest ``x`` of a program in which each is 0, or ``least`` (MW, at most ``most``) or more.

    Where the program without blocks keeps them, its answer is theirs. Otherwise a search (a mixed-integer program)
    says which blocks are taken, and the linear program how much of them. Where a search ends at ``most_nodes``,
    the best that it found counts; if it found nothing, blocks that the program without blocks takes in part are left
    out (and all of them, if the others then cannot be balanced).
    """
    divisible = solve(program)
    broken = _broken(divisible.value, least)
    if not broken.any():
        return Activated(divisible, cut_short=False)
    try:
        searched = solve(replace(program, least=least, whole=least > 0, nodes=most_nodes))
        taken, cut_short = searched.value > least / 2, not searched.proved
    except CutShortError:
        taken, cut_short = (divisible.value > 0) & ~broken, True
    solution = find(_settled(program, least, taken))
    if solution is None:  # those that are left find no balance
        solution, cut_short = solve(_settled(program, least, least < 0)), True
    return Activated(solution, cut_short)


def _broken(value: Floats, least: Floats) -> Bools:
    """Return which blocks are taken in part only."""
    return np.asarray((value > 0) & (value < least - QUANTITY_TOLERANCE_MW))


def _settled(program: Program, least: Floats, taken: Bools) -> Program:
    """Return the linear program in which the given blocks are taken, and the others are not."""
    return replace(
        program,
        least=np.where(taken, least, 0.0),
        most=np.where(taken | (least <= 0), program.most, 0.0),
    )
