"""Which candidates change a decision when the hour is cleared again without them, and which change nothing."""

from collections.abc import Callable, Sequence
from functools import partial, reduce
from math import isnan
from operator import or_
from typing import Final

from peerflex.runs.explain.types import NOTHING, Candidate, Cause, Outcome, Without

Decide = Callable[[Without], Outcome]
"""Clears an hour again with something taken out, and says what it then decides about what was asked."""

MOST_OF_A_KIND: Final = 3
"""Causes that are told of each kind, the strongest; and others that change nothing."""
MOST_NAMED: Final = 4
MOST_PRUNED: Final = 60
"""A set of more than this is told as it was found, and not tried without each of its members."""


def find_causes(
    candidates: Sequence[Candidate], decide: Decide, size_mw: float
) -> tuple[tuple[Cause, ...], tuple[Cause, ...]]:
    """Return the causes of a decision, and some candidates that are none.

    ``candidates`` come by kind, of each kind the likeliest first. A kind of which no candidate changes the decision
    alone is tried together: the fewest of the first that do, without those that are not needed for it. (What does not
    bind while another limit does may bind once that is gone, so idle ones come last, but they come.)
    """
    decided = decide(NOTHING)
    causes: list[Cause] = []
    others: list[tuple[int, Cause]] = []
    once: dict[tuple[str, Without], Candidate] = {}
    for candidate in candidates:
        once.setdefault((candidate.kind, candidate.without), candidate)
    for kind in dict.fromkeys(kind for kind, _ in once):
        tried = [(each, decide(each.without)) for each in once.values() if each.kind == kind]
        moved = [each for each, instead in tried if decided.differs(instead, size_mw)]
        changed = [_cause(each, decided, decide) for each in moved if not each.idle]  # an idle one moves ties only
        left = [each for each, instead in tried if not decided.differs(instead, size_mw)]
        if changed:
            causes += sorted(changed, key=lambda cause: -_strength(cause, size_mw))[:MOST_OF_A_KIND]
        elif together := _together(sorted(left, key=lambda each: each.idle), decide, size_mw):
            causes.append(_joined(together, decided, decide))
            left = [each for each in left if each not in together]
        left = sorted(left, key=lambda each: not each.idle)[:MOST_OF_A_KIND]
        others += [(place, _cause(each, decided, decide)) for place, each in enumerate(left)]
    mixed = sorted(others, key=lambda other: other[0])  # one of each kind before a second of any
    return tuple(causes), tuple(other for _, other in mixed[:MOST_OF_A_KIND])


def _together(candidates: list[Candidate], decide: Decide, size_mw: float) -> list[Candidate]:
    """Return a smallest set that changes the decision: without any one of them it does not. Empty if none does.

    How many of the first are needed is found by bisection, for which taking more out must not undo a change.
    """
    decided = decide(NOTHING)

    def changes(some: Sequence[Candidate]) -> bool:
        return decided.differs(decide(_all_of(some)), size_mw)

    if len(candidates) < 2 or not changes(candidates):
        return []
    few, enough = 1, len(candidates)
    while enough - few > 1:
        middle = (few + enough) // 2
        few, enough = (few, middle) if changes(candidates[:middle]) else (middle, enough)
    needed, tried = candidates[:enough], 0
    while tried < len(needed) <= MOST_PRUNED:  # until none of them can be left in, one after the other
        fewer = needed[1:]
        needed, tried = (fewer, 0) if changes(fewer) else ([*fewer, needed[0]], tried + 1)
    return sorted(needed, key=candidates.index)


def _all_of(candidates: Sequence[Candidate]) -> Without:
    return reduce(or_, (each.without for each in candidates), NOTHING)


def _cause(candidate: Candidate, decided: Outcome, decide: Decide) -> Cause:
    return _joined([candidate], decided, decide)


def _joined(candidates: list[Candidate], decided: Outcome, decide: Decide) -> Cause:
    """Return a cause of one or more candidates; the first gives the figures."""
    first, without = candidates[0], _all_of(candidates)
    names = tuple(each.name for each in candidates)
    because, name, otherwise = first.because, first.name, first.otherwise
    if len(candidates) > 1:
        some = f"{', '.join(names[:MOST_NAMED])}{f' and {len(names) - MOST_NAMED} more' * (len(names) > MOST_NAMED)}"
        name = f"{len(names)} together: {some}"
        because = f"None of these alone, but together they make it so: {some}. {first.because}"
        otherwise = "Without all of them"
    return Cause(
        kind=first.kind,
        name=name,
        because=because,
        otherwise=otherwise,
        figures=first.figures,
        message=first.message,
        parts=names,
        decided=decided,
        instead=decide(without),
        taken_out=without,
        without=partial(decide, without),
    )


def _strength(cause: Cause, size_mw: float) -> float:
    """Return how much a cause changes: a price by itself, a quantity by what was offered."""
    decided, instead = cause.decided, cause.instead
    quantity = abs(_number(decided.quantity_mw) - _number(instead.quantity_mw)) / (size_mw or 1.0)
    price = abs(_number(decided.price_eur_per_mwh) - _number(instead.price_eur_per_mwh))
    return price if isnan(decided.quantity_mw) else quantity


def _number(value: float) -> float:
    return 0.0 if isnan(value) else value
