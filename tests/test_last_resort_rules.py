"""What rules of settlement, areas and resales of the flexibility market mean for the last resort, each by hand."""

from dataclasses import replace

import numpy as np
import pytest

from peerflex.agents.mediation import Honest
from peerflex.agents.mediator import MediatorSettings
from peerflex.core.errors import InputError
from peerflex.core.last_resort import LastResort
from peerflex.core.parties import Reason, Role
from peerflex.core.people import PeerState
from peerflex.core.record import Decision, HourRecord
from peerflex.core.trade import FlexOffers, FlexResult
from peerflex.core.units import SELL
from peerflex.markets.cost_based import CostBased
from peerflex.markets.leftovers import flex_offers
from peerflex.markets.matching import nothing_traded
from peerflex.markets.obligation import Obligation
from peerflex.markets.registry import FLEX_MARKETS
from peerflex.markets.responsibility import ActivationsName, Responsibility
from peerflex.runs.area.agreements import last_resort
from peerflex.runs.area.build import build
from peerflex.runs.area.plugins import registry
from peerflex.runs.stages.sequences import SequenceName
from peerflex.scenarios.load import load_scenario
from tests.contracts import book
from tests.test_hour import simulate
from tests.test_last_resort import battery_behind_a_line, booked_eur
from tests.test_responsibility import KWH, settle_by
from tests.test_settlement import decided, earned_eur

CARL, DSO, SUPPLIER = 0, Role.DSO.party(2), Role.SUPPLIER.party(2)


def called(offers: FlexOffers, kwh: float, price: float) -> FlexResult:
    """Return a result in which one upward offer is activated."""
    return FlexResult(np.array([kwh * KWH]), np.array([price]), kwh * KWH, 0.0, np.zeros(0), np.zeros(0))


def carl(last_kwh: float = 1.5) -> Decision:
    """Carl would take 2 kWh. The DSO buys 1 of them at 500 EUR/MWh, and calls 1.5 kWh more at 230: he gives 0.5."""
    orders = book((SELL, 3 * KWH, 230))
    nothing = nothing_traded(orders)
    offers = flex_offers(orders, nothing, np.zeros(2, dtype=np.int64), np.zeros(2))
    gives = np.array([(-2 + 1 + last_kwh) * KWH, 0.0])
    decision = decided(orders, "none", gives, gives)
    return replace(
        decision,
        offers=offers,
        flex=called(offers, 1.0, 500.0),
        last_resort=LastResort(decision.need, offers, called(offers, last_kwh, 230.0)),
        contracted_mw=np.array([(1 + last_kwh) * KWH, 0.0]),
        baseline_mw=gives - np.array([1.0 * KWH, 0.0]),
    )


@pytest.mark.parametrize(
    ("activations", "of_lfm", "of_last"), [("dso", 0.20, 0.30), ("supplier", 0.30, 0.34), ("peers", 0.10, 0.15)]
)
def test_the_supplier_takes_its_energy_by_the_rule_for_activations(
    activations: ActivationsName, of_lfm: float, of_last: float
) -> None:
    """The example of docs/economics/balance-responsibility.md."""
    ledger, _ = settle_by(Responsibility(activations=activations), carl())
    supplier = ledger.taker == SUPPLIER
    for reason, eur, kwh in ((Reason.FLEX_RESIDUAL, of_lfm, 1.0), (Reason.LAST_RESORT, of_last, 1.5)):
        row = supplier & (ledger.reason == reason)
        assert ledger.amount_eur[row] == pytest.approx([eur])
        assert ledger.energy_mwh[row] == pytest.approx([kwh * KWH])
    earned = earned_eur(ledger, 2)
    assert earned[CARL] == pytest.approx(0.5 + 1.5 * 0.23 - 2 * 0.3), "his money is the same by every rule"
    assert earned[DSO] == pytest.approx(-0.5 - 1.5 * 0.23 + of_lfm + of_last)


def test_a_supplier_that_is_not_to_lose_loses_nothing_by_it() -> None:
    earned = [
        earned_eur(settle_by(Responsibility(activations="peers"), carl(kwh))[0], 2)[SUPPLIER] for kwh in (0.0, 1.5)
    ]
    assert earned == pytest.approx([2 * 0.3 - 2 * 0.1] * 2)


@pytest.mark.parametrize("activations", ["supplier", "peers"])
def test_the_rule_needs_a_mechanism_in_which_the_dso_takes_energy(activations: str) -> None:
    said = [f"market.settlement.activations={activations}", "market.lfm={kind: obligation}"]
    build(load_scenario("case69-day", [*said, "market.last_resort.kind=cost-based"]), registry())
    with pytest.raises(InputError, match="takes energy") as refused:
        build(load_scenario("case69-day", [*said, "market.last_resort.kind=obligation"]), registry())
    assert "cost-based" in refused.value.problem.remedy


def test_it_reaches_peers_outside_the_area_of_the_flexibility_market() -> None:
    """The battery of docs/economics/last-resort.md is at the end of the line, and flexibility is bought at its head."""
    area = replace(battery_behind_a_line(CostBased(margin_eur_per_mwh=10)), lfm_buses=np.array([True, False]))
    (record,) = simulate(area, 1)
    assert not (record.decision.offers.bus == 1).any()
    assert record.decision.last_resort.activated_mw(3) / KWH == pytest.approx([0, 2, 0], abs=1e-3)
    assert booked_eur(record, Reason.LAST_RESORT, 1) == pytest.approx(0.46105, rel=1e-4)


def test_what_a_mediator_would_resell_stands_in_it() -> None:
    """The battery is empty, and buys 3 kW over a line that has 1 kW left: only to undo that would help, by 2 kW."""
    reseller = MediatorSettings("pool", "aggregator", np.ones(3, dtype=np.bool_), Honest(), resells=True)

    def ended(name: SequenceName) -> HourRecord:
        area = battery_behind_a_line(Obligation(), name)
        (record,) = simulate(replace(area, start=PeerState(np.zeros(3)), mediators=(reseller,)), 1)
        return record

    in_market = ended("p2p-first")
    assert in_market.decision.flex.accepted_mw.sum() / KWH == pytest.approx(2, abs=1e-3)
    assert not len(in_market.violations)
    after = ended("lfm-first")
    assert after.decision.result.accepted_mw.max() / KWH == pytest.approx(3)
    assert not after.decision.last_resort.result.accepted_mw.any()
    assert after.decision.last_resort.result.missing_mw.max() / KWH == pytest.approx(2, abs=1e-3)
    assert len(after.violations) == 1


def test_what_is_no_class_in_a_plugin_stops_nobody_who_does_not_name_it() -> None:
    """It is refused where it is named, as any part that is no dataclass."""
    kinds = {**FLEX_MARKETS, "odd": lambda: None}
    loaded = load_scenario("case69-day", ["market.last_resort.kind=obligation"])
    assert isinstance(last_resort(kinds, loaded.scenario, "here"), Obligation)
    with pytest.raises(InputError, match="not a dataclass"):
        last_resort(kinds, load_scenario("case69-day", ["market.last_resort.kind=odd"]).scenario, "here")
