"""A program in a real pseudo-terminal: what is typed, and what then stands there."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.child import end_as_peerflex

PATIENCE_S = 60.0
_COLOURS = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]")


class Terminal:
    """``peerflex`` with the given arguments in a terminal of the given width; ``seen`` is all that it printed.

    It runs in an interpreter of its own where ``anew``, else in a child that has the libraries already.
    """

    def __init__(
        self, *arguments: str, state: Path, columns: int = 200, anew: bool = False, **environment: str
    ) -> None:
        self.seen = b""
        self.process, self._line = pty.fork()
        if self.process == 0:
            given = {"TERM": "xterm", "XDG_STATE_HOME": str(state), "OMP_NUM_THREADS": "1", **environment}
            inherited = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
            if not anew:
                end_as_peerflex(arguments, inherited | given)
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # it may be ignored where tests run in the background
            os.execve(sys.executable, [sys.executable, "-m", "peerflex", *arguments], inherited | given)
        fcntl.ioctl(self._line, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))

    def press(self, text: str) -> None:
        os.write(self._line, text.encode())

    def wait(self, text: str) -> str:
        """Return what came up to and with ``text``, and forget it."""
        end = time.monotonic() + PATIENCE_S
        while text.encode() not in _COLOURS.sub(b"", self.seen):
            if time.monotonic() > end or not self._read(end - time.monotonic()):
                raise AssertionError(f"{text!r} did not come; there is {self.seen.decode(errors='replace')!r}")
        clean = _COLOURS.sub(b"", self.seen)
        upto = clean.index(text.encode()) + len(text)
        self.seen = clean[upto:]
        return clean[:upto].decode().replace("\r\n", "\n")

    def do(self, command: str) -> str:
        """Type a command at the prompt, and return what it printed."""
        self.press(command + "\n")
        self.wait(command)
        return self.wait(" h> ")

    def code(self) -> int:
        """Return the exit code, once the program has ended."""
        while self._read(PATIENCE_S):
            pass
        if select.select([self._line], [], [], 0)[0] == []:
            raise AssertionError(f"it does not end; it said {self.seen.decode(errors='replace')!r}")
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])

    def hang_up(self) -> None:
        """Break the line, as when a connection is lost, and wait until the program has ended."""
        os.close(self._line)
        end = time.monotonic() + PATIENCE_S
        while os.waitpid(self.process, os.WNOHANG)[0] == 0:
            if time.monotonic() > end:
                raise AssertionError("it goes on with nobody there")
            time.sleep(0.05)

    def _read(self, patience_s: float) -> bool:
        if not select.select([self._line], [], [], max(patience_s, 0.0))[0]:
            return False
        try:
            data = os.read(self._line, 65536)
        except OSError:  # how Linux says that nobody is on the line any more
            return False
        self.seen += data
        return bool(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            os.close(self._line)
        except OSError:  # hung up
            return
        try:
            if os.waitpid(self.process, os.WNOHANG)[0] == 0:
                os.kill(self.process, signal.SIGKILL)
                os.waitpid(self.process, 0)
        except ChildProcessError:  # ended and waited for
            pass
