"""``peerflex`` in a child of the tests: as from the shell, but with the libraries that are imported here already.

A new interpreter needs some seconds for numpy, pandas, Mesa and the like, whenever it starts.
"""

import gc
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from typing import NoReturn

ANEW = ("peerflex", "nicegui")
"""What a child imports again: it looks at its surroundings when it begins, or other tests gave pages to it."""

PATIENCE_S = 120.0


def be_peerflex(arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    """Do what ``python -m peerflex`` does on the standard streams there are; to be called once forked."""
    gc.enable()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # it may be ignored where tests run in the background
    given = dict(environment)
    os.environ.clear()
    os.environ.update(given)
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(row, mode, closefd=False) for row, mode in enumerate("rww"))
    sys.argv = ["peerflex", *arguments]
    for name in [name for name in sys.modules if name.partition(".")[0] in ANEW]:
        del sys.modules[name]
    runpy.run_module("peerflex", run_name="__main__", alter_sys=True)


def end_as_peerflex(arguments: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """The same, and end this process with what it ends with."""
    code = 1
    try:
        be_peerflex(arguments, environment)
        code = 0
    except SystemExit as done:
        code = int(done.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        try:
            with suppress(OSError):  # a terminal that has hung up takes nothing more
                sys.stdout.flush()
        finally:
            os._exit(code)


class Child:
    """A child that is ``peerflex`` on the given files; it can be waited for as ``subprocess`` has it."""

    def __init__(
        self, arguments: Sequence[str], environment: Mapping[str, str], cwd: Path | None, files: tuple[int, int, int]
    ) -> None:
        def begin() -> None:
            for row, file in enumerate(files):
                os.dup2(file, row)
            if cwd is not None:
                os.chdir(cwd)
            be_peerflex(arguments, environment)

        self._process = get_context("fork").Process(target=begin)
        self._process.start()

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired("peerflex", timeout or 0.0)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    def kill(self) -> None:
        self._process.kill()


def peerflex(
    *arguments: str | Path, said: str = "", cwd: Path | None = None, anew: bool = False
) -> tuple[int, str, str]:
    """Do a command with something on its standard input; returns exit code, output and complaints.

    It is done in a child on files; where ``anew``, in an interpreter of its own on pipes.
    """
    if anew:
        line = [sys.executable, "-m", "peerflex", *map(str, arguments)]
        done = subprocess.run(line, input=said, cwd=cwd, capture_output=True, text=True, timeout=PATIENCE_S)
        return done.returncode, done.stdout, done.stderr
    with (
        tempfile.TemporaryFile("w+") as given,
        tempfile.TemporaryFile("w+") as out,
        tempfile.TemporaryFile("w+") as err,
    ):
        given.write(said)
        given.seek(0)
        child = Child([*map(str, arguments)], os.environ, cwd, (given.fileno(), out.fileno(), err.fileno()))
        code = child.wait(PATIENCE_S)
        out.seek(0)
        err.seek(0)
        return code, out.read(), err.read()
