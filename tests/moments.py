"""Single hours of bundled scenarios, simulated in process and kept with everything at hand."""

from functools import cache

from peerflex.runs.area.build import build
from peerflex.runs.area.plugins import registry
from peerflex.runs.model import AreaModel
from peerflex.runs.moment import Moment
from peerflex.scenarios.load import load_scenario


@cache
def moment_of(name: str, step: int, *settings: str) -> Moment:
    """Return a step of a scenario (``settings``: key=value), its model as it was at the step's beginning."""
    area = build(load_scenario(name, settings), registry()).area
    model = AreaModel(area, with_people=False)
    for _ in range(step):
        model.step()
    state, measured, frequency = model.state, model.measured, model.frequency
    model.step()
    record = model.record
    assert record is not None
    model.restore(step, state, measured, frequency)
    return Moment(step, area, model, state, measured, record)
