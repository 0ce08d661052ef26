"""One broken meter: what is wrong is named, and what is done about it is what the report says."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from peerflex.core.arrays import Floats, Ints
from peerflex.scenarios.meters import kinds as kinds
from peerflex.scenarios.meters.axis import Axis, choose_axis
from peerflex.scenarios.meters.clean import Course, clean
from peerflex.scenarios.meters.findings import Finding, Kind, printable, together
from peerflex.scenarios.meters.match import Places, match_meters, plain
from peerflex.scenarios.meters.readings import Meter
from peerflex.scenarios.meters.registers import without_registers
from peerflex.scenarios.meters.units import Sized, factors_to_kw

pytestmark = pytest.mark.once

MONDAY = int((datetime(2016, 3, 21) - datetime(1970, 1, 1)).total_seconds())
DAYS, HOURS = 28, 28 * 24
SECONDS = MONDAY + 3600 * np.arange(HOURS)
AXIS = Axis(MONDAY, 3600, HOURS, 3600)
COURSE = 1 + 0.5 * np.sin(np.arange(HOURS) * np.pi / 12) + 0.01 * np.cos(np.arange(HOURS) * 1.7)


TWICE = 1 + (np.arange(HOURS) == 40)


def meter(seconds: Ints = SECONDS, values: Floats = COURSE) -> Meter:
    return Meter("m", "", seconds, values, 0, "", 0)


def cleaned(broken: Meter, axis: Axis = AXIS) -> tuple[Course, list[Finding]]:
    course, findings = clean(broken, axis)
    assert course is not None
    assert np.isfinite(course.load).all()
    return course, findings


def with_values(places: slice | list[int], value: float) -> Meter:
    values = COURSE.copy()
    values[places] = value
    return meter(values=values)


def without(places: slice) -> Meter:
    return meter(np.delete(SECONDS, places), np.delete(COURSE, places))


SPRING = int((datetime(2016, 3, 27, 2) - datetime(2016, 3, 21)).total_seconds()) // 3600


@pytest.mark.parametrize(
    ("broken", "kind", "error"),
    [
        (lambda: with_values(slice(30, 32), np.nan), kinds.MISSING, 0.1),
        (lambda: without(slice(30, 60)), kinds.MISSING, 0.05),
        (lambda: without(slice(600, 672)), kinds.MISSING, 0.05),
        (lambda: without(slice(SPRING, SPRING + 1)), kinds.SUMMER_TIME, 0.1),
        (lambda: meter(SECONDS[::-1].copy(), COURSE[::-1].copy()), kinds.UNSORTED, 1e-12),
        (lambda: meter(np.repeat(SECONDS, TWICE), np.repeat(COURSE, TWICE)), kinds.REPEATED, 1e-12),
        (lambda: meter(np.repeat(SECONDS, 4) + np.tile([0, 900, 1800, 2700], HOURS), np.repeat(COURSE, 4)),
         kinds.OTHER_STEP, 1e-12),
        (lambda: meter(SECONDS[::4], COURSE[::4]), kinds.OTHER_STEP, 0.5),
        (lambda: with_values([100, 400], 900.0), kinds.SPIKES, 0.1),
        (lambda: with_values(slice(100, 140), 1.2345), kinds.STUCK, 0.05),
        (lambda: meter(values=-COURSE), kinds.REVERSED, 1e-12),
        (lambda: replace(with_values([7], np.nan), texts=1, example="x"), kinds.TEXT, 0.1),
        (lambda: replace(meter(), zoned=3), kinds.OTHER_TIME, 1e-12),
        (lambda: meter(np.append(SECONDS, MONDAY + 10**9), np.append(COURSE, 1.0)), kinds.OFF_AXIS, 1e-12),
    ],
    ids=lambda each: each.title if isinstance(each, Kind) else "",
)  # fmt: skip
def test_what_is_broken_is_named_and_mended(broken: Callable[[], Meter], kind: Kind, error: float) -> None:
    course, findings = cleaned(broken())
    assert kind in [found.kind for found in findings]
    assert np.abs(course.load - COURSE).max() <= error
    assert not course.pv.any()


def test_a_whole_meter_has_no_findings() -> None:
    course, findings = cleaned(meter())
    assert not findings
    np.testing.assert_array_equal(course.load, COURSE)


def test_the_hour_that_is_there_twice_in_autumn_is_its_mean() -> None:
    monday = int((datetime(2016, 10, 24) - datetime(1970, 1, 1)).total_seconds())
    clock = np.arange(HOURS) * 3600 + monday
    sunday = 6 * 24 + 2
    seconds = np.concatenate([clock[: sunday + 1], clock[sunday:]])
    values = np.concatenate([COURSE[: sunday + 1], [9.0], COURSE[sunday + 1 :]])
    course, findings = cleaned(meter(seconds, values), Axis(monday, 3600, HOURS, 3600))
    assert [found.kind for found in findings] == [kinds.SUMMER_TIME]
    assert course.load[sunday] == (COURSE[sunday] + 9.0) / 2


def test_generation_behind_the_meter_is_generation() -> None:
    course, findings = cleaned(meter(values=COURSE - 1.2))
    assert [found.kind for found in findings] == [kinds.NEGATIVE]
    np.testing.assert_allclose(course.load - course.pv, COURSE - 1.2)
    assert course.load.min() == course.pv.min() == 0.0


def test_a_meter_with_less_than_half_is_left_out() -> None:
    course, findings = clean(meter(SECONDS[:300], COURSE[:300]), AXIS)
    assert course is None
    assert findings[-1].kind is kinds.TOO_LITTLE


@pytest.mark.parametrize("value", [0.0, 3.0])
def test_a_constant_is_kept_and_said(value: float) -> None:
    course, findings = cleaned(meter(values=np.full(HOURS, value)))
    assert [found.kind for found in findings] == [kinds.CONSTANT]
    np.testing.assert_array_equal(course.load, value)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_no_meter_leaves_a_gap_or_a_value_below_zero(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 60))
    hours = data.draw(st.lists(st.integers(-5, 60), min_size=n, max_size=n))
    values = data.draw(st.lists(st.one_of(st.just(np.nan), st.floats(-1e6, 1e6)), min_size=n, max_size=n))
    course, _ = clean(meter(MONDAY + 1800 * np.array(hours), np.array(values)), Axis(MONDAY, 1800, 48, 1800))
    if course is not None:
        for column in (course.load, course.pv):
            assert np.isfinite(column).all()
            assert column.min() >= 0.0


@pytest.mark.parametrize(
    ("minutes", "step"),
    [(1, 900), (5, 900), (10, 1800), (15, 900), (20, 3600), (30, 1800), (60, 3600), (180, 3600), (7, 900)],
)
def test_the_axis_has_a_step_that_scenarios_know(minutes: int, step: int) -> None:
    seconds = MONDAY + 60 * minutes * np.arange(700)
    axis = choose_axis([meter(seconds, np.sin(np.arange(700.0)) + 2)] * 3, "m.csv")
    assert (axis.start_s, axis.step_s) == (MONDAY, step)
    assert axis.steps == 700 * minutes * 60 // step
    course, findings = cleaned(meter(seconds, np.sin(np.arange(700.0)) + 2), axis)
    assert not findings
    assert course.filled == 0


def test_a_finding_of_all_meters_is_one_of_the_file() -> None:
    findings = [Finding(kinds.MISSING, f"m{n}", "1 of 9 steps") for n in range(20)] + [Finding(kinds.STUCK, "m3", "x")]
    both = together(findings, 20, "file.csv")
    assert [(found.where, found.kind) for found in both] == [("file.csv", kinds.MISSING), ("m3", kinds.STUCK)]
    assert "20 of 20 meters; m0" in both[0].what
    twice = together([*findings, *findings], 20, "file.csv")
    assert "20 of 20 meters" in twice[0].what


def test_registers_become_the_power_between_their_readings() -> None:
    readings = 5000 + np.concatenate([[0], np.cumsum(COURSE[:-1])])
    anew = readings.copy()
    anew[400:] -= anew[400]
    still = np.full(HOURS, 777.0)
    file = [readings, anew, still, COURSE, readings + 1]
    made, found = without_registers([meter(values=values) for values in file])
    np.testing.assert_allclose(made[0].values, COURSE[:-1])
    assert np.isnan(made[1].values[399])
    np.testing.assert_allclose(np.delete(made[1].values, 399), np.delete(COURSE[:-1], 399))
    assert not made[2].values.any()  # an empty house among registers
    np.testing.assert_array_equal(made[3].values, COURSE)
    assert [each is not None for each in found] == [True, True, True, False, True]


def test_a_meter_that_stands_still_is_no_register_among_meters_of_power() -> None:
    still = meter(values=np.full(HOURS, 777.0))
    made, found = without_registers([still, meter(), meter()])
    assert made[0] is still
    assert found == (None, None, None)


def test_the_hours_of_a_register_are_those_between_its_readings() -> None:
    quarters = MONDAY + 900 * np.arange(HOURS)
    twice = np.repeat(np.arange(HOURS), 1 + (np.arange(HOURS) == 50))  # a row given twice
    readings = 10 + np.concatenate([[0], np.cumsum(COURSE[:-1])])
    (made,), _ = without_registers([meter(quarters[twice], readings[twice])])
    np.testing.assert_allclose(made.values, 4 * COURSE[:-1])
    np.testing.assert_array_equal(made.seconds, quarters[:-1])


PLACES = Places(
    loads=(("House 1", 0), ("House 2", 1), ("house 02", 2), ("12.0", 3), ("Müller", 4)),
    generators=(("Roof", 1),),
    buses=(("bus 7", (0,)), ("bus 8", ()), ("bus 9", (1, 2)), ("House 1", (3,))),
    dark=frozenset({"Cut off"}),
    generating=frozenset(),
)


@pytest.mark.parametrize(
    ("name", "row", "kind"),
    [
        ("House 1", 0, None),
        (" HOUSE_001", 0, None),
        ("house-1", 0, None),
        ("House 2", 1, None),
        ("house 02", 2, None),
        ("HOUSE 2", None, kinds.NO_LOAD),  # two loads are called nearly so
        ("12", 3, None),
        ("müller", 4, None),
        ("roof", 1, None),
        ("Bus 07", 0, None),
        ("bus 8", None, kinds.BARE_BUS),
        ("bus 9", None, kinds.SHARED_BUS),
        ("cut OFF", None, kinds.DARK_LOAD),
        ("", None, kinds.NO_LOAD),
        ("../../x", None, kinds.NO_LOAD),
    ],
)
def test_a_meter_finds_its_load(name: str, row: int | None, kind: Kind | None) -> None:
    matches, findings = match_meters([name], PLACES)
    assert [match.row for match in matches] == ([] if row is None else [row])
    assert [found.kind for found in findings] == ([] if kind is None else [kind])


def test_the_exact_name_wins_whatever_the_order() -> None:
    matches, findings = match_meters(["HOUSE 1", "House 1", "bus 7"], PLACES)
    assert [match.meter for match in matches] == [1]
    assert [found.where for found in findings] == ["HOUSE 1", "bus 7"] or [found.where for found in findings] == [
        "bus 7",
        "HOUSE 1",
    ]


def test_names_that_differ_stay_apart() -> None:
    assert plain("1 11") != plain("11 1")
    assert plain("Load 010") == plain("load_10") != plain("load 1")


def sized(n: int, peak: float, unit: str = "", hours: float = 1.0) -> Sized:
    return Sized(f"m{n}", unit, hours, peak, 4.0)


@pytest.mark.parametrize(("peak", "factor"), [(3.0, 1.0), (3000.0, 1e-3), (0.003, 1e3)])
def test_the_unit_of_a_file_is_seen_by_the_loads(peak: float, factor: float) -> None:
    to_kw, findings = factors_to_kw([sized(n, peak * (1 + n / 20)) for n in range(10)], "m.csv")
    np.testing.assert_allclose(to_kw, factor)
    assert [found.kind for found in findings] == [kinds.FILE_UNIT]


def test_units_in_names_are_believed() -> None:
    meters = [sized(0, 0.75, "kWh", 0.25), sized(1, 3000.0, "W"), sized(2, 0.003, "MW"), sized(3, 750.0, "Wh", 0.25)]
    to_kw, findings = factors_to_kw(meters, "m.csv")
    np.testing.assert_allclose(to_kw, [4.0, 1e-3, 1e3, 4e-3])
    assert [found.kind for found in findings] == [kinds.FILE_UNIT]


def test_who_is_a_thousand_off_is_corrected_and_other_misfits_are_named() -> None:
    peaks = [3.0 * (1 + n / 100) for n in range(20)]
    peaks[3] *= 1000
    peaks[4] /= 1000
    peaks[5] *= 40
    peaks[6] /= 4
    meters = [sized(n, peak, hours=0.25) for n, peak in enumerate(peaks)]
    to_kw, findings = factors_to_kw(meters, "m.csv")
    np.testing.assert_allclose(to_kw, [{3: 1e-3, 4: 1e3}.get(n, 1.0) for n in range(20)])
    assert {found.where: found.kind for found in findings[1:]} == {
        "m3": kinds.TIMES_1000,
        "m4": kinds.TIMES_1000,
        "m5": kinds.MISFIT,
        "m6": kinds.LIKE_ENERGY,
    }


def test_a_file_of_energies_is_suspected() -> None:
    _, findings = factors_to_kw([sized(n, 1.0 + n / 100, hours=0.25) for n in range(5)], "m.csv")
    assert findings[-1].kind is kinds.LIKE_ENERGY
    assert findings[-1].where == "m.csv"


@given(st.text(max_size=300))
@example("0\x85\x1b 0")
def test_a_printable_name_is_one_short_line(name: str) -> None:
    text = printable(name)
    assert text == text.strip() == printable(text)
    assert len(text.splitlines()) <= 1
    assert len(text.encode()) <= 400
