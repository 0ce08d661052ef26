"""Every kind of bad input is refused in three parts: where, what, and what to do. One folder a case.

A case holds a ``scenario.yaml`` (and the files it names) and in ``expect.txt`` a line that each part contains.
"""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.core.errors import InputError
from peerflex.scenarios.load import load_scenario
from tests.scenario_street import on_the_street

CASES = Path(__file__).parent / "cases" / "bad"

GOOD = "name: good\ngrid: {source: bundled, code: street}\nprofiles: {source: csv, load: load.csv}\ntime: {hours: 2}\n"


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_bad_input_is_refused_with_place_reason_and_remedy(case: str) -> None:
    where, what, remedy = (CASES / case / "expect.txt").read_text().splitlines()

    with pytest.raises(InputError) as refused:
        on_the_street(load_scenario(str(CASES / case / "scenario.yaml")))

    problem = refused.value.problem
    assert where in problem.where
    assert what in problem.what
    assert remedy in problem.remedy
    assert case in problem.where or "extends" in problem.where  # the file is named


@pytest.mark.parametrize(
    ("setting", "where", "what", "remedy"),
    [
        ("grid.demandfactor=3", "--set: grid.demandfactor", "no such key", "'demand_factor'"),
        ("time.hours=none", "--set: time.hours", "'none' does not fit", "whole number"),
        ("time.hours", "--set", "not of the form dotted.key=value", "time.hours=24"),
        ("a." * 5000 + "a=3", "--set", "not of the form dotted.key=value", "time.hours=24"),
        ("peers." + "9" * 5000 + ".pv_kw=3", "--set: peers.9", "no such item", "prosumers"),
        ("time..hours=3", "--set", "not of the form dotted.key=value", "time.hours=24"),
        ("tariffs.retail_eur_per_mwh=[1", "--set: tariffs.retail_eur_per_mwh", "expected", "Correct the YAML"),
        ("peers.0.pv_kw=.nan", "--set: peers.0.pv_kw", "is nan", "finite"),
        ("peers.nobody.pv_kw=3", "--set: peers.nobody", "no such item", "prosumers"),
        ("peers.7.pv_kw=3", "--set: peers.7", "no such item", "prosumers"),
        ("peers.prosumers.pv_kv=3", "--set: peers.0.pv_kv", "no such key", "Did you mean 'pv_kw'"),
        ("peers.prosumers.battery_kw=0", "--set: peers.0.battery_kw", "is 0", "neither"),
        ("tariffs.feed_in_eur_per_mwh=250", "--set: tariffs.interface_eur_per_mwh", "not between", "between"),
        ("extends=case69-day", "--set: extends", "no such key", "Known here"),
        (
            "mediators=[{name: a, role: aggregator, groups: [prosumers]}, {name: a, role: aggregator, groups: [x]}]",
            "--set: mediators.1.name",
            "another mediator is called 'a'",
            "name of its own",
        ),
    ],
)
def test_bad_settings_are_refused(setting: str, where: str, what: str, remedy: str) -> None:
    with pytest.raises(InputError) as refused:
        load_scenario("lv-week", [setting])

    assert refused.value.problem.where.startswith(where)
    assert what in refused.value.problem.what
    assert remedy in refused.value.problem.remedy


def test_a_list_whose_only_entry_is_wrong_is_not_called_too_short_as_well() -> None:
    with pytest.raises(InputError) as refused:
        load_scenario("lv-week", ["market.sessions=[weekly]"])

    assert "'weekly' is none of the choices" in refused.value.problem.what
    assert "more:" not in refused.value.problem.remedy


def test_everything_wrong_is_told_at_once() -> None:
    with pytest.raises(InputError) as refused:
        load_scenario("lv-week", ["time.hours=0", "physics=dc", "grid.pv_factor=-1"])

    assert "2 more:" in refused.value.problem.remedy
    told = str(refused.value)
    assert all(field in told for field in ("time.hours", "physics", "grid.pv_factor"))


@pytest.mark.parametrize(("name", "remedy"), [("lv-weak", "Did you mean 'lv-week'"), ("gone.yaml", "YAML file")])
def test_a_scenario_that_is_not_there(name: str, remedy: str) -> None:
    with pytest.raises(InputError) as refused:
        load_scenario(name)

    assert refused.value.problem.where == name
    assert remedy in refused.value.problem.remedy


@pytest.mark.parametrize("link", ["load.csv", "folder"])
def test_a_link_out_of_the_folder_is_refused(tmp_path: Path, link: str) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    (outside / "load.csv").write_text("step,scale\n0,1\n1,1\n")
    target = outside / "load.csv" if link == "load.csv" else outside
    os.symlink(target, inside / link)
    (inside / "a.yaml").write_text(GOOD.replace("load.csv", link if link == "load.csv" else "folder/load.csv"))

    with pytest.raises(InputError, match="leads out of the scenario's folder"):
        load_scenario(str(inside / "a.yaml"))


def test_a_link_within_the_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("step,scale\n0,1\n1,1\n")
    os.symlink(tmp_path / "real.csv", tmp_path / "load.csv")
    (tmp_path / "a.yaml").write_text(GOOD)

    assert load_scenario(str(tmp_path / "a.yaml")).inputs == (Path("load.csv"),)


@pytest.mark.parametrize(
    ("content", "what"),
    [(b"name: \xff\n", "not UTF-8"), (b"# " + b"x" * 1_000_001, "more than 1000000"), (b"a: \x01\n", "is not YAML")],
)
def test_a_file_that_is_no_text_or_too_large_is_refused(tmp_path: Path, content: bytes, what: str) -> None:
    (tmp_path / "a.yaml").write_bytes(content)

    with pytest.raises(InputError, match=what):
        load_scenario(str(tmp_path / "a.yaml"))


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(place for key, value in inner for place in places(value, (*path, key)))]


DOCUMENT = load_scenario("lv-week").scenario.model_dump(mode="json")
JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=9)
    | st.dates()
    | st.datetimes()
    | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abk.", max_size=3) | st.integers(), inner, max_size=3)
    ),
    max_leaves=4,
)


@pytest.mark.once
@settings(max_examples=60, deadline=None)
@given(place=st.sampled_from(places(DOCUMENT)), junk=JUNK)
def test_whatever_stands_in_a_files_place_it_loads_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, place: tuple[Any, ...], junk: Any
) -> None:
    def replaced(node: Any, path: tuple[Any, ...]) -> Any:
        if not path:
            return junk
        items = dict(node) if isinstance(node, dict) else list(node)
        items[path[0]] = replaced(node[path[0]], path[1:])
        return items

    path = tmp_path_factory.mktemp("junk") / "a.yaml"
    path.write_text(yaml.safe_dump(replaced(DOCUMENT, place)))

    try:
        said = load_scenario(str(path), ["time.hours=3", "peers.0.pv_kw=1", "market.p2p.kind=x"]).scenario.name
    except InputError as error:
        said = error.problem.where and error.problem.what and error.problem.remedy
    assert said
