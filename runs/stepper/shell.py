"""The prompt of ``peerflex step``: a line is read, completed, done, and what came of it printed."""

import cmd
import sys
from typing import Final

from peerflex.core.errors import InputError, PeerflexError
from peerflex.runs.stepper.changing import CHANGING
from peerflex.runs.stepper.command import Command, first_word
from peerflex.runs.stepper.going import GOING
from peerflex.runs.stepper.journey import Journey
from peerflex.runs.stepper.looking import LOOKING
from peerflex.runs.stepper.print import say, table
from peerflex.runs.stepper.words import completions
from peerflex.runs.views import hour_of

HELP_LINE: Final = "next  back  run until violation  grid  agent NAME  set KEY=VALUE  branch  help"
SHORT: Final = {"n": "next", "b": "back", "c": "continue", "g": "grid", "q": "quit", "exit": "quit", "?": "help"}


class Shell(cmd.Cmd):
    """Does commands. With ``strict``, as in a script, an error or Ctrl-C ends it; else it is printed."""

    def __init__(self, journey: Journey, strict: bool) -> None:
        super().__init__()
        self.journey, self.strict = journey, strict
        named = (*GOING, *LOOKING, *CHANGING, Command("help", self._help, self._names), Command("quit", _leave))
        self.commands = {command.name: command for command in named}
        self.postcmd(False, "")

    def onecmd(self, line: str) -> bool:
        """Do one command; returns whether it was the last."""
        word, rest = first_word(line)
        if word in ("", "EOF"):
            return bool(word) or self.emptyline()
        try:
            command = self._command(word)
            if command.do(self.journey, rest) == "interrupted":
                if self.strict:
                    raise KeyboardInterrupt
                say(f"stopped at hour {self.journey.hour:g}; everything is whole, go on with: next")
        except PeerflexError as error:
            if self.strict:
                raise
            say(str(error))
            return False
        return command.name == "quit"

    def emptyline(self) -> bool:
        """Remind of what there is: Enter alone does nothing else."""
        say(HELP_LINE)
        return False

    def postcmd(self, stop: bool, line: str) -> bool:
        """Say in the prompt where in the run one is."""
        session = self.journey.session
        end = hour_of(session.manifest, session.steps)
        self.prompt = f"{session.manifest.scenario['name']} {self.journey.hour:g} of {end:g} h> "
        return stop

    def listen(self) -> None:
        """Read commands until one of them, or the end of the input, is to leave."""
        while True:
            try:
                self.cmdloop()
            except KeyboardInterrupt:  # at the prompt: another line
                sys.stdout.write("\n")
                continue
            return

    def completenames(self, text: str, *ignored: object) -> list[str]:
        return [f"{name} " for name in self.commands if name.startswith(text)]

    def completedefault(self, text: str, line: str, begin: int, end: int) -> list[str]:
        try:
            word, _, typed = line[:end].partition(" ")
            typed = typed.lstrip()
            return completions(self._command(word).choices(self.journey, typed), typed, text)
        except PeerflexError:  # nothing to offer, and nothing to say while a line is typed
            return []

    def complete_help(self, text: str, *_: object) -> list[str]:
        return self.completenames(text)

    def _command(self, word: str) -> Command:
        word = SHORT.get(word, word)
        found = [word] if word in self.commands else [name for name in self.commands if name.startswith(word)]
        if len(found) != 1:
            what = f"may be {' or '.join(found)}" if found else "is no command"
            raise InputError(word, what, f"There are {', '.join(self.commands)}.")
        return self.commands[found[0]]

    def _help(self, journey: Journey, arg: str) -> None:
        """help [COMMAND]

        Say what there is, or what a command does. The beginning of a command is enough; n, b, c, g, q are short ones.
        """
        if arg:
            say(self._command(arg).help)
            return
        rows = [(command.usage, command.meaning) for command in self.commands.values()]
        table("help COMMAND says more", ("command", "what it does"), rows)

    def _names(self, journey: Journey, typed: str) -> list[str]:
        return list(self.commands)


def _leave(journey: Journey, arg: str) -> None:
    """quit

    Leave. Everything simulated is on disk; what you can do with it is said.
    """
