"""How long messages between peers take, and which are lost: parameters of every market that trades by message."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from peerflex.core.arrays import Bools, Floats

Latency = Annotated[float, Field(ge=0, le=3600, description="mean time that a message takes, in seconds")]
LatencyKind = Annotated[
    Literal["constant", "exponential"], Field(description="whether every message takes the mean time, or a random one")
]
Loss = Annotated[float, Field(ge=0, le=1, description="probability that a message is lost")]


def delays_s(kind: str, mean_s: float, shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Return how long messages take, in seconds."""
    return np.full(shape, mean_s) if kind == "constant" else rng.exponential(mean_s, shape)


def arrive(loss: float, shape: tuple[int, ...], rng: np.random.Generator) -> Bools:
    """Return which messages are not lost."""
    return rng.random(shape) >= loss
