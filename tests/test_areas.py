"""Where the two markets are: peers outside do not take part, and the DSO's limits hold everywhere."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from peerflex.core.errors import InputError
from peerflex.runs.api import run
from peerflex.runs.area.area import Area
from peerflex.runs.area.build import build
from peerflex.runs.area.plugins import registry
from peerflex.scenarios.load import load_scenario

EVENING = ("time.start=2016-07-04T17:00:00", "reference=none", "grid.line_rating_factor=0.5")
PARTS = registry([])


def area(*settings: str, scenario: str = "case69-day") -> Area:
    return build(load_scenario(scenario, list(settings)), PARTS).area


def half_of(buses: Any) -> list[str]:
    """Return the names of the half of the buses that is farther out in the file."""
    return list(buses[len(buses) // 2 :])


def test_without_areas_both_markets_are_everywhere() -> None:
    everywhere = area()
    assert everywhere.lfm_buses is None
    names = list(everywhere.grid.buses.name)
    same = area(f"market.p2p_area={names}", f"market.lfm_area={names}")
    np.testing.assert_array_equal(same.peers.trade, everywhere.peers.trade)
    assert same.lfm_buses is not None
    assert same.lfm_buses.all()


@pytest.mark.once
def test_peers_trade_and_offer_where_the_markets_are(tmp_path: Path) -> None:
    names = half_of(area().grid.buses.name)
    both = run(
        "case69-day",
        hours=2,
        settings=[*EVENING, "market.sequence=unrelated", f"market.p2p_area={names}", f"market.lfm_area={names[:-4]}"],
        out=tmp_path / "run",
        driver="mesa",
    )
    bus_of = {name: both.manifest.buses[bus] for name, bus in zip(both.manifest.peers, area().peers.bus, strict=True)}
    trades, flex, orders = both.table("trades"), both.table("flex"), both.table("orders")
    assert len(trades)
    assert {bus_of[peer] for peer in (*trades.seller, *trades.buyer)} <= set(names)
    assert {bus_of[peer] for peer in orders.peer} - set(names), "those outside still have orders, of the supplier"
    assert len(flex)
    assert set(flex.bus) <= set(names[:-4])


@pytest.mark.once
def test_the_need_is_that_of_the_whole_network(tmp_path: Path) -> None:
    names = half_of(area().grid.buses.name)
    settings = [*EVENING, "market.sequence=lfm-first"]
    done = [
        run("case69-day", hours=2, settings=[*settings, *more], out=tmp_path / str(row), driver="mesa").table("needs")
        for row, more in enumerate([(), (f"market.lfm_area={names}",)])
    ]
    limits = [
        set(zip(needs.limit_kind, needs.bus.astype(str), needs.branch.astype(str), strict=True)) for needs in done
    ]
    assert limits[0]
    assert limits[0] <= limits[1]


@pytest.mark.parametrize("name", ["p2p_area", "lfm_area"])
@pytest.mark.parametrize(
    ("buses", "what"), [("[61x]", "no bus '61x'"), ("[1]", "nobody at these buses"), ("[]", "too few entries")]
)
def test_an_area_that_is_not_there_or_empty_is_refused(name: str, buses: str, what: str) -> None:
    with pytest.raises(InputError) as refused:
        area(f"market.{name}={buses}")
    assert what in refused.value.problem.what
    assert f"market.{name}" in refused.value.problem.where
    assert ("Did you mean '61'" in refused.value.problem.remedy) == ("no bus" in what)


def test_traders_that_are_drawn_again_stay_in_their_area() -> None:
    everywhere = area(scenario="eu-d53-2")
    buses = np.unique(everywhere.peers.bus[everywhere.peers.trade])
    names = [everywhere.grid.buses.name[bus] for bus in buses[: len(buses) // 2]]
    local = area(f"market.p2p_area={names}", scenario="eu-d53-2")
    assert local.peers.trade.any()
    assert {everywhere.grid.buses.name[bus] for bus in local.peers.bus[local.peers.trade]} <= set(names)
