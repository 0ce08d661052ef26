"""Ctrl-C while hours go by: stop at the next boundary of a step, with the model whole."""

import signal
import time
from types import FrameType, TracebackType
from typing import Any, Final, Self

NAP_S: Final = 0.05
"""How long Ctrl-C may wait to be seen while nothing is simulated."""


class Patience:
    """Within a ``with`` block, a first Ctrl-C only sets ``over``; a second one interrupts, as it always does."""

    def __init__(self) -> None:
        self.over = False
        self._before: Any = None

    def sleep(self, seconds: float) -> None:
        """Wait, but no longer than until Ctrl-C."""
        end = time.monotonic() + seconds
        while not self.over and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, NAP_S))

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._asked)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _asked(self, number: int, frame: FrameType | None) -> None:
        if self.over:
            raise KeyboardInterrupt
        self.over = True
