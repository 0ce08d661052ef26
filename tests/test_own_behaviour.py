"""The how-to page of a behaviour of one's own works as it is printed."""

import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from peerflex.core.errors import InputError
from peerflex.core.streams import stream
from peerflex.core.units import BUY, SELL
from peerflex.runs.area.components import make
from peerflex.runs.area.plugins import registry
from peerflex.scenarios.peer_schema import PeerGroup
from tests.test_agents_behaviours import observation

pytestmark = pytest.mark.tree

PAGE = Path(__file__).parents[1] / "docs" / "how-to" / "own-behaviour.md"


def printed(language: str) -> str:
    """Return the page's one block of a language."""
    (block,) = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return str(block)


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    path = tmp_path / "one_price.py"
    path.write_text(printed("python"))
    return path


def test_the_printed_scenario_fills_the_printed_behaviour(plugin: Path) -> None:
    group = PeerGroup.model_validate(yaml.safe_load(printed("yaml"))["peers"][0])
    behaviour = make(registry([plugin]).behaviours, group.behaviour.kind, group.behaviour.parameters, "peers.0")
    seen = observation(3, n=50)

    orders = behaviour.bid(seen, stream(1, "test")).orders

    net_mw = seen.pv_mw - seen.load_mw
    np.testing.assert_array_equal(orders.side * orders.quantity_mw, net_mw)
    assert set(orders.side) == {BUY, SELL}
    assert set(orders.price_eur_per_mwh) == {150}


def test_a_value_outside_the_printed_range_is_refused(plugin: Path) -> None:
    with pytest.raises(InputError, match=r"peers\.0\.price_eur_per_mwh.*what energy is worth"):
        make(registry([plugin]).behaviours, "one-price", {"price_eur_per_mwh": -1}, "peers.0")
