"""What is asked about an hour, what can be taken out of it, and what an answer consists of."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from math import isnan
from typing import Final

from peerflex.core.errors import InputError
from peerflex.core.trade import NAN
from peerflex.core.units import QUANTITY_TOLERANCE_MW

KINDS: Final = ("trade", "order", "offer", "price", "shed", "agent")
"""What can be asked about."""

Element = tuple[bool, int]
"""A limited element: whether it is a voltage, and the row of its bus or branch."""

SAME_SHARE: Final = 1e-6
"""Quantities closer than this share of what was offered are the same: clearing again may round otherwise (to 1e-12)."""
SAME_EUR_PER_MWH: Final = 1e-3
"""Prices closer than this are the same: where pairs have prices of their own, these are multipliers of a program that
is solved to a gap of 1e-8, and an order that trades nothing moves their mean by up to 2e-4."""


@dataclass(frozen=True, slots=True)
class Question:
    """``kind`` is one of ``KINDS``; ``which`` is a number in the hour's table ``trades``, ``orders`` or ``flex``, or
    the name of a bus (shed) or a peer (agent); '' for the price.
    """

    kind: str
    which: str = ""

    @property
    def number(self) -> int:
        if not self.which.isdecimal():
            what = f"{self.which!r} is no number of the hour's table"
            raise InputError(f"--{self.kind}", what, f"Number the {self.kind}s of the hour from 0.")
        return int(self.which)

    def __str__(self) -> str:
        return f"{self.kind} {self.which}".rstrip()


@dataclass(frozen=True, slots=True)
class Without:
    """What is different when an hour's markets are cleared again; nothing in it: nothing is. Two are joined by ``|``.

    ``orders``, ``offers``: rows that are not there. ``bids``, ``offer_prices``: rows and the price they have instead.
    ``partners``: rows of orders for which somebody would take all that is offered at their price or a better one.
    ``at_risk``: branches for which the DSO's incentive does not speak. ``uncharged``: peers at whose places nothing is
    charged. ``unbound``: peers whose operating envelope does not bind their sales (+1) or purchases (-1). ``limits``
    are not there; ``drawn_in`` are so tight that all offers that move them as one does (its row) are called for.
    ``stand_ins``: rows of offers and the bus at which they are instead. ``rules`` that do not hold. ``loads``: buses at
    which nothing is taken.
    """

    orders: frozenset[int] = frozenset()
    bids: frozenset[tuple[int, float]] = frozenset()
    partners: frozenset[int] = frozenset()
    at_risk: frozenset[int] = frozenset()
    uncharged: frozenset[int] = frozenset()
    unbound: frozenset[tuple[int, int]] = frozenset()
    limits: frozenset[Element] = frozenset()
    drawn_in: frozenset[tuple[Element, int]] = frozenset()
    offers: frozenset[int] = frozenset()
    offer_prices: frozenset[tuple[int, float]] = frozenset()
    stand_ins: frozenset[tuple[int, int]] = frozenset()
    rules: frozenset[str] = frozenset()
    loads: frozenset[int] = frozenset()

    def __or__(self, other: "Without") -> "Without":
        return Without(*(getattr(self, each.name) | getattr(other, each.name) for each in fields(Without)))


NOTHING: Final = Without()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an hour decided about what was asked: a quantity, a price, or both (NaN: not asked, or there is none)."""

    quantity_mw: float = NAN
    price_eur_per_mwh: float = NAN

    def differs(self, other: "Outcome", size_mw: float) -> bool:
        """Whether the decision is another one; ``size_mw`` is what was offered."""
        closest_mw = max(SAME_SHARE * size_mw, QUANTITY_TOLERANCE_MW)
        return _differ(self.quantity_mw, other.quantity_mw, closest_mw) or _differ(
            self.price_eur_per_mwh, other.price_eur_per_mwh, SAME_EUR_PER_MWH
        )


def _differ(one: float, other: float, closest: float) -> bool:
    return isnan(one) != isnan(other) or abs(one - other) > closest


@dataclass(frozen=True, slots=True)
class Figures:
    """The numbers of a cause; NaN or '' where there is none.

    ``value`` and ``limit`` are in ``unit``. ``multiplier_eur_per_mwh`` is what one MW of relief would be worth.
    ``sensitivity`` is how the value moves per MW injected where the question is about, in ``sensitivity_unit``.
    """

    value: float = NAN
    limit: float = NAN
    unit: str = ""
    multiplier_eur_per_mwh: float = NAN
    sensitivity: float = NAN
    sensitivity_unit: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What may be a cause. ``kind`` is limit, headroom, terms, charge, rule, partner, order, offer or physics; ``name``
    says what it is, ``because`` how it works in a sentence, ``otherwise`` how the hour is without it, ``message`` which
    kind of message carried it ('': none). ``idle``: it does not bind, and is looked at to show that.
    """

    kind: str
    name: str
    because: str
    otherwise: str
    without: Without
    figures: Figures = Figures()
    message: str = ""
    idle: bool = False


@dataclass(frozen=True, slots=True)
class Cause:
    """What made a decision, or did not: with everything as it was it came to ``decided``, without this to ``instead``.

    ``parts`` are the names of what it consists of: more than one act only together. ``without()`` clears the hour
    again.
    """

    kind: str
    name: str
    because: str
    otherwise: str
    figures: Figures
    message: str
    parts: tuple[str, ...]
    decided: Outcome
    instead: Outcome
    taken_out: Without
    without: Callable[[], Outcome] = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Number:
    """A figure of an answer."""

    name: str
    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer in sentences, the ``causes`` that make it so (the first matters most), and some ``others`` that were
    looked at and change nothing. ``size_mw`` is what was offered; differences are measured by it. ``parts``: those of
    a peer, one for each of its orders and offers.
    """

    question: Question
    answer: tuple[str, ...]
    causes: tuple[Cause, ...]
    others: tuple[Cause, ...]
    numbers: tuple[Number, ...]
    size_mw: float
    parts: tuple["Explanation", ...] = ()
