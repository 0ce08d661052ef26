"""Meter files as people have them are read alike; hostile ones are refused in words."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.core.errors import InputError
from peerflex.scenarios.meters import kinds as kinds
from peerflex.scenarios.meters.axis import choose_axis
from peerflex.scenarios.meters.readings import read_meters
from peerflex.scenarios.meters.times import NO_TIME, read_stamps

pytestmark = pytest.mark.once

HOURS = pd.date_range("2016-07-04", periods=48, freq="h")
FRAME = pd.DataFrame({"house 1": np.arange(48) / 8 + 0.125, "0012": np.arange(48)[::-1] / 4 + 0.25}, index=HOURS)


def rows_of(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.rename_axis("time").reset_index().melt("time", var_name="meter", value_name="value")


@pytest.mark.parametrize("shape", ["wide", "long", "long, other order"])
@pytest.mark.parametrize(("sep", "decimal"), [(",", "."), (";", "."), (";", ","), ("\t", ","), ("\t", "."), ("|", ".")])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_every_layout_gives_the_same_meters(shape: str, sep: str, decimal: str, encoding: str, tmp_path: Path) -> None:
    frame = FRAME.rename_axis("time").reset_index() if shape == "wide" else rows_of(FRAME)
    if "other" in shape:
        frame = frame[["meter", "value", "time"]].sample(frac=1.0, random_state=1)
    frame.to_csv(tmp_path / "m.csv", sep=sep, decimal=decimal, encoding=encoding, index=False)
    meters = {meter.name: meter for meter in read_meters(tmp_path / "m.csv").meters}
    assert set(meters) == set(FRAME)
    for name, meter in meters.items():
        order = np.argsort(meter.seconds)
        np.testing.assert_array_equal(meter.values[order], FRAME[name])
        np.testing.assert_array_equal(meter.seconds[order], HOURS.to_numpy().astype("datetime64[s]").astype(np.int64))


@pytest.mark.parametrize(
    "form",
    ["%Y-%m-%d %H:%M", "%d.%m.%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %I:%M %p", "%Y/%m/%d %H:%M", "%Y%m%d%H%M"],
)
def test_every_notation_of_time_is_read(form: str) -> None:
    texts = pd.date_range("2016-01-10", periods=800, freq="h")
    stamps = read_stamps(list(texts.strftime(form)), "m.csv")
    np.testing.assert_array_equal(stamps.seconds, texts.to_numpy().astype("datetime64[s]").astype(np.int64))
    assert not stamps.findings


def test_numbers_can_be_times_too() -> None:
    first = 1_467_590_400  # 4 July 2016
    hours = first + 3600 * np.arange(48)
    for texts in (hours, hours * 1000, [f"{25_569 + second / 86_400:.8f}" for second in hours]):
        np.testing.assert_array_equal(read_stamps([str(text) for text in texts], "m.csv").seconds, hours)
    numbered = read_stamps([str(step) for step in range(24)], "m.csv")
    np.testing.assert_array_equal(np.diff(numbered.seconds), 3600)
    assert [found.kind for found in numbered.findings] == [kinds.NO_DATES]


def test_zones_become_one_without_summer_time() -> None:
    berlin = pd.date_range("2016-01-01", "2016-12-31", freq="h", tz="Europe/Berlin")
    stamps = read_stamps([time.isoformat() for time in berlin], "m.csv")
    np.testing.assert_array_equal(np.diff(stamps.seconds), 3600)
    winter = pd.date_range("2016-01-01", periods=len(berlin), freq="h")
    np.testing.assert_array_equal(stamps.seconds, winter.to_numpy().astype("datetime64[s]").astype(np.int64))
    assert stamps.zoned.all()
    (found,) = stamps.findings
    assert found.what == "UTC+01:00, UTC+02:00; all are now UTC+01:00"


@pytest.mark.parametrize("text", ["1812-06-24 00:00", "2250-01-01 00:00", "1e11", "-4e9", "0000-00-00", "2016-02-30"])
def test_a_time_that_no_scenario_can_have_is_unreadable(text: str) -> None:
    usual = ["1467590400", "1467594000", "1467597600"] if "e" in text else ["2016-07-04 00:00", "2016-07-04 01:00"]
    assert read_stamps([*usual, text], "m.csv").seconds[-1] == NO_TIME


def test_a_date_that_reads_both_ways_is_said() -> None:
    (found,) = read_stamps(["01/02/2016 00:00", "01/02/2016 01:00"], "m.csv").findings
    assert found.kind is kinds.DAY_FIRST


def test_a_foreign_notation_among_others_is_said_and_read() -> None:
    stamps = read_stamps(["2016-07-04T00:00", "2016-07-04T01:00", "04.07.2016 02:00", "yesterday"], "m.csv")
    np.testing.assert_array_equal(np.diff(stamps.seconds[:3]), 3600)
    assert stamps.seconds[3] == NO_TIME
    assert [found.kind for found in stamps.findings] == [kinds.NOTATIONS]


def test_units_are_read_from_names(tmp_path: Path) -> None:
    text = "time;house 1 [kWh];house 2 (W);house_3_kW;house W;house 5 in kWh;house 6, kW\n" + "".join(
        f"2016-07-04T{h:02d}:00;1;2;3;4;5;6\n" for h in range(9)
    )
    (tmp_path / "m.csv").write_text(text)
    meters = read_meters(tmp_path / "m.csv").meters
    assert [(meter.name, meter.unit) for meter in meters] == [
        ("house 1", "kWh"),
        ("house 2", "W"),
        ("house_3", "kW"),
        ("house W", ""),
        ("house 5", "kWh"),
        ("house 6", "kW"),
    ]


def test_notes_above_the_header_thousands_and_long_lines_are_survived(tmp_path: Path) -> None:
    lines = ["# made by a meter", "Export of July;;", "time;a;b"]
    lines += [f"{day:02d}.07.2016 00:00;1.{day:03d},5;{day},25" for day in range(1, 31)]
    lines[10] += ";1;2;3"
    lines[12] = "nonsense;1,0;2,0"
    (tmp_path / "m.csv").write_text("\n".join(lines), encoding="cp1252")
    file = read_meters(tmp_path / "m.csv")
    a = next(meter for meter in file.meters if meter.name == "a")
    assert a.values[0] == 1001.5
    said = {found.kind.title: found.what for found in file.findings}
    assert said[kinds.BAD_TIMES.title].startswith("1 of ")
    assert "decimal comma" in said[kinds.LAYOUT.title]
    assert len(a.values) + int(kinds.BAD_LINES.title in said) == 29


def test_letters_of_windows_are_read_and_said(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_bytes("time,Müller\n2016-07-04T00:00,1\n2016-07-04T01:00,2\n".encode("cp1252"))
    file = read_meters(tmp_path / "m.csv")
    assert file.meters[0].name == "Müller"
    assert file.findings[1].kind is kinds.ENCODING


def test_date_and_time_of_day_in_two_columns_are_one_time(tmp_path: Path) -> None:
    frame = FRAME.copy().assign(end="24:00")
    frame.insert(0, "Zeit", HOURS.strftime("%H:%M"))
    frame.insert(0, "Datum", HOURS.strftime("%d.%m.%Y"))
    frame.insert(2, "bis", (HOURS + pd.Timedelta(hours=1)).strftime("%H:%M"))
    frame.drop(columns="end").to_csv(tmp_path / "m.csv", sep=";", decimal=",", index=False)
    file = read_meters(tmp_path / "m.csv")
    assert [meter.name for meter in file.meters] == list(FRAME)
    np.testing.assert_array_equal(file.meters[0].seconds, HOURS.to_numpy().astype("datetime64[s]").astype(np.int64))
    assert [found.what for found in file.findings if found.kind is kinds.UNREAD] == ["'bis'"]


def test_dates_without_a_time_of_day_are_refused(tmp_path: Path) -> None:
    FRAME.set_axis(HOURS.strftime("%d.%m.%Y")).to_csv(tmp_path / "m.csv", index_label="date")
    with pytest.raises(InputError, match=r"each date is there 24 times.*the time of day is missing"):
        choose_axis(read_meters(tmp_path / "m.csv").meters, "m.csv")


def test_the_end_of_a_day_is_midnight_and_said() -> None:
    stamps = read_stamps(["15.01.2024 23:00", "15.01.2024 24:00", "16.01.2024 01:00"], "m.csv")
    np.testing.assert_array_equal(np.diff(stamps.seconds), 3600)
    assert [found.what for found in stamps.findings] == ["1 time, first 15.01.2024 24:00"]


def test_a_row_of_units_below_the_header_is_believed(tmp_path: Path) -> None:
    rows = "".join(f"2016-07-04T{h:02d}:00;1;{'#WERT!' if h == 4 else h};3\n" for h in range(9))
    (tmp_path / "m.csv").write_text("time;a;b;c\n;kWh;[W];\n" + rows)
    meters = read_meters(tmp_path / "m.csv").meters
    assert [(meter.name, meter.unit) for meter in meters] == [("a", "kWh"), ("b", "W"), ("c", "")]
    assert [meter.texts for meter in meters] == [0, 1, 0]  # the units are no values


def test_a_column_of_units_is_believed_and_others_are_named(tmp_path: Path) -> None:
    rows = "".join(f"2016-07-04T{h:02d}:00,{m},{h},kWh,W\n" for h in range(9) for m in ("a", "b"))
    (tmp_path / "m.csv").write_text("time,meter,value,unit,status\n" + rows)
    file = read_meters(tmp_path / "m.csv")
    assert [(meter.name, meter.unit) for meter in file.meters] == [("a", "kWh"), ("b", "kWh")]
    assert [found.what for found in file.findings if found.kind is kinds.UNREAD] == ["'status'"]


def test_thousands_in_english_are_read(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text('time,a\n2016-07-04T00:00,"1,234.5"\n2016-07-04T01:00,"12.5"\n')
    (meter,) = read_meters(tmp_path / "m.csv").meters
    assert meter.values.tolist() == [1234.5, 12.5]


HOSTILE = {
    "empty": b"",
    "blank": b"\n \n\n",
    "header only": b"time,a,b\n",
    "one column": b"time\n2016-01-01\n",
    "binary": bytes(range(256)) * 50,
    "Excel": b"PK\x03\x04\x00\x00" * 100,
    "one huge line": b"a," * 3_000_000,
    "huge cell": b"time,a\n2016-01-01T00:00," + b"9" * 200_000 + b"\n",
    "open quote": b'time,a\n2016-01-01T00:00,"1\n' + b"2016-01-01T01:00,1\n" * 50,
    "turned round": b"meter,2016-01-01T00:00,2016-01-01T01:00\na,1,2\n",
    "no header": b"2016-01-01T00:00,1\n2016-01-01T01:00,2\n",
    "no times": b"time,a\nx,1\ny,2\n",
    "no times at all": b"who,what,where\nx,1,q\ny,2,q\n",
    "html": b"<html><body>\n<table>\n</table></body></html>\n",
    "half of a surrogate": b"\xff\xfe\x00\xd8",
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_no_meter_file_is_refused_in_words(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_bytes(content)
    with pytest.raises(InputError) as refused:
        choose_axis(read_meters(tmp_path / "m.csv").meters, "m.csv")
    assert len(str(refused.value)) < 1000


CELLS = st.sampled_from(
    [
        "2016-01-01T00:00",
        "2016-01-01T01:00",
        "1",
        "2,5",
        "-3.5",
        "=1+1",
        "",
        "nan",
        "1e999",
        "a",
        '"',
        "\0",
        "\ufeff",
        "é",
        "#",
    ]
)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.lists(CELLS, min_size=1, max_size=4), min_size=1, max_size=6),
    sep=st.sampled_from([",", ";", "\t"]),
    head=st.sampled_from(["", "time,a\n", "time;meter;value\n", "\ufefftime\ta\tb\n"]),
)
def test_no_file_is_more_than_bad_input(
    rows: list[list[str]], sep: str, head: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("any") / "m.csv"
    path.write_text(head + "\n".join(sep.join(row) for row in rows), encoding="utf-8")
    try:
        file = read_meters(path)
        axis = choose_axis(file.meters, "m.csv")
    except InputError:
        return
    assert axis.steps * axis.step_s >= 3600


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=300))
def test_no_bytes_are_more_than_bad_input(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("any") / "m.csv"
    path.write_bytes(content)
    with pytest.raises(InputError):
        choose_axis(read_meters(path).meters, "m.csv")
