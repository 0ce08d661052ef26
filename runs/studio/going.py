"""Going on: what a session is asked for in its thread when the studio simulates."""

from peerflex.core.errors import InputError
from peerflex.runs.area.plugins import Registry
from peerflex.runs.session import Session


def check_goes_on(session: Session) -> None:
    """Say what to do in the studio if nothing can be simulated behind the log.

    Raises:
        InputError: if the run is at its end, or is only looked at.
    """
    where = session.folder.name
    if session.logged >= session.steps:
        remedy = "Branch from an hour of it (tab Change), or begin a longer run."
        raise InputError(where, "the run is at its end", remedy)
    if not session.live:
        remedy = "Press 'Go on with this run' first, or branch from an hour of it (tab Change)."
        raise InputError(where, "the run was stopped and is only looked at", remedy)


def go(session: Session) -> None:
    """Go one step on: read it, or simulate it."""
    if session.cursor >= session.logged:
        check_goes_on(session)
    session.step()


def resumed(session: Session, registry: Registry) -> Session:
    """Return a session that goes on with a stopped run, with as many steps and the same cursor."""
    again = Session.resume(session.folder, registry)
    while again.logged < session.logged:
        again.step()
    again.seek(session.cursor)
    return again


def reach(session: Session, step: int) -> int:
    """Simulate until a step is there, if the run lives; the cursor stays. Return how many steps there are."""
    cursor = session.cursor
    try:
        while session.live and session.logged <= min(step, session.steps - 1):
            session.seek(session.logged)
            session.step()
    finally:
        session.seek(cursor)
    return session.logged
