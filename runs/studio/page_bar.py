"""The bar of the timeline: back, play, next, the slider, the speed; and the keys that press its buttons."""

from collections.abc import Sequence
from typing import Final

from peerflex.runs.studio.desk import Shown
from peerflex.runs.studio.fields import button, choice, element, hide, put
from peerflex.runs.studio.timeline import Timeline
from peerflex.runs.studio.words import stands

SPEEDS: Final = (("1", "1 hour/s"), ("2", "2 hours/s"), ("5", "5 hours/s"), ("10", "10 hours/s"), ("20", "20 hours/s"),
                 ("0", "as fast as it goes"))  # fmt: skip

KEYS: Final = (
    ("Space", "play or pause"),
    ("Right arrow, n", "next hour: read it, or simulate it"),
    ("Left arrow, b", "one hour back"),
    ("Home, End", "before the first hour, the last one there is"),
    ("r", "play backwards"),
    ("e", "simulate to the end, as fast as it goes"),
    ("1 to 9, 0", "the panels from Market to Export"),
    ("/", "look for an agent"),
    ("d", "light or dark"),
    ("?", "this list"),
    ("Tab, Shift+Tab", "from field to field; arrows move within tabs and the slider"),
    ("On the map: + - 0", "zoom in, out, all of it; arrows move; n and p walk along buses and lines; Enter opens"),
)


class Bar:
    """Buttons and slider; all pages of a run share where it stands."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._speed = 5.0
        with element("div", classes="studio-bar", props={"role": "group", "aria-label": "Timeline"}):
            button("", "home", lambda: shown.seek(0), "To the start", "Home", "first_page")
            button("", "back", lambda: shown.seek(shown.cursor - 1), "One hour back", "ArrowLeft b", "chevron_left")
            button("", "backwards", lambda: self._toggle(backwards=True), "Play backwards", "r", "fast_rewind")
            self._play = button("Play", "play", self._toggle, "Play or pause", "Space")
            self._next = button("Next hour", "next", shown.step, "Next hour", "ArrowRight n")
            button("", "end", lambda: shown.seek(shown.session.logged), "To the last hour there is", "End", "last_page")
            self._all = button("Simulate to the end", "run-all", self._run_all, "Simulate to the end", "e")
            choice("Speed", "speed", SPEEDS, self._set_speed, chosen="5")
            self._where = element("output", classes="studio-where", props={"data-testid": "where"})
            self._line = Timeline(shown.session.steps, shown.seek)

    def show(self, step: int, marks: Sequence[tuple[int, int]] | None) -> None:
        """Stand at a step; ``marks`` if there are new ones."""
        session = self._shown.session
        words = stands(session.manifest, step)
        put(self._where, f"{words} · {session.logged} of {session.steps} {'simulated' if session.live else 'logged'}")
        self._line.show(step + 1, session.logged, words, marks)
        put(self._play, "Pause" if self._shown.playing is not None else "Play")
        hide(self._all, not (session.live and session.logged < session.steps))

    def _toggle(self, backwards: bool = False) -> None:
        if self._shown.playing is not None:
            self._shown.pause()
        else:
            self._shown.play(self._speed or None, backwards)

    async def _run_all(self) -> None:
        await self._shown.seek(self._shown.session.logged)
        self._shown.play(None)

    def _set_speed(self, value: str) -> None:
        self._speed = float(value)
        if self._shown.playing is not None:
            self._shown.play(self._speed or None)


def help_of_keys() -> None:
    """The list of keys, opened by ``?``."""
    with element("dialog", classes="studio-dialog", props={"id": "keys", "aria-label": "Keys"}):
        element("h2", "Keys")
        with element("dl"):
            for key, words in KEYS:
                element("dt", key)
                element("dd", words)
        with element("form", props={"method": "dialog"}):
            element("button", "Close", "studio-button")
