"""The top of a page: what is shown, whether it lives, and what concerns all of it."""

from peerflex.runs.session import Session
from peerflex.runs.studio.desk import Shown
from peerflex.runs.studio.fields import button, element, hide, link, put


class Top:
    """Name and state of the run."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        scenario = shown.session.manifest.scenario
        with element("header", classes="studio-top"):
            link("peerflex studio", "/", "start")
            with element("h1"):
                element("span", str(scenario.get("title") or scenario["name"]), props={"data-testid": "title"})
                element("small", f"{shown.name}, seed {shown.session.manifest.seed}{_parents(shown.session)}")
            self._state = element("span", classes="studio-state", props={"data-testid": "state"})
            self._resume = button("Go on with this run", "resume", shown.go_on, "Simulate on from where it stopped")
            common_buttons()

    def show(self) -> None:
        session = self._shown.session
        status = session.manifest.status
        live = session.live
        put(self._state, "live" if live else {"done": "logged", "running": "stopped", "failed": "failed"}[status])
        hide(self._resume, live or status == "done")


def common_buttons() -> None:
    """Light or dark, and the list of keys: the page's script listens to them."""
    props = {
        "type": "button",
        "data-testid": "dark",
        "data-keys": "d",
        "aria-label": "Dark mode",
        "title": "Light or dark (d)",
    }
    with element("button", "", "studio-button", props | {"aria-pressed": "false"}):
        element("i", "contrast", "material-icons", {"aria-hidden": "true"})
    props = {"type": "button", "data-testid": "help", "data-keys": "?", "aria-label": "Keys", "title": "Keys (?)"}
    element("button", "?", "studio-button", props)


def _parents(session: Session) -> str:
    parents = session.manifest.parents
    return f", branched from {parents[-1]}" if parents else ""
