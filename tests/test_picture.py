"""The picture of a run: every hour where it is, limits as they stood, prices below nothing too."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from peerflex.runs.area.plugins import registry
from peerflex.runs.report.figures import draw_prices, run_picture
from peerflex.runs.session import Session
from peerflex.scenarios.load import load_scenario


def test_a_limit_that_changes_is_drawn_from_its_hour_on(tmp_path: Path) -> None:
    with Session.begin(load_scenario("case69-day", hours=3), registry([]), tmp_path / "run", driver="mesa") as session:
        session.step()
        session.change({"dso": {"loading": 0.8}})
        list(session.advance())
    axis = run_picture(session.log).axes[1]
    highest, limit = axis.lines[0], axis.lines[-1]
    hours = [f"{pd.Timestamp(each):%H:%M}" for each in highest.get_xdata()]
    assert hours == ["00:00", "00:30", "01:30", "02:30", "03:00"], "each hour round its middle, to both ends"
    np.testing.assert_allclose(limit.get_ydata(), [100, 100, 80, 80, 80])
    logged = 100 * session.table("hours").highest_loading.to_numpy()
    np.testing.assert_allclose(highest.get_ydata(), logged[[0, 0, 1, 2, 2]])


def test_prices_below_nothing_are_within_the_picture() -> None:
    hours = pd.DataFrame(
        {"time": pd.date_range("2016-01-01", periods=3, freq="h"), "p2p_price_eur_per_mwh": [40.0, -25.0, 10.0]}
    )
    axis = Figure().subplots()
    draw_prices(axis, hours, np.full(3, 320.0), np.full(3, 80.0))
    lowest, highest = axis.get_ylim()
    assert lowest < -25.0
    assert highest > 320.0
