"""Profiles: the right hours of a year, means that keep the energy, and shapes that follow their closed form."""

import math
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.core.errors import InputError
from peerflex.scenarios.load import LoadedScenario, load_scenario
from peerflex.scenarios.schema import Time
from peerflex.scenarios.series import read_series
from tests.scenario_street import STREET, QuarterYear, on_the_street

HEAD = "name: a\ngrid: {source: bundled, code: street}\n"


def scenario(folder: Path, text: str, *settings: str) -> LoadedScenario:
    (folder / "a.yaml").write_text(HEAD + text)
    return load_scenario(str(folder / "a.yaml"), settings)


@settings(max_examples=30, deadline=None)
@given(
    quarter=st.integers(0, 35136 // 4 - 200),
    hours=st.integers(1, 60),
    step_minutes=st.sampled_from([15, 30, 60]),
    demand=st.floats(0.01, 50),
)
def test_a_window_of_the_year_keeps_its_energy(
    tmp_path_factory: pytest.TempPathFactory, quarter: int, hours: int, step_minutes: int, demand: float
) -> None:
    start = datetime(2016, 1, 1) + timedelta(hours=quarter)
    text = f"time: {{start: {start.isoformat()}, hours: {hours}, step_minutes: {step_minutes}}}\n"
    loaded = scenario(tmp_path_factory.mktemp("year"), text, f"grid.demand_factor={demand}")

    _, profiles = on_the_street(loaded, QuarterYear())

    assert profiles.load_mw.shape == profiles.load_mvar.shape == profiles.pv_mw.shape == (hours * 60 // step_minutes, 4)
    first, n = quarter * 4, hours * 4
    mean_of_quarters = (first + (n - 1) / 2) / 35136  # an arithmetic series
    np.testing.assert_allclose(profiles.load_mw.mean(axis=0), demand * mean_of_quarters * STREET.load_mw, rtol=1e-9)
    np.testing.assert_allclose(profiles.load_mvar.mean(axis=0), demand * mean_of_quarters * STREET.load_mvar, rtol=1e-9)
    np.testing.assert_allclose(profiles.pv_mw.mean(axis=0), mean_of_quarters * STREET.pv_mw, rtol=1e-9)


def test_the_end_of_the_year_is_reached_but_not_passed(tmp_path: Path) -> None:
    _, profiles = on_the_street(scenario(tmp_path, "time: {start: 2016-12-31, hours: 24}\n"), QuarterYear())
    assert len(profiles.load_mw) == 24

    with pytest.raises(InputError, match="too short: 24 steps from the scenario's start, 25 are needed"):
        on_the_street(scenario(tmp_path, "time: {start: 2016-12-31, hours: 25}\n"), QuarterYear())
    with pytest.raises(InputError, match=r"time\.start.*outside the network's profiles"):
        on_the_street(scenario(tmp_path, "time: {start: 2017-01-01}\n"), QuarterYear())


def test_added_pv_follows_the_networks_own(tmp_path: Path) -> None:
    peers = "peers:\n  - {name: sunny, at_buses: [b1], pv_kw: 6, behaviour: {kind: truthful}}\n"
    loaded = scenario(tmp_path, peers, "time.hours=5", "grid.pv_factor=2")

    table, profiles = on_the_street(loaded, QuarterYear())

    per_unit = np.arange(20).reshape(5, 4).mean(axis=1) / 35136
    np.testing.assert_allclose(profiles.pv_mw[:, 0], 0.006 * per_unit)
    np.testing.assert_allclose(profiles.pv_mw[:, 1], 2 * 0.005 * per_unit)  # the factor is for the network's only
    np.testing.assert_allclose(table.pv_mw, [0.006, 0.010, 0.0, 0.020])


def test_added_pv_on_a_network_without_any_follows_a_clear_summer_sky(tmp_path: Path) -> None:
    peers = "peers:\n  - {name: sunny, at_buses: [b1], pv_kw: 10, behaviour: {kind: truthful}}\n"
    text = f"profiles: {{source: shapes, load: residential-evening}}\n{peers}"

    _, profiles = on_the_street(scenario(tmp_path, text))

    assert profiles.pv_mw[:, 1:].max() == 0
    assert profiles.pv_mw[0, 0] == 0
    assert profiles.pv_mw[:, 0].max() == pytest.approx(0.010, rel=0.01)
    assert profiles.pv_mw[:, 0].argmax() in (11, 12)


def test_shapes_begin_at_the_time_of_day_and_repeat(tmp_path: Path) -> None:
    text = "profiles: {source: shapes, load: residential-evening, pv: clear-sky-winter}\n"
    _, midnight = on_the_street(scenario(tmp_path, text + "time: {start: 2020-02-29, hours: 60}\n"))
    _, evening = on_the_street(scenario(tmp_path, text + "time: {start: 2020-02-29 18:00, hours: 40}\n"))

    np.testing.assert_array_equal(midnight.load_mw[18:58], evening.load_mw)
    np.testing.assert_array_equal(midnight.pv_mw[:24], midnight.pv_mw[24:48])
    np.testing.assert_array_equal(midnight.load_mvar * 4, midnight.load_mw[:, [0]] * [1, -0.5, 0, 0])


def test_a_shape_of_a_week_begins_on_the_day_of_the_week_and_repeats(tmp_path: Path) -> None:
    text = "profiles: {source: shapes, load: residential-week, pv: cloudy-spring-week}\n"
    _, monday = on_the_street(scenario(tmp_path, text + "time: {start: 2016-04-11, hours: 200}\n"))
    _, saturday = on_the_street(scenario(tmp_path, text + "time: {start: 2016-04-16 06:00, hours: 60}\n"))

    np.testing.assert_array_equal(monday.load_mw[126:186], saturday.load_mw)
    np.testing.assert_array_equal(monday.pv_mw[:32], monday.pv_mw[168:])
    assert monday.load_mw[11, 0] < monday.load_mw[131, 0]  # noon of Monday and of Saturday


def mid_quarters() -> list[float]:
    return [(quarter + 0.5) / 4 for quarter in range(96)]


def clear_sky(declination: float) -> list[float]:
    latitude, tilt, noon = math.radians(50), math.radians(declination), math.cos(math.radians(50 - 23.45))
    across = math.cos(latitude) * math.cos(tilt)
    along = math.sin(latitude) * math.sin(tilt)
    return [max(0.0, along + across * math.cos(math.pi * (hour - 12) / 12)) / noon for hour in mid_quarters()]


def residential_evening() -> list[float]:
    def hump(hour: float, centre: float, width: float) -> float:
        away = min(abs(hour - centre), 24 - abs(hour - centre))
        return math.exp(-((away / width) ** 2))

    load = [0.30 + 0.25 * hump(hour, 7.5, 1.5) + 0.70 * hump(hour, 19.5, 2.5) for hour in mid_quarters()]
    return [value / max(load) for value in load]


def residential_week() -> list[float]:
    def hump(hour: float, centre: float, width: float) -> float:
        return math.exp(-((min(abs(hour - centre), 24 - abs(hour - centre)) / width) ** 2))

    workday = [0.30 + 0.25 * hump(hour, 7.5, 1.5) + 0.70 * hump(hour, 19.5, 2.5) for hour in mid_quarters()]
    weekend = [0.30 + 0.35 * hump(hour, 11.0, 3.0) + 0.60 * hump(hour, 19.5, 2.5) for hour in mid_quarters()]
    return [value / max(workday) for value in workday * 5 + weekend * 2]


def cloudy_spring_week() -> list[float]:
    return [clear * sun for clear in (0.95, 0.7, 0.35, 0.85, 0.55, 1.0, 0.9) for sun in clear_sky(9.0)]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("residential-week", residential_week()),
        ("cloudy-spring-week", cloudy_spring_week()),
        ("clear-sky-summer", clear_sky(23.45)),
        ("clear-sky-winter", clear_sky(-23.45)),
        ("residential-evening", residential_evening()),
    ],
)
def test_the_bundled_shapes_follow_their_closed_forms(name: str, values: list[float]) -> None:
    path = Path(load_scenario("lv-week").base) / "data" / f"{name}.csv"

    shape = read_series(path, Time(hours=len(values) // 4, step_minutes=15)).values[:, 0]

    np.testing.assert_allclose(shape, np.array(values), atol=5.1e-7)


def test_a_csv_column_called_scale_multiplies_the_network(tmp_path: Path) -> None:
    (tmp_path / "load.csv").write_text("step,scale\n0,0.5\n1,1\n2,2\n")
    (tmp_path / "pv.csv").write_text("# half, then none\nstep,scale\n0,0.5\n1,0\n2,0\n")
    text = "time: {hours: 3}\nprofiles: {source: csv, load: load.csv, pv: pv.csv}\n"

    loaded = scenario(tmp_path, text, "grid.demand_factor=3")
    _, profiles = on_the_street(loaded)

    np.testing.assert_allclose(profiles.load_mw, 3 * np.outer([0.5, 1, 2], STREET.load_mw))
    np.testing.assert_allclose(profiles.load_mvar, 3 * np.outer([0.5, 1, 2], STREET.load_mvar))
    np.testing.assert_allclose(profiles.pv_mw, np.outer([0.5, 0, 0], STREET.pv_mw))
    assert loaded.inputs == (Path("load.csv"), Path("pv.csv"))


@pytest.mark.parametrize(("unit", "per_mw"), [("kW", 1000), ("MW", 1)])
def test_csv_columns_of_connections_in_any_order_keep_the_power_factor(tmp_path: Path, unit: str, per_mw: int) -> None:
    (tmp_path / "load.csv").write_text("step,house 4,house 2,house 1,house 3\n0,4,2,1,3\n1,0,0,8,0\n")
    text = f"time: {{hours: 2}}\nprofiles: {{source: csv, load: load.csv, unit: {unit}}}\n"

    _, profiles = on_the_street(scenario(tmp_path, text))

    np.testing.assert_allclose(profiles.load_mw * per_mw, [[1, 2, 3, 4], [8, 0, 0, 0]])
    np.testing.assert_allclose(profiles.load_mvar * per_mw, [[0.25, -0.5, 0.0, 0.0], [2.0, 0.0, 0.0, 0.0]])


def test_a_finer_csv_is_averaged_from_the_scenarios_start(tmp_path: Path) -> None:
    rows = "".join(f"2016-03-01T{quarter // 4:02}:{quarter % 4 * 15:02},{quarter}\n" for quarter in range(24))
    (tmp_path / "load.csv").write_text("time,scale\n" + rows)
    text = "time: {start: 2016-03-01 02:00, hours: 4}\nprofiles: {source: csv, load: load.csv}\n"

    _, profiles = on_the_street(scenario(tmp_path, text))

    np.testing.assert_allclose(profiles.load_mw[:, 0] / STREET.load_mw[0], [9.5, 13.5, 17.5, 21.5])
