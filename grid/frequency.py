"""Frequency, as pure functions: what a step does in closed form, what happens in operation, how far a MW reaches."""

from peerflex.grid.frequency_closed_form import StepResponse, step_response, step_response_at
from peerflex.grid.frequency_response import respond, trajectory
from peerflex.grid.frequency_scale import Reach, reach, steady_hz, system_imbalance_mw

__all__ = [
    "Reach",
    "StepResponse",
    "reach",
    "respond",
    "steady_hz",
    "step_response",
    "step_response_at",
    "system_imbalance_mw",
    "trajectory",
]
