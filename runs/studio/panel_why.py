"""The panel that says why."""

from typing import ClassVar, Final

from peerflex.runs.session import Session
from peerflex.runs.studio.fields import Values, choice, element, field, fill, form, put, submit
from peerflex.runs.studio.panel import Frame, Panel
from peerflex.runs.views import hour_of

QUESTIONS: Final = (
    ("trade", "Why this trade? (its number)"),
    ("order", "Why did this order trade, or not? (its number)"),
    ("offer", "Why was this flexibility activated, or not? (its number)"),
    ("price", "Why this price?"),
    ("shed", "Why was load taken off? (name of the bus)"),
    ("agent", "Why did this agent trade as it did? (its name)"),
)
UNASKED: Final = "Ask about the hour shown."


class WhyPanel(Panel):
    """A question about the hour shown, and its answer: causes, each proved by clearing again without it."""

    key: ClassVar[str] = "why"
    title: ClassVar[str] = "Why?"

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._shown = frame.shown
        self._asked_at: int | None = None
        with form("why-form", self._asked):
            self._what = choice("Question", "why-what", QUESTIONS)
            self._which = field("Which", "why-which", "number or name")
            submit("Ask", "why-ask")
        props = {"data-testid": "why-answer", "aria-live": "polite"}
        self._answer = element("div", UNASKED, "studio-answer", props)
        self._causes = element("pre", "", "studio-causes", {"data-testid": "why-causes", "tabindex": "0"})

    async def show(self, step: int) -> None:
        if self._asked_at is not None and step != self._asked_at:
            self._asked_at = None
            self._say([UNASKED])

    async def ask(self, what: str, which: str) -> None:
        """Answer a question about the hour shown.

        Raises:
            InputError: if there is no such thing in it.
        """
        from peerflex.runs.explain.command import explain_lines

        step = self._shown.cursor - 1
        self._asked_at = step
        fill(self._what, what)
        fill(self._which, which)
        self._say(["Clearing the hour again ..."])
        hour = hour_of(self._shown.session.manifest, step)

        def explain(session: Session) -> list[str]:
            session.flush()
            return explain_lines(session.folder, hour, what, which, self._shown.registry)

        try:
            lines = await self._shown.call(explain)
        except BaseException:
            self._say(["There is no answer."])
            raise
        self._say(lines)

    def _say(self, lines: list[str]) -> None:
        """Sentences wrap; the table of causes, behind the first empty line, keeps its columns."""
        ends = lines.index("") if "" in lines else len(lines)
        put(self._answer, "\n".join(lines[:ends]))
        put(self._causes, "\n".join(lines[ends + 1 :]))

    async def _asked(self, values: Values) -> None:
        await self.ask(values["why-what"], values["why-which"].strip())
