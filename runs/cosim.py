"""Driving a run as a mosaik co-simulation, one hour at a time.

mosaik's event loop lives in a thread of its own, so that the caller may be a command, a notebook or a web
server. A gate inside the market simulator lets one hour through; the hour is done when the meter has settled it.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from mosaik import AsyncWorld

from peerflex.core.errors import SimulationError
from peerflex.core.record import HourRecord
from peerflex.runs.model import AreaModel
from peerflex.runs.simulators import NOT_YET_MEASURED

TIME_RESOLUTION_S = 1.0
"""Seconds per tick: coarse ticks break co-simulators that step within the hour, fine ones cost nothing."""

ANSWER_S = 0.5
"""What an answer from another process may take when a run is closed."""

GOODBYE_S = 5.0
"""What a simulator in another process gets to end by itself."""

OWN_SIMULATORS = {
    "Market": {"python": "peerflex.runs.simulators:MarketSimulator"},
    "Grid": {"python": "peerflex.runs.simulators:GridSimulator"},
    "Meter": {"python": "peerflex.runs.simulators:MeterSimulator"},
}


@dataclass(frozen=True, slots=True)
class Coupling:
    """Other mosaik simulators in the same run.

    ``simulators`` is mosaik's configuration of them; ``connect(world, grid)`` starts and connects them, with
    ``grid.children`` the buses (``bus-0`` ...) and branches. What they inject is settled with the party 'others'.
    """

    simulators: dict[str, Any] = field(default_factory=dict)
    connect: Callable[[AsyncWorld, Any], Awaitable[None]] | None = None


class CoSimulation:
    """A driver: ``step()`` returns the record of the next hour.

    Raises:
        SimulationError: if any simulator fails, ends early, or does not answer within ``time_limit_s``.
    """

    def __init__(self, model: AreaModel, coupling: Coupling | None = None, time_limit_s: float = 600.0) -> None:
        self.model = model
        self._coupling = coupling or Coupling()
        self._time_limit_s = time_limit_s
        self._until_s = (model.area.steps - model.hour) * model.area.step_s
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="peerflex-mosaik", daemon=True)
        self._thread.start()
        self._gate = asyncio.Semaphore(0)
        self._done: asyncio.Queue[HourRecord] = asyncio.Queue()
        self._run: asyncio.Task[None] | None = None
        self._world: AsyncWorld | None = None

    def step(self) -> HourRecord:
        """Simulate one hour and return its record."""
        return asyncio.run_coroutine_threadsafe(self._step(), self._loop).result()

    def close(self) -> None:
        """Stop all simulators, also in the middle of a run, and end the thread."""
        if not self._loop.is_closed():
            asyncio.run_coroutine_threadsafe(self._shutdown(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    async def _step(self) -> HourRecord:
        if self._run is None:
            self._run = asyncio.create_task(self._simulate())
        hour = self.model.hour
        self._gate.release()
        done = asyncio.create_task(self._done.get())
        await asyncio.wait({done, self._run}, timeout=self._time_limit_s, return_when=asyncio.FIRST_COMPLETED)
        if done.done():
            return done.result()
        done.cancel()
        if not self._run.done():
            raise SimulationError(f"step {hour}: no answer within {self._time_limit_s:g} s; a simulator hangs")
        error = self._run.exception()
        if error is None:
            # mosaik ends without a word when a simulator in another process fails or sends what JSON cannot carry
            raise SimulationError(f"step {hour}: the co-simulation ended early; a coupled simulator failed")
        if isinstance(error, SimulationError):
            raise error
        raise SimulationError(f"step {hour}: {type(error).__name__}: {error}") from error

    async def _simulate(self) -> None:
        world = AsyncWorld(
            {**OWN_SIMULATORS, **self._coupling.simulators}, time_resolution=TIME_RESOLUTION_S, skip_greetings=True
        )
        self._world = world
        market = await (await world.start("Market", model=self.model, gate=self._gate)).Market()
        grid = await (await world.start("Grid", model=self.model)).Grid()
        meter = await (await world.start("Meter", model=self.model, record=self._recorded)).Meter()
        world.connect(market, grid, "injections")
        world.connect(market, meter, "decision")
        world.connect(grid, meter, "answer")
        heard = self.model.measured or NOT_YET_MEASURED
        world.connect(grid, market, "state", time_shifted=True, initial_data={"state": heard})
        if self._coupling.connect is not None:
            await self._coupling.connect(world, grid)
        # The gate keeps our own simulators in step; mosaik has to keep others from running ahead of them.
        lazy = bool(self._coupling.simulators)
        await world.run(until=self._until_s, print_progress=False, lazy_stepping=lazy)

    def _recorded(self, record: HourRecord) -> None:
        self.model.remember(record)
        self._done.put_nowait(record)

    async def _shutdown(self) -> None:
        """Stop the run, then the simulators (over connections that must still be alive), then what is left."""
        if self._run and self._coupling.simulators:
            # An answer still on its way from another process must arrive: mosaik's connection does not survive
            # the cancellation of a request.
            await asyncio.wait({self._run}, timeout=ANSWER_S)
        await self._cancel({self._run} if self._run else set())
        await self._cancel({task for task in asyncio.all_tasks() if task.get_name().startswith("Runner for")})
        if self._world is not None:
            goodbye = asyncio.wait_for(self._world.shutdown(), GOODBYE_S)
            await asyncio.gather(goodbye, return_exceptions=True)
        await self._cancel(asyncio.all_tasks() - {asyncio.current_task()})

    async def _cancel(self, tasks: set[asyncio.Task[Any]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
