"""Blocks and places' prices in whole hours: from a group's least activation to what is activated, told and refused."""

import numpy as np
import pytest

from peerflex.core.errors import InputError
from peerflex.runs.area.build import build
from peerflex.runs.area.plugins import registry
from peerflex.runs.explain.again import Again
from peerflex.runs.explain.flex_again import BLOCKS
from peerflex.runs.explain.offers import of_offer
from peerflex.runs.explain.types import Question
from peerflex.runs.explain.why import explain
from peerflex.scenarios.load import load_scenario
from tests.moments import moment_of

EVENING = ("time.start=2016-07-04T19:00:00", "time.hours=2", "reference=none")
WHOLE = ("peers.0.least_activation=1", "peers.1.least_activation=1")


def test_a_groups_least_activation_is_that_of_its_offers() -> None:
    decision = moment_of("case69-day", 0, *EVENING, *WHOLE).decision
    accepted, offered = decision.flex.accepted_mw, decision.offers.quantity_mw
    assert (decision.offers.least_share == 1).all()
    assert accepted.any()
    np.testing.assert_allclose(accepted[accepted > 0], offered[accepted > 0], atol=1e-8)
    divisible = moment_of("case69-day", 0, *EVENING).decision.flex
    assert ((divisible.accepted_mw > 0) & (divisible.accepted_mw < offered - 1e-6)).any()
    assert decision.flex.cost_eur_per_h > divisible.cost_eur_per_h


def test_an_offer_is_told_that_blocks_come_whole() -> None:
    moment = moment_of("case69-day", 0, *EVENING, *WHOLE)
    accepted = moment.decision.flex.accepted_mw
    divisible = moment_of("case69-day", 0, *EVENING).decision.flex.accepted_mw
    row = int(np.argmax(np.abs(accepted - divisible)))
    found = explain(moment, Question("offer", str(row)))
    (cause,) = (each for each in found.causes if each.name == BLOCKS)
    assert cause.instead.quantity_mw != pytest.approx(accepted[row])


def test_pay_as_cleared_is_told_with_what_it_settles_at() -> None:
    moment = moment_of("case69-day", 0, *EVENING, "market.lfm.pricing=pay-as-cleared")
    decision = moment.decision
    gain = decision.offers.side * (decision.flex.price_eur_per_mwh - decision.offers.price_eur_per_mwh)
    row = int(np.argmax(gain))
    assert gain[row] > 1
    told = [each.because for each in of_offer(Again(moment), row)]
    assert any(f"(settled at {decision.flex.price_eur_per_mwh[row]:.2f} EUR/MWh)" in each for each in told)


def test_a_market_that_activates_any_part_is_refused_beside_blocks() -> None:
    loaded = load_scenario("case69-day", (*WHOLE, "market.lfm.kind=capacity-clock"))
    with pytest.raises(InputError, match="least_activation"):
        build(loaded, registry())
