"""Money, and the record of a step: what the log is made of."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from peerflex.core.arrays import Bools, Floats, Ints, Rows, floats, ints
from peerflex.core.frequency import FrequencyState
from peerflex.core.last_resort import NO_LAST_RESORT, Dues, LastResort
from peerflex.core.messages import KINDS
from peerflex.core.network import GridState, Injections, Violations
from peerflex.core.people import PeerState, Plan
from peerflex.core.regulation import NO_REGULATION, Regulation
from peerflex.core.settled import NOTHING_SETTLED, Settled
from peerflex.core.trade import NAN, FlexNeed, FlexOffers, FlexResult, MarketResult, Orders, Signal, TradeTerms

OVERFLOW_TOLERANCE_MVA: Final = 1e-7
"""A branch is congested when it carries more above its limit: a tenth of a watt is rounding."""


@dataclass(frozen=True, slots=True)
class Tariffs:
    """What energy costs outside the local markets, in EUR/MWh.

    The supplier sells at ``retail`` and buys at ``feed_in``; it trades with the upstream grid at ``wholesale``,
    at which the DSO also buys the losses. What a peer delivers other than scheduled is settled at retail
    raised or feed-in lowered by the fraction ``imbalance_spread``. ``interface`` settles the residual of a
    flexibility market between DSO and supplier. For what its customers did other than announced, together, the
    supplier pays upstream ``wholesale_imbalance_spread`` of the wholesale price.
    """

    retail_eur_per_mwh: float
    feed_in_eur_per_mwh: float
    wholesale_eur_per_mwh: float
    imbalance_spread: float
    interface_eur_per_mwh: float
    wholesale_imbalance_spread: float = 0.0


@dataclass(frozen=True, slots=True)
class Ledger(Rows):
    """Who gave energy to whom and was paid for it: ``giver`` and ``taker`` are party numbers.

    Parties are peers (their row) and then the roles of ``core.parties``. ``energy_mwh`` flows from giver to
    taker, ``amount_eur`` from taker to giver; both may be negative. ``reason`` is a ``core.parties.Reason``.
    """

    giver: Ints
    taker: Ints
    reason: Ints
    energy_mwh: Floats
    amount_eur: Floats


@dataclass(frozen=True, slots=True)
class Event:
    """Something out of the ordinary, with its defined consequence."""

    kind: str
    where: str
    what: str
    consequence: str


@dataclass(frozen=True, slots=True)
class MessageBatch:
    """``count`` messages of one kind between two roles in one step; ``kind`` names a type of ``core.messages``."""

    kind: str
    sender: str
    receiver: str
    count: int

    @property
    def fields(self) -> str:
        """What every message of the batch discloses."""
        return ", ".join(KINDS[self.kind].fields)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the DSO's own model of the network says before it buys flexibility.

    ``forecast`` is the state before anybody trades, ``traded`` the one that announced trades and schedules lead to.
    ``overflow_mva`` ``(branches,)`` is what ``traded`` has above each branch's limit and ``limit_mva`` that limit (MW
    in linear physics); ``worsened`` marks the branches at risk in the forecast that trading loads further in the same
    direction, ``unprotected`` those that the DSO's incentive did not speak for (None: it never names branches).
    """

    forecast: GridState
    traded: GridState
    overflow_mva: Floats
    limit_mva: Floats
    worsened: Bools
    unprotected: Bools | None = None

    @property
    def congested(self) -> Bools:
        return self.overflow_mva > OVERFLOW_TOLERANCE_MVA

    @property
    def congested_count(self) -> int:
        return int(np.count_nonzero(self.congested))

    @property
    def worsened_count(self) -> int:
        return int(np.count_nonzero(self.worsened))

    @property
    def unprotected_overflow_mva(self) -> Floats:
        """The overflow of branches that the DSO's incentive did not speak for ``(branches,)``; NaN if it never does."""
        if self.unprotected is None:
            return np.full(len(self.overflow_mva), NAN)
        return np.where(self.unprotected, self.overflow_mva, 0.0)

    @property
    def unprotected_count(self) -> float:
        return NAN if self.unprotected is None else float(np.count_nonzero(self.congested & self.unprotected))

    @property
    def overflow_average_mva(self) -> float:
        """The overflow of congested branches, averaged by their limits (D5.3, Table 7); 0 without any."""
        rows = self.congested & np.isfinite(self.limit_mva)
        return float(np.average(self.overflow_mva[rows], weights=self.limit_mva[rows])) if rows.any() else 0.0


@dataclass(frozen=True, slots=True)
class Effort:
    """What it took the DSO's service to come to terms: ``clearings`` of the market, ``flows`` of the DSO's model.

    ``settled``: the trades stand as they are; nobody is forced, and no limit that the service keeps is violated.
    ``called_share`` is the largest share of load or generation that the DSO called on (0: it did not call).
    """

    settled: bool
    clearings: int
    flows: int
    called_share: float = 0.0


@dataclass(frozen=True, slots=True)
class Agreement:
    """What peers and the DSO came to, before flexibility is bought: bids, trades, and what the wires will do.

    ``terms`` are those on which the trades were made; ``reactive_mvar`` ``(peers,)`` is what the DSO has peers give
    beside their own reactive power. ``expected`` is the state of the DSO's model that this leads to.
    """

    plan: Plan
    result: MarketResult
    terms: TradeTerms
    reactive_mvar: Floats
    expected: GridState
    effort: Effort


@dataclass(frozen=True, slots=True)
class Mediation:
    """What peers owe their mediators, ``fee_eur_per_h`` ``(peers,)``, and what the market operator saw of all offers.

    ``rejected`` counts those that were too small for it. Its monitor found an activated
    one ``ask_excess_eur_per_mwh`` above the next of others (NaN: no such, or no monitor), and may have ``flagged`` the
    step.
    """

    fee_eur_per_h: Floats
    rejected: int = 0
    ask_excess_eur_per_mwh: float = NAN
    flagged: bool = False


@dataclass(frozen=True, slots=True)
class Beliefs:
    """What would be injected at the buses if things went as they should: the last to be known first.

    ``kept``: peers moved all that they had sold. ``announced``: they did as announced. ``expected``: so did all others,
    as the DSO's forecast has them. ``untraded``: the same, of which no trade moves anything.
    """

    kept: Injections
    announced: Injections
    expected: Injections
    untraded: Injections


_NOTHING: Final = Injections(floats(0), floats(0))
NO_BELIEFS: Final = Beliefs(_NOTHING, _NOTHING, _NOTHING, _NOTHING)
"""Where nobody asks why a limit was not kept."""


@dataclass(frozen=True, slots=True)
class Decision:
    """All that was decided before physics (steps 1 to 7 of the hour). Peer columns have shape ``(peers,)``.

    ``load_mw``, ``load_mvar``, ``pv_mw``, ``battery_mw`` are as delivered, so that the injection of a peer is ``pv_mw
    + battery_mw - load_mw``; ``contracted_mw`` is what it sold (positive) or bought in P2P and flexibility;
    ``scheduled_mw`` what it announced to inject, trades and activations included, and ``baseline_mw`` without the
    flexibility market's activations; these are settled against ``history_baseline_mw``, what meters of the days before
    say (None: nothing). ``regulation`` is what the TSO asked for and got, ``beliefs`` what was to come of it all. The
    last ``day_ahead`` orders were made then. ``undelivered_mw`` is what ``failing`` peers (None: nobody) did not move
    on balance, ``lfm_undelivered_mw`` what they lack of the flexibility market's activations. ``mediation`` is None
    where nobody mediates or monitors, and no offer of flexibility can be too small. ``preferred_mw`` is what was traded
    as one of its sides wished (NaN: nobody wishes anything).
    """

    step: int
    outlook: Outlook
    signal: Signal
    orders: Orders
    result: MarketResult
    need: FlexNeed
    offers: FlexOffers
    flex: FlexResult
    load_mw: Floats
    load_mvar: Floats
    pv_mw: Floats
    battery_mw: Floats
    contracted_mw: Floats
    scheduled_mw: Floats
    baseline_mw: Floats
    peers: PeerState
    injections: Injections
    messages: tuple[MessageBatch, ...]
    events: tuple[Event, ...] = field(default=())
    effort: Effort = Effort(True, 1, 1)
    regulation: Regulation = NO_REGULATION
    undelivered_mw: float = 0.0
    lfm_undelivered_mw: float = 0.0
    beliefs: Beliefs = NO_BELIEFS
    day_ahead: int = 0
    last_resort: LastResort = NO_LAST_RESORT
    dues: Dues | None = None
    mediation: Mediation | None = None
    failing: Bools | None = None
    preferred_mw: float = NAN
    history_baseline_mw: Floats | None = None


@dataclass(frozen=True, slots=True)
class HourRecord:
    """One step, whole: what was decided, what the wires did, who paid whom. The log is made of these.

    ``metered_mw`` is what each peer's meter saw ``(peers,)``. ``external`` is what other simulators coupled to
    the buses injected. ``diagnostic`` is the AC state in linear physics, else None. ``delivered_mw`` is what the
    upstream meter saw of the TSO's regulation (> 0: up), ``frequency`` what the area's did (None: not simulated).
    ``beyond_mw`` is what peers beyond the transformer injected. ``causes`` are row by row as the violations
    (``core.causes``). ``settled`` is what the ledger comes to for imbalance and flexibility.
    """

    decision: Decision
    state: GridState
    metered_mw: Floats
    diagnostic: GridState | None
    external: Injections
    violations: Violations
    ledger: Ledger
    messages: tuple[MessageBatch, ...]
    events: tuple[Event, ...]
    delivered_mw: float = 0.0
    frequency: FrequencyState | None = None
    beyond_mw: float = 0.0
    causes: Ints = field(default_factory=lambda: ints(0))
    settled: Settled = NOTHING_SETTLED

    @property
    def interface_mw(self) -> float:
        """What comes from the upstream grid: what flows into the network, and what peers beyond it sell elsewhere."""
        return self._interface_mw(self.state)

    @property
    def diagnostic_interface_mw(self) -> float:
        """The same by the AC diagnostic; NaN in AC physics, which has none."""
        return NAN if self.diagnostic is None else self._interface_mw(self.diagnostic)

    def _interface_mw(self, state: GridState) -> float:
        return state.exchange_mw + self.beyond_mw if self.beyond_mw else state.exchange_mw
