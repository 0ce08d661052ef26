"""Processes that simulate beside each other.

This module imports nothing heavy: a worker reads it before everything else, so that its numerical libraries, when
they come, find the number of threads they may use.
"""

import gc
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from multiprocessing.synchronize import Event

from peerflex.core.errors import SimulationError

_stop: Event | None = None


def stopped() -> bool:
    """Whether the process that asked for the work wants no more of it."""
    return _stop is not None and _stop.is_set()


@contextmanager
def pool(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """Lend ``jobs`` worker processes; leaving the block, however it happens, stops and ends them.

    Work in hand ends where it asks ``stopped()``; work not begun is dropped.

    Raises:
        SimulationError: if the operating system ended a worker.
    """
    context = get_context("spawn")
    stop = context.Event()
    executor = ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin, initargs=(stop,))
    try:
        yield executor
    except BrokenProcessPool:
        what = "a worker process was ended from outside, perhaps for want of memory"
        raise SimulationError(f"{what}. Use fewer --jobs; finished runs are in the folder") from None
    finally:
        stop.set()
        executor.shutdown(wait=True, cancel_futures=True)


def _begin(stop: Event) -> None:
    """Make this process a worker: one thread each, deaf to Ctrl-C (its parent is not), and not outliving its parent."""
    global _stop
    _stop = stop
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    gc.set_threshold(100_000)  # models are small circles of references: look for them less often
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
