"""What a scenario file may say: every key with its unit, meaning, default and plausible range.

Components (behaviours, markets) are only collected here, as ``{kind, parameters}``: ``peerflex.runs.area.build``
knows which kinds there are and which parameters each takes.
"""

from datetime import datetime
from itertools import pairwise
from typing import Final, Literal, Self

from pydantic import Field, JsonValue, model_validator

from peerflex.core.units import MINUTES_PER_HOUR, SECONDS_PER_MINUTE
from peerflex.scenarios.fields import SINCE, Error, Factor, Section, Slug, Start, VoltageLimit, wrong
from peerflex.scenarios.market_schema import MarketDesign
from peerflex.scenarios.mediator_schema import Mediator
from peerflex.scenarios.peer_schema import PeerGroup
from peerflex.scenarios.system_schema import Multiple, Population, Ratings, Units
from peerflex.scenarios.tariff_schema import Delivery, TariffRates
from peerflex.scenarios.tso_schema import Frequency, Tso, check_together

CUSTOMERS: Final = "customers"
"""The group of those who only deal with the supplier."""

FIXED: Final = frozenset({"name", "time", "seed", "changes", "reference"})
"""What a run is known by, so that no hour of it can have another."""


class Grid(Section):
    """The network, and how far it is electrified."""

    source: Literal["simbench", "bundled", "pandapower", "matpower"] = Field(description="where the network comes from")
    code: str | None = Field(default=None, description="SimBench code, or name of a bundled network")
    path: str | None = Field(default=None, description="pandapower JSON or MATPOWER file, in the scenario's folder")
    demand_factor: Factor = Field(default=1.0, description="every load is multiplied by this")
    pv_factor: Factor = Field(default=1.0, description="every PV system of the network is multiplied by this")
    ratings: Ratings | None = Field(default=None, description="branch ratings drawn to congest it")
    line_impedance_factor: Multiple = Field(
        default=1.0, description="every line's impedance is multiplied by this", json_schema_extra=SINCE
    )
    line_rating_factor: Multiple = Field(
        default=1.0, description="what every line may carry is multiplied by this", json_schema_extra=SINCE
    )
    trafo_rating_factor: Multiple = Field(
        default=1.0, description="what every transformer may carry is multiplied by this", json_schema_extra=SINCE
    )

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        needed, other = ("code", "path") if self.source in ("simbench", "bundled") else ("path", "code")
        if getattr(self, needed) is None:
            raise wrong(needed, f"is missing: source {self.source!r} needs it", f"Add grid.{needed}.")
        if getattr(self, other) is not None:
            raise wrong(other, f"is not for source {self.source!r}", f"Leave it out (or null) and use grid.{needed}.")
        return self


class Time(Section):
    """Which hours are simulated, and in which steps."""

    start: Start = Field(
        default=datetime(2016, 1, 1), description="date, or date and time, of the first step (no time zone)"
    )
    hours: int = Field(default=24, ge=1, le=87_840, description="hours to simulate, whatever the step")
    step_minutes: Literal[15, 30, 60] = Field(default=60, description="length of a step in minutes")

    @property
    def steps(self) -> int:
        return self.hours * MINUTES_PER_HOUR // self.step_minutes

    @property
    def step_s(self) -> int:
        return self.step_minutes * SECONDS_PER_MINUTE

    @model_validator(mode="after")
    def _whole_steps(self) -> Self:
        if self.start.minute % self.step_minutes or self.start.second or self.start.microsecond:
            what = f"{self.start.isoformat()} is not the beginning of a {self.step_minutes}-minute step"
            raise wrong("start", what, "Start at a full step, e.g. a full hour.")
        return self


class ProfileSource(Section):
    """What load and PV do over time."""

    source: Literal["grid", "csv", "shapes", "steady"] = Field(
        default="grid",
        description="the network's own year, CSV files, bundled shapes of a day, or the network's own values, steady",
    )
    load: str | None = Field(default=None, description="CSV file in the scenario's folder, or name of a bundled shape")
    pv: str | None = Field(
        default=None, description="the same for PV; without it the network's PV systems generate nothing"
    )
    unit: Literal["kW", "MW"] = Field(default="kW", description="unit of CSV columns named after connections")

    @model_validator(mode="after")
    def _load_is_named(self) -> Self:
        if self.source in ("grid", "steady"):
            for name in ("load", "pv"):
                if getattr(self, name) is not None:
                    raise wrong(
                        name, f"is not for source {self.source!r}", "Leave it out, or use source csv or shapes."
                    )
        elif self.load is None:
            raise wrong("load", f"is missing: source {self.source!r} needs it", "Add profiles.load.")
        return self


class Dso(Section):
    """What the DSO must keep, knows, and says."""

    voltage_pu: tuple[VoltageLimit, VoltageLimit] = Field(
        default=(0.95, 1.05), description="lowest and highest bus voltage"
    )
    loading: float = Field(
        default=1.0, ge=0.1, le=2, description="highest loading of lines and transformers (1.0: the rating)"
    )
    at_risk_loading: float = Field(
        default=0.8, ge=0, le=2, description="share of a limit from which an element is at risk"
    )
    publishes: Literal["at-risk", "nothing"] = Field(
        default="at-risk", description="what the DSO says before peers bid"
    )
    model_error: float = Field(
        default=0.0,
        ge=0,
        le=0.5,
        description="relative standard deviation of branch impedances in the DSO's network model",
    )
    forecast_error: Error = Field(
        default=0.0, description="relative standard deviation of the DSO's load and PV forecast"
    )
    lfm_rounds: int = Field(default=20, ge=1, le=100, description="most rounds of buying flexibility and checking")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        low, high = self.voltage_pu
        if low >= high:
            raise wrong("voltage_pu", f"{low} is not below {high}", "Give the lowest, then the highest voltage.")
        return self


class Change(Section):
    """What is different from an hour on."""

    hour: float = Field(ge=0, le=87_840, description="from when on, in hours from the start: a whole number of steps")
    set: dict[str, JsonValue] = Field(
        min_length=1, description="what then changes, written as in a scenario that extends this one"
    )


class Scenario(Section):
    """One run: a grid, peers, behaviours, a market design, a horizon, a seed."""

    name: Slug = Field(description="short name, also of the results' folder")
    title: str = Field(default="", max_length=200, description="one line for people")
    description: str = Field(default="", max_length=5000, description="what it shows, and what was calibrated")
    grid: Grid = Field(description="the network")
    time: Time = Field(default=Time(), description="which hours")
    profiles: ProfileSource = Field(default=ProfileSource(), description="load and PV over time")
    peers: tuple[PeerGroup, ...] = Field(
        default=(), description="groups; all other connections are the supplier's customers only"
    )
    agents: dict[str, str] = Field(
        default={},
        description="single peers by name, and the group in whose way each bids ('customers': not at all)",
        json_schema_extra=SINCE,
    )
    population: Population | None = Field(
        default=None, description="connections with listed prices in place of the network's own"
    )
    units: Units | None = Field(
        default=None,
        description="the units of a calibrated day in place of the network's own connections",
        json_schema_extra=SINCE,
    )
    mediators: tuple[Mediator, ...] = Field(
        default=(), description="who stands between peers and markets", json_schema_extra=SINCE
    )
    market: MarketDesign = Field(default=MarketDesign(), description="the markets")
    physics: Literal["ac", "linear"] = Field(default="ac", description="AC power flow, or the lossless linear one")
    diagnostic: Literal["ac", "none"] = Field(default="ac", description="what is solved beside linear physics")
    dso: Dso = Field(default=Dso(), description="the distribution system operator")
    tariffs: TariffRates = Field(default=TariffRates(), description="prices outside the local markets")
    delivery: Delivery = Field(default=Delivery(), description="forecast against delivery")
    frequency: Frequency | None = Field(
        default=None, description="the synchronous area and what disturbs it", json_schema_extra=SINCE
    )
    tso: Tso | None = Field(
        default=None, description="the TSO that buys regulation from peers", json_schema_extra=SINCE
    )
    reference: Literal["no-market", "none"] = Field(
        default="none", description="also simulate the same without any market"
    )
    changes: tuple[Change, ...] = Field(
        default=(), description="what changes in the middle of the run, in the order of time", json_schema_extra=SINCE
    )
    seed: int = Field(default=1, ge=0, le=2**63 - 1, description="of every random draw")

    @model_validator(mode="after")
    def _groups_fit(self) -> Self:
        names = sorted(group.name for group in self.peers)
        for name, following in pairwise(names):
            if name == following:
                raise wrong("peers", f"two groups are called {name!r}", "Give every group a name of its own.")
        total = sum(group.share_of_connections or 0.0 for group in self.peers)
        if total > 1 + 1e-9:
            what = f"share_of_connections adds up to {total:g}, more than all connections"
            raise wrong("peers", what, "Lower the shares until they add up to at most 1.")
        return self

    @model_validator(mode="after")
    def _mediators_differ(self) -> Self:
        names = [each.name for each in self.mediators]
        for row, name in enumerate(names):
            if name in names[:row]:
                what = f"another mediator is called {name!r}, too"
                raise wrong(f"mediators.{row}.name", what, "Give every mediator a name of its own.")
        return self

    @model_validator(mode="after")
    def _agents_have_a_group(self) -> Self:
        names = [group.name for group in self.peers]
        for agent, group in self.agents.items():
            if group not in names and group != CUSTOMERS:
                known = ", ".join([*names, CUSTOMERS])
                raise wrong(f"agents.{agent}", f"there is no group {group!r}", f"Name one of: {known}.")
        return self

    @model_validator(mode="after")
    def _changes_are_in_order(self) -> Self:
        last = 0.0
        for row, change in enumerate(self.changes):
            field = f"changes.{row}.hour"
            if change.hour * MINUTES_PER_HOUR % self.time.step_minutes:
                what = f"{change.hour:g} is not the beginning of a {self.time.step_minutes}-minute step"
                raise wrong(field, what, "Give a whole number of steps, in hours.")
            if change.hour >= self.time.hours:
                raise wrong(field, f"{change.hour:g} is not before the end of the run", "Give an earlier hour.")
            if change.hour < last:
                raise wrong(field, f"{change.hour:g} is before the change above it", "Write changes in order of time.")
            last = change.hour
            for key in change.set:
                if key in FIXED:
                    what = f"{key!r} cannot change in the middle of a run"
                    raise wrong(f"changes.{row}.set.{key}", what, "Simulate another scenario with it instead.")
        return self

    @model_validator(mode="after")
    def _system_fits(self) -> Self:
        names = tuple(group.name for group in self.peers)
        check_together(self.frequency, self.tso, self.time.step_s, self.units is not None, names)
        return self

    @model_validator(mode="after")
    def _units_are_there(self) -> Self:
        for row, group in enumerate(self.peers):
            if group.of_units is not None and self.units is None:
                raise wrong("units", f"is missing: group {row} is made of them", "Add units: {day: tso-dso-day}.")
            if self.units is not None and group.of_units is None and group.upstream_mw is None:
                what = f"group {group.name!r} names no units, and a calibrated day has nothing else"
                raise wrong("peers", what, "Give it of_units, or upstream_mw.")
        return self

    @model_validator(mode="after")
    def _population_fits(self) -> Self:
        stress = self.grid.ratings is not None and self.grid.ratings.stress is not None
        parts = sorted(str(group.of_population) for group in self.peers if group.upstream_mw is None)
        if self.population is None:
            if set(parts) & {"traders", "providers"}:
                raise wrong("population", "is missing: a group is part of it", "Add population, or give a share.")
            if stress:
                raise wrong("population", "is missing: grid.ratings.stress needs it", "Add it, or leave out stress.")
        elif parts != ["providers", "traders"]:
            what = "are not one group of the population's traders and one of its providers"
            raise wrong("peers", what, "Give two groups, with of_population: traders and of_population: providers.")
        return self
