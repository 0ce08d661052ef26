"""Synthetic runs for the tests of the log: random records that hang together, step by step."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from peerflex.core.causes import Cause
from peerflex.core.network import BranchTable, BusTable, GridState, Injections, Violations
from peerflex.core.parties import Reason, Role
from peerflex.core.people import PeerState, PeerTable
from peerflex.core.record import Decision, Event, HourRecord, Ledger, MessageBatch, Outlook
from peerflex.core.streams import stream
from peerflex.core.trade import FlexNeed, FlexOffers, FlexResult, MarketResult, Orders, Signal, Trades, free_terms
from peerflex.runs.log.manifest import Manifest, describe
from peerflex.runs.log.writer import RunWriter

N_BUSES, N_BRANCHES = 7, 6
RATING_MVA = np.array([0.4, 0.4, 0.1, np.inf, 0.1, 0.1])


@dataclass(frozen=True, slots=True)
class Carried:
    """What the tests carry: as a real run does, peers and the last grid state."""

    peers: PeerState
    measured: GridState | None


def manifest(steps: int, n_peers: int = 5, part_steps: int = 24) -> Manifest:
    """Return the front page of a run whose last two buses share a name and whose last peer is called like a role."""
    flat = np.zeros(n_peers)
    names = (*(f"house {row}" for row in range(n_peers - 1)), "dso")
    behaviour = np.arange(n_peers) % 3 - 1
    peers = PeerTable(names, np.arange(n_peers) % N_BUSES, behaviour, *(flat,) * 8, flat == 0, *(flat,) * 5)
    bus_names = (*(f"bus {row}" for row in range(N_BUSES - 2)), "end", "end")
    points = np.zeros(N_BUSES)
    branch_names = tuple(f"line {row}" for row in range(N_BRANCHES))
    ends = np.arange(N_BRANCHES)
    page = describe(
        {"name": "synthetic", "limits": [0.95, 1.05]},
        seed=1,
        steps=steps,
        step_seconds=900,
        start=datetime(2016, 7, 4),
        driver="mesa",
        peers=peers,
        peer_groups=("prosumers",) * n_peers,
        buses=BusTable(bus_names, points, points, points),
        branches=BranchTable(branch_names, ("line",) * N_BRANCHES, ends, ends + 1, RATING_MVA),
    )
    return page.model_copy(update={"part_steps": part_steps, "commit": None})  # somebody may commit meanwhile


def grid_state(rng: np.random.Generator) -> GridState:
    return GridState(
        v_pu=rng.normal(1.0, 0.03, N_BUSES),
        angle_rad=np.full(N_BUSES, np.nan),
        p_mw=rng.normal(size=N_BUSES),
        q_mvar=rng.normal(size=N_BUSES),
        shed_mw=np.where(rng.random(N_BUSES) < 0.1, rng.normal(size=N_BUSES), -0.0),
        loading=rng.random(N_BRANCHES) * 1.5,
        flow_mw=rng.normal(size=N_BRANCHES),
        loss_mw=float(rng.random()),
        exchange_mw=float(rng.normal()),
        exchange_mvar=float(rng.normal()),
        method="zbus",
        iterations=int(rng.integers(1, 9)),
        deviation_pu=float(rng.random() * 1e-9),
    )


def record(step: int, n_peers: int, carried: Carried, scale: float = 1.0) -> HourRecord:
    """Return a step that depends on what was carried into it; ``scale`` 0 makes a step in which nothing happens."""
    rng = stream(7, "synthetic", step)
    n_orders, n_trades, n_needs, n_offers, n_ledger = (int(scale * n) for n in rng.integers(1, 2 * n_peers, 5))

    def rows(high: int, count: int) -> np.ndarray:
        return rng.integers(0, high, count)

    def sides(count: int) -> np.ndarray:
        return 2 * rng.integers(0, 2, count) - 1

    orders = Orders.plain(
        peer=rows(n_peers, n_orders),
        side=sides(n_orders),
        quantity_mw=rng.random(n_orders),
        price_eur_per_mwh=rng.random(n_orders) * 300,
        dispatchable=rng.random(n_orders) < 0.5,
        start_s=np.full(n_orders, step * 900),
        duration_s=np.full(n_orders, 900),
    )
    trades = Trades(
        seller=rows(n_peers, n_trades),
        buyer=rows(n_peers, n_trades),
        sell_order=rows(n_orders or 1, n_trades),
        buy_order=rows(n_orders or 1, n_trades),
        quantity_mw=rng.random(n_trades),
        price_eur_per_mwh=rng.random(n_trades) * 300,
        seller_premium_eur_per_mwh=rng.normal(size=n_trades),
        buyer_premium_eur_per_mwh=rng.normal(size=n_trades),
        fee_eur_per_mwh=rng.random(n_trades),
    )
    voltage = rng.random(n_needs) < 0.5
    element = np.where(voltage, rows(N_BUSES, n_needs), rows(N_BRANCHES, n_needs))
    state = grid_state(rng)
    soc_mwh = carried.peers.soc_mwh * 0.9 + rng.random(n_peers) + (carried.measured.loss_mw if carried.measured else 0)
    decision = Decision(
        step=step,
        outlook=Outlook(state, state, rng.random(N_BRANCHES), RATING_MVA, rng.random(N_BRANCHES) < 0.2),
        signal=Signal(rng.normal(size=N_BUSES), rng.random(N_BRANCHES) < 0.3, free_terms(n_peers)),
        orders=orders,
        result=MarketResult(rng.random(n_orders), float("nan") if step % 3 else 80.0, trades),
        need=FlexNeed(
            is_voltage=voltage,
            element=element,
            value=rng.normal(size=n_needs),
            lower=np.full(n_needs, -np.inf),
            upper=rng.random(n_needs),
            by_mw=rng.normal(size=(n_needs, N_BUSES)),
            mw_per_unit=rng.random(n_needs),
        ),
        offers=FlexOffers(
            order=rows(n_orders or 1, n_offers),
            peer=rows(n_peers, n_offers),
            bus=rows(N_BUSES, n_offers),
            side=sides(n_offers),
            quantity_mw=rng.random(n_offers),
            price_eur_per_mwh=rng.random(n_offers) * 300,
            least_share=np.full(n_offers, 0.25),
            cost_eur_per_mwh=rng.random(n_offers) * 300,
        ),
        flex=FlexResult(
            accepted_mw=rng.random(n_offers),
            price_eur_per_mwh=rng.random(n_offers) * 300,
            residual_mw=float(rng.normal()),
            cost_eur_per_h=float(rng.random()),
            missing_mw=rng.random(n_needs),
            multiplier_eur_per_mwh=rng.random(n_needs),
        ),
        load_mw=rng.random(n_peers),
        load_mvar=rng.random(n_peers),
        pv_mw=rng.random(n_peers),
        battery_mw=rng.normal(size=n_peers),
        contracted_mw=rng.normal(size=n_peers),
        scheduled_mw=rng.normal(size=n_peers),
        baseline_mw=rng.normal(size=n_peers),
        peers=PeerState(soc_mwh),
        injections=Injections(np.zeros(N_BUSES), np.zeros(N_BUSES)),
        messages=(),
    )
    parties = n_peers + len(Role)
    return HourRecord(
        decision=decision,
        state=state,
        metered_mw=rng.normal(size=n_peers),
        diagnostic=grid_state(rng) if step % 2 else None,
        external=Injections(rng.normal(size=N_BUSES), rng.normal(size=N_BUSES)),
        violations=Violations(voltage, element, rng.random(n_needs), rng.random(n_needs), rng.random(n_needs)),
        causes=rows(len(Cause), n_needs),
        ledger=Ledger(
            giver=rows(parties, n_ledger),
            taker=rows(parties, n_ledger),
            reason=rows(len(Reason), n_ledger),
            energy_mwh=rng.normal(size=n_ledger),
            amount_eur=rng.normal(size=n_ledger),
        ),
        messages=(MessageBatch("bid", "peer", "mediator", n_orders),) if n_orders else (),
        events=(Event("late", f"house {step}", "said nothing", "nothing was heard"),) if n_orders else (),
    )


def begin(n_peers: int) -> Carried:
    return Carried(PeerState(np.linspace(0.0, 1.0, n_peers)), None)


def go_on(writer: RunWriter, carried: Carried | None, until: int, scale: float = 1.0) -> RunWriter:
    """Simulate up to a step (exclusive); what is carried goes from record to record."""
    n_peers = len(writer.manifest.peers)
    carried = carried or begin(n_peers)
    for step in range(writer.next_step, until):
        made = record(step, n_peers, carried, scale)
        carried = Carried(made.decision.peers, made.state)
        writer.append(made, carried)
    return writer


def whole_run(folder: Path, steps: int, part_steps: int = 24, until: int | None = None) -> Path:
    """Write a run from its start to its end (or to ``until``, failed there)."""
    writer = go_on(RunWriter.create(folder, manifest(steps, part_steps=part_steps)), None, until or steps)
    writer.close("done" if until is None else "failed")
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
