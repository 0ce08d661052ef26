"""Commands that look at the step behind the cursor."""

from collections.abc import Iterable
from typing import Final

from peerflex.core.errors import InputError
from peerflex.core.messages import KINDS
from peerflex.runs.show import CONSOLE
from peerflex.runs.stepper import show
from peerflex.runs.stepper.command import Command, first_word
from peerflex.runs.stepper.journey import Journey
from peerflex.runs.stepper.plot import plot
from peerflex.runs.stepper.print import event_line, number, say, table
from peerflex.runs.stepper.show_agent import agent_page
from peerflex.runs.stepper.until import FIGURES
from peerflex.runs.stepper.words import find, unquoted, whole_number
from peerflex.runs.views import (
    agent_at,
    book_at,
    events_at,
    hour_of,
    kpi_rows,
    messages_at,
    series,
    unit_of,
)

EXPLAINED: Final = ("trade", "order", "offer", "price", "shed", "agent")
ROLES: Final = sorted({role for kind in KINDS.values() for role in (*kind.senders, *kind.receivers)})
MOST_WIDTH: Final = 120


def grid_(journey: Journey, arg: str) -> None:
    """grid [BUS | BRANCH]

    Show the network in this step: its extremes, or one bus, line or transformer. Part of a name is enough.
    Example: grid Line 3
    """
    session, step = journey.session, journey.shown
    buses, branches = session.manifest.buses, session.manifest.branches
    if not arg:
        show.grid_summary(session, step)
        return
    name = find(arg, (*buses, *branches), "bus or branch")
    (show.bus_page if name in buses else show.branch_page)(session, step, name)


def agent_(journey: Journey, arg: str) -> None:
    """agent NAME

    Show a peer: what it owns and knew, what it offered, traded, did and was paid. Part of its name is enough.
    Example: agent Load 3
    """
    session, step = journey.session, journey.shown
    name = find(arg, session.manifest.peers, "peer")
    area = session.built.area if session.live else None
    owned = area.peers if area is not None and area.since <= step else None
    agent_page(agent_at(session, step, name, owned))


def agents_(journey: Journey, arg: str) -> None:
    """agents [GROUP]

    List what the peers did in this step: all, or those of a group.
    """
    show.agents_table(journey.session, journey.shown, unquoted(arg))


def book_(journey: Journey, _: str) -> None:
    """book

    Show the orders, trades and offers of flexibility of this step. An order whose price is not what moving is worth to
    its peer (a mediator's bid, a network tariff, a session before) has that as its true price.
    """
    show.book_page(book_at(journey.session, journey.shown))


def trade_(journey: Journey, arg: str) -> None:
    """trade N

    Show trade number N of this step and its two orders. Why it was made: explain trade N
    """
    show.trade_page(book_at(journey.session, journey.shown), whole_number(arg, "trade"))


def messages_(journey: Journey, arg: str) -> None:
    """messages [ROLE]

    Show who told whom what in this step: everybody, or by and to a role (peer, dso, mediator, fmo, tso, ...).
    """
    show.messages_table(messages_at(journey.session, journey.shown, unquoted(arg) or None))


def events_(journey: Journey, _: str) -> None:
    """events

    Show what was out of the ordinary in this step, and what followed from it.
    """
    events = events_at(journey.session, journey.shown)
    say(f"events: {len(events)}", *map(event_line, events))


def explain_(journey: Journey, arg: str) -> None:
    """explain trade N | order N | offer N | price | shed BUS | agent NAME

    Say why something of this step is as it is: which limit, sensitivity, rule, order or message caused it, and
    what would have happened without.
    Example: explain price
    """
    from peerflex.runs.explain.command import explain_lines

    what, which = first_word(arg)
    if what not in EXPLAINED:
        raise InputError(f"explain {arg}".strip(), "is nothing to explain", f"Say {', '.join(EXPLAINED)}.")
    session, step = journey.session, journey.shown
    if what in ("agent", "shed"):
        known = session.manifest.peers if what == "agent" else session.manifest.buses
        which = find(which, known, "peer" if what == "agent" else "bus")
    say(*explain_lines(session, hour_of(session.manifest, step), what, which, journey.parts))


def kpis_(journey: Journey, _: str) -> None:
    """kpis

    Show the closing figures of the hours up to here.
    """
    rows = [
        (row.name, number(row.value, 4) or "-", row.unit, row.meaning)
        for row in kpi_rows(journey.session, journey.shown)
    ]
    table(f"the first {journey.hour:g} hours", ("figure", " value", "unit", "meaning"), rows)


def series_(journey: Journey, arg: str) -> None:
    """series FIGURE

    Draw a figure of the hours (of the table `hours`) up to here, in plain characters.
    Example: series highest_loading
    """
    name = unquoted(arg)
    values = series(journey.session, (name,), 0, journey.shown)[name]
    say(*plot(values, min(CONSOLE.width, MOST_WIDTH), f"{name}, {unit_of(name)}"))


def _wires(journey: Journey, typed: str) -> Iterable[str]:
    manifest = journey.session.manifest
    return (*manifest.buses, *manifest.branches)


def _explained(journey: Journey, typed: str) -> Iterable[str]:
    manifest = journey.session.manifest
    things = (f"{word} " for word in EXPLAINED)
    return (*things, *(f"agent {peer}" for peer in manifest.peers), *(f"shed {bus}" for bus in manifest.buses))


LOOKING = (
    Command("grid", grid_, _wires),
    Command("agent", agent_, lambda journey, typed: journey.session.manifest.peers),
    Command("agents", agents_, lambda journey, typed: sorted(set(journey.session.manifest.peer_groups))),
    Command("book", book_),
    Command("trade", trade_),
    Command("messages", messages_, lambda journey, typed: ROLES),
    Command("events", events_),
    Command("explain", explain_, _explained),
    Command("kpis", kpis_),
    Command("series", series_, lambda journey, typed: FIGURES),
)
