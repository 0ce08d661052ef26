"""Clearing an hour again: with nothing taken out it is the hour, bit by bit, in every design."""

import numpy as np
import pytest

from peerflex.runs.explain.again import Again
from peerflex.runs.explain.edits import limits_without
from peerflex.runs.explain.orders import price_of
from peerflex.runs.explain.types import NOTHING, Without
from tests.moments import moment_of

pytestmark = pytest.mark.once

DESIGNS = (
    ("case69-day", 12),
    ("case69-day", 19),
    ("lv-week", 9),
    ("lv-week", 21),
    ("eu-d53-0", 0),
    ("eu-d53-1", 0),
    ("eu-d53-2", 0),
    ("eu-d53-3-80", 0),
    ("tso-dso-1", 20),
    ("tso-dso-1-exact", 20),
    ("tso-dso-3-q-exact", 20),
    ("tso-dso-4", 10),
    ("tso-dso-5", 0),
)
"""Uniform auction, pool, no market, pairs free, blocked and weighed, differentiation, charges, reactive power, TSO."""


@pytest.mark.parametrize(("name", "step"), DESIGNS)
def test_an_hour_cleared_again_with_nothing_taken_out_is_the_same_hour(name: str, step: int) -> None:
    moment = moment_of(name, step)
    again, decision = Again(moment), moment.decision
    assert again.direct
    for result in (again.trades(), again._negotiated(NOTHING)):
        np.testing.assert_array_equal(result.accepted_mw, decision.result.accepted_mw)
        np.testing.assert_array_equal(result.trades.quantity_mw, decision.result.trades.quantity_mw)
        np.testing.assert_array_equal(result.trades.price_eur_per_mwh, decision.result.trades.price_eur_per_mwh)
    np.testing.assert_array_equal(again.flex().accepted_mw, decision.flex.accepted_mw)
    np.testing.assert_array_equal(again.flex().multiplier_eur_per_mwh, decision.flex.multiplier_eur_per_mwh)
    np.testing.assert_array_equal(again.flow().loading, moment.record.state.loading)
    np.testing.assert_array_equal(again.flow().v_pu, moment.record.state.v_pu)


def test_an_hour_under_a_scheme_is_negotiated_from_the_start_and_the_same() -> None:
    moment = moment_of("tso-week", 20)
    again = Again(moment)
    assert moment.decision.regulation.request_mw != 0.0
    assert not again.direct
    np.testing.assert_array_equal(again.trades().accepted_mw, moment.decision.result.accepted_mw)


def test_looking_at_an_hour_again_leaves_the_moment_as_it_was() -> None:
    moment = moment_of("tso-dso-1", 20)
    before = moment.decision.result.accepted_mw.copy(), moment.model.dso.limits.loading.copy(), moment.model.hour
    Again(moment).trades(Without(limits=frozenset({(False, 0)})))
    np.testing.assert_array_equal(moment.decision.result.accepted_mw, before[0])
    np.testing.assert_array_equal(moment.model.dso.limits.loading, before[1])
    assert moment.model.hour == before[2]


def test_an_order_taken_out_trades_nothing_and_no_other_row_moves() -> None:
    moment = moment_of("case69-day", 12)
    traded = moment.decision.result.accepted_mw
    gone = int(np.argmax(traded))
    again = Again(moment).trades(Without(orders=frozenset({gone})))
    assert again.accepted_mw[gone] == 0.0
    assert len(again.accepted_mw) == len(traded)
    sells = moment.decision.orders.side > 0
    assert again.accepted_mw[sells].sum() == pytest.approx(again.accepted_mw[~sells].sum())


def test_a_partner_who_is_not_there_takes_all_of_an_order_that_found_nobody() -> None:
    moment = moment_of("case69-day", 12)
    orders, traded = moment.decision.orders, moment.decision.result.accepted_mw
    for row in np.flatnonzero((traded == 0.0) & (orders.quantity_mw > 0.0))[:20].tolist():
        again = Again(moment).trades(Without(partners=frozenset({row})))
        assert again.accepted_mw[row] == pytest.approx(orders.quantity_mw[row])


def test_a_partner_at_the_same_place_pays_no_charge_for_the_network_between_them() -> None:
    """What both move cancels at their bus: a charge of 28.6 EUR/MWh does not keep them apart."""
    moment = moment_of("trade-week-mv", 1, "market.service={kind: network-charges}", "time.start=2016-04-11T18:00:00")
    orders, terms, row = moment.decision.orders, moment.decision.signal.terms, 2
    assert terms.charges is not None
    assert terms.charges.injection_eur_per_mwh[terms.place[orders.peer[row]]] > 20.0
    assert moment.decision.result.accepted_mw[row] == 0.0
    again = Again(moment).trades(Without(partners=frozenset({row})))
    assert again.accepted_mw[row] == pytest.approx(orders.quantity_mw[row])


def test_without_its_limit_the_dso_neither_charges_nor_calls() -> None:
    moment = moment_of("tso-dso-1", 20)
    again = Again(moment)
    assert moment.decision.effort.called_share > 0.0
    transformer = moment.area.grid.branches.name.index("T1")
    free = again._negotiated(Without(limits=frozenset({(False, transformer)})))
    assert price_of(free) < price_of(again.trades())
    wider = limits_without(moment.model.dso.limits, frozenset({(False, transformer), (True, 3)}))
    assert np.isinf(wider.loading[transformer])
    assert (wider.v_min_pu[3], wider.v_max_pu[3]) == (-np.inf, np.inf)
    assert np.isfinite(np.delete(wider.v_min_pu, 3)).all()


def test_orders_that_trade_nothing_do_not_move_the_curvature_of_pairs_when_they_are_gone() -> None:
    """The market takes it from the mean size of orders; a cause must not be named because a mean changed."""
    moment = moment_of("eu-d53-3-80", 0)
    orders, traded = moment.decision.orders, moment.decision.result.accepted_mw
    idle = np.flatnonzero(moment.area.peers.trade[orders.peer] & (traded == 0.0) & (orders.quantity_mw > 0.0))
    assert idle.size
    again = Again(moment).trades(Without(orders=frozenset(idle.tolist())))
    np.testing.assert_allclose(again.accepted_mw, traded, atol=1e-9)
