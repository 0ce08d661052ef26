"""Commands that go on, and back."""

from peerflex.core.errors import InputError
from peerflex.core.units import SECONDS_PER_HOUR
from peerflex.runs.stepper.command import Command, first_word
from peerflex.runs.stepper.journey import Journey, Stop
from peerflex.runs.stepper.patience import Patience
from peerflex.runs.stepper.print import hour_rows, say, say_head, say_hour
from peerflex.runs.stepper.until import FIGURES, WORDS, condition
from peerflex.runs.stepper.words import positive, whole_number
from peerflex.runs.views import hour_of
from peerflex.runs.views.log import steps_before


def next_(journey: Journey, arg: str) -> Stop:
    """next [N]

    Go on one step, or N. What is logged is read, what is not is simulated and logged. Each step is one line:
    energy traded between peers and its price, flexibility called, the lowest and the highest voltage, how many limits
    were broken, the highest loading and where.
    Example: next 3
    """
    first = journey.session.cursor
    until = min(first + (whole_number(arg, "next") if arg else 1), journey.session.steps)
    stop = journey.go(until)
    hour_rows(journey.session, range(first, journey.session.cursor))
    return stop


def run_(journey: Journey, arg: str) -> Stop:
    """run [to HOUR | until CONDITION]

    Go on to an hour, counted from the start; until something happens; or to the end. Ctrl-C stops after the step
    in hand. A condition is: violation (a limit is broken), flexibility (the DSO called some), event [KIND],
    price > X (EUR/MWh), loading > X (1.0 or 100% is the rating), voltage < X or > X (pu), or any figure of the
    hours with < or >.
    Examples: run to 12;  run until loading > 90%;  run until lfm_cost_eur > 0.5
    """
    session, word, rest = journey.session, *first_word(arg)
    until, found = session.steps, None
    if word == "to":
        until = steps_before(session.manifest, hour_in(rest))
    elif word == "until":
        found = condition(rest)
    elif word:
        raise InputError(f"run {arg}", "is neither 'run to HOUR' nor 'run until CONDITION'", "See: help run.")
    if until <= session.cursor and word == "to":
        raise InputError(f"run to {rest}", f"hour {journey.hour:g} has gone by", "Go back with: goto HOUR")
    stop = journey.go(until, found)
    hour_rows(journey.session, [journey.shown])
    if found is not None and stop == "there":
        say(f"It did not happen up to hour {journey.hour:g}.")
    return stop


def back_(journey: Journey, arg: str) -> None:
    """back [N]

    Go back one step, or N, to look at it. Nothing is undone: what was simulated stays, and `next` reads it again.
    Example: back 2
    """
    cursor = journey.session.cursor
    look_at(journey, max(cursor - (whole_number(arg, "back") if arg else 1), 0))


def goto_(journey: Journey, arg: str) -> None:
    """goto HOUR | end

    Look at the run as it was when that many hours had gone by, or at the end of what is simulated.
    Example: goto 6
    """
    session = journey.session
    step = session.logged if arg == "end" else steps_before(session.manifest, hour_in(arg))
    if step > session.logged:
        reached = hour_of(session.manifest, session.logged)
        raise InputError(f"goto {arg}", f"only {reached:g} hours are simulated", f"Simulate on with: run to {arg}")
    look_at(journey, step)


def play_(journey: Journey, arg: str) -> Stop:
    """play [SPEED]

    Let hours go by at a speed in hours per second (2 if none is said), simulating where the log ends. Ctrl-C stops.
    Example: play 10
    """
    session, speed = journey.session, positive(arg, "play") if arg else 2.0
    pause_s = session.manifest.step_seconds / SECONDS_PER_HOUR / speed
    say_head()
    with Patience() as patience:
        while session.cursor < (session.steps if session.live else session.logged):
            stop = journey.go(session.cursor + 1)
            say_hour(session, journey.shown)
            patience.sleep(pause_s)
            if patience.over or stop == "interrupted":
                return "interrupted"
    return "there"


def look_at(journey: Journey, step: int) -> None:
    """Put the cursor behind a number of steps, and show the last of them."""
    journey.session.seek(step)
    if step:
        hour_rows(journey.session, [step - 1])
    else:
        say("before the first hour")


def hour_in(text: str) -> float:
    """Return the hour that a text says.

    Raises:
        InputError: if it says none.
    """
    try:
        return float(text)
    except ValueError:
        raise InputError(f"hour {text!r}", "is not a number", "Give hours from the start, for example 12") from None


_CONDITIONS = ["to ", "until ", *(f"until {word}" for word in WORDS), *(f"until {name}" for name in FIGURES)]

GOING = (
    Command("next", next_),
    Command("run", run_, lambda journey, typed: _CONDITIONS),
    Command("back", back_),
    Command("goto", goto_, lambda journey, typed: ["end"]),
    Command("play", play_),
)
