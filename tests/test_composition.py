"""Market designs by name: what a conceptual model sets, what it lets one choose, and what it refuses."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from peerflex import run
from peerflex.core.errors import InputError
from peerflex.runs.area.area import Area
from peerflex.runs.area.build import build
from peerflex.runs.area.plugins import registry
from peerflex.runs.log.reader import reference_of
from peerflex.scenarios.changes import standing
from peerflex.scenarios.load import LoadedScenario, load_scenario


def loaded(tmp_path: Path, market: dict[str, Any], **more: Any) -> LoadedScenario:
    path = tmp_path / "design.yaml"
    path.write_text(yaml.safe_dump({"extends": "case69-day", "name": "design", "market": market, **more}))
    return load_scenario(str(path))


def area(tmp_path: Path, market: dict[str, Any], **more: Any) -> Area:
    return build(loaded(tmp_path, market, **more), registry([])).area


def kinds(scenario: LoadedScenario) -> tuple[str, ...]:
    market = scenario.scenario.market
    return tuple(part.kind for part in (market.p2p, market.incentive, market.service, market.lfm))


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("CM1", ("uniform-auction", "none", "none", "linear")),
        ("CM2", ("bilateral-equilibrium", "none", "none", "linear")),
        ("CM3-V1", ("uniform-auction", "none", "trade-check", "none")),
        ("CM3-V2", ("uniform-auction", "none", "trade-check", "linear")),
        ("CM4", ("bilateral-equilibrium", "none", "trade-check", "none")),
        ("CM4-LFM", ("bilateral-equilibrium", "none", "trade-check", "linear")),
        ("CM5", ("none", "none", "none", "capacity-clock")),
    ],
)
def test_a_conceptual_model_sets_the_parts_of_its_row_in_table_4(
    tmp_path: Path, name: str, parts: tuple[str, ...]
) -> None:
    scenario = loaded(tmp_path, {"preset": name})
    assert kinds(scenario) == parts
    build(scenario, registry([]))


def test_parts_of_the_scenario_below_do_not_contradict_a_preset_on_top(tmp_path: Path) -> None:
    """What case69-day says of its market belongs to another design; what is said beside the preset stays."""
    scenario = load_scenario("case69-day", overrides=["market.preset=CM2", "market.sequence=lfm-first"])
    assert kinds(scenario) == ("bilateral-equilibrium", "none", "none", "linear")
    assert scenario.scenario.market.sequence == "lfm-first"
    again = loaded(tmp_path, {"preset": "CM4-LFM", "incentive": {"kind": "blocking"}, "service": {"kind": "none"}})
    assert kinds(again) == ("bilateral-equilibrium", "blocking", "none", "linear")


def test_a_mechanism_of_the_same_structure_may_be_chosen(tmp_path: Path) -> None:
    area(tmp_path, {"preset": "CM1", "p2p": {"kind": "uniform-auction", "k": 0.2}})
    area(tmp_path, {"preset": "CM2", "p2p": {"kind": "bilateral-pool"}})


@pytest.mark.parametrize(
    ("market", "where", "what"),
    [
        ({"preset": "CM1", "p2p": {"kind": "bilateral-pool"}}, "market.p2p", "an auction"),
        ({"preset": "CM2", "p2p": {"kind": "uniform-auction"}}, "market.p2p", "bilateral"),
        ({"preset": "CM2", "p2p": {"kind": "none"}}, "market.p2p", "bilateral"),
        ({"preset": "CM1", "service": {"kind": "trade-check"}}, "market.service", "no say"),
        ({"preset": "CM2", "incentive": {"kind": "blocking"}}, "market.incentive", "no say"),
        ({"preset": "CM4", "service": {"kind": "none"}}, "market.service", "implicit"),
        ({"preset": "CM3-V1", "lfm": {"kind": "linear"}}, "market.lfm", "has no flexibility market"),
        ({"preset": "CM3-V2", "lfm": {"kind": "none"}}, "market.lfm", "has a flexibility market"),
        ({"preset": "CM1", "lfm": {"kind": "capacity-clock"}}, "market.lfm", "by a market operator"),
        ({"preset": "CM5", "lfm": {"kind": "linear"}}, "market.lfm", "by peers among themselves"),
        ({"preset": "CM5", "p2p": {"kind": "uniform-auction"}}, "market.p2p", "capacity"),
        ({"preset": "CM4", "sequence": "lfm-first"}, "market.sequence", "not two markets"),
        ({"p2p": {"kind": "none"}, "sequence": "iterative"}, "market.sequence", "not two markets"),
        (
            {"p2p": {"kind": "bilateral-equilibrium"}, "service": {"kind": "product-differentiation"},
             "sequence": "unrelated"},
            "market.sequence",
            "would not stand",
        ),
    ],
)  # fmt: skip
def test_what_would_be_another_design_is_refused(tmp_path: Path, market: dict[str, Any], where: str, what: str) -> None:
    with pytest.raises(InputError) as told:
        area(tmp_path, market)
    assert f"{where}: " in str(told.value)
    assert what in str(told.value)


def test_an_unknown_preset_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="CM3-V2"):
        loaded(tmp_path, {"preset": "CM9"})


@pytest.mark.once
@pytest.mark.parametrize(
    "market",
    [
        {"preset": "CM4-LFM", "sequence": "iterative"},
        {"p2p": {"kind": "bilateral-equilibrium"}, "incentive": {"kind": "blocking"}},
    ],
    ids=["preset", "incentive"],
)
def test_whatever_the_design_its_reference_has_no_market(tmp_path: Path, market: dict[str, Any]) -> None:
    path = loaded(tmp_path, market).origin
    done = run(path, hours=1, out=tmp_path / "run")
    reference = reference_of(done.folder)
    assert reference is not None
    assert not len(reference.table("orders").query("accepted_mw > 0"))


def test_a_design_can_change_in_the_middle_of_a_run(tmp_path: Path) -> None:
    scenario = loaded(tmp_path, {"preset": "CM1"}, changes=[{"hour": 2, "set": {"market": {"preset": "CM4"}}}])
    assert kinds(standing(scenario, 1)) == ("uniform-auction", "none", "none", "linear")
    assert kinds(standing(scenario, 2)) == ("bilateral-equilibrium", "none", "trade-check", "none")
