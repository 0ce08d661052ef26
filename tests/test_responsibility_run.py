"""Rules of settlement in scenarios: refused where there is nothing that they could be about, else kept and verified."""

from pathlib import Path

import pytest

from peerflex.core.errors import InputError
from peerflex.runs.api import run
from peerflex.runs.area.build import build
from peerflex.runs.area.plugins import registry
from peerflex.runs.log.verification import verify
from peerflex.scenarios.load import load_scenario

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("said", "where", "what"),
    [
        (["market.settlement.imbalance=mediator", "market.p2p={kind: negotiation}"], "imbalance", "no mediator"),
        (["market.settlement.imbalance=mediator", "market.p2p={kind: none}"], "imbalance", "no mediator"),
        (
            ["market.settlement.flexibility=delivered", "market.lfm={kind: none}"],
            "flexibility",
            "no flexibility market",
        ),
        (["market.settlement.activations=peers", "market.lfm={kind: none}"], "activations", "no flexibility market"),
        (["market.settlement.activations=supplier", "market.lfm={kind: obligation}"], "activations", "takes energy"),
        (["market.settlement.penalty_eur_per_mwh=5"], "penalty_eur_per_mwh", "paid as delivered"),
        (["market.settlement.tolerance=0.1"], "tolerance", "paid as delivered"),
    ],
)
def test_rules_for_what_there_is_not_are_refused(said: list[str], where: str, what: str) -> None:
    with pytest.raises(InputError, match=what) as refused:
        build(load_scenario("case69-day", said), registry([]))
    assert refused.value.problem.where.endswith(f"market.settlement.{where}")


def test_what_a_tso_lacks_is_netted_with_nobody() -> None:
    with pytest.raises(InputError, match="netted with the imbalance of others"):
        build(load_scenario("tso-week", ["market.settlement.imbalance=mediator"]), registry([]))


def test_a_run_settles_by_its_rules_and_verifies(tmp_path: Path) -> None:
    rules = (
        "{flexibility: delivered, tolerance: 0.05, penalty_eur_per_mwh: 50, imbalance: mediator, activations: supplier}"
    )
    says = ["market.p2p={kind: uniform-auction}", "market.sequence=unrelated", "peers.prosumers.fails=0.4"]
    says += ["dso.loading=0.7", "reference=none", "delivery.forecast_error=0.1", f"market.settlement={rules}"]
    done = run("lv-week", hours=12, settings=says, out=tmp_path / "run", driver="mesa")
    assert not verify(tmp_path / "run", registry([])).differences
    hours, ledger, kpis = done.table("hours"), done.table("ledger"), done.kpis
    imbalance = ledger[ledger.reason == "imbalance"]
    with_mediator = imbalance[(imbalance.giver == "mediator") | (imbalance.taker == "mediator")]
    assert len(with_mediator)
    assert (ledger.reason == "penalty").any()
    assert 0 < kpis["lfm_metered_share"] < 1
    assert hours.lfm_paid_eur.sum() == pytest.approx(kpis["lfm_paid_eur"])
    assert kpis["imbalance_cost_mediator_eur"] < 0 < kpis["imbalance_cost_peers_eur"]
    costs = sum(kpis[f"imbalance_cost_{role}_eur"] for role in ("peers", "mediator", "supplier"))
    assert costs == pytest.approx(0.0, abs=1e-9)
    peers = done.table("peers")
    sold = done.table("flex").query("accepted_mw > 0")
    moved = peers.set_index(["step", "peer"])
    assert len(sold)
    unsold = moved.drop(index=list(zip(sold.step, sold.peer, strict=True)))
    assert (unsold.baseline_mw == unsold.scheduled_mw).all()
