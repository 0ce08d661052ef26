"""Commands that change what comes, keep what was, and go over to other runs."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from peerflex.core.errors import InputError
from peerflex.runs.session import Session
from peerflex.runs.stepper import show
from peerflex.runs.stepper.command import Command
from peerflex.runs.stepper.going import look_at
from peerflex.runs.stepper.journey import Journey
from peerflex.runs.stepper.print import say, table
from peerflex.runs.stepper.words import find, folder_and_settings, keys, leaves, settings, unquoted, words
from peerflex.runs.views import difference, hour_of, kpi_difference
from peerflex.scenarios.schema import CUSTOMERS


def set_(journey: Journey, arg: str) -> None:
    """set KEY=VALUE ...

    Change the scenario from the next step on, with keys as in a scenario file. It becomes part of the run: the log
    says so in its events, and the run verifies, resumes and branches like any other. Only at the end of what is
    simulated; elsewhere, branch.
    Examples: set dso.loading=0.9;  set market.incentive={kind: blocking, at_risk_loading: 0.8}
    """
    _change(journey, settings(arg))


def behave_(journey: Journey, arg: str) -> None:
    """behave AGENT GROUP

    Let a peer bid as a group does from the next step on ('customers': not at all). What it owns stays its own.
    Example: behave Load 3 truthful
    """
    agent, _, group = arg.rpartition(" ")
    if not agent:
        raise InputError(f"behave {arg}".strip(), "needs a peer and a group", "For example: behave Load 3 customers")
    manifest = journey.session.manifest
    _change(journey, {"agents": {find(agent, manifest.peers, "peer"): find(group, _groups(journey), "group")}})


def changes_(journey: Journey, _: str) -> None:
    """changes

    List what was changed in the middle of the run, and from which hour on.
    """
    found = journey.session.manifest.scenario.get("changes", [])
    rows = [(f"{each['hour']:g}", key, str(value)) for each in found for key, value in leaves(each["set"])]
    table(f"changes: {len(rows)}", (" from hour", "what", "to"), rows)


def save_(journey: Journey, _: str) -> None:
    """save

    Put everything simulated so far on disk. It is also saved as it goes on, and on leaving.
    """
    session = journey.session
    session.flush()
    say(f"{hour_of(session.manifest, session.logged):g} hours are in {session.folder}")


def branch_(journey: Journey, arg: str) -> None:
    """branch [FOLDER] [KEY=VALUE ...]

    Begin another future here: a new run that shares the hours gone by, with or without a change, and go on in it.
    The run so far stays as it is; `compare` shows the two side by side.
    Example: branch dso.loading=0.9
    """
    folder, change = folder_and_settings(arg)
    journey.branch(None if folder is None else Path(folder), change)
    say(f"now in {journey.session.folder}, at hour {journey.hour:g}", f"before: {journey.parent}")
    later = [
        each["hour"] for each in journey.session.manifest.scenario.get("changes", []) if each["hour"] > journey.hour
    ]
    if later:
        say(f"what was changed there from hour {later[0]:g} on comes here, too: see changes")


def compare_(journey: Journey, arg: str) -> None:
    """compare [RUN]

    Show what differs between this run and another (the folder of a run; without one, what this was branched
    from): in this step, or the last one both have, and over all of them.
    """
    names = words(arg)
    other = Path(names[0]) if names else journey.parent
    if other is None:
        raise InputError("compare", "no run to compare with", "Name its folder: compare results/...")
    session, against = journey.session, Session.open(other)
    step = min(journey.shown, against.logged - 1)
    if step < journey.shown:
        say(f"{other} is logged up to hour {hour_of(against.manifest, against.logged):g}: its last step is compared")
    found = difference(against, session, step)
    show.difference_page(found, kpi_difference(against, session), (str(other), str(session.folder)))


def open_(journey: Journey, arg: str) -> None:
    """open RUN

    Leave this run, saved, and look at another: the folder of a run.
    """
    journey.open(Path(unquoted(arg)))
    look_at(journey, 0)


def continue_(journey: Journey, _: str) -> None:
    """continue

    Go on simulating a run that was stopped and is only looked at.
    """
    journey.resume()
    say(f"at hour {journey.hour:g}; go on with: next")


def _change(journey: Journey, document: Mapping[str, Any]) -> None:
    journey.change(document)
    say(f"from hour {journey.hour:g} on, as the log will say; go on with: next")


def _groups(journey: Journey) -> list[str]:
    return [*(str(each["name"]) for each in journey.session.manifest.scenario["peers"]), CUSTOMERS]


def _keys(journey: Journey, typed: str) -> Iterable[str]:
    before = typed[: len(typed) - len(typed.rpartition(" ")[2])]
    return (f"{before}{key}=" for key in keys(journey.session.manifest))


def _agents_and_groups(journey: Journey, typed: str) -> Iterable[str]:
    peers = journey.session.manifest.peers
    both = (f"{peer} {group}" for peer in peers if typed.startswith(f"{peer} ") for group in _groups(journey))
    return (*peers, *both)


CHANGING = (
    Command("set", set_, _keys),
    Command("behave", behave_, _agents_and_groups),
    Command("changes", changes_),
    Command("save", save_),
    Command("branch", branch_, _keys),
    Command("compare", compare_),
    Command("open", open_),
    Command("continue", continue_),
)
