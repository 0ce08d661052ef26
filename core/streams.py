"""Named random streams: every draw belongs to (seed, purpose, step), so any step can be drawn again alone."""

from zlib import crc32

import numpy as np


def stream(seed: int, purpose: str, step: int = 0) -> np.random.Generator:
    """Return the generator of one purpose in one step of one run.

    No generator lives longer than the step it is named for: there is no random state to save,
    and a resumed or branched run draws what the uninterrupted one drew.
    """
    key = np.random.SeedSequence(entropy=seed, spawn_key=(crc32(purpose.encode()), step))
    return np.random.Generator(np.random.Philox(key))
