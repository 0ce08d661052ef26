"""What the studio's map and charts send to the browser."""

from base64 import b64decode
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nicegui import json

from peerflex.runs.log.table_hours import HOURS
from peerflex.runs.studio.chart_pictures import FREQUENCY, drawn_rows, pictures
from peerflex.runs.studio.charts import Drawing, options, words
from peerflex.runs.studio.grid_map import _hour, _lanes, _topology
from tests.pictures_page import SCENARIO, TIGHT, WIRES, hours

PICTURES = {picture.key: picture for picture in pictures(SCENARIO)}


def test_every_curve_is_a_column_of_the_hours() -> None:
    logged = {column.name for column in HOURS.columns}
    assert {column for picture in PICTURES.values() for column in picture.columns} <= logged


def test_frequency_is_drawn_only_where_it_is_simulated() -> None:
    assert FREQUENCY in pictures(SCENARIO)
    assert FREQUENCY not in pictures(SCENARIO | {"frequency": None})


@given(
    st.lists(st.floats(-1e6, 1e6) | st.just(np.nan), min_size=1, max_size=300),
    st.integers(1, 40),
    st.integers(0, 2**32),
)
def test_thinning_keeps_every_extreme_and_the_gaps(values: list[float], buckets: int, seed: int) -> None:
    column = np.array(values)
    other = np.random.default_rng(seed).permutation(column)
    rows = drawn_rows([column, other], buckets)
    assert np.all(np.diff(rows) > 0)
    assert {0, len(column) - 1} <= set(rows)
    assert len(rows) <= max(8 * buckets + 1, 2 * buckets)
    bounds = np.linspace(0, len(column), buckets + 1).astype(int) if len(column) > 2 * buckets else [0, len(column)]
    for first, last in pairwise(bounds):
        for whole in (column, other):
            kept = whole[rows[(rows >= first) & (rows < last)]]
            seen = whole[first:last]
            assert np.isnan(kept).any() == np.isnan(seen).any()
            if np.isfinite(seen).any():
                assert (np.nanmin(kept), np.nanmax(kept)) == (np.nanmin(seen), np.nanmax(seen))


def drawn(key: str, steps: int = 24, runs: int = 1) -> dict:
    picture = PICTURES[key]
    drawings = [
        Drawing.of(picture, hours(steps, 7.0 * row), f"run {row}", dash)
        for row, dash in enumerate(("solid", "dashed")[:runs])
    ]
    return json.loads(json.dumps(options(picture, drawings, dark=False)))


@pytest.mark.parametrize("key", PICTURES)
def test_axes_say_quantity_and_unit_and_hold_all_that_is_drawn(key: str) -> None:
    picture, made = PICTURES[key], drawn(key, runs=2)
    axis = made["yAxis"]
    assert axis["name"] == f"{picture.quantity}, {picture.unit}"
    assert made["xAxis"]["name"] == "time"
    source = made["dataset"][0]["source"]
    values = [value for row in range(len(picture.curves)) for value in source[str(row)] if value is not None]
    levels = [limit.value for limit in picture.limits]
    assert axis["min"] <= min(values + levels) < max(values + levels) <= axis["max"]
    assert made["tooltip"]["renderMode"] == "richText"
    marked = next((each["markLine"]["data"] for each in made["series"] if each["id"] == "limits"), [])
    assert [line["yAxis"] for line in marked] == levels


def test_a_chart_of_nothing_can_be_drawn() -> None:
    picture = PICTURES["volumes"]
    nothing = {name: np.zeros(0) for name in picture.columns} | {"time": np.zeros(0, dtype="datetime64[ms]")}
    gaps = {name: np.full(3, np.nan) for name in picture.columns} | {"time": hours(3)["time"]}
    for columns in (nothing, gaps):
        drawing = Drawing.of(picture, columns, "", "solid")
        assert options(picture, (drawing,), dark=True)["yAxis"]["max"] > 0
        assert "load: no values" in words(picture, (drawing,))


def test_a_second_run_is_dashed_and_named() -> None:
    lines = {each["id"]: each for each in drawn("prices", runs=2)["series"]}
    assert (lines["0-0"]["lineStyle"]["type"], lines["1-0"]["lineStyle"]["type"]) == ("solid", "dashed")
    assert lines["0-0"]["color"] == lines["1-0"]["color"]
    assert lines["1-0"]["name"].startswith("run 1: ")


def test_a_year_is_thinned_but_keeps_its_single_worst_hour() -> None:
    source = drawn("voltage", steps=8760)["dataset"][0]["source"]
    assert len(source["time"]) < 4000
    worst = int(np.argmin(source["0"]))
    assert source["0"][worst] == pytest.approx(0.9123, abs=1e-7)
    assert source["time"][worst] == int(hours(8760)["time"][8760 // 3].astype("datetime64[ms]").astype(int))


def test_arrays_arrive_as_they_were() -> None:
    sent = _hour(TIGHT)
    for name, column in (("voltage", TIGHT.v_pu), ("loading", TIGHT.loading), ("flow", TIGHT.flow_mw)):
        np.testing.assert_array_equal(np.frombuffer(b64decode(sent[name]), "<f4"), column.astype(np.float32))
    assert (sent["atRisk"], sent["beyondBuses"], sent["beyondBranches"]) == ([0, 4], [3, 4, 5], [4])
    wires = _topology(WIRES)
    np.testing.assert_array_equal(np.frombuffer(b64decode(wires["from"]), "<i4"), WIRES.from_bus)
    assert json.loads(wires["busNames"]) == list(WIRES.bus_names)


def test_parallel_lines_lie_side_by_side_whichever_way_they_are_defined() -> None:
    lanes = _lanes(np.array([0, 1, 2, 1]), np.array([1, 2, 1, 3]))
    np.testing.assert_array_equal(lanes, [0, -0.5, -0.5, 0])  # the second is defined the other way round
    np.testing.assert_array_equal(_lanes(np.array([4, 4, 4]), np.array([5, 5, 5])), [-1, 0, 1])
