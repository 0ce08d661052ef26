"""What is apart in two sessions of one market: the numbers each draws, and the forecast each is held on."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import yaml

from peerflex.core.errors import InputError
from peerflex.core.trade import MarketResult, Orders, Signal
from peerflex.markets.double_auction import UniformPriceDoubleAuction
from peerflex.runs.api import run
from peerflex.runs.area.area import Session
from peerflex.runs.area.build import build
from peerflex.runs.area.plugins import registry
from peerflex.runs.explain.again import Again
from peerflex.runs.log.reader import reference_of
from peerflex.scenarios.load import load_scenario
from tests.areas import street
from tests.moments import moment_of
from tests.test_hour import simulate

BOTH: tuple[Session, ...] = ("day-ahead", "intraday")
ERROR, SESSIONS = "delivery.day_ahead_error=0.2", "market.sessions=[day-ahead, intraday]"


@dataclass(frozen=True)
class Drawing:
    """An auction that draws a number whenever it is held."""

    drawn: ClassVar[list[float]] = []

    def clear(self, orders: Orders, signal: Signal, rng: np.random.Generator) -> MarketResult:
        self.drawn.append(float(rng.random()))
        return UniformPriceDoubleAuction().clear(orders, signal, rng)


def drawn(*sessions: Session) -> list[float]:
    Drawing.drawn.clear()
    simulate(replace(street(6, 4), market=Drawing(), sessions=sessions), 4)
    return list(Drawing.drawn)


def test_each_session_of_a_step_draws_its_own_numbers() -> None:
    both = drawn(*BOTH)
    assert len(set(both)) == len(both) == 2 * 4


def test_the_last_session_draws_what_a_market_of_one_session_draws() -> None:
    one = drawn("intraday")
    assert drawn("day-ahead") == one
    assert drawn(*BOTH)[1::2] == one


def test_two_sessions_of_a_random_market_cleared_again_are_the_same_hour() -> None:
    said = ("market.p2p.kind=continuous-double-auction", SESSIONS, ERROR, "reference=none")
    moment = moment_of("case69-day", 12, *said)
    assert 0 < moment.decision.day_ahead < len(moment.decision.orders)
    assert len(moment.decision.result.trades)
    assert Again(moment).direct


@pytest.mark.parametrize("said", [(), ("market.sessions=[intraday]",)])
def test_an_error_of_a_day_ahead_forecast_needs_a_session_on_it(said: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="no such session") as refused:
        build(load_scenario("case69-day", [ERROR, *said]), registry())
    assert refused.value.problem.where.endswith("delivery.day_ahead_error")


@pytest.mark.parametrize(
    "said", [(SESSIONS, ERROR), ("delivery.forecast_error=0.2",), ("delivery.day_ahead_error=null",)]
)
def test_an_error_that_nobody_wrote_or_a_session_is_held_on_is_none(said: tuple[str, ...]) -> None:
    build(load_scenario("case69-day", list(said)), registry())


@pytest.mark.once
def test_what_is_for_sessions_alone_is_not_asked_of_the_run_without_markets(tmp_path: Path) -> None:
    file = tmp_path / "twice.yaml"
    sections = {"market": {"sessions": list(BOTH)}, "delivery": {"day_ahead_error": 0.2}}
    changes = [{"hour": 1, "set": {"delivery": {"day_ahead_error": 0.1}}}]
    said = {"extends": "case69-day", "name": "twice", **sections, "changes": changes}
    file.write_text(yaml.safe_dump(said))
    run(file, hours=2, out=tmp_path / "run", driver="mesa")
    reference = reference_of(tmp_path / "run")
    assert reference is not None
    assert reference.manifest.scenario["delivery"]["day_ahead_error"] is None
    assert reference.finished_steps == 2
