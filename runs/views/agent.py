"""One peer in one step: who it is, what it owns and knew, what it offered, did and was paid."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import pyarrow as pa

from peerflex.core.errors import InputError
from peerflex.core.people import PeerTable
from peerflex.core.trade import NAN
from peerflex.core.units import KW_PER_MW
from peerflex.runs.area.design_words import in_words
from peerflex.runs.views.activated import Activated, activated_at
from peerflex.runs.views.book import FlexRow, OrderRow, TradeRow, book_at
from peerflex.runs.views.design import groups_in, mediators_in, owner_of, standing_at
from peerflex.runs.views.log import Log, named, numbers, rows_at, time_at, words
from peerflex.scenarios.hints import nearest
from peerflex.scenarios.peer_schema import PeerGroup

OF_ITS_GROUP: Final = "as its group has it; PV that comes with the network's own file is not in the log"
AS_BUILT: Final = "as simulated"
NOT_KNOWN: Final = "not known from the log"


@dataclass(frozen=True, slots=True)
class Assets:
    """What a peer owns; NaN where it is not known. ``note`` says where the figures come from."""

    pv_mw: float
    battery_mwh: float
    battery_mw: float
    generator_mw: float
    boiler_mw: float
    note: str


@dataclass(frozen=True, slots=True)
class Known:
    """What a peer was told before it bid: its voltage one step ago (NaN in the first), and the DSO's word.

    ``relief`` > 0: more injection helps at its bus, < 0: less. Tariffs are the supplier's; the network tariff is what
    it pays the DSO for withdrawal and is paid for injection (0 without one, NaN in logs that do not tell).
    """

    voltage_pu: float
    relief: float
    retail_eur_per_mwh: float
    feed_in_eur_per_mwh: float
    withdrawal_eur_per_mwh: float
    injection_eur_per_mwh: float


@dataclass(frozen=True, slots=True)
class Done:
    """What a peer did in the step, as in the table ``peers`` of the log."""

    load_mw: float
    load_mvar: float
    pv_mw: float
    battery_mw: float
    soc_mwh: float
    contracted_mw: float
    scheduled_mw: float
    metered_mw: float
    voltage_pu: float
    last_resort_mw: float


@dataclass(frozen=True, slots=True)
class MoneyRow:
    """What a peer received for one reason (negative: paid), and the energy it gave for it, in the step and so far."""

    reason: str
    energy_mwh: float
    amount_eur: float
    energy_so_far_mwh: float
    amount_so_far_eur: float


@dataclass(frozen=True, slots=True)
class AgentView:
    """All that there is to see of one peer in one step; ``behaviour`` is the kind its group bids by ('' for none).

    ``mediator`` is who acts for it and as what, ``preference`` with whom it would rather trade, ``quoting`` how it
    chooses the prices it quotes; each in words, '' for none. ``activated`` is None if the flexibility market did not
    want it.
    """

    step: int
    time: datetime
    peer: str
    group: str
    behaviour: str
    bus: str
    assets: Assets
    knew: Known
    did: Done
    orders: tuple[OrderRow, ...]
    trades: tuple[TradeRow, ...]
    flex: tuple[FlexRow, ...]
    money: tuple[MoneyRow, ...]
    mediator: str
    preference: str
    quoting: str
    activated: Activated | None


def agent_at(log: Log, step: int, peer: str, owned: PeerTable | None = None) -> AgentView:
    """Return a peer in a step; ``owned`` is what peers own, where the run is being simulated.

    Raises:
        InputError: if there is no such peer, or the step is not logged.
    """
    manifest = log.manifest
    if peer not in manifest.peers:
        raise InputError("agent", f"there is no peer {peer!r}", nearest(peer, manifest.peers))
    row = manifest.peers.index(peer)
    bus = manifest.peer_bus[row]
    did = rows_at(log, "peers", step)
    stands = standing_at(log, step)
    group = groups_in(log, stands)[row]
    groups = {each.name: each for each in stands.peers}
    its_group, mediator = groups.get(group), mediators_in(log, stands).get(peer)
    book = book_at(log, step)
    flex = tuple(offer for offer in book.flex if offer.peer == peer)
    return AgentView(
        step=step,
        time=time_at(manifest, step),
        peer=peer,
        group=group,
        behaviour=its_group.behaviour.kind if its_group else "",
        bus=manifest.buses[bus],
        assets=_built(owned, row) if owned is not None else _of_group(groups.get(owner_of(manifest, row))),
        knew=Known(
            voltage_pu=float(numbers(rows_at(log, "peers", step - 1), "voltage_pu")[row]) if step else NAN,
            relief=float(numbers(rows_at(log, "buses", step), "relief")[bus]),
            retail_eur_per_mwh=stands.tariffs.retail_eur_per_mwh,
            feed_in_eur_per_mwh=stands.tariffs.feed_in_eur_per_mwh,
            withdrawal_eur_per_mwh=float(numbers(did, "withdrawal_eur_per_mwh")[row]),
            injection_eur_per_mwh=float(numbers(did, "injection_eur_per_mwh")[row]),
        ),
        did=Done(*(float(numbers(did, name)[row]) for name in Done.__dataclass_fields__)),
        orders=tuple(order for order in book.orders if order.peer == peer),
        trades=tuple(trade for trade in book.trades if peer in (trade.seller, trade.buyer)),
        flex=flex,
        money=_money(log, step, peer),
        mediator=f"{mediator.name} ({mediator.role})" if mediator else "",
        preference=in_words(its_group.preference) if its_group and its_group.preference else "",
        quoting=(its_group.quoting or "") if its_group else "",
        activated=activated_at(log, step, row, flex),
    )


def _built(owned: PeerTable, row: int) -> Assets:
    sizes = (owned.pv_mw, owned.battery_mwh, owned.battery_mw, owned.generator_mw, owned.boiler_mw)
    pv_mw, battery_mwh, battery_mw, generator_mw, boiler_mw = (float(size[row]) for size in sizes)
    return Assets(pv_mw, battery_mwh, battery_mw, generator_mw, boiler_mw, AS_BUILT)


def _of_group(group: PeerGroup | None) -> Assets:
    if group is None:
        return Assets(NAN, NAN, NAN, NAN, NAN, NOT_KNOWN)
    generator_mw, boiler_mw = group.generator_kw / KW_PER_MW, group.boiler_kw / KW_PER_MW
    battery_mwh, battery_mw = group.battery_kwh / KW_PER_MW, group.battery_kw / KW_PER_MW
    return Assets(NAN, battery_mwh, battery_mw, generator_mw, boiler_mw, OF_ITS_GROUP)


def _money(log: Log, step: int, peer: str) -> tuple[MoneyRow, ...]:
    ledger = log.rows("ledger", 0, step)
    gives, takes = named(ledger, "giver", peer), named(ledger, "taker", peer)
    sign = gives.astype(np.int64) - takes.astype(np.int64)
    mine = np.flatnonzero(sign)
    own, sign = ledger.take(pa.array(mine)), sign[mine]
    energy, amount = sign * numbers(own, "energy_mwh"), sign * numbers(own, "amount_eur")
    now, reasons = numbers(own, "step") == step, np.array(words(own, "reason"), dtype=object)
    return tuple(
        MoneyRow(
            str(reason),
            float(energy[now & (reasons == reason)].sum()),
            float(amount[now & (reasons == reason)].sum()),
            float(energy[reasons == reason].sum()),
            float(amount[reasons == reason].sum()),
        )
        for reason in dict.fromkeys(reasons)
    )
