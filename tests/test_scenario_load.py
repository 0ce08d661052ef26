"""Loading: layers, settings on top, and what is written can be read again."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from peerflex.core.errors import InputError
from peerflex.scenarios.layers import merge
from peerflex.scenarios.load import json_schema, list_scenarios, list_studies, load_scenario, restore_scenario
from peerflex.scenarios.schema import Scenario

MODEST = settings(max_examples=40, deadline=None)

slugs = st.from_regex(r"\A[a-z0-9]{1,8}(-[a-z0-9]{1,8})?\Z")
parameters = st.dictionaries(
    st.from_regex(r"\A[a-z]{2,3}_x\Z"),
    st.one_of(st.booleans(), st.integers(-9, 9), st.floats(-1e6, 1e6), st.text("abc .:#", max_size=9), st.none()),
    max_size=3,
)


@st.composite
def groups(draw: st.DrawFn, most: float) -> list[dict[str, Any]]:
    names = draw(st.lists(slugs, max_size=3, unique=True))
    return [
        {
            "name": name,
            "share_of_connections": draw(st.floats(0, most / len(names))),
            "behaviour": {"kind": draw(slugs), **draw(parameters)},
            "pv_kw": draw(st.floats(0, 1e5)),
            "battery_kwh": (battery := draw(st.sampled_from([0.0, 1e-3, 8.0]))),
            "battery_kw": battery / 2,
        }
        for name in names
    ]


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    feed_in, interface, retail = sorted(draw(st.tuples(*[st.floats(-500, 5000)] * 3)))
    step = draw(st.sampled_from([15, 30, 60]))
    document = {
        "name": draw(slugs),
        "title": draw(st.text(max_size=20)),
        "grid": {
            "source": "bundled",
            "code": draw(st.text(min_size=1, max_size=9)),
            "demand_factor": draw(st.floats(0, 50)),
        },
        "time": {
            "start": draw(st.dates(date(1900, 1, 1), date(2200, 12, 31))).isoformat(),
            "hours": draw(st.integers(1, 8784)),
            "step_minutes": step,
        },
        "peers": draw(groups(most=1.0)),
        "market": {"p2p": {"kind": draw(slugs), **draw(parameters)}},
        "tariffs": {
            "feed_in_eur_per_mwh": feed_in,
            "interface_eur_per_mwh": interface,
            "retail_eur_per_mwh": retail,
        },
        "seed": draw(st.integers(0, 2**63 - 1)),
    }
    return Scenario.model_validate(document)


@MODEST
@given(scenarios())
def test_what_is_dumped_is_loaded_again(tmp_path_factory: pytest.TempPathFactory, scenario: Scenario) -> None:
    path = tmp_path_factory.mktemp("dump") / "a.yaml"
    document = scenario.model_dump(mode="json")
    path.write_text(yaml.safe_dump(document))

    assert load_scenario(str(path)).scenario == scenario
    assert restore_scenario(document, path.parent, "manifest").scenario == scenario


@MODEST
@given(
    demand=st.floats(0, 50),
    hours=st.integers(1, 8784),
    battery=st.floats(1e-9, 1e5),
    kind=slugs,
    seed=st.integers(0, 99),
)
def test_settings_arrive_and_change_nothing_else(
    demand: float, hours: int, battery: float, kind: str, seed: int
) -> None:
    plain = load_scenario("lv-week").scenario
    set_ = {
        "grid.demand_factor": demand,
        "time.hours": hours,
        "peers.prosumers.battery_kwh": battery,
        "market.p2p.kind": f"'{kind}'",
        "seed": seed,
    }

    changed = load_scenario("lv-week", [f"{key}={value!r}".replace('"', "") for key, value in set_.items()]).scenario

    arrived = (changed.grid.demand_factor, changed.time.hours, changed.peers[0].battery_kwh, changed.seed)
    assert arrived == (demand, hours, battery, seed)
    assert changed.market.p2p.kind == kind
    again = merge(
        changed.model_dump(mode="json"),
        {
            "grid": {"demand_factor": plain.grid.demand_factor},
            "time": {"hours": plain.time.hours},
            "peers": {"prosumers": {"battery_kwh": plain.peers[0].battery_kwh}},
            "market": {"p2p": plain.market.p2p.model_dump()},
            "seed": plain.seed,
        },
    )
    assert Scenario.model_validate(again) == plain


def test_every_bundled_scenario_loads_and_has_a_title() -> None:
    listed = list_scenarios()

    assert {"lv-week", "case69-day"} <= set(listed)
    for name, title in listed.items():
        assert load_scenario(name).scenario.name == name
        assert title
    assert "lv-designs" in list_studies()


def test_a_file_extends_a_bundled_scenario_and_is_set_on_top(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("extends: lv-week\nname: base\ntime: {hours: 48}\nseed: 5\n")
    (tmp_path / "a.yaml").write_text("extends: base.yaml\nname: top\npeers: {prosumers: {pv_kw: 3}}\n")

    loaded = load_scenario(str(tmp_path / "a.yaml"), ["time.step_minutes=15"], seed=7)

    scenario, below = loaded.scenario, load_scenario("lv-week").scenario
    assert (scenario.name, scenario.time.hours, scenario.seed) == ("top", 48, 7)
    assert scenario.time.steps == 192
    assert scenario.peers[0].pv_kw == 3
    assert scenario.peers[0].battery_kwh == below.peers[0].battery_kwh
    assert scenario.peers[1:] == below.peers[1:]
    assert scenario.grid == below.grid
    assert loaded.base == tmp_path


def test_hours_and_seed_of_the_command_line_win(tmp_path: Path) -> None:
    scenario = load_scenario("lv-week", ["time.hours=9", "seed=2"], seed=3, hours=4).scenario

    assert (scenario.time.hours, scenario.seed) == (4, 3)


@pytest.mark.parametrize("field", ["hours", "seed"])
def test_bad_hours_and_seed_of_the_command_line_are_named(field: str) -> None:
    with pytest.raises(InputError, match="--seed, --hours"):
        load_scenario("lv-week", hours=0 if field == "hours" else None, seed=-1 if field == "seed" else None)


def test_another_kind_drops_the_parameters_of_the_old_one() -> None:
    below = {"p2p": {"kind": "old", "greed": 1}, "lfm": {"kind": "same", "price": 2}}

    assert merge(below, {"p2p": {"kind": "new", "x": 1}, "lfm": {"kind": "same", "y": 3}}) == {
        "p2p": {"kind": "new", "x": 1},
        "lfm": {"kind": "same", "price": 2, "y": 3},
    }


def test_a_parameter_may_be_set_before_its_kind() -> None:
    p2p = load_scenario("lv-week", ["market.p2p.tick=3", "market.p2p.kind=other"]).scenario.market.p2p

    assert (p2p.kind, p2p.parameters) == ("other", {"tick": 3})


def test_merging_edits_neither_side() -> None:
    below: dict[str, Any] = {"a": {"b": 1}, "c": [{"name": "x", "v": 1}]}
    above: dict[str, Any] = {"a": {"d": 2}, "c": {"x": {"v": 2}}}

    assert merge(below, above) == {"a": {"b": 1, "d": 2}, "c": [{"name": "x", "v": 2}]}
    assert below == {"a": {"b": 1}, "c": [{"name": "x", "v": 1}]}
    assert above == {"a": {"d": 2}, "c": {"x": {"v": 2}}}


@pytest.mark.parametrize(("text", "value"), [("1e-3", 0.001), ("0.25", 0.25), ("2.5e-1", 0.25), ("0", 0.0)])
def test_numbers_are_read_as_people_write_them(text: str, value: float) -> None:
    assert load_scenario("lv-week", [f"dso.model_error={text}"]).scenario.dso.model_error == value


def test_the_error_names_the_layer_that_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("extends: lv-week\nname: base\ndso: {loading: 7}\n")
    (tmp_path / "a.yaml").write_text("extends: base.yaml\nname: top\ndso: {lfm_rounds: 2}\n")

    with pytest.raises(InputError) as refused:
        load_scenario(str(tmp_path / "a.yaml"), ["time.hours=5"])

    assert refused.value.problem.where == f"{tmp_path / 'base.yaml'}: dso.loading"


def test_the_json_schema_accepts_what_the_loader_accepts(tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)

    validator.validate(load_scenario("lv-week").scenario.model_dump(mode="json"))
    validator.validate({"extends": "lv-week", "peers": {"prosumers": {"pv_kw": 3}}, "grid": {"demand_factor": 2}})
    for wrong in ({"grid": {"demand_factor": 99}}, {"fysics": "ac"}, {"time": {"step_minutes": 20}}, {"peers": 3}):
        assert not validator.is_valid(wrong)
    with pytest.raises(InputError, match="scenario, study"):
        json_schema("run")
