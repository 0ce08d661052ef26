"""Leaps ahead of a fixed-point iteration that converges, but slowly: Anderson's acceleration with a guard."""

from dataclasses import dataclass, field

import numpy as np

from peerflex.core.arrays import Floats, floats

MEMORY = 20
"""Rounds that a leap looks back on, at most."""
MOST_REMEMBERED = 20_000_000
"""Numbers of them that are kept: of many pairs fewer rounds."""
LONGEST = 30.0
"""Length of a leap, in steps: where steps hardly change, nothing says how far there is to go."""
RIDGE = 1e-12
"""Added to the correlations of remembered changes, which are 1 with themselves: they may be nearly the same."""


@dataclass(slots=True)
class Anderson:
    """Where to go on in an iteration ``x <- T(x)`` (Walker and Ni, SIAM J. Numerical Analysis 49, 2011).

    From what the last rounds' steps ``T(x) - x`` differ by, it finds the mixture of them that is nearest to no step at
    all, and goes there. The mixture is that of the least squares, so it takes no more than inner products of steps:
    sums over all their entries. A leap after which the step is larger than it was before is taken back, all is
    forgotten, and the iteration goes on without leaps for a while, twice as long each time and half as long after a
    leap that was good.
    """

    _changes: Floats = field(default_factory=lambda: floats(0, 0))  # of the step, a row a round
    _moves: Floats = field(default_factory=lambda: floats(0, 0))  # of its end, likewise
    _products: Floats = field(default_factory=lambda: floats(0, 0))  # of changes with each other
    _seen: int = 0
    _last: tuple[Floats, Floats] | None = None
    _fallback: tuple[float, Floats] | None = None
    _pause: int = 1
    _waits: int = 0

    def forget(self) -> None:
        """Begin anew: ``T`` is another one from here on."""
        self._seen, self._last, self._fallback = 0, None, None

    def ahead(self, x: Floats, to: Floats) -> Floats:
        """Return where to go on after ``to = T(x)``; always of the same shape ``(n,)``."""
        step = to - x
        length = float(np.sqrt(step @ step))
        if self._fallback is not None:
            before, back = self._fallback
            if length > before:
                self.forget()
                self._waits, self._pause = self._pause, 2 * self._pause
                return back
            self._pause = max(self._pause // 2, 1)
        self._remember(step, to)
        self._fallback, self._waits = None, self._waits - 1
        if not self._seen or self._waits >= 0:
            return to
        self._fallback = length, to
        return to - self._overshoot(step, LONGEST * length)

    def _remember(self, step: Floats, to: Floats) -> None:
        """Write down how far this round's step and its end are from the last one's, over the oldest that is kept."""
        last, self._last = self._last, (step, to)
        if last is None or not (change := step - last[0]).any():
            return
        if not len(self._changes):
            most = min(MEMORY, max(MOST_REMEMBERED // len(step), 2))
            self._changes, self._moves, self._products = (
                floats(most, len(step)),
                floats(most, len(step)),
                floats(most, most),
            )
        row = self._seen % len(self._changes)
        self._changes[row], self._moves[row] = change, to - last[1]
        self._seen += 1
        kept = min(self._seen, len(self._changes))
        self._products[row, :kept] = self._products[:kept, row] = self._changes[:kept] @ change

    def _overshoot(self, step: Floats, longest: float) -> Floats:
        """Return the mixture of remembered moves whose changes of the step add up to nearly all of it."""
        kept = min(self._seen, len(self._changes))
        size = np.sqrt(np.diag(self._products)[:kept])
        alike = self._products[:kept, :kept] / np.outer(size, size) + RIDGE * kept * np.eye(kept)
        share = np.linalg.solve(alike, self._changes[:kept] @ step / size) / size
        mixture: Floats = share @ self._moves[:kept]
        return mixture * min(1.0, longest / max(float(np.sqrt(mixture @ mixture)), 1e-300))
