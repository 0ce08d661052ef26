"""An area ready to be simulated: everything that does not change from hour to hour."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from peerflex.agents.mediator import MediatorSettings
from peerflex.agents.monitor import Monitor
from peerflex.agents.regulation import Bid, Need
from peerflex.core.arrays import Bools, Floats
from peerflex.core.network import Limits
from peerflex.core.people import PeerState, PeerTable, Profiles
from peerflex.core.protocols import Behaviour, FlexMarket, Grid, Incentive, Market, NetworkTariff, Service
from peerflex.core.record import Event, Tariffs
from peerflex.core.regulation import System
from peerflex.core.trade import Wishes
from peerflex.core.units import HOURS_PER_DAY, SECONDS_PER_HOUR
from peerflex.markets.preferences import Preference
from peerflex.markets.responsibility import EACH_ITS_OWN, Responsibility

if TYPE_CHECKING:
    from peerflex.runs.stages.sequences import Sequence


Session = Literal["day-ahead", "intraday"]


@dataclass(frozen=True, slots=True)
class DsoSettings:
    """What the DSO believes and says: its model of the network, its forecast error, when it worries, and what it
    says about trades before they are made."""

    grid: Grid
    forecast_error: float
    at_risk: float
    publishes: bool
    lfm_rounds: int
    incentive: Incentive


@dataclass(frozen=True, slots=True)
class TsoSettings:
    """What the TSO wants, how it bids, and which peer's row is its virtual load."""

    need: Need
    bid: Bid
    peer: int


@dataclass(frozen=True, slots=True)
class Area:
    """One scenario, resolved: ``runs.area.build`` makes it, the hour reads it, nobody changes it.

    ``sequence`` holds the markets of an hour in their order. ``behaviours`` and ``behaviour_names`` are in the order
    of ``peers.behaviour``, and so are ``fails``, the probabilities that a peer does not move in a step what it sold
    (none: nobody fails), and ``preferences``, of which ``wishes`` are what everybody gains by whom it trades with.
    ``grid`` is the physics of the scenario and ``diagnostic`` the AC flow beside it in linear physics, else None.
    ``forecast_error`` is the peers' own, relative. ``steps`` is the horizon. Peers at
    ``upstream_bus`` (-1: none) are beyond the network, of which the last ``n_beyond`` are no connections of it;
    ``system`` is the synchronous area it belongs to and ``tso`` who buys regulation, None if there is none.
    ``mediators`` stand between peers and markets, ``monitor`` is how the flexibility market operator looks for abuse.
    ``responsibility`` is who answers for imbalance and activated energy, ``lfm_buses`` ``(buses,)`` where flexibility
    is offered (None: everywhere).
    ``last_resort`` is what the DSO has after both markets (None: nothing), ``standing_eur_per_h`` ``(peers,)`` what it
    pays for agreements and contracts (None: nothing), ``network_tariff`` what it charges for using the network, None if
    that does not depend on time and place. The first step begins at ``first_hour`` of the day.
    Peers trade in ``sessions``, in their order; day-ahead they err by ``day_ahead_error``.
    It is so ``since`` a step, at which ``changed`` says what became different.
    """

    peers: PeerTable
    start: PeerState
    profiles: Profiles
    behaviours: tuple[Behaviour, ...]
    behaviour_names: tuple[str, ...]
    market: Market
    service: Service
    flex_market: FlexMarket
    grid: Grid
    diagnostic: Grid | None
    sequence: "Sequence"
    limits: Limits
    dso: DsoSettings
    tariffs: Tariffs
    forecast_error: float
    seed: int
    steps: int
    step_s: int
    upstream_bus: int = -1
    n_beyond: int = 0
    system: System | None = None
    tso: TsoSettings | None = None
    since: int = 0
    changed: tuple[Event, ...] = ()
    fails: tuple[float, ...] = ()
    preferences: tuple[Preference | None, ...] = ()
    wishes: Wishes | None = None
    sessions: tuple[Session, ...] = ("intraday",)
    day_ahead_error: float = 0.0
    mediators: tuple[MediatorSettings, ...] = ()
    monitor: Monitor | None = None
    responsibility: Responsibility = EACH_ITS_OWN
    lfm_buses: Bools | None = None
    last_resort: FlexMarket | None = None
    standing_eur_per_h: Floats | None = None
    network_tariff: NetworkTariff | None = None
    first_hour: float = 0.0

    @property
    def hours(self) -> float:
        """Length of one step in hours."""
        return self.step_s / SECONDS_PER_HOUR

    @property
    def steps_a_day(self) -> int:
        return HOURS_PER_DAY * SECONDS_PER_HOUR // self.step_s
