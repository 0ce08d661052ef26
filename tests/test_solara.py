"""The Mesa model is a plain one: Mesa's own viewer shows it and steps it."""

import pytest

from peerflex.runs.model import AreaModel
from tests.areas import street

solara = pytest.importorskip("solara")


@pytest.mark.filterwarnings("ignore:.*ComponentsView:UserWarning")
def test_solara_viz_shows_the_model_and_its_step_button_simulates_an_hour() -> None:
    import ipyvuetify
    from mesa.visualization import SolaraViz

    def stored(model: AreaModel) -> None:
        solara.Markdown(f"{sum(peer.soc_mwh for peer in model.people) * 1000:.3f} kWh stored")

    box, page = solara.render(SolaraViz(AreaModel(street(6, 24)), components=[stored], name="A street"), handle_error=False)
    print(page.find(ipyvuetify.Btn).widgets)
    for w in page.find(ipyvuetify.Btn).widgets: print(w.children)
