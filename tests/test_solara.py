"""The Mesa model is a plain one: Mesa's own viewer shows it, steps it and resets it."""

import warnings
from typing import Any

import ipyvuetify
import solara

from peerflex.runs.area.area import Area
from peerflex.runs.model import AreaModel
from tests.areas import street

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # solara doubts a hook of Mesa's own page
    from mesa.visualization import SolaraViz
    from mesa.visualization.utils import update_counter


def stored(model: AreaModel) -> str:
    return f"{sum(peer.soc_mwh for peer in model.people) * 1000:.3f} kWh stored"


@solara.component
def Page(area: Area) -> None:  # noqa: N802
    """The viewer, and beside it what the peers say of themselves; a reset makes a new model of the same area."""
    model = solara.use_memo(lambda: solara.reactive(AreaModel(area)), [])
    SolaraViz(model, model_params={"area": area}, name="A street")
    update_counter.get()
    solara.Text(stored(model.value))


def says(page: Any, text: str) -> bool:
    return len(page.find(ipyvuetify.Html, children=[text])) == 1


def click(page: Any, label: str) -> None:
    page.find(ipyvuetify.Btn, children=[label]).widget.click()


def test_the_viewer_steps_the_model_and_its_page_follows() -> None:
    area = street(6, 24)
    alone = AreaModel(area)
    at_start = stored(alone)
    _, page = solara.render(solara.AppLayout(children=[Page(area)]), handle_error=False)
    try:
        assert says(page, "Step: 0")
        for step in (1, 2, 3):
            click(page, "Step")
            alone.step()
            assert says(page, f"Step: {step}")
            assert says(page, stored(alone))
        assert stored(alone) != at_start
        click(page, "Reset")
        assert says(page, "Step: 0")
        assert says(page, at_start)
    finally:
        page.close()
