"""What a command of ``peerflex step`` is: a function whose docstring is its help."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from peerflex.runs.stepper.journey import Journey, Stop

Do = Callable[[Journey, str], Stop | None]
Choices = Callable[[Journey, str], Iterable[str]]
"""Gives what may be typed behind a command, from what is typed so far."""


@dataclass(frozen=True, slots=True)
class Command:
    """A word, what it does, and what may follow it. The first line of the help is its usage."""

    name: str
    do: Do
    choices: Choices = lambda journey, typed: ()

    @property
    def help(self) -> str:
        return inspect.getdoc(self.do) or ""

    @property
    def usage(self) -> str:
        return self.help.splitlines()[0]

    @property
    def meaning(self) -> str:
        """The first sentence of the help."""
        text = " ".join(self.help.splitlines()[2:])
        return text.partition(". ")[0].removesuffix(".")


def first_word(line: str) -> tuple[str, str]:
    """Return the first word of a line and the rest."""
    word, _, rest = line.strip().partition(" ")
    return word, rest.strip()
