"""Commands from a file or a pipe: each is echoed, and the first that fails ends it all."""

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from peerflex.core.errors import InputError, SimulationError
from peerflex.runs.stepper.print import say
from peerflex.runs.stepper.shell import Shell

_COMMENT = re.compile(r"(?:^|\s)#(?:\s.*)?$")
_REMEDY = "Correct the line; what was simulated before it is kept."


def lines_of(script: Path | None) -> tuple[str, Iterable[str]]:
    """Return the name of a script and its lines: of a file, or of what is piped in.

    Raises:
        InputError: if the file cannot be read.
    """
    if script is None:
        return "standard input", sys.stdin
    try:
        return str(script), script.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8 text"
        raise InputError(f"--script {script}", f"cannot be read ({reason})", "Give a text file.") from None


def follow(shell: Shell, name: str, lines: Iterable[str]) -> None:
    """Do commands, one a line, until one of them is to leave; a line may end in a comment: ``# ...``.

    Raises:
        InputError: if a command is wrong: it names the line.
        SimulationError: if a step fails, likewise.
    """
    for count, line in enumerate(lines, start=1):
        command = _COMMENT.sub("", line.rstrip("\n")).strip()
        if not command:
            continue
        say(f"{shell.prompt}{command}")
        where = f"{name}, line {count}: {command}"
        try:
            last = shell.onecmd(command)
        except InputError as error:
            problem = error.problem
            raise InputError(where, f"{problem.where}: {problem.what}", f"{problem.remedy} {_REMEDY}") from None
        except SimulationError as error:
            raise SimulationError(f"{where}: {error}") from None
        shell.postcmd(last, command)
        if last:
            return
