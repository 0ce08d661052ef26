"""One customer. It reads like a person and holds nothing but its row: the columns belong to the model."""

from typing import Protocol

import mesa
import numpy as np

from peerflex.core.people import PeerState, PeerTable
from peerflex.core.record import Decision, HourRecord
from peerflex.core.trade import Orders, Trades


class Columns(Protocol):
    """What a peer reads: the model that owns the columns."""

    peers: PeerTable
    state: PeerState
    decision: Decision | None
    record: HourRecord | None
    behaviour_names: tuple[str, ...]


class Peer(mesa.Agent):
    """A connection of the area: what it owns, what it offered, what it did in the last step."""

    def __init__(self, model: mesa.Model, row: int) -> None:
        super().__init__(model)
        self.row = row

    @property
    def _columns(self) -> Columns:
        columns: Columns = self.model
        return columns

    @property
    def name(self) -> str:
        return self._columns.peers.name[self.row]

    @property
    def bus(self) -> int:
        return int(self._columns.peers.bus[self.row])

    @property
    def behaviour(self) -> str:
        """The name of its behaviour; 'customer' buys from and sells to the supplier only."""
        kind = int(self._columns.peers.behaviour[self.row])
        return "customer" if kind < 0 else self._columns.behaviour_names[kind]

    @property
    def battery_mwh(self) -> float:
        return float(self._columns.peers.battery_mwh[self.row])

    @property
    def soc_mwh(self) -> float:
        """What is stored now."""
        return float(self._columns.state.soc_mwh[self.row])

    @property
    def orders(self) -> Orders:
        """What it offered in the last step."""
        decision = self._columns.decision
        return Orders.empty() if decision is None else decision.orders.take(decision.orders.peer == self.row)

    @property
    def trades(self) -> Trades:
        """What it traded in the last step, as seller or buyer."""
        decision = self._columns.decision
        if decision is None:
            return Trades.empty()
        trades = decision.result.trades
        return trades.take((trades.seller == self.row) | (trades.buyer == self.row))

    @property
    def income_eur(self) -> float:
        """What the last step brought it (negative: cost)."""
        record = self._columns.record
        if record is None:
            return 0.0
        ledger = record.ledger
        return float(np.sum(ledger.amount_eur, where=ledger.giver == self.row)) - float(
            np.sum(ledger.amount_eur, where=ledger.taker == self.row)
        )

    def __repr__(self) -> str:
        return f"<Peer {self.name}: {self.behaviour} at bus {self.bus}, {self.soc_mwh * 1000:.1f} kWh stored>"
