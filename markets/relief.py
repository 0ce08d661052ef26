"""Relieving limits without a market: whom the DSO calls on, by a rule of its own, and what moves least or costs least.

What the mechanisms of EUniversal D5.3 (2022), section 2.1.4, beside the flexibility market have in common.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from peerflex.core.arrays import Bools, Floats, Ints, add_up, floats
from peerflex.core.trade import FlexNeed, FlexOffers, FlexResult
from peerflex.core.units import QUANTITY_TOLERANCE_MW
from peerflex.markets.lfm import VIOLATION_TOLERANCE, can_bind
from peerflex.markets.linear import Program, solve

HELPS: Final = 0.1
"""Whoever moves a limit by at least this share of what the strongest offer does, helps it."""


@dataclass(frozen=True, slots=True)
class Called:
    """Who was called on: ``accepted_mw`` row by row as the offers, the others row by row as the need (MW, EUR/MWh)."""

    accepted_mw: Floats
    missing_mw: Floats
    multiplier_eur_per_mwh: Floats


def beyond(need: FlexNeed) -> Floats:
    """Return how far each row is beyond its limit, in its own unit (below 0: inside)."""
    return np.maximum(need.value - need.upper, need.lower - need.value)


def violated(need: FlexNeed) -> bool:
    return bool((beyond(need) > VIOLATION_TOLERANCE).any())


def effects(need: FlexNeed, offers: FlexOffers) -> Floats:
    """Return what a MW of each offer does for each row, in the row's unit ``(rows, offers)``."""
    return need.by_mw[:, offers.bus] * offers.side


def call(need: FlexNeed, offers: FlexOffers, most_mw: Floats, cost_eur_per_mwh: Floats, shared_by: Ints) -> Called:
    """Return the cheapest calls that keep the limits; if none do, the cheapest of those that miss the least MW.

    No offer is called on beyond ``most_mw``. Offers with the same number in ``shared_by`` are called on to the same
    share of it; those with a number below 0 are not.
    """
    takers = np.flatnonzero((most_mw > 0.0) & (shared_by >= 0))
    together, column = np.unique(shared_by[takers], return_inverse=True)
    n, share_mw = len(together), most_mw[takers]
    most = add_up(column, share_mw, n)
    weight = np.zeros((len(takers), n))
    weight[np.arange(len(takers)), column] = share_mw / most[column]
    effect = effects(need, offers)[:, takers] @ weight
    binding = np.flatnonzero(can_bind(need, effect, most))
    known = np.isfinite(need.mw_per_unit) & (need.mw_per_unit > 0)
    scale = np.where(known, need.mw_per_unit, 1.0)[binding]
    program = Program(
        cost=cost_eur_per_mwh[takers] @ weight,
        most=most,
        rows=effect[binding] * scale[:, None],
        lower=(need.lower - need.value)[binding] * scale,
        upper=(need.upper - need.value)[binding] * scale,
        balance=None,
    )
    solution = solve(program)
    accepted, missing, multiplier = floats(len(offers)), floats(len(need)), floats(len(need))
    accepted[takers] = np.minimum(weight @ solution.value, share_mw)
    # where no injection at the element itself acts on it, no number of MW describes what is missing
    missing[binding] = np.where((solution.missing > 0) & ~known[binding], np.inf, solution.missing)
    multiplier[binding] = solution.multiplier
    return Called(accepted, missing, multiplier)


def in_turn(need: FlexNeed, offers: FlexOffers, most_mw: Floats, turn: Ints, alike: Bools) -> Called:
    """Return whom a DSO calls on that goes from one turn to the next (the lowest first) only for what is still missing.

    Within a turn as little as possible is moved, and offers that are ``alike`` are called on to the same share.
    """
    apart = len(offers) + np.arange(len(offers))
    ahead, accepted = need, floats(len(offers))
    done = call(need, offers, most_mw, np.ones(len(offers)), np.full(len(offers), -1))  # nobody: what is missing
    for each in np.unique(turn[turn >= 0]):
        mine = turn == each
        shared_by = np.where(mine, np.where(alike, who_help(ahead, offers, mine), apart), -1)
        done = call(ahead, offers, most_mw, np.ones(len(offers)), shared_by)
        accepted = accepted + done.accepted_mw
        change_mw = add_up(offers.bus, offers.side * accepted, need.by_mw.shape[1])
        ahead = replace(need, value=need.value + (need.by_mw * change_mw).sum(axis=1))
        if not (done.missing_mw > QUANTITY_TOLERANCE_MW).any():
            break
    return replace(done, accepted_mw=accepted)


def who_help(need: FlexNeed, offers: FlexOffers, among: Bools) -> Ints:
    """Return a number for each offer, the same for those that help the same violated limits; -1 for those that help
    none."""
    rows = np.flatnonzero(beyond(need) > VIOLATION_TOLERANCE)
    away = np.where(need.value > need.upper, -1.0, 1.0)[rows, None]
    relief = np.where(among, effects(need, offers)[rows] * away, 0.0)
    strongest = relief.max(axis=1, initial=0.0, keepdims=True)
    helps = relief >= HELPS * np.where(strongest > 0.0, strongest, np.inf)
    _, number = np.unique(helps.T, axis=0, return_inverse=True)
    return np.asarray(np.where(helps.any(axis=0), number.ravel(), -1))


def unbundled(offers: FlexOffers, called: Called, paid_eur_per_mwh: Floats) -> FlexResult:
    """Return what was called on as a result in which energy stays with the supplier and the DSO pays for movement."""
    return FlexResult(
        accepted_mw=called.accepted_mw,
        price_eur_per_mwh=paid_eur_per_mwh,
        residual_mw=float((offers.side * called.accepted_mw).sum()),
        cost_eur_per_h=float((called.accepted_mw * paid_eur_per_mwh).sum()),
        missing_mw=called.missing_mw,
        multiplier_eur_per_mwh=called.multiplier_eur_per_mwh,
        energy_stays=True,
    )
