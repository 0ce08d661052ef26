"""A network of a user's own: mended where that is safe, refused in words where it is not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandapower
import pytest

from peerflex.core.errors import InputError
from peerflex.runs.own.command import new_command
from peerflex.scenarios.meters import kinds as kinds
from tests.new_street import built, reported, save, street_meters, street_network, wide

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda net: net.ext_grid.drop(net.ext_grid.index, inplace=True), "no upstream grid in service"),
        (lambda net: net.load.__setitem__("const_z_p_percent", 50.0), "a load depends on voltage"),
        (lambda net: pandapower.create_svc(net, 3, 1.0, -10.0, 1.0, 90.0), "does not model"),
        (lambda net: net.load.drop(net.load.index, inplace=True), "no load or generator is in service"),
        (lambda net: net.line.__setitem__("from_bus", 9999), "finds no flow"),
        (lambda net: net.pop("bus"), "finds no flow"),
    ],
    ids=["no supply", "constant impedance", "power electronics", "nobody", "lines from nowhere", "no buses"],
)
def test_a_network_that_cannot_be_used_is_refused_in_words(
    spoil: Callable[[Any], Any], says: str, tmp_path: Path
) -> None:
    net = street_network(20)
    spoil(net)
    with pytest.raises(InputError, match=says):
        new_command(save(net, tmp_path), None, None, tmp_path / "mine")
    assert [path.name for path in tmp_path.iterdir()] == ["street.json"], "nothing is left behind"


def test_names_that_no_file_can_hold_are_cleaned_and_loads_without_a_bus_are_left_out(tmp_path: Path) -> None:
    net = street_network(20)
    evil = [
        " blank ",
        "two\nlines",
        "<script>alert(1)</script>",
        "../../etc/passwd",
        "=cmd()",
        'a,b;"c"',
        "scale",
        None,
    ]
    net.load["name"] = [*evil, "twin", "twin", *(f"house {n}" for n in range(11, 21))]
    net.load.loc[12, "bus"] = 4711
    net.load.loc[13, "p_mw"] = np.nan
    net.line.loc[3, "max_i_ka"] = np.nan
    net.bus.loc[7, "geo"] = None
    grid = save(net, tmp_path)
    meters = wide(street_meters(pandapower.from_json(str(grid)), days=2), tmp_path / "m.csv")
    new_command(grid, meters, "<b>| `x` |</b>", tmp_path / "mine")
    found = reported(tmp_path / "mine")
    for kind in (kinds.RENAMED, kinds.NO_BUS, kinds.NO_POWER, kinds.NO_RATING, kinds.NO_PLACE, kinds.NO_NAME):
        assert found[kind.title], kind.title
    assert "'twin'" in found[kinds.SAME_NAME.title][0]
    assert "<" not in (tmp_path / "mine" / "report.md").read_text()
    names = built(tmp_path / "mine").area.peers.name
    assert len(names) == 19
    assert {"blank", "two lines", "<script>alert(1)</script>", "=cmd()", "scale load", "load 7", "twin (2)"} <= set(
        names
    )


def test_loads_on_single_phases_are_said_to_be_balanced(tmp_path: Path) -> None:
    net = street_network(20)
    pandapower.create_asymmetric_load(net, 5, p_a_mw=0.003, name="flat")
    new_command(save(net, tmp_path), None, None, tmp_path / "mine")
    assert reported(tmp_path / "mine")[kinds.ONE_PHASE.title] == ["net.asymmetric_load: 1 ('flat')"]


def test_ratings_beyond_belief_are_said(tmp_path: Path) -> None:
    net = street_network(20)
    net.line["max_i_ka"] = 99999.0
    new_command(save(net, tmp_path), None, None, tmp_path / "mine")
    assert reported(tmp_path / "mine")[kinds.NO_RATING.title][0].startswith("net.line, net.trafo: 20 (")


def test_one_load_called_scale_is_no_scale(tmp_path: Path) -> None:
    net = street_network(1)
    net.load["name"] = "scale"
    new_command(save(net, tmp_path), wide(street_meters(net, days=1), tmp_path / "m.csv"), None, tmp_path / "mine")
    assert built(tmp_path / "mine").area.peers.name == ("scale load",)


def test_two_supplies_and_dead_buses_are_said(tmp_path: Path) -> None:
    net = street_network(20)
    pandapower.create_ext_grid(net, 0)
    pandapower.create_bus(net, 0.4, name="lonely")
    new_command(save(net, tmp_path), None, None, tmp_path / "mine")
    found = reported(tmp_path / "mine")
    assert "lonely" in found[kinds.DEAD_BUSES.title][0]
    assert found[kinds.SEVERAL_SUPPLIES.title] == ["net.ext_grid: 2 are in service"]
