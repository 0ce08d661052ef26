"""A page with the studio's pictures alone, of a made-up street; run as a script it serves it on a free port."""

import os
import socket
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from peerflex.runs.log.wires import Wires
from peerflex.runs.studio.grid_map import GridMap, Limits
from peerflex.runs.views.grid import GridView

HOSTILE = "<img src=x onerror=window.hacked=1>"
LIMITS = Limits((0.95, 1.05), 0.9)
SCENARIO = {
    "dso": {"voltage_pu": [0.95, 1.05], "loading": 0.9},
    "tariffs": {"retail_eur_per_mwh": 320.0, "feed_in_eur_per_mwh": 80.0},
    "frequency": {"area": "small"},
}
# A substation (0, 1 at one place), a double line to 2, and a street of 2, 3, 4 with a side street to 5.
WIRES = Wires(
    bus_names=("upstream", "busbar", HOSTILE, "Oak 1", "Oak 2", "Elm 1"),
    x=np.array([0.0, 0.0, 1.0, 2.0, 3.0, 2.0]),
    y=np.array([0.0, 0.0, 0.0, 0.0, 0.0, 1.0]),
    branch_names=("transformer", "cable a", "cable b", "Oak Street", f"end {HOSTILE}", "Elm Street"),
    from_bus=np.array([0, 1, 2, 2, 3, 2]),
    to_bus=np.array([1, 2, 1, 3, 4, 5]),
    rating_mva=np.array([0.4, 0.2, 0.2, np.inf, 0.1, 0.1]),
)
CALM = GridView(
    step=3,
    time=datetime(2016, 7, 4, 3),
    v_pu=np.array([1.02, 1.01, 1.0, 0.99, 0.98, np.nan]),
    p_mw=np.array([0.0, 0.0, 0.0, -0.02, -0.045, 0.0]),
    shed_mw=np.zeros(6),
    loading=np.array([0.2, 0.1, 0.1, 0.0, 0.5, 0.3]),
    flow_mw=np.array([0.07, 0.035, -0.035, 0.065, 0.045, 0.0]),
    at_risk=np.zeros(6, dtype=bool),
    violated_buses=np.zeros(0, dtype=np.int64),
    violated_branches=np.zeros(0, dtype=np.int64),
    method="zbus",
)
TIGHT = replace(
    CALM,
    step=4,
    time=datetime(2016, 7, 4, 4),
    v_pu=np.array([1.02, 1.01, 0.97, 0.94, 0.9312345, 1.06]),
    p_mw=np.array([0.0, 0.0, 0.0, -0.02, -12.5, 0.03]),
    shed_mw=np.array([0.0, 0.0, 0.0, 0.004, 0.0, 0.0]),
    loading=np.array([0.85, 0.4, 0.4, 0.0, 1.2345678, 0.3]),
    flow_mw=np.array([0.3, 0.15, -0.15, 0.1, 0.12, -0.03]),
    at_risk=np.array([True, False, False, False, True, False]),
    violated_buses=np.array([3, 4, 5]),
    violated_branches=np.array([4]),
)


def hours(steps: int, offset: float = 0.0) -> dict[str, np.ndarray]:
    """Return columns of a table of hours: a curve with gaps, its extremes in single hours."""
    step = np.arange(steps)
    wave = np.sin(step / 3.0)
    price = 200.0 + 60.0 * wave + offset
    price[step % 24 < 5] = np.nan
    voltage = 0.97 + 0.01 * wave
    voltage[steps // 3] = 0.9123
    columns = {name: np.abs(wave) for name in ("load_mwh", "pv_mwh", "p2p_mwh", "lfm_mwh", "highest_loading")}
    return columns | {
        "step": step,
        "time": np.datetime64("2016-07-04") + step.astype("timedelta64[h]"),
        "p2p_price_eur_per_mwh": price,
        "clearing_price_eur_per_mwh": price + 1.0,
        "lowest_voltage_pu": voltage,
        "highest_voltage_pu": voltage + 0.05,
        "extreme_hz": 0.06 * wave,
        "quasi_steady_hz": 0.01 * wave,
    }


def serve() -> None:
    """Serve a page with a map, a map in a tab of its own, and all charts; buttons do what a studio's page would."""
    from nicegui import ui

    from peerflex.runs.studio.chart_pictures import pictures
    from peerflex.runs.studio.charts import TimeChart

    def button(name: str, act) -> None:
        ui.button(name, on_click=act).props(f"data-testid={name}")

    @ui.page("/")
    def page() -> None:
        mode = ui.dark_mode(False)
        with ui.element().style("width: 800px; height: 480px").props("data-testid=map"):
            network = GridMap(WIRES, "Street").classes("h-full")
        said = ui.label("nothing").props("data-testid=said")
        network.on_bus(lambda bus: said.set_text(f"bus {bus}"))
        network.on_branch(lambda branch: said.set_text(f"branch {branch}"))
        network.show(CALM, LIMITS)
        button("calm", lambda: network.show(CALM, LIMITS))
        button("tight", lambda: network.show(TIGHT, LIMITS))
        button("compare", lambda: network.compare(CALM, TIGHT, LIMITS))
        button("clear", network.clear_values)
        button("save-map", lambda: network.picture("street.png"))
        with ui.tabs() as tabs:
            one, two = ui.tab("one"), ui.tab("two")
        with ui.tab_panels(tabs, value=one, animated=False):
            with ui.tab_panel(one), ui.element().style("width: 300px; height: 300px").props("data-testid=kept"):
                kept = GridMap(WIRES, title="Kept").classes("h-full")
            with ui.tab_panel(two):
                ui.label("other tab")
        kept.show(CALM, LIMITS)
        button("kept-tight", lambda: kept.show(TIGHT, LIMITS))
        charts = [TimeChart(picture).props(f"data-testid=chart-{picture.key}") for picture in pictures(SCENARIO)]
        for chart in charts:
            chart.style("width: 640px; height: 260px").show((hours(48),))

        def dark() -> None:
            mode.enable()
            for chart in charts:
                chart.darken(True)

        def cursor() -> None:
            for chart in charts:
                chart.set_cursor(np.datetime64(datetime(2016, 7, 4) + timedelta(hours=24)), f"hour 24 {HOSTILE}")

        def two_runs() -> None:
            for chart in charts:
                chart.show((hours(48), hours(48, 5.0)), ("base", HOSTILE))

        button("dark", dark)
        button("cursor", cursor)
        button("two-runs", two_runs)
        button("save-chart", lambda: charts[2].picture("voltage.png"))

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    ui.run(host="127.0.0.1", port=port, show=False, reload=False)


if __name__ == "__main__":
    os.environ.pop("PYTEST_CURRENT_TEST", None)  # NiceGUI would take itself for a test of its own
    serve()
